"""Readers of the API beside the run: clients of event streams, which come back whenever they are cut off, and pollers.
Each holds what it was shown against itself and against what Redis was seen to hold. Runs as a process of its own."""
import collections
import datetime
import http.client
import json
import random
import threading
import time

import hiredis

from oracle import partition
from reader import Line, STATUSES, bulk_of, spell

CLIENTS, SUBJECTS, POLLERS = 5, 40, 2
# What an answer may change without being another state.
MOVING = {"asOf", "lagMs", "stale", "elapsedSeconds", "eta", "etaReason", "rate", "reason", "current"}


class History:
    """What was seen, by whomever; void when Redis may have lost some of it. Times are monotonic, watermarks Redis'."""

    def __init__(self, shared, partitions):
        self.shared, self.partitions, self.lock = shared, partitions, threading.Lock()
        self.generation, self.since = None, 0.0
        self.stored, self.wrong = {}, []
        self.claims = 0

    def complain(self, what):
        with self.lock:
            if len(self.wrong) < 50:
                self.wrong.append(what)

    def turn(self):
        """The course of history that we are in; what is seen soon after it began may still be of the one before."""
        now = self.shared["generation"].value
        if now != self.generation:
            self.generation, self.since = now, time.monotonic()
            self.stored = {}
        return now

    def look(self, line, job):
        """What Redis holds of a job: (epoch, watermark, version) of one commit."""
        tag = f"hw:{{{partition(job, self.partitions)}}}"
        before = self.turn()
        reply = line.ask(b"".join([
            spell("MULTI"), spell("HMGET", f"{tag}:control", "epoch", "watermark"),
            spell("HGET", f"{tag}:job:{job}", "version"), spell("EXEC")]), 4)[3]
        if isinstance(reply, list) and None not in (reply[0][0], reply[1]) and before == self.turn() \
                and before % 2 == 0:
            with self.lock:
                self.stored.setdefault(job, collections.deque(maxlen=64)).append(
                    (reply[0][0], int(reply[0][1]), int(reply[1])))

    def claim(self, who, shown):
        """A job's snapshot is never older than it says: what was stored by then is in it."""
        if shown.get("asOf") is None:
            return
        as_of = datetime.datetime.fromisoformat(shown["asOf"].replace("Z", "+00:00")).timestamp() * 1000
        with self.lock:
            known = list(self.stored.get(shown["id"], ()))
            self.claims += 1
        for epoch, watermark, version in known:
            if epoch == shown["epoch"] and watermark < round(as_of) and version > shown["version"]:
                self.complain(f"{who}: job {shown['id']} as of {shown['asOf']} in version {shown['version']}, "
                              f"but version {version} was there at {watermark}")


class Memory:
    """What one client was shown of each subject."""

    def __init__(self, who, history):
        self.who, self.history = who, history
        self.last = {}

    def show(self, kind, shown):
        key = (kind, shown["id"])
        turn, now = self.history.turn(), time.monotonic()
        known = self.last.get(key)
        if known and known[0]["epoch"] == shown["epoch"] and known[1] == turn and known[2] > self.history.since + 1:
            before = known[0]
            if shown["version"] < before["version"]:
                self.history.complain(f"{self.who}: {key} fell from version {before['version']} to "
                                      f"{shown['version']} in one epoch")
            elif shown["version"] == before["version"]:
                changed = [name for name in shown if name not in MOVING and shown[name] != before.get(name)]
                if changed:
                    self.history.complain(f"{self.who}: {key} has two faces in version {shown['version']}: "
                                          f"{[(name, before.get(name), shown[name]) for name in changed]}")
        self.last[key] = (shown, turn, now)
        if kind == "job":
            self.history.claim(self.who, shown)
            if (shown["percent"] == 100) != (shown["status"] == "completed"):
                self.history.complain(f"{self.who}: {key}: {shown['percent']} percent and {shown['status']}")
        else:
            counts = shown["counts"]
            if counts["registered"] != sum(counts[status] for status in STATUSES):
                self.history.complain(f"{self.who}: {key}: {counts} do not add up")


class Client(threading.Thread):
    """One EventSource: comes back with the id that it saw last, and takes a few more subjects along each time."""

    def __init__(self, number, team, seed):
        super().__init__(daemon=True)
        self.team, self.dice = team, random.Random(seed)
        self.memory = Memory(f"stream {number}", team.history)
        self.subjects = [("bulk", f"shared-{number}") for number in range(3)]
        self.last_id, self.frames, self.connections = None, 0, 0

    def run(self):
        while not self.team.is_over:
            try:
                self.follow()
            except (OSError, http.client.HTTPException, ValueError):
                pass
            time.sleep(0.05)

    def follow(self):
        if len(self.subjects) < SUBJECTS and not self.team.is_quiet:
            more = [job for job in self.team.some_jobs(self.dice) if ("job", job) not in self.subjects]
            if more:
                self.subjects += [("job", job) for job in more]
                bulk = bulk_of(more[0])
                if bulk != "none" and ("bulk", bulk) not in self.subjects:
                    self.subjects.append(("bulk", bulk))
                self.last_id = None
        names = {kind: ",".join(name for this, name in self.subjects if this == kind) for kind in ("job", "bulk")}
        path = f"/v1/stream?bulks={names['bulk']}" + (f"&jobs={names['job']}" if names["job"] else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.team.shared["api"].value, timeout=60)
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                # 204: all is said and done, as far as this API knows; ask again, for something may be taken back.
                time.sleep(0.5)
                return
            self.connections += 1
            # Silence is no end: what counts is that it comes back often, so that it also meets a new process.
            self.read(response, time.monotonic() + self.dice.uniform(2, 6))
        finally:
            connection.close()

    def read(self, response, end):
        event, identity = None, None
        while not self.team.is_over and (self.team.is_quiet or time.monotonic() < end):
            line = response.readline()
            if not line:
                return
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                identity = value
            elif name == "data" and event in ("job", "bulk"):
                self.memory.show(event, json.loads(value))
                self.frames += 1
            elif not name:
                self.last_id = identity or self.last_id
                event = identity = None


class Poller(threading.Thread):
    """Looks at Redis, then asks the API: at once, or as a long poll with the token that it has."""

    def __init__(self, number, team, seed):
        super().__init__(daemon=True)
        self.team, self.dice = team, random.Random(seed)
        self.memory = Memory(f"poller {number}", team.history)
        self.polls = self.unanswered = 0

    def run(self):
        line = port = None
        while not self.team.is_over:
            try:
                if line is None or port != self.team.shared["port"].value:
                    port = self.team.shared["port"].value
                    line = Line(port)
                self.team.find_jobs(line)
                for client in self.team.clients:
                    for kind, name in self.dice.sample(client.subjects, min(6, len(client.subjects))):
                        if kind == "job":
                            self.team.history.look(line, name)
            except (OSError, hiredis.HiredisError):
                line = None
            self.poll()
            time.sleep(0.01)

    def poll(self):
        client = self.dice.choice(self.team.clients)
        kind, name = self.dice.choice(client.subjects)
        path = f"/v1/{kind}s/{name}"
        known = self.memory.last.get((kind, name))
        if known and self.dice.random() < 0.2:
            path += f"?wait=300ms&version={known[0]['epoch']}-{known[0]['version']}"
        connection = http.client.HTTPConnection("127.0.0.1", self.team.shared["api"].value, timeout=3)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            if response.status == 200:
                self.memory.show(kind, json.loads(body))
            self.polls += 1
        except (OSError, http.client.HTTPException, ValueError):
            self.unanswered += 1
        finally:
            connection.close()


class Team:
    def __init__(self, shared, partitions, seed):
        self.shared, self.partitions = shared, partitions
        self.history = History(shared, partitions)
        self.pool = collections.deque(maxlen=200)
        self.is_over = self.is_quiet = False
        self.clients = [Client(number, self, seed * 10 + number) for number in range(CLIENTS)]
        self.pollers = [Poller(number, self, seed * 10 + 7 + number) for number in range(POLLERS)]

    def find_jobs(self, line):
        words = b"".join(spell("ZRANDMEMBER", f"hw:{{{number}}}:active", 2) for number in range(self.partitions))
        for reply in line.ask(words, self.partitions):
            if isinstance(reply, list):
                self.pool.extend(reply)

    def some_jobs(self, dice):
        known = list(self.pool)
        return set(dice.sample(known, min(4, len(known))))

    def states(self):
        return [{(kind, name): client.memory.last.get((kind, name), [None])[0] for kind, name in list(client.subjects)}
                for client in self.clients]


def run(shared, partitions, seed, pipe):
    """Answers `states`: what each stream's client was shown last. `quiet`: no more coming and going. `end`: ends."""
    team = Team(shared, partitions, seed)
    for thread in [*team.clients, *team.pollers]:
        thread.start()
    while True:
        word = pipe.recv()
        if word == "states":
            pipe.send(team.states())
        elif word == "quiet":
            team.is_quiet = True
            pipe.send("ok")
        else:
            team.is_over = True
            pipe.send((
                {"API polls": sum(poller.polls for poller in team.pollers),
                 "API polls unanswered": sum(poller.unanswered for poller in team.pollers),
                 "stream frames": sum(client.frames for client in team.clients),
                 "streams opened": sum(client.connections for client in team.clients),
                 "snapshots held against Redis": team.history.claims},
                team.history.wrong))
            return
