"""What scripts share that drive a real headway: start it, wait for it, say what holds, and end it in order."""
import os
import re
import signal
import subprocess
import sys
import time


class Scene:
    def __init__(self, headway, scratch):
        self.program = headway
        self.scratch = scratch
        self.environment = {**os.environ, "HEADWAY_STATE": f"{scratch}/state"}
        self.children = []

    def start(self, words, log):
        """A process whose output goes to a file; gone with this one, however it ends."""
        out = open(f"{self.scratch}/{log}", "wb")
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *words], env=self.environment, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, cwd=self.scratch)
        self.children.append(child)
        return child

    def up(self):
        """`headway up` on a free port, with one pipeline, quick: one to 60 %, then two."""
        self.start([self.program, "up", "--listen", "127.0.0.1:0", "--lease", "1s"], "up.log")
        self.url = self.find("up.log", r"Headway is up: (\S+)")
        self.redis = self.find("up.log", r"Workers connect to (\S+)")
        with open(f"{self.scratch}/quick.json", "w", encoding="utf-8") as file:
            file.write('{"name": "quick", "stages": [{"id": "one", "range": [0, 60]}, {"id": "two", "range": [60, 100]}]}')
        self.headway("pipelines", "apply", f"{self.scratch}/quick.json")

    def find(self, log, pattern):
        def look():
            with open(f"{self.scratch}/{log}", encoding="utf-8", errors="replace") as file:
                found = re.search(pattern, file.read())
            return found and found.group(1)
        return wait_for(look, f"{pattern} in {log}")

    def headway(self, *words, code=0):
        """Runs a command to its end; returns its standard output. Any code will do when it is None."""
        done = subprocess.run(
            [self.program, *words], env=self.environment, capture_output=True, text=True, timeout=60)
        if code is not None and done.returncode != code:
            raise SystemExit(f"not so: headway {' '.join(words)[:80]} exits {code}, but {done.returncode}: {done.stderr}")
        return done.stdout

    def close(self):
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()

    def play(self, main, limit=200):
        """Runs `main`, and ends before whoever started it loses patience, so that everything is ended in order."""
        signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done in {limit} s"))
        signal.alarm(limit)
        try:
            main()
        finally:
            signal.alarm(0)
            self.close()


def check(condition, words):
    if not condition:
        raise SystemExit(f"not so: {words}")
    print(f"ok: {words}", flush=True)


def wait_for(question, words, limit=60):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.05)
    raise SystemExit(f"not in {limit} s: {words}")
