"""Directed scenes: real processes, and one thing that happens on purpose, for protections that chance seldom needs
alone. Each scene returns what went wrong: nothing with everything in, something with its protection out."""
import re
import shutil
import signal
import threading
import time
import http.client
import json

import redis

from crew import Crew, wait_until
from oracle import VIGIL

JOB = "scene"


class Scene:
    """One partition, its aggregators, perhaps the API; words are added by plain XADD."""

    def __init__(self, crew):
        self.crew = crew

    @property
    def client(self):
        return self.crew.leader.client

    def say(self, type_, subject=JOB, **fields):
        return self.client.xadd("hw:{0}:events", {"type": type_, "subject": subject, "attempt": 1, **fields})

    def start(self, subject=JOB, **fields):
        self.say("job.started", subject, pipeline="faults", **fields)
        self.say("stage.started", subject, stage="fetch")

    def progress(self, percent, subject=JOB):
        self.say("stage.progressed", subject, stage="fetch", percent=percent)

    def control(self, *names):
        return self.client.hmget("hw:{0}:control", *names)

    def stored(self, percent, subject=JOB):
        """Whether a job's stage, a fifth of the whole, is stored at that percent."""
        return self.client.hget(f"hw:{{0}}:job:{subject}", "fraction") == str(percent * 2_000)

    def is_owned(self):
        return bool(self.control("owner")[0])

    def logs(self, pattern):
        return [line for path in self.crew.directory.glob("aggregator-*.log")
                for line in open(path, errors="replace") if re.search(pattern, line)]


# The fence

def foreign(field, value, is_frozen=False):
    """Somebody else's write to control, which changes one thing only, must stop the owner's next commit: as when a
    history that was rolled back issues the same numbers again."""
    def scene(scene):
        scene.start()
        for turn in range(6):
            if not wait_until(scene.is_owned, 20):
                return [f"nobody owns the partition in turn {turn}"]
            stop = threading.Event()
            trickle = threading.Thread(target=drip, args=(scene, stop))
            trickle.start()
            time.sleep(0.4)
            owner = scene.crew.aggregators[0]
            try:
                if is_frozen:
                    # Its look at control is answered before the write, its commit comes after.
                    owner.signal(signal.SIGSTOP)
                    time.sleep(0.3)
                pipe = scene.client.pipeline(transaction=True)
                pipe.hmget("hw:{0}:control", "nonce", "checkpoint", "commit")
                nonce, checkpoint, commit = scene.control("nonce", "checkpoint", "commit")
                pipe.hset("hw:{0}:control", field, value(checkpoint, int(commit)))
                pipe.hget("hw:{0}:control", "beat")
                (nonce, checkpoint, commit), _, beat = pipe.execute()
            finally:
                owner.signal(signal.SIGCONT)
            time.sleep(0.7)
            now, moved = scene.control("nonce", "beat")
            stop.set()
            trickle.join()
            if now == nonce and moved != beat:
                return [f"turn {turn}: an owner went on after somebody else's write of {field}"]
            # Free for the next turn, whoever the writer was.
            scene.client.hset("hw:{0}:control", mapping={"owner": "", "next": ""})
        return []
    return {"run": scene, "plan": {"lease": 20_000}}


def drip(scene, stop):
    while not stop.is_set():
        scene.say("job.heartbeat")
        time.sleep(0.06)


def alarms(scene):
    """A gap that an owner sees and may not commit any more is told by its successor, once."""
    scene.start()
    scene.say("job.heartbeat", source="raw", id=1)
    if not wait_until(lambda: scene.client.hexists("hw:{0}:sources", "raw"), 20):
        return ["nothing is applied"]
    time.sleep(0.3)
    old = scene.crew.aggregators[0]
    old.signal(signal.SIGSTOP)
    time.sleep(0.1)
    scene.say("job.heartbeat", source="raw", id=9)
    time.sleep(0.4)
    scene.crew.add_aggregator()
    if not wait_until(lambda: scene.control("lost")[0] == "7", 20):
        return [f"lost is {scene.control('lost')}, 7 were left out"]
    old.signal(signal.SIGCONT)
    time.sleep(1)
    told = scene.logs("7 events were lost before")
    return [] if len(told) == 1 else [f"a gap of 7 was told {len(told)} times: {told}"]


# Time

def watermark(scene):
    """Who beats all the time is not called lost while the owner lags behind."""
    names = [f"beating-{number}" for number in range(10)]
    for name in names:
        scene.say("job.started", name, pipeline="brief")
    scene.start()
    if not wait_until(lambda: scene.client.exists(f"hw:{{0}}:job:{names[-1]}"), 20):
        return ["nothing is applied"]
    stop, sent = threading.Event(), 0

    def beat():
        while not stop.is_set():
            for name in names:
                scene.say("job.heartbeat", name)
            time.sleep(0.1)

    beating = threading.Thread(target=beat)
    beating.start()
    # As much as it takes for the owner to be behind by more than the limit.
    lag, end = 0, time.monotonic() + 30
    while lag < 5_000 and time.monotonic() < end:
        pipe = scene.client.pipeline(transaction=False)
        for number in range(1_000):
            pipe.execute_command("XADD", "hw:{0}:events", "*", "type", "stage.progressed", "subject", JOB, "stage",
                                 "fetch", "attempt", 1, "percent", (sent + number) % 90, "message", f"at {number}")
        pipe.execute()
        sent += 1_000
        seconds, micros = scene.client.time()
        lag = seconds * 1_000 + micros // 1_000 - int(scene.control("checkpoint")[0].split("-")[0])
    caught_up = wait_until(lambda: scene.control("checkpoint")[0]
                           == scene.client.xinfo_stream("hw:{0}:events")["last-generated-id"], 120, every=0.005)
    stop.set()
    beating.join()
    if lag < 5_000 or not caught_up:
        return [f"no proof: {sent} words made a lag of {lag} ms; caught up: {caught_up}"]
    return [f"{name}: {steps}" for name in names
            for steps in [scene.client.lrange(f"hw:{{0}}:timeline:{name}", 0, -1)]
            if any("worker_lost" in step or ";suspect" in step for step in steps)]


# The stream

def stream(scene):
    """A trim that is under way while somebody deletes the stream, and the clock was set back, takes nothing of the
    new one."""
    scene.start()
    names = []
    for turn in range(3):
        for _ in range(250):
            scene.say("job.heartbeat")
        if not wait_until(lambda: scene.control("checkpoint")[0]
                          == scene.client.xinfo_stream("hw:{0}:events")["last-generated-id"], 20):
            return [f"turn {turn}: not all is read"]
        time.sleep(0.2)
        owner = scene.crew.aggregators[0]
        owner.signal(signal.SIGSTOP)
        scene.say("job.heartbeat")
        # Longer than its pause between two trims.
        time.sleep(1.2)
        scene.crew.set_clock(-1_000 * (turn + 1))
        pipe = scene.client.pipeline(transaction=True)
        pipe.delete("hw:{0}:events")
        for number in range(300):
            name = f"new-{turn}-{number}"
            names.append(name)
            pipe.xadd("hw:{0}:events", {"type": "job.started", "subject": name, "attempt": 1, "pipeline": "faults"})
        pipe.execute()
        owner.signal(signal.SIGCONT)
        missing = []

        def arrived():
            pipe = scene.client.pipeline(transaction=False)
            for name in names:
                pipe.exists(f"hw:{{0}}:job:{name}")
            nonlocal missing
            missing = [name for name, there in zip(names, pipe.execute()) if not there]
            return not missing

        if not wait_until(arrived, 8, every=0.2):
            return [f"turn {turn}: {len(missing)} jobs were trimmed away unread, {missing[0]} first"]
    return []


# Readers

class Watcher(threading.Thread):
    """One open stream on the job, never closed: what it shows must heal by itself."""

    def __init__(self, scene):
        super().__init__(daemon=True)
        self.scene, self.shown = scene, None
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.scene.crew.api_port, timeout=120)
        connection.request("GET", f"/v1/jobs/{JOB}/events")
        response = connection.getresponse()
        while line := response.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "data":
                self.shown = json.loads(value)

    def shows(self, percent):
        return lambda: self.shown and (self.shown.get("stage") or {}).get("percent") == percent


def watched(scene):
    """A job at 10 percent, and a client that was shown it."""
    scene.start()
    scene.progress(10)
    if not wait_until(lambda: scene.stored(10), 20):
        return None
    if not wait_until(lambda: answers(scene.crew.api_port), 20):
        return None
    # A process that has just begun reads everything anew once it has seen the owner's second beat.
    time.sleep(1.5)
    watcher = Watcher(scene)
    return watcher if wait_until(watcher.shows(10), 10) else None


def answers(port):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", f"/v1/jobs/{JOB}")
        return connection.getresponse().status == 200
    except OSError:
        return False


def holes(scene):
    """A message that was lost alone shows in the number of the next one."""
    watcher = watched(scene)
    if not watcher:
        return ["the stream never shows the job"]
    for percent in range(20, 70, 10):
        muting = threading.Thread(target=scene.crew.tell, args=("mute api 120",))
        muting.start()
        time.sleep(0.02)
        scene.progress(percent)
        muting.join()
        if not scene.stored(percent):
            # Too slow: it was not lost, so it proves nothing.
            wait_until(lambda: scene.stored(percent), 10)
            continue
        if not wait_until(watcher.shows(percent), 6):
            return [f"{percent} percent are stored, the stream still shows {watcher.shown['stage']['percent']}"]
    return []


def positions(scene):
    """While no message comes at all, the partitions' positions tell that something happened."""
    watcher = watched(scene)
    if not watcher:
        return ["the stream never shows the job"]
    muting = threading.Thread(target=scene.crew.tell, args=("mute api 9000",))
    muting.start()
    time.sleep(0.1)
    scene.progress(50)
    is_shown = wait_until(watcher.shows(50), 7)
    muting.join()
    return [] if is_shown else ["no message came for 7 s, and the stream showed nothing new meanwhile"]


def epochs(scene):
    """What a failover took back is taken back from clients too, though no connection of theirs has ended."""
    watcher = watched(scene)
    leader, follower = scene.crew.servers
    if not watcher or not wait_until(
            lambda: follower.client.hget(f"hw:{{0}}:job:{JOB}", "fraction") == str(10 * 2_000), 10):
        return ["the stream never shows the job"]
    follower.client.execute_command("REPLICAOF", "NO", "ONE")
    scene.progress(60)
    if not wait_until(watcher.shows(60), 10):
        return ["the stream does not show 60 percent"]
    leader.client.execute_command("REPLICAOF", "127.0.0.1", follower.port)
    if not wait_until(lambda: leader.client.info("replication").get("master_link_status") == "up", 10):
        return ["the leader does not follow"]
    leader.client.execute_command("REPLICAOF", "NO", "ONE")
    if not scene.stored(10):
        return ["no proof: nothing was taken back"]
    if not wait_until(watcher.shows(10), 12):
        return [f"10 percent are stored since the failover, the stream shows {watcher.shown['stage']['percent']}"]
    return []


SCENES = {
    "watch": foreign("nonce", lambda checkpoint, commit: "of-another", is_frozen=True),
    "nonce": foreign("nonce", lambda checkpoint, commit: "of-another"),
    "checkpoint": foreign("checkpoint", lambda checkpoint, commit: "1-1"),
    "commit": foreign("commit", lambda checkpoint, commit: commit + 7),
    "alarms": {"run": alarms, "plan": {"lease": 1_000}},
    "watermark": {"run": watermark, "plan": {"lease": 5_000}},
    "stream": {"run": stream, "plan": {"lease": 20_000}},
    "holes": {"run": holes, "plan": {"lease": 1_000}, "serves": True},
    "positions": {"run": positions, "plan": {"lease": 1_000}, "serves": True},
    "epochs": {"run": epochs, "plan": {"lease": 1_000}, "serves": True},
}
# For `watermark`: a beat is missed after two seconds, and a worker is lost after three.
BRIEF = {**VIGIL, "name": "brief", "heartbeat": "1s", "stallAfter": "60s", "lostAfter": "3s"}


def play(name, sabotage, arguments, directory):
    """Returns what went wrong, with `sabotage` out."""
    scene = SCENES[name]
    plan = {"seed": arguments.seed, "fsync": "everysec", "partitions": 1, "aggregators": 1, "publishers": 0, "tasks": 0,
            "pause": 0, "serves": scene.get("serves", False), "pipelines": [BRIEF], **scene["plan"]}
    crew = Crew(directory, arguments.binaries, arguments.clock, plan, sabotage)
    began = time.monotonic()
    try:
        crew.start()
        wrong = scene["run"](Scene(crew))
    except redis.RedisError as error:
        wrong = [f"the scene broke off: {error!r}"]
    finally:
        crew.end()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"scene of {name:10} {'protection out' if sabotage else 'everything in':14} "
          f"{time.monotonic() - began:5.1f} s  {wrong[0][:120] if wrong else 'all as it must be'}", flush=True)
    return wrong
