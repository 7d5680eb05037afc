"""A reader beside the run: takes control, share, members, job, index and tombstone of a partition in one MULTI, again
and again, and says so when they do not agree. Runs as a process of its own; speaks RESP itself, over one socket, and
parses with hiredis, so that a million such reads fit into a long run."""
import random
import socket
import time

import hiredis

STATUSES = ["queued", "running", "completed", "failed", "cancelled"]
BATCH = 16
# Commands of one look, EXEC with them.
STEPS = 14


def spell(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Line:
    """One connection to redis-server; anything wrong is an OSError."""

    def __init__(self, port, decodes=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=2)
        self.parser = hiredis.Reader(encoding="utf-8") if decodes else hiredis.Reader()

    def ask(self, words, count):
        self.socket.sendall(words)
        replies = []
        while len(replies) < count:
            reply = self.parser.gets()
            if reply is False:
                piece = self.socket.recv(262144)
                if not piece:
                    raise OSError("redis-server closed the connection")
                self.parser.feed(piece)
            else:
                replies.append(reply)
        return replies

    def close(self):
        self.socket.close()


class Reader:
    def __init__(self, shared, partitions, seed):
        self.shared, self.partitions, self.dice = shared, partitions, random.Random(seed)
        self.reads = 0
        self.wrong = []
        self.line = self.port = None
        self.commits, self.versions = {}, {}
        self.pool = {number: [] for number in range(partitions)}
        self.generation = None
        self.fixed = {(number, bulk): self.prepare(number, f"shared-{bulk}")
                      for number in range(partitions) for bulk in range(3)}

    def prepare(self, number, bulk):
        """What a look asks of a partition and a bulk, whatever the job: before and behind the questions on the job."""
        tag = f"hw:{{{number}}}"
        head = [spell("MULTI"), spell("HMGET", f"{tag}:control", "epoch", "commit", "checkpoint"),
                spell("HMGET", f"{tag}:bulk:{bulk}", *STATUSES)]
        head += [spell("ZCOUNT", f"{tag}:members:{bulk}", band * 10**13, (band + 1) * 10**13 - 1) for band in range(5)]
        head += [spell("ZREVRANGEBYSCORE", f"{tag}:members:{bulk}", f"({2 * 10**13}", 10**13, "LIMIT", 0, 4),
                 spell("ZRANDMEMBER", f"{tag}:active", 4)]
        return b"".join(head)

    def complain(self, what):
        if len(self.wrong) < 50:
            self.wrong.append(what)

    def connect(self):
        port = self.shared["port"].value
        if self.line is None or port != self.port:
            if self.line:
                self.line.close()
            self.line, self.port = Line(port), port
        return self.line

    def look(self):
        """A few reads in one round trip; what was remembered is void when Redis may have lost history."""
        before = self.shared["generation"].value
        if before % 2:
            time.sleep(0.02)
            return
        if before != self.generation:
            self.generation, self.commits, self.versions = before, {}, {}
        words, plans = [], []
        for _ in range(BATCH):
            number, bulk = self.dice.randrange(self.partitions), self.dice.randrange(3)
            job = self.dice.choice(self.pool[number]) if self.pool[number] else "none"
            own = bulk_of(job)
            tag = f"hw:{{{number}}}"
            words += [
                self.fixed[number, bulk],
                spell("HMGET", f"{tag}:job:{job}", "status", "version", "fraction", "attempt", "message"),
                spell("ZSCORE", f"{tag}:members:{own}", job), spell("ZSCORE", f"{tag}:active", job),
                spell("EXISTS", f"{tag}:tomb:{job}"), b"*1\r\n$4\r\nEXEC\r\n"]
            plans.append((number, f"shared-{bulk}", job, own))
        replies = self.connect().ask(b"".join(words), BATCH * (STEPS + 1))
        if self.shared["generation"].value != before:
            return
        for place, plan in enumerate(plans):
            reply = replies[place * (STEPS + 1) + STEPS]
            if isinstance(reply, list) and not any(isinstance(part, Exception) for part in reply):
                self.check(*plan, reply)
                self.reads += 1

    def check(self, number, bulk, job, own, reply):
        control, share, bands = reply[0], reply[1], reply[2:7]
        near, any_, hash_, score, active, tomb = reply[7:13]
        self.pool[number] = (self.pool[number] + near + any_)[-24:]
        if control[0] is not None:
            commit, checkpoint = int(control[1]), tuple(map(int, control[2].split("-")))
            last = self.commits.get((number, control[0]))
            if last and (commit < last[0] or checkpoint < last[1]):
                self.complain(f"partition {number}: commit {commit} at {checkpoint} after {last} in one epoch")
            self.commits[number, control[0]] = (commit, checkpoint)
        counts = [int(count or 0) for count in share]
        if counts != bands:
            self.complain(f"bulk {bulk}, partition {number}: counts {counts}, members {bands} in one commit")
        status, version, fraction, attempt, message = hash_
        if status is None:
            return
        if score is not None and STATUSES[int(float(score) // 1e13)] != status:
            self.complain(f"job {job}: {status}, but indexed with {score} in one commit")
        if score is None and own != "none":
            self.complain(f"job {job}: {status}, but no member of {own}")
        is_open = status in ("queued", "running")
        if (active is not None) != is_open:
            self.complain(f"job {job}: {status}, active {active} in one commit")
        if not is_open and not tomb:
            self.complain(f"job {job}: {status} without a tombstone")
        seen = (int(version), int(attempt or 1), int(fraction or 0), status, message)
        key = (job, control[0])
        last = self.versions.get(key)
        if last:
            if seen[0] < last[0]:
                self.complain(f"job {job}: version {seen} after {last} in one epoch")
            elif seen[0] == last[0] and seen != last:
                self.complain(f"job {job}: {seen} and {last} have one version")
            elif seen[1] < last[1] or seen[1] == last[1] and seen[2] < last[2]:
                self.complain(f"job {job}: fell from {last} to {seen}")
            elif last[3] not in ("queued", "running") and seen[3] != last[3] and seen[1] == last[1]:
                self.complain(f"job {job}: {last} was the end, and then {seen}")
        if len(self.versions) > 5_000:
            self.versions.clear()
        self.versions[key] = seen


def bulk_of(job):
    """As the publishers name their jobs: `bulk-3` belongs to `bulk`, `bulk-s` to a shared one, `bulk-n` to none."""
    head, _, tail = job.rpartition("-")
    return head if tail.isdigit() else "none"


def run(shared, partitions, seed, results):
    reader = Reader(shared, partitions, seed)
    while not shared["stop"].value:
        try:
            reader.look()
        except (OSError, hiredis.HiredisError):
            if reader.line:
                reader.line.close()
            reader.line = None
            time.sleep(0.02)
        time.sleep(shared["pause"].value)
    results.put((reader.reads, reader.wrong))
