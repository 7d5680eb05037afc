"""What a progress update and a group's count cost with Celery, BullMQ and Headway, in one run on one machine.

Usage: peers.py HEADWAY [SECONDS]   (`make bench-peers` installs Celery and BullMQ from PyPI and calls this)

Each row speaks to the same kind of private redis-server (unix socket, no persistence). Updates of the peers are
stored when their call returns; Headway's count when an aggregator has folded and committed them.
"""

import asyncio
import binascii
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import redis

HEADWAY = os.path.abspath(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
MEMBERS = 10_000
folder = tempfile.mkdtemp(prefix="headway-peers-")
socket = f"{folder}/redis.sock"


def row(name, value, unit):
    print(f"{name:<72}{value:>12,.1f} {unit}", flush=True)


def wait(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    raise SystemExit(f"{what} did not happen within {seconds:.0f} s")


def during(step):
    """Calls `step` for SECONDS; returns calls a second."""
    start = time.perf_counter()
    count = 0
    while time.perf_counter() - start < SECONDS:
        step(count)
        count += 1
    return count / (time.perf_counter() - start)


def limit():
    text = subprocess.run(
        ["redis-benchmark", "-s", socket, "-n", "300000", "-P", "50", "-c", "1", "--csv", "XADD", "limit", "*",
         "type", "stage.progressed", "subject", "job-1", "attempt", "1", "stage", "work", "done", "3", "total", "10"],
        check=True, capture_output=True, text=True).stdout
    # "name","requests a second",…
    row("raw pipelined XADD (redis-benchmark -P 50), the limit", float(text.splitlines()[-1].split('","')[1]), "/s")


def celery():
    from celery import Celery
    from celery.result import GroupResult

    app = Celery("peer", backend=f"redis+socket://{socket}", broker=f"redis+socket://{socket}")

    @app.task(bind=True)
    def work(self):
        pass

    row("Celery: update_state(PROGRESS), one after the other", during(
        lambda n: work.update_state(task_id=f"t-{n % 100}", state="PROGRESS", meta={"done": n, "total": 10})), "/s")
    ids = [f"member-{n}" for n in range(MEMBERS)]
    for name in ids:
        app.backend.store_result(name, None, "SUCCESS")
    group = GroupResult("group", [app.AsyncResult(name) for name in ids])
    times = []
    for _ in range(3):
        start = time.perf_counter()
        count = GroupResult("group", [app.AsyncResult(name) for name in ids]).completed_count()
        times.append((time.perf_counter() - start) * 1000)
        assert count == MEMBERS, count
    row(f"Celery: GroupResult.completed_count() of {len(group.children):,}", statistics.median(times), "ms")


def bullmq():
    from bullmq import Queue

    async def run():
        queue = Queue("peer", {"connection": redis.asyncio.Redis(unix_socket_path=socket, decode_responses=True)})
        jobs = [await queue.add("work", {}) for _ in range(50)]
        start = time.perf_counter()
        count = 0
        while time.perf_counter() - start < SECONDS:
            await jobs[count % 50].updateProgress({"done": count, "total": 10})
            count += 1
        row("BullMQ (Python): updateProgress, one after the other", count / (time.perf_counter() - start), "/s")
        start = time.perf_counter()
        count = 0
        while time.perf_counter() - start < SECONDS:
            await asyncio.gather(*(job.updateProgress({"done": count, "total": 10}) for job in jobs))
            count += 50
        row("BullMQ (Python): updateProgress, 50 at a time", count / (time.perf_counter() - start), "/s")
        await queue.close()

    import redis.asyncio
    asyncio.run(run())


def headway():
    client = redis.Redis(unix_socket_path=socket)
    pipelines = f"{folder}/task.json"
    with open(pipelines, "w") as file:
        json.dump({"name": "task", "stages": [{"id": "work", "range": [0, 100]}]}, file)
    url = f"unix://{socket}"
    up = subprocess.Popen([HEADWAY, "up", "--redis", url, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    try:
        address = up.stdout.readline().split()[-1].rstrip("/")
        subprocess.run([HEADWAY, "pipelines", "apply", pipelines, "--redis", url], check=True, capture_output=True)
        partitions = int(client.hget("hw:config", "partitions"))

        def entry(type, subject, **fields):
            partition = binascii.crc_hqx(subject.encode(), 0) % partitions
            return "hw:{%d}:events" % partition, {"type": type, "subject": subject, **fields}

        def consumed():
            return sum(int(client.hget("hw:{%d}:control" % p, "consumed") or 0) for p in range(partitions))

        def waitFolded(count):
            wait("the fold", lambda: consumed() >= count)

        for n in range(100):
            client.xadd(*entry("job.started", f"t-{n}", attempt=1, pipeline="task"))
        total = 100
        waitFolded(total)
        for size, name in ((1, "one after the other"), (50, "50 in a pipeline")):
            start = time.perf_counter()
            sent = 0
            while time.perf_counter() - start < SECONDS:
                pipe = client.pipeline(transaction=False)
                for n in range(sent, sent + size):
                    pipe.xadd(*entry("stage.progressed", f"t-{n % 100}", attempt=1, stage="work", done=n, total=10**9))
                pipe.execute()
                sent += size
            total += sent
            waitFolded(total)
            row(f"Headway: XADD from Python, {name}, until folded", sent / (time.perf_counter() - start), "/s")
        for first in range(0, MEMBERS, 500):
            pipe = client.pipeline(transaction=False)
            for n in range(first, first + 500):
                pipe.xadd(*entry("job.started", f"member-{n}", attempt=1, pipeline="task", bulk="group"))
                pipe.xadd(*entry("job.completed", f"member-{n}", attempt=1))
            pipe.execute()
        total += 2 * MEMBERS
        waitFolded(total)
        times = []
        for _ in range(50):
            start = time.perf_counter()
            with urllib.request.urlopen(f"{address}/v1/bulks/group") as answer:
                body = json.load(answer)
            times.append((time.perf_counter() - start) * 1000)
            assert body["counts"]["completed"] == MEMBERS, body["counts"]
        row(f"Headway: GET /v1/bulks/… of {MEMBERS:,}", statistics.median(times), "ms")
    finally:
        up.terminate()
        up.wait(timeout=20)


server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no",
                           "--dir", folder], stdout=subprocess.DEVNULL)
try:
    wait("redis-server", lambda: os.path.exists(socket))
    print(f"one redis-server without persistence, unix socket; {os.cpu_count()} cores; one run", flush=True)
    limit()
    for part in (celery, bullmq, headway):
        redis.Redis(unix_socket_path=socket).flushall()
        part()
finally:
    server.terminate()
    server.wait(timeout=20)
sys.stdout.flush()
os._exit(0)  # Celery's results would look for the server once more
