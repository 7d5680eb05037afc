"""A real `headway up` of the tests' own, and workers that speak to it through Redis as any language would."""

import binascii
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("HEADWAY_BINARY", ROOT / ".build/debug/headway")).resolve()
OUT = ROOT / "out/browser"


def eventually(condition, within=20.0, pause=0.05):
    """The first true answer; fails when there is none in time. A busy machine of two cores is allowed for."""
    end = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s")
        time.sleep(pause)


def patience():
    """How much slower than an idle machine this one may be now: figures are held to that much more."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class House:
    """`headway up` with its private Redis on a free port; stopped and removed at the end."""

    def __init__(self, *options):
        self.options = options
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="headway-browser-"))
        self.port = 0
        self.process = None
        self.children = []
        self.start()
        self.redis = redis.Redis(unix_socket_path=str(self.state / "redis.sock"))

    def start(self):
        self.log = open(self.state / "up.log", "w+")
        self.process = subprocess.Popen(
            [BINARY, "up", "--state", self.state, "--listen", f"127.0.0.1:{self.port}", *self.options],
            stdout=self.log, stderr=subprocess.STDOUT)
        path = self.state / "up.log"
        found = eventually(lambda: re.search(r"is up: http://127\.0\.0\.1:(\d+)/", path.read_text()))
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}/"

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(30)

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                child.wait()
        if self.process.poll() is not None:
            # Whoever was killed has left its Redis behind; the next adopts it and takes it along.
            self.start()
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)

    @property
    def environment(self):
        path = f"{BINARY.parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "HEADWAY_REDIS": f"unix://{self.state}/redis.sock"}

    def run(self, *arguments):
        return subprocess.run([BINARY, *arguments], env=self.environment, capture_output=True, text=True, timeout=60)

    def begin(self, *arguments):
        """A command of the same Redis, killed at the latest with the house; what it says is kept in its `log`."""
        log = self.state / f"{arguments[0]}-{len(self.children)}.log"
        with log.open("w") as file:
            child = subprocess.Popen([BINARY, *arguments], env=self.environment, stdout=file, stderr=subprocess.STDOUT)
        child.log = log
        self.children.append(child)
        return child

    def serve(self):
        """The read API and the dashboard in a process of their own; their address."""
        log = self.begin("serve", "--listen", "127.0.0.1:0").log
        found = eventually(lambda: re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text()))
        return f"http://127.0.0.1:{found[1]}/"

    # What the API says

    def get(self, path, at=None):
        """The JSON, also of a problem."""
        try:
            with urllib.request.urlopen((at or self.url) + path, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            return json.load(problem)

    def put(self, pipeline):
        request = urllib.request.Request(
            f"{self.url}v1/pipelines/{pipeline['name']}", json.dumps(pipeline).encode(),
            {"Content-Type": "application/json"}, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    # What workers say

    def stream(self, subject):
        return f"hw:{{{binascii.crc_hqx(subject.encode(), 0) % 8}}}:events"

    def say(self, kind, subject, through=None, **fields):
        """Appends one event, as docs/wire.md has it."""
        (through or self.redis).xadd(self.stream(subject), {"type": kind, "subject": subject, **fields})

    def fill(self, bulk, jobs, pipeline="render", prefix=None):
        """Registers `jobs` members in a sealed bulk; answers their ids."""
        ids = [f"{prefix or bulk}.{number}" for number in range(1, jobs + 1)]
        batch = self.redis.pipeline(transaction=False)
        self.say("bulk.opened", bulk, batch, total=jobs, label=f"The bulk {bulk}")
        for job in ids:
            self.say("job.queued", job, batch, pipeline=pipeline, bulk=bulk)
        self.say("bulk.sealed", bulk, batch)
        batch.execute()
        eventually(lambda: self.get(f"v1/bulks/{bulk}").get("counts", {}).get("registered") == jobs, within=60)
        return ids


RENDER = {
    "name": "render",
    "stages": [
        {"id": "fetch", "label": "Fetching sources", "range": [0, 20]},
        {"id": "draw", "label": "Drawing pages", "range": [20, 90], "stallAfter": "3s"},
        {"id": "upload", "label": "Uploading", "range": [90, 100]},
    ],
    "heartbeat": "60s", "stallAfter": "10m", "lostAfter": "1h", "maxAttempts": 2,
}
METER = {"name": "meter", "stages": [{"id": "work", "label": "Working", "range": [0, 100]}],
         "heartbeat": "60s", "stallAfter": "10m", "lostAfter": "1h"}
