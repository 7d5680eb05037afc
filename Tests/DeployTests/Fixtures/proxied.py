"""deploy/nginx/headway.conf in a real nginx, in front of a real Headway.

usage: proxied.py CHECK BINARY REPOSITORY
"""

import gzip
import http.client
import json
import os
import re
import socket
import threading
import time

import supervise
from supervise import Child, Scratch, check, eventually, get


class Proxied:
    """Redis, an aggregator, the read API, and nginx in front of it."""

    def __init__(self, scratch, binary, repository, extra=()):
        self.scratch, self.binary = scratch, binary
        _, self.url = supervise.redis(scratch)
        self.aggregator = Child([binary, "aggregate", "--redis", self.url], log=scratch.file("aggregator.log"),
                                notify=scratch.file("aggregator.notify"))
        self.aggregator.wait_ready()
        self.headway("pipelines", "apply", f"{repository}/deploy/pipelines/task.json")
        self.sock = supervise.listener()
        self.serve(extra)
        self.port = supervise.free_port()
        with open(f"{repository}/deploy/nginx/headway.conf") as file:
            site = file.read()
        # Where it listens, whom it asks and where it logs; nothing else.
        site, count = re.subn(r"server 127\.0\.0\.1:8080;", f"server 127.0.0.1:{self.sock.getsockname()[1]};", site)
        check(count == 1, "the upstream is not where it was")
        site, count = re.subn(r"listen 80;", f"listen 127.0.0.1:{self.port};", site)
        check(count == 1, "the server is not where it was")
        self.log = scratch.file("access.log")
        site, count = re.subn(r"/var/log/nginx/headway\.log", self.log, site)
        check(count == 1, "the log is not where it was")
        with open(scratch.file("site.conf"), "w") as file:
            file.write(site)
        temporary = "".join(f"{kind}_temp_path {scratch.file(kind)};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(scratch.file("nginx.conf"), "w") as file:
            file.write(
                f"pid {scratch.file('nginx.pid')};\nerror_log {scratch.file('error.log')};\ndaemon off;\n"
                f"{'user root;' if os.geteuid() == 0 else ''}\nworker_processes 1;\n"
                f"events {{ worker_connections 512; }}\nhttp {{\n{temporary}include {scratch.file('site.conf')};\n}}\n")
        code, said = supervise.run(["nginx", "-t", "-c", scratch.file("nginx.conf"), "-e", scratch.file("start.log")])
        check(code == 0 and "warn" not in said, f"nginx -t: {said}")
        self.nginx = Child(["nginx", "-c", scratch.file("nginx.conf"), "-e", scratch.file("start.log")],
                           log=scratch.file("nginx.log"))
        eventually(lambda: answers(self.port), what=lambda: f"nginx did not come up: {self.nginx.tail()}")

    def serve(self, extra=()):
        self.api = Child([self.binary, "serve", "--redis", self.url, "--listen", "fd:3", *extra],
                         log=self.scratch.file("api.log"), pass_socket=self.sock.fileno(),
                         notify=self.scratch.file("api.notify"))
        self.api.wait_ready()

    def headway(self, *words):
        code, said = supervise.run([self.binary, *words, "--redis", self.url])
        check(code == 0, said)

    def publish(self, *words):
        self.headway("publish", *words)


def answers(port):
    try:
        return get(port, "/healthz")[0] == 200
    except OSError:
        return False


class Frames(threading.Thread):
    """Reads a stream byte by byte, and keeps when each event came."""

    def __init__(self, port, target):
        super().__init__(daemon=True)
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        self.text = b""
        self.events = []
        self.start()

    def run(self):
        while True:
            try:
                piece = self.connection.recv(65536)
            except OSError:
                return
            if not piece:
                return
            self.text += piece
            count = self.text.count(b"\ndata: ")
            while len(self.events) < count:
                self.events.append(time.monotonic())


def stream(binary, repository):
    """A frame passes nginx at once, uncompressed; the stream outlives the read timeout between two frames."""
    with Scratch() as scratch:
        here = Proxied(scratch, binary, repository)
        here.publish("job.started", "t1", "pipeline=task")
        eventually(lambda: get(here.port, "/v1/jobs/t1")[0] == 200, what="the job was not there")
        seen = []
        for target in ("/v1/stream?jobs=t1", "/v1/jobs/t1/events"):
            through = Frames(here.port, target)
            beside = Frames(here.sock.getsockname()[1], target)
            eventually(lambda: through.events and beside.events, what=f"no first frame of {target}: {through.text[:400]}")
            head = through.text.split(b"\r\n\r\n")[0].lower()
            check(b" 200 " in head and b"text/event-stream" in head and b"content-encoding" not in head, head)
            for done in range(1, 6):
                before = len(through.events), len(beside.events)
                here.publish("stage.progressed", "t1", "stage=work", f"done={len(seen) + 1}", "total=20")
                eventually(lambda: len(through.events) > before[0] and len(beside.events) > before[1], 30,
                           what=f"a frame of {target} was held back")
                seen.append(through.events[before[0]] - beside.events[before[1]])
        late = max(seen)
        check(late < 0.5, f"nginx held a frame back for {late:.3f} s")
        return {"frames": len(seen), "laterThanWithoutNginxMs": round(1000 * late, 1)}


def poll(binary, repository):
    """A poll is compressed when its client can read that; ETag and 304 work; tokens are not in the log."""
    with Scratch() as scratch:
        here = Proxied(scratch, binary, repository)
        here.publish("bulk.opened", "spring", "total=30", "label=" + "Spring books " * 5)
        for number in range(30):
            here.publish("job.queued", f"t{number}", "pipeline=task", "bulk=spring")
        target = "/v1/bulks/spring/jobs?limit=30&token=very-secret"
        eventually(lambda: len(json.loads(get(here.port, target)[1]).get("jobs", [])) == 30, what="the bulk is not complete")
        connection = http.client.HTTPConnection("127.0.0.1", here.port, timeout=20)
        connection.request("GET", target, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        packed = answer.read()
        check(answer.getheader("Content-Encoding") == "gzip", answer.getheaders())
        plain = gzip.decompress(packed)
        check(len(json.loads(plain)["jobs"]) == 30, plain[:200])
        connection.request("GET", "/v1/bulks/spring")
        answer = connection.getresponse()
        answer.read()
        mark = answer.getheader("ETag")
        check(mark, "there is no ETag")
        connection.request("GET", "/v1/bulks/spring", headers={"If-None-Match": mark, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        check(answer.status == 304, f"{answer.status} {answer.read()[:200]}")
        answer.read()
        # A long poll is waited for, and answered at the change.
        version = mark.strip('W/"')
        waited = []
        thread = threading.Thread(target=lambda: waited.append(
            get(here.port, f"/v1/bulks/spring?wait=50s&version={version}", 60)))
        thread.start()
        time.sleep(0.5)  # It is under way; nothing tells from outside.
        here.publish("job.completed", "t0")
        thread.join(60)
        check(waited and waited[0][0] == 200, waited)
        # A browser's write over plain http is compared with Host, so that has to come through as it was.
        for origin, expected in ((f"http://127.0.0.1:{here.port}", 202), ("http://127.0.0.1", 403)):
            connection.request("POST", "/v1/bulks/spring/seal", headers={"Origin": origin})
            answer = connection.getresponse()
            check(answer.status == expected, f"a write from {origin}: {answer.status} {answer.read()[:200]}")
            answer.read()
        with open(here.log) as file:
            log = file.read()
        check("/v1/bulks/spring/jobs" in log and "very-secret" not in log, log[:300])
        return {"bytes": len(plain), "compressed": len(packed)}


def restarted(binary, repository):
    """While the read API is replaced no request through nginx fails, kept connections or not."""
    with Scratch() as scratch:
        here = Proxied(scratch, binary, repository)
        here.publish("job.started", "t1", "pipeline=task")
        eventually(lambda: get(here.port, "/v1/jobs/t1")[0] == 200, what="the job was not there")
        ends, found = threading.Event(), []

        def ask():
            while not ends.is_set():
                try:
                    found.append(get(here.port, "/v1/jobs/t1")[0])
                except OSError as error:
                    found.append(str(error))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            here.api.stop()
            here.serve()
        ends.set()
        for thread in threads:
            thread.join()
        wrong = [one for one in found if one != 200]
        check(not wrong, f"of {len(found)} requests {len(wrong)} failed: {wrong[:3]}")
        return {"requests": len(found)}


if __name__ == "__main__":
    supervise.main({"stream": stream, "poll": poll, "restarted": restarted})
