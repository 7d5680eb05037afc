"""How Headway's processes begin, live and end: real ones, under a service manager in small (supervise.py).

usage: life.py CHECK BINARY [NUMBER]
"""

import ctypes
import json
import os
import signal
import socket
import threading
import time

import supervise
from supervise import Child, Failed, Scratch, check, eventually, get

PIPELINE = {
    "name": "plain", "stages": [{"id": "work", "label": "Working"}],
    "heartbeat": "15s", "stallAfter": "2m", "lostAfter": "10m", "maxAttempts": 3,
}


def aggregate(binary, url, scratch, name, extra=(), watchdog=None):
    child = Child(
        [binary, "aggregate", "--redis", url, *extra], log=scratch.file(f"{name}.log"),
        notify=scratch.file(f"{name}.notify"), watchdog=watchdog)
    child.wait_ready()
    return child


def serve(binary, url, scratch, name, sock, watchdog=None):
    child = Child(
        [binary, "serve", "--redis", url, "--listen", "fd:3"], log=scratch.file(f"{name}.log"),
        pass_socket=sock.fileno(), notify=scratch.file(f"{name}.notify"), watchdog=watchdog)
    child.wait_ready()
    return child


class Poller(threading.Thread):
    """Asks all the time. A poll has failed when it got no good answer after one retry on a fresh connection."""

    def __init__(self, port, targets, keeps_alive, headers=None):
        super().__init__(daemon=True)
        self.port, self.targets, self.keeps_alive = port, targets, keeps_alive
        self.headers = headers or {}
        self.ends = False
        self.polls = self.retried = self.stale = 0
        self.failed = []
        self.times = []
        self.stale_since = {}
        self.longest_stale = 0.0
        self.seen = {}  # target -> (epoch, version)

    def run(self):
        import http.client

        connection = None
        place = 0
        while not self.ends:
            target = self.targets[place % len(self.targets)]
            place += 1
            began = time.monotonic()
            reasons = []
            for attempt in range(2):
                try:
                    if connection is None:
                        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                    connection.request("GET", target, headers=self.headers)
                    answer = connection.getresponse()
                    body = answer.read()
                    if answer.status != 200:
                        raise Failed(f"{answer.status} {body[:200]!r}")
                    self.take(target, json.loads(body))
                    if not self.keeps_alive or answer.getheader("Connection", "").lower() == "close":
                        connection.close()
                        connection = None
                    break
                except (OSError, http.client.HTTPException, ValueError, Failed) as error:
                    reasons.append(f"{type(error).__name__}: {error}")
                    if connection is not None:
                        connection.close()
                    connection = None
            if reasons:
                self.retried += 1
            if len(reasons) == 2:
                self.failed.append((target, reasons))
            self.polls += 1
            self.times.append(time.monotonic() - began)
            time.sleep(0.002)

    def take(self, target, answer):
        if answer.get("stale"):
            self.stale += 1
            since = self.stale_since.setdefault(target, time.monotonic())
            self.longest_stale = max(self.longest_stale, time.monotonic() - since)
        else:
            self.stale_since.pop(target, None)
        if "version" in answer:
            epoch, version = answer.get("epoch"), answer["version"]
            before = self.seen.get(target)
            if before and before[0] == epoch and version < before[1]:
                raise Failed(f"{target} went back from version {before[1]} to {version}")
            self.seen[target] = (epoch, version)


class Listener(threading.Thread):
    """An EventSource: comes back after what `retry:` says, or at most 0.3 s, until `ends`."""

    def __init__(self, port, target):
        super().__init__(daemon=True)
        self.port, self.target = port, target
        self.ends = False
        self.opened = self.frames = self.byes = 0
        self.retries = []
        self.refused = []
        self.last = None

    def run(self):
        import http.client

        while not self.ends:
            pause = 0.2
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("GET", self.target, headers={"Accept": "text/event-stream"})
                answer = connection.getresponse()
                if answer.status != 200:
                    self.refused.append(answer.status)
                self.opened += 1
                event = None
                for line in answer:
                    line = line.decode().rstrip("\n")
                    if line.startswith("retry: "):
                        pause = int(line[7:]) / 1000
                    elif line.startswith("event: "):
                        event = line[7:]
                    elif line.startswith("data: "):
                        if event == "bye":
                            self.byes += 1
                            self.retries.append(pause)
                        else:
                            self.frames += 1
                            self.last = json.loads(line[6:])
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(min(pause, 0.3))


def load(binary, url, scratch, stop, counts):
    """One simulated bulk after the other, until told to stop."""
    while not stop.is_set():
        counts["bulks"] += 1
        code, output = supervise.run(
            [binary, "simulate", "--redis", url, "--pipeline", "plain", "--jobs", "30", "--workers", "6", "--pace",
             "1s", "--fail", "10%", "--retry", "--seed", str(counts["bulks"])], within=300)
        if "no aggregator is at work" in output:
            # It looked in the moment between a release and the next take, and did nothing.
            counts["turned away"] += 1
            continue
        if code != 0:
            counts["wrong"].append(output[-1500:])
        counts["jobs"] += 30


def rolling(binary, restarts="50"):
    """Restarts of API and aggregators in turn, under load: no poll fails, nothing that was said is lost.

    Every other restart of the API is as systemd does it (end, then begin: connections wait at the socket), the
    others overlap (begin, then end), as a supervisor with two instances does it.
    """
    restarts = int(restarts)
    with Scratch() as scratch:
        _, url = supervise.redis(scratch)
        with open(scratch.file("plain.json"), "w") as file:
            json.dump(PIPELINE, file)
        aggregators = [aggregate(binary, url, scratch, f"aggregator-{n}") for n in range(2)]
        code, said = supervise.run([binary, "pipelines", "apply", "--redis", url, scratch.file("plain.json")])
        check(code == 0, said)
        for words in (["bulk.opened", "kept", "total=2"], ["job.started", "one", "pipeline=plain", "bulk=kept"]):
            code, said = supervise.run([binary, "publish", "--redis", url, *words])
            check(code == 0, said)
        sock = supervise.listener()
        port = sock.getsockname()[1]
        api = serve(binary, url, scratch, "api", sock)
        eventually(lambda: get(port, "/v1/jobs/one")[0] == 200, what="the job was not there")

        pollers = [
            Poller(port, ["/v1/jobs/one", "/v1/bulks/kept"], keeps_alive=n % 2 == 0) for n in range(4)
        ] + [Poller(port, ["/v1/bulks", "/v1/jobs/one?wait=1s&version=0-0"], keeps_alive=False)]
        streams = [Listener(port, "/v1/stream?jobs=one&bulks=kept") for _ in range(3)]
        stop, counts = threading.Event(), {"bulks": 0, "jobs": 0, "turned away": 0, "wrong": []}
        loader = threading.Thread(target=load, args=(binary, url, scratch, stop, counts), daemon=True)
        for thread in pollers + streams + [loader]:
            thread.start()

        stops = {"API": [], "aggregator": []}
        for number in range(restarts):
            supervise.run(
                [binary, "publish", "--redis", url, "stage.progressed", "one", "stage=work", f"done={number + 1}",
                 f"total={restarts}"])
            if number % 2 == 0:
                if number % 4 == 0:
                    took, code = api.stop()
                    api = serve(binary, url, scratch, f"api-{number}", sock)
                else:
                    successor = serve(binary, url, scratch, f"api-{number}", sock)
                    took, code = api.stop()
                    api = successor
                stops["API"].append(took)
                check(code == 0, f"the API ended with {code}")
            else:
                place = (number // 2) % 2
                took, code = aggregators[place].stop()
                stops["aggregator"].append(took)
                check(code == 0, f"an aggregator ended with {code}")
                aggregators[place] = aggregate(binary, url, scratch, f"aggregator-{place}-{number}")

        stop.set()
        loader.join(300)
        supervise.run([binary, "publish", "--redis", url, "job.completed", "one"])
        eventually(lambda: json.loads(get(port, "/v1/jobs/one")[1])["status"] == "completed",
                   what="the last word was not applied")
        for stream in streams:
            eventually(lambda: stream.last and stream.last.get("id") in ("one", "kept"), what="a stream never came back")
        for thread in pollers + streams:
            thread.ends = True
        for thread in pollers:
            thread.join(30)

        failed = [one for poller in pollers for one in poller.failed]
        times = [one for poller in pollers for one in poller.times]
        seen = {
            "restarts": restarts, "polls": sum(p.polls for p in pollers), "failed": len(failed),
            "retried": sum(p.retried for p in pollers), "stale": sum(p.stale for p in pollers),
            "pollP50Ms": round(supervise.quantile(times, 0.5) * 1000, 1),
            "pollP99Ms": round(supervise.quantile(times, 0.99) * 1000, 1),
            "pollMaxMs": round(max(times) * 1000),
            "stopMsP50": {k: round(supervise.quantile(v, 0.5) * 1000) for k, v in stops.items()},
            "stopMsMax": {k: round(max(v) * 1000) for k, v in stops.items() if v},
            "streamsOpened": sum(s.opened for s in streams), "byes": sum(s.byes for s in streams),
            "longestStaleMs": round(1000 * max(p.longest_stale for p in pollers)),
            "jobs": counts["jobs"], "bulks": counts["bulks"], "turnedAway": counts["turned away"],
        }
        check(not failed, f"{len(failed)} polls failed, first: {failed[:3]}; {seen}")
        check(not counts["wrong"], f"a simulation and Headway differ: {counts['wrong'][:1]}")
        check(counts["jobs"] > 0, "there was no load")
        # A partition that waits for an heir who has left would stay without an owner for a lease, and longer.
        check(seen["longestStaleMs"] < 4000, f"a partition had no owner: {seen}")
        check(all(not s.refused for s in streams), f"a stream was refused: {[s.refused for s in streams]}")
        check(seen["byes"] > 0, "no stream was told to come back")
        code, said = supervise.run([binary, "verify", "--redis", url, "--deep"])
        check(code == 0, f"verify: {said}")
        api.stop()
        return seen


def stopping(binary):
    """A stop takes half a second at most, with open streams, a long poll, kept connections and one without a word."""
    with Scratch() as scratch:
        _, url = supervise.redis(scratch)
        with open(scratch.file("plain.json"), "w") as file:
            json.dump(PIPELINE, file)
        aggregator = aggregate(binary, url, scratch, "aggregator")
        supervise.run([binary, "pipelines", "apply", "--redis", url, scratch.file("plain.json")])
        supervise.run([binary, "publish", "--redis", url, "job.started", "one", "pipeline=plain"])
        times = {"API": [], "aggregator": []}
        for turn in range(5):
            sock = supervise.listener()
            port = sock.getsockname()[1]
            api = serve(binary, url, scratch, f"api-{turn}", sock)
            eventually(lambda: get(port, "/v1/jobs/one")[0] == 200, what="the job was not there")
            streams = [Listener(port, "/v1/stream?jobs=one") for _ in range(20)]
            for stream in streams:
                stream.start()
            silent = socket.create_connection(("127.0.0.1", port))
            kept = socket.create_connection(("127.0.0.1", port))
            kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            check(kept.recv(4096).startswith(b"HTTP/1.1 200"), "a kept connection was not answered")
            version = json.loads(get(port, "/v1/jobs/one")[1])
            polled = []
            poll = threading.Thread(target=lambda: polled.append(
                get(port, f"/v1/jobs/one?wait=30s&version={version['epoch']}-{version['version']}", 60)[0]))
            poll.start()
            eventually(lambda: all(stream.frames for stream in streams), what="a stream stayed silent")
            for stream in streams:
                stream.ends = True
            time.sleep(0.3)  # The long poll is under way; nothing tells from outside.
            took, code = api.stop()
            check(code == 0, f"the API ended with {code}")
            times["API"].append(took)
            poll.join(10)
            check(polled in ([200], [304]), f"the long poll was answered {polled}")
            check(all(stream.byes for stream in streams), "a stream ended without bye")
            pauses = {round(pause, 3) for stream in streams for pause in stream.retries}
            check(len(pauses) > 10, f"all are told to come back at once: {pauses}")
            silent.close()
            kept.close()
            sock.close()
            took, code = aggregator.stop()
            check(code == 0, f"the aggregator ended with {code}")
            times["aggregator"].append(took)
            aggregator = aggregate(binary, url, scratch, f"aggregator-{turn}")
        seen = {name: [round_ms(t) for t in took] for name, took in times.items()}
        for name, took in times.items():
            check(supervise.quantile(took, 0.5) <= 0.5, f"a stop of the {name} takes {seen[name]} ms")
            check(max(took) <= 2.5, f"a stop of the {name} took {seen[name]} ms")
        return seen


def round_ms(seconds):
    return round(seconds * 1000)


def notify(binary):
    """READY=1 once it serves, STATUS= for people, WATCHDOG=1 while it works, STOPPING=1 when it is asked to end."""
    with Scratch() as scratch:
        _, url = supervise.redis(scratch)
        seen = {}
        for name, words in {
            "serve": ["serve", "--listen", "127.0.0.1:0"], "aggregate": ["aggregate"],
            "up": ["up", "--listen", "127.0.0.1:0"],
        }.items():
            socket_name = f"@headway-test-{os.getpid()}-{name}" if name == "up" else scratch.file(f"{name}.notify")
            child = Child(
                [binary, *words, "--redis", url], log=scratch.file(f"{name}.log"), notify=socket_name, watchdog=4)
            child.wait_ready()
            began = time.monotonic()
            eventually(lambda: len(child.manager.since(began, "WATCHDOG=1")) >= 5, what=f"{name} feeds no watchdog")
            expected = "of 8 partitions" if name == "aggregate" else "http://127.0.0.1:"
            check(any(expected in word for word in child.manager.since(0, "STATUS=")),
                  f"{name} said {child.manager.since(0, 'STATUS=')}")
            child.process.send_signal(signal.SIGTERM)
            eventually(lambda: child.manager.hears("STOPPING=1"), what=f"{name} did not say STOPPING=1")
            check(child.process.wait(30) == 0, f"{name} ended badly: {child.tail()}")
            child.manager.drain()
            words_said = [word for _, word in child.manager.words]
            check("READY=1" in words_said[:words_said.index("STOPPING=1")], f"{name}: {words_said}")
            seen[name] = words_said[:3]
            child.forget()
        # A manager that is not there, or is named wrongly, is said and does not keep anything from running.
        for socket_name, sentence in {
            scratch.file("nobody"): "the service manager cannot be told", "vsock:2:3": "neither a path nor an @name",
        }.items():
            child = Child([binary, "aggregate", "--redis", url], environment={"NOTIFY_SOCKET": socket_name},
                          log=scratch.file("nobody.log"))
            eventually(lambda: sentence in child.output() and "Stop it with" in child.output(),
                       what=f"no word about {socket_name}")
            child.stop()
        return seen


# ptrace: only one thread of a process is stopped, as if it were stuck.
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17


def ptrace(request, thread):
    LIBC = supervise.LIBC
    LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    LIBC.ptrace.restype = ctypes.c_long
    check(LIBC.ptrace(request, thread, None, None) == 0, f"ptrace {request}: {os.strerror(ctypes.get_errno())}")


def thread_of(pid, name):
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm") as file:
            if file.read().strip() == name:
                return int(task)
    raise Failed(f"there is no thread {name}")


def stuck(binary):
    """When the thread that works hangs, the watchdog starves and /healthz says 503, although other threads live on."""
    with Scratch() as scratch:
        _, url = supervise.redis(scratch)
        port = supervise.free_port()
        child = aggregate(
            binary, url, scratch, "aggregator", ["--metrics", f"127.0.0.1:{port}"], watchdog=12)
        eventually(lambda: get(port, "/readyz")[0] == 200, what="the aggregator did not become ready")
        check(get(port, "/healthz")[0] == 200, "a healthy aggregator says that it is not")
        thread = thread_of(child.pid, "aggregator")
        ptrace(SEIZE, thread)
        ptrace(INTERRUPT, thread)
        os.waitpid(thread, 0x40000000)  # __WALL
        began = time.monotonic()
        status, body = eventually(
            lambda: (lambda answer: answer if answer[0] == 503 else None)(get(port, "/healthz")),
            what="/healthz goes on saying that all is well")
        took = time.monotonic() - began
        check(b"stuck" in body, body)
        child.manager.drain()
        moment = time.monotonic()
        time.sleep(3)
        fed = child.manager.since(moment, "WATCHDOG=1")
        check(not fed, f"the watchdog of a stuck process was fed {len(fed)} times")
        ptrace(DETACH, thread)
        eventually(lambda: get(port, "/healthz")[0] == 200, what="what moves again is not called healthy")
        moment = time.monotonic()
        eventually(lambda: child.manager.since(moment, "WATCHDOG=1"), what="what moves again is not fed")
        child.stop()
        return {"noticedAfterSeconds": round(took, 1)}


def outage(binary):
    """While Redis is away nobody is called stuck: a restart would help nobody. An aggregator is not ready then."""
    with Scratch() as scratch:
        server, url = supervise.redis(scratch)
        port = supervise.free_port()
        child = aggregate(
            binary, url, scratch, "aggregator", ["--metrics", f"127.0.0.1:{port}"], watchdog=30)
        sock = supervise.listener()
        api = serve(binary, url, scratch, "api", sock, watchdog=30)
        eventually(lambda: get(port, "/readyz")[0] == 200, what="the aggregator did not become ready")
        for name in ("frozen", "gone"):
            if name == "frozen":
                server.process.send_signal(signal.SIGSTOP)
            else:
                server.kill()
            eventually(lambda: get(port, "/readyz")[0] == 503, what=f"ready while Redis is {name}")
            began = time.monotonic()
            while time.monotonic() - began < 18:  # Longer than the patience.
                for place in (port, sock.getsockname()[1]):
                    status, body = get(place, "/healthz")
                    check(status == 200, f"called stuck while Redis is {name}: {body}")
                for process in (child, api):
                    process.manager.drain()  # The kernel keeps ten datagrams.
                time.sleep(0.2)
            for process in (child, api):
                fed = process.manager.since(began, "WATCHDOG=1")
                check(len(fed) >= 10, f"fed only {len(fed)} times while Redis was {name}")
            if name == "frozen":
                server.process.send_signal(signal.SIGCONT)
                eventually(lambda: get(port, "/readyz")[0] == 200, what="not ready when Redis is back")
        child.stop()
        api.stop()


def inherited(binary):
    """`--listen fd:3` serves on the socket that it is given, and says what is wrong with one that is none."""
    with Scratch() as scratch:
        _, url = supervise.redis(scratch)
        sock = supervise.listener()
        api = serve(binary, url, scratch, "api", sock)
        check(get(sock.getsockname()[1], "/healthz")[0] == 200, "no answer on the inherited socket")
        check(f":{sock.getsockname()[1]}/" in api.output(), "the port is not told")
        api.stop()
        code, said = supervise.run([binary, "serve", "--redis", url, "--listen", "fd:9"])
        check(code == 1 and "no listening socket" in said, said)
        for wrong in ("fd:2", "fd:", "fd:x", "fd:99999"):
            code, said = supervise.run([binary, "serve", "--redis", url, "--listen", wrong])
            check(code == 2 and "fd:3 for an inherited socket" in said, said)


if __name__ == "__main__":
    supervise.main({
        "rolling": rolling, "stopping": stopping, "notify": notify, "stuck": stuck, "outage": outage,
        "inherited": inherited,
    })
