"""A reader beside the run: takes control, share, members, job, index and tombstone of a partition in one MULTI, again
and again, and says so when they do not agree. Also polls the API. Runs as a process of its own."""
import http.client
import json
import random
import time

import redis

STATUSES = ["queued", "running", "completed", "failed", "cancelled"]
BATCH = 12


class Reader:
    def __init__(self, shared, partitions, seed):
        self.shared, self.partitions, self.dice = shared, partitions, random.Random(seed)
        self.reads = self.polls = self.unanswered = 0
        self.wrong = []
        self.client = self.port = None
        self.commits, self.versions = {}, {}
        self.pool = {number: [] for number in range(partitions)}
        self.generation = None

    def complain(self, what):
        if len(self.wrong) < 50:
            self.wrong.append(what)

    def connect(self):
        port = self.shared["port"].value
        if self.client is None or port != self.port:
            self.client = redis.Redis(port=port, decode_responses=True, socket_timeout=2, retry_on_timeout=False)
            # Replies as they come: inside a transaction most are only QUEUED.
            self.client.response_callbacks = {}
            self.port = port
        return self.client

    def look(self):
        """A few reads in one round trip; what was remembered is void when Redis may have lost history."""
        before = self.shared["generation"].value
        if before % 2:
            time.sleep(0.02)
            return
        if before != self.generation:
            self.generation, self.commits, self.versions = before, {}, {}
        pipe = self.connect().pipeline(transaction=False)
        plans = []
        for _ in range(BATCH):
            number = self.dice.randrange(self.partitions)
            bulk = f"shared-{self.dice.randrange(3)}"
            job = self.dice.choice(self.pool[number]) if self.pool[number] else "none"
            own = bulk_of(job)
            tag = f"hw:{{{number}}}"
            pipe.execute_command("MULTI")
            pipe.execute_command("HMGET", f"{tag}:control", "epoch", "commit", "checkpoint", "nonce")
            pipe.execute_command("HMGET", f"{tag}:bulk:{bulk}", *STATUSES)
            for band in range(5):
                pipe.execute_command("ZCOUNT", f"{tag}:members:{bulk}", band * 10**13, (band + 1) * 10**13 - 1)
            pipe.execute_command("HMGET", f"{tag}:job:{job}", "status", "version", "fraction", "attempt", "message")
            pipe.execute_command("ZSCORE", f"{tag}:members:{own}", job)
            pipe.execute_command("ZSCORE", f"{tag}:active", job)
            pipe.execute_command("EXISTS", f"{tag}:tomb:{job}")
            pipe.execute_command("ZREVRANGEBYSCORE", f"{tag}:members:{bulk}", "(" + str(2 * 10**13), 10**13,
                                 "LIMIT", 0, 4)
            pipe.execute_command("ZRANDMEMBER", f"{tag}:active", 4)
            pipe.execute_command("EXEC")
            plans.append((number, bulk, job, own))
        replies = pipe.execute(raise_on_error=False)
        if self.shared["generation"].value != before:
            return
        for place, plan in enumerate(plans):
            reply = replies[place * 15 + 14]
            if isinstance(reply, list) and not any(isinstance(part, Exception) for part in reply):
                self.check(*plan, reply)
                self.reads += 1

    def check(self, number, bulk, job, own, reply):
        control, share, bands = reply[0], reply[1], reply[2:7]
        hash_, score, active, tomb, near, any_ = reply[7:13]
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

    def poll(self):
        """One answer of the API must agree with itself."""
        number = self.dice.randrange(self.partitions)
        isBulk = self.dice.random() < 0.5 or not self.pool[number]
        path = f"/v1/bulks/shared-{self.dice.randrange(3)}" if isBulk else \
            f"/v1/jobs/{self.dice.choice(self.pool[number])}"
        connection = http.client.HTTPConnection("127.0.0.1", self.shared["api"].value, timeout=3)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.unanswered += 1
            return
        finally:
            connection.close()
        self.polls += 1
        if response.status != 200:
            return
        if isBulk:
            counts = body["counts"]
            if counts["registered"] != sum(counts[status] for status in STATUSES):
                self.complain(f"API: {path}: {counts} do not add up")
        elif (body["percent"] == 100) != (body["status"] == "completed"):
            self.complain(f"API: {path}: {body['percent']} percent and {body['status']}")


def bulk_of(job):
    """As the publishers name their jobs: `bulk-3` belongs to `bulk`, `bulk-s` to a shared one, `bulk-n` to none."""
    head, _, tail = job.rpartition("-")
    return head if tail.isdigit() else "none"


def run(shared, partitions, seed, results):
    reader = Reader(shared, partitions, seed)
    turn = 0
    while not shared["stop"].value:
        turn += 1
        try:
            reader.look()
            if turn % 4 == 0 and shared["api"].value:
                reader.poll()
        except (redis.RedisError, OSError):
            reader.client = None
            time.sleep(0.02)
        time.sleep(shared["pause"].value)
    results.put((reader.reads, reader.polls, reader.unanswered, reader.wrong))
