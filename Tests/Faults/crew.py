"""The processes of one round: two redis-servers (one leads, one follows), proxy, aggregators, API, publishers."""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import redis

from oracle import PIPELINE, VIGIL

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENT = {**os.environ, "SWIFT_BACKTRACE": "enable=no", "LANG": "C.UTF-8"}
ENVIRONMENT.pop("LISTEN_FDS", None)
# Children end with the thread that made them, so one that stays makes them all.
MAKER = ThreadPoolExecutor(1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, limit, every=0.02):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(every)
    return False


class Process:
    """One child in a process group of its own that ends with us; its output goes to a file."""

    def __init__(self, words, log, environment=ENVIRONMENT, **options):
        self.log = open(log, "ab")
        self.child = MAKER.submit(
            subprocess.Popen, ["setpriv", "--pdeathsig", "KILL", *map(str, words)],
            stdout=options.pop("stdout", self.log), stderr=self.log, env=environment,
            stdin=options.pop("stdin", subprocess.DEVNULL), **options).result()

    @property
    def pid(self):
        return self.child.pid

    @property
    def runs(self):
        return self.child.poll() is None

    def signal(self, number):
        if self.runs:
            self.child.send_signal(number)

    def kill(self):
        if self.runs:
            self.child.kill()
        self.child.wait()
        self.log.close()


class Server:
    """A redis-server on a directory of its own: on a tmpfs whose size can be changed when we may mount one."""

    def __init__(self, crew, name, fsync):
        self.crew, self.name, self.fsync = crew, name, fsync
        self.port = free_port()
        self.directory = crew.directory / name
        self.directory.mkdir()
        self.is_mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2g", "headway-faults", self.directory], capture_output=True
        ).returncode == 0
        self.process = None

    def start(self, follows=None):
        words = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory, "--save", "",
                 "--appendonly", "yes", "--appendfsync", self.fsync, "--repl-diskless-sync-delay", "0",
                 "--loglevel", "notice", "--daemonize", "no"]
        if follows:
            words += ["--replicaof", f"127.0.0.1 {follows}"]
        environment = {**ENVIRONMENT, "LD_PRELOAD": str(self.crew.clock), "FAULT_CLOCK": str(self.crew.clock_file)}
        self.process = Process(words, self.crew.directory / f"{self.name}.log", environment)
        self.client = redis.Redis(port=self.port, decode_responses=True, socket_timeout=5)
        if not wait_until(self.answers, 30):
            raise RuntimeError(f"redis-server {self.name} does not start: see {self.crew.directory}")

    def answers(self):
        try:
            return self.client.ping()
        except redis.RedisError:
            return False

    def forget(self):
        """Its data, for a start as a follower."""
        for path in self.directory.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def cut_tail(self, most):
        """As after a power cut: the end of the append-only file never reached the disk."""
        files = sorted(self.directory.glob("appendonlydir/*.incr.aof"), key=lambda path: path.stat().st_mtime)
        if not files:
            return 0
        size = files[-1].stat().st_size
        gone = min(size, random.randrange(most))
        os.truncate(files[-1], size - gone)
        # redis-server 7.0 leaves a transaction open whose middle is missing, and executes its first half at the
        # restart after the next one; see docs/reliability.md. This takes the half away.
        subprocess.run(["redis-check-aof", "--fix", files[-1]], input=b"y\n", capture_output=True, check=True)
        return gone

    def resize(self, size):
        return subprocess.run(
            ["mount", "-o", f"remount,size={size}", self.directory], capture_output=True).returncode == 0

    def used(self):
        state = os.statvfs(self.directory)
        return (state.f_blocks - state.f_bfree) * state.f_frsize

    def end(self):
        if self.process:
            self.process.kill()
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.directory], capture_output=True)


class Crew:
    def __init__(self, directory, binaries, clock, plan, sabotage):
        self.directory, self.binaries, self.clock, self.plan = pathlib.Path(directory), binaries, clock, plan
        self.directory.mkdir(parents=True)
        self.clock_file = self.directory / "clock"
        self.set_clock(0)
        self.partitions = plan["partitions"]
        self.environment = {**ENVIRONMENT, "HEADWAY_SABOTAGE": sabotage}
        self.servers = [Server(self, name, plan["fsync"]) for name in ("redis-a", "redis-b")]
        self.aggregators, self.publishers, self.outputs = [], [], []
        self.spawned = 0
        self.proxy = self.api = None
        self.api_port = free_port()

    def start(self):
        leader, follower = self.servers
        leader.start()
        follower.start(follows=leader.port)
        leader.client.hset("hw:config", mapping={"partitions": self.partitions, "wire": 1})
        self.proxy = Process(["/usr/bin/python3", HERE / "proxy.py"], self.directory / "proxy.log",
                             {**ENVIRONMENT, "FAULT_SEED": str(self.plan["seed"])},
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ports = {side: int(self.proxy.child.stdout.readline()) for side in ("pub", "agg", "api")}
        self.tell(f"target {leader.port}")
        for pipeline in (PIPELINE, VIGIL, *self.plan.get("pipelines", [])):
            definition = self.directory / f"{pipeline['name']}.json"
            definition.write_text(json.dumps(pipeline))
            subprocess.run([self.binaries / "headway", "pipelines", "apply", definition, "--redis", self.url("agg")],
                           check=True, env=ENVIRONMENT, capture_output=True)
        for _ in range(self.plan["aggregators"]):
            self.add_aggregator()
        if self.plan.get("serves", True):
            self.start_api()
        for number in range(self.plan["publishers"]):
            out = open(self.directory / f"publisher-{number}.out", "wb")
            self.publishers.append(Process(
                [self.binaries / "FaultPublisher", self.url("pub"), self.directory / f"diary-{number}.log",
                 f"w{number}", self.plan["seed"] * 100 + number, self.directory, self.plan["tasks"],
                 self.plan["pause"]],
                self.directory / f"publisher-{number}.err", self.environment, stdout=out))

    @property
    def leader(self):
        return self.servers[0]

    @property
    def follower(self):
        return self.servers[1]

    def url(self, side):
        return f"redis://127.0.0.1:{self.ports[side]}"

    def tell(self, line):
        self.proxy.child.stdin.write((line + "\n").encode())
        self.proxy.child.stdin.flush()
        return self.proxy.child.stdout.readline().decode().strip()

    def set_clock(self, seconds):
        if self.clock_file.exists():
            with open(self.clock_file, "r+b") as file:
                file.write(struct.pack("q", seconds))
        else:
            self.clock_file.write_bytes(struct.pack("q", seconds))

    def add_aggregator(self):
        self.spawned += 1
        process = Process(
            [self.binaries / "headway", "aggregate", "--redis", self.url("agg"), "--lease",
             f"{self.plan['lease']}ms"],
            self.directory / f"aggregator-{self.spawned}.log", self.environment)
        self.aggregators.append(process)
        return process

    def keep_up(self):
        """As a supervisor would: who came while Redis was away has left again, and is started anew."""
        for process in list(self.aggregators):
            if not process.runs:
                process.kill()
                self.aggregators.remove(process)
                self.add_aggregator()
        if not self.api.runs:
            self.api.kill()
            self.start_api()

    def start_api(self):
        self.api = Process(
            [self.binaries / "headway", "serve", "--redis", self.url("api"), "--listen",
             f"127.0.0.1:{self.api_port}"], self.directory / "api.log", self.environment)

    def instance(self, process):
        return f"{socket.gethostname()}-{process.pid}"

    def output(self, number):
        return (self.directory / f"publisher-{number}.out").read_text().splitlines()

    def end(self):
        for process in [*self.publishers, *self.aggregators, self.api, self.proxy]:
            if process:
                process.signal(signal.SIGCONT)
                process.kill()
        for server in self.servers:
            server.end()
