"""What a service manager does for Headway, in small: hands sockets over, hears READY=1, feeds on WATCHDOG=1.

Used by the scripts beside this file; real processes, real sockets, loopback only. Everything that it starts ends
with it, at the latest by the kernel when the script is gone.
"""

import ctypes
import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
BASE = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",
    "SWIFT_BACKTRACE": "enable=no",
}
for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"):
    if name in os.environ:
        BASE[name] = os.environ[name]


class Failed(Exception):
    pass


def check(holds, what):
    """Asserts, with a sentence."""
    if not holds:
        raise Failed(what)


def eventually(look, within=60.0, every=0.02, what="it did not come about"):
    """The first truthy value of look(), looking every so often; fails with a sentence (or what makes one) after `within` s."""
    end = time.monotonic() + within
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"{what() if callable(what) else what} within {within:.0f} s")
        time.sleep(every)


def die_with_parent():
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Scratch:
    """A directory with a short path (unix sockets fit), gone with the script."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="hw-", dir="/tmp")

    def file(self, name):
        return os.path.join(self.path, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Child:
    """A process of ours: its output in a file, killed at the end."""

    living = []

    def __init__(self, words, environment=None, log=None, pass_socket=None, notify=None, watchdog=None, cwd=None):
        self.words = words
        variables = dict(BASE)
        self.manager = None
        if notify:
            self.manager = Manager(notify)
            variables["NOTIFY_SOCKET"] = notify
            if watchdog:
                variables["WATCHDOG_USEC"] = str(int(watchdog * 1_000_000))
        variables.update(environment or {})
        self.log = log
        output = open(log, "ab") if log else subprocess.DEVNULL

        def prepare():
            die_with_parent()
            if pass_socket is not None:
                if pass_socket != 3:
                    os.dup2(pass_socket, 3)
                os.set_inheritable(3, True)

        self.process = subprocess.Popen(
            words, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd,
            preexec_fn=prepare, close_fds=True, pass_fds=() if pass_socket is None else (3, pass_socket),
            start_new_session=True)
        if log:
            output.close()
        Child.living.append(self)

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def wait_ready(self, within=60):
        def look():
            if self.process.poll() is not None:
                raise Failed(f"{self.words[:3]} ended with {self.process.returncode}: {self.tail()}")
            return self.manager.hears("READY=1", 0.02)

        eventually(look, within, 0, f"{self.words[:3]} did not say READY=1")

    def tail(self):
        return self.output()[-1500:] if self.log else ""

    def stop(self, number=signal.SIGTERM, within=60):
        """Ends it. Returns (seconds, exit code)."""
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.words[:3]} did not end within {within} s: {self.tail()}")
        took = time.monotonic() - began
        self.forget()
        return took, code

    def forget(self):
        if self.manager:
            self.manager.close()
        if self in Child.living:
            Child.living.remove(self)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.forget()


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if path.startswith("@"):
            self.socket.bind("\0" + path[1:])
        else:
            if os.path.exists(path):
                os.unlink(path)
            self.socket.bind(path)
        self.words = []  # (monotonic seconds, word)

    def drain(self, wait=0.0):
        while select.select([self.socket], [], [], wait)[0]:
            for word in self.socket.recv(4096).decode().split("\n"):
                self.words.append((time.monotonic(), word))
            wait = 0

    def hears(self, word, wait=0.0):
        self.drain(wait)
        return any(said == word for _, said in self.words)

    def since(self, moment, prefix):
        self.drain()
        return [said for at, said in self.words if at >= moment and said.startswith(prefix)]

    def close(self):
        self.socket.close()
        if not self.path.startswith("@") and os.path.exists(self.path):
            os.unlink(self.path)


def end_all():
    for child in list(Child.living):
        child.kill()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listener():
    """A listening socket that outlives the servers that it is handed to."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    made.listen(4096)
    return made


def redis(scratch, extra=(), log="redis.log"):
    """A redis-server on a unix socket. Returns (child, url)."""
    path = scratch.file("redis.sock")
    child = Child(
        ["redis-server", "--unixsocket", path, "--unixsocketperm", "700", "--dir", scratch.path, "--save", "",
         "--port", "0", *extra], log=scratch.file(log))
    eventually(lambda: os.path.exists(path), what="redis-server did not come up")
    return child, f"unix://{path}"


def get(port, target, timeout=10.0, headers=None):
    """(status, body) by a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", target, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def run(words, environment=None, within=120, cwd=None):
    """(exit code, output and errors)."""
    done = subprocess.run(
        words, env={**BASE, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=within, cwd=cwd, preexec_fn=die_with_parent)
    return done.returncode, done.stdout.decode(errors="replace")


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def main(checks):
    """Runs the check named by the first argument; exit status 0 only if it holds. The last line is what was seen."""
    if len(sys.argv) < 2 or sys.argv[1] not in checks:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(checks)} …")
    try:
        seen = checks[sys.argv[1]](*sys.argv[2:])
        print(seen if isinstance(seen, str) else json.dumps(seen) if seen is not None else "holds")
    except Failed as failure:
        print(f"FAILED: {failure}")
        sys.exit(1)
    finally:
        end_all()
