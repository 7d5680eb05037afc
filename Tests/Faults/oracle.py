"""Recomputes from the publishers' diaries what every job and bulk must be, and compares it with what Redis and the
API say. Shares no code with the fold: it knows the pipeline below, docs/wire.md and arithmetic."""
import binascii
import glob
import http.client
import json

PIPELINE = {
    "name": "faults", "maxAttempts": 3, "heartbeat": "6s",
    "stages": [{"id": "fetch", "range": [0, 20]}, {"id": "draw", "range": [20, 80], "indexed": True},
               {"id": "proof", "range": [80, 90], "optional": True}, {"id": "store", "range": [90, 100]}],
}
# Jobs that live long under short deadlines, and what becomes of them (see Publisher/Vigil.swift).
VIGIL = {"name": "vigil", "maxAttempts": 1, "heartbeat": "2s", "stallAfter": "10s", "lostAfter": "14s",
         "stages": [{"id": "wait", "range": [0, 100]}]}
ORDER = [stage["id"] for stage in PIPELINE["stages"]]
RANGE = {stage["id"]: stage["range"] for stage in PIPELINE["stages"]}
OPTIONAL = {"proof"}
STATUSES = ["queued", "running", "completed", "failed", "cancelled"]


def partition(subject, count):
    return binascii.crc_hqx(subject.encode(), 0) % count


class Job:
    """One job as its publisher's calls make it, in order."""

    def __init__(self, name):
        self.name, self.bulk, self.status, self.attempt = name, None, "queued", 1
        self.timeline = ["created;1;;"]
        self.words = 1
        self.reset()

    def reset(self):
        self.percent, self.stage, self.place = 0, None, (None, None)
        self.state, self.result, self.error, self.code, self.message = {}, None, None, None, None

    def note(self, kind, stage="", index=None):
        self.timeline.append(f"{kind};{self.attempt};{stage};{index or ''}")

    def reach(self, fraction):
        low, high = RANGE[self.stage]
        index, of = self.place
        if of:
            fraction = (index - 1 + fraction) / of
        self.percent = max(self.percent, min(99, round(low + (high - low) * fraction, 6)))

    def start(self, bulk, attempt):
        self.bulk = self.bulk or bulk
        if attempt > self.attempt:
            self.attempt = attempt
            self.reset()
        self.status = "running"
        self.note("started")

    def begin(self, stage, index, of):
        if stage != self.stage:
            place = ORDER.index(stage)
            if self.stage and place < ORDER.index(self.stage):
                for later in ORDER[place:]:
                    if self.state.get(later) == "c":
                        self.state[later] = "w"
                        self.note("stage_withdrawn", later)
            else:
                first = ORDER.index(self.stage) + 1 if self.stage else 0
                for passed in ORDER[first:place]:
                    if passed not in OPTIONAL and self.state.get(passed) != "c":
                        self.state[passed] = "s"
                        self.note("stage_skipped", passed)
            self.state[stage] = "r"
            self.stage = stage
            self.note("stage_started", stage, index)
        elif index != self.place[0]:
            self.note("stage_started", stage, index)
        self.place, self.message = (index, of), None
        self.reach(0)

    def report(self, done, total, message):
        self.message = message
        self.reach(done / total)

    def complete_stage(self):
        index, of = self.place
        self.reach(1)
        self.note("stage_completed", self.stage, index if index != of else None)
        if index == of:
            self.state[self.stage] = "c"

    def end(self, status):
        self.status = status
        if status == "completed":
            self.percent = 100
        self.note(status, (self.stage or "") if status == "failed" else "")

    def listed(self, letter):
        return [stage for stage in ORDER if self.state.get(stage) == letter]


class Oracle:
    def __init__(self, diaries, partitions):
        self.partitions = partitions
        self.jobs, self.bulks, self.refused, self.vigils = {}, {}, [], {}
        self.calls = 0
        for path in sorted(glob.glob(diaries)):
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    self.take(line.rstrip("\n").split("\t"))
        for job in self.jobs.values():
            if job.bulk:
                bulk = self.bulks.setdefault(job.bulk, {"members": [], "total": None, "sealed": False})
                bulk["members"].append(job)
                if bulk.get("cancelled") and job.status == "queued":
                    job.end("cancelled")

    def take(self, words):
        letter, subject, rest = words[0], words[1], words[2:]
        if letter in "OLK":
            bulk = self.bulks.setdefault(subject, {"members": [], "total": None, "sealed": False})
            if letter == "K":
                bulk["cancelled"] = True
            else:
                bulk["total"] = int(rest[0])
                bulk["sealed"] = bulk["sealed"] or letter == "L"
            return
        if letter == "V":
            self.vigils[subject] = rest[0]
            return
        if letter == "!":
            self.refused.append("\t".join(words))
            return
        if letter in "+D":
            return
        self.calls += 1
        if subject not in self.jobs:
            self.jobs[subject] = Job(subject)
        job = self.jobs[subject]
        if letter != "R":
            job.words += 1
        if letter == "Q":
            job.bulk = rest[0]
        elif letter == "S":
            job.start(None if rest[0] == "-" else rest[0], int(rest[1]))
        elif letter == "B":
            job.begin(rest[0], *(None if word == "-" else int(word) for word in rest[1:]))
        elif letter == "R":
            job.words += 1
            job.report(int(rest[0]), int(rest[1]), rest[2])
        elif letter == "E":
            job.complete_stage()
        elif letter == "C":
            job.result = rest[0]
            job.end("completed")
        elif letter == "F":
            job.error, job.code = rest[0], rest[1]
            job.end("failed")
        elif letter == "X":
            job.end("cancelled")

    def excuse(self, tainted):
        """A bulk that lost a word may have lost its cancel, and with it the end of what was queued."""
        for name in list(tainted):
            if self.bulks.get(name, {}).get("cancelled"):
                tainted.update(job.name for job in self.bulks[name]["members"])

    # What Redis says

    def compare(self, client, tainted=frozenset(), limit=40):
        """Every job hash, timeline and index entry, every bulk's shares and members, against the diaries."""
        wrong = []
        jobs = [job for job in self.jobs.values() if job.name not in tainted]
        for start in range(0, len(jobs), 500):
            some = jobs[start:start + 500]
            pipe = client.pipeline(transaction=False)
            for job in some:
                tag = f"hw:{{{partition(job.name, self.partitions)}}}"
                pipe.hgetall(f"{tag}:job:{job.name}")
                pipe.lrange(f"{tag}:timeline:{job.name}", 0, -1)
                pipe.zscore(f"{tag}:active", job.name)
                if job.bulk:
                    pipe.zscore(f"{tag}:members:{job.bulk}", job.name)
                else:
                    pipe.ping()
            replies = pipe.execute()
            for number, job in enumerate(some):
                wrong += self.compare_job(job, *replies[4 * number:4 * number + 4])
                if len(wrong) >= limit:
                    return wrong
        return wrong + self.compare_bulks(client, tainted)

    def compare_vigils(self, client, tainted=frozenset(), is_over=False):
        """Who works was never judged by silence or standstill; who is silent is lost, who stands still is stalled.

        A worker that could not get through for two heartbeats is `suspect` for a moment, and rightly so. When it
        `is_over`, those that stood still have completed."""
        wrong = []
        for name, course in self.vigils.items():
            if name in tainted:
                continue
            tag = f"hw:{{{partition(name, self.partitions)}}}"
            found = client.hgetall(f"{tag}:job:{name}")
            steps = client.lrange(f"{tag}:timeline:{name}", 0, -1)
            judged = [step.split(";")[5] for step in steps if step.split(";")[1] == "health"]
            status, code, health = found.get("status"), found.get("code"), found.get("health")
            if course == "steady":
                right = status == "completed" and "stalled" not in judged and "recoveries" not in found
            elif course == "silent":
                right = status == "failed" and code == "worker_lost" and "stalled" not in judged
            elif is_over:
                right = status == "completed" and "stalled" in judged
            else:
                right = status == "running" and health == "stalled"
            if not right:
                wrong.append(f"vigil {name}: {status} {code} {health} after {steps}")
        return wrong

    def compare_job(self, job, found, timeline, active, member):
        fraction = 1_000_000 if job.status == "completed" else round(job.percent * 10_000)
        expected = {"status": job.status, "attempt": str(job.attempt), "bulk": job.bulk, "result": job.result,
                    "error": job.error, "code": job.code, "message": job.message, "recoveries": "0",
                    "health": None, "fraction": str(fraction)}
        defaults = {"attempt": "1", "recoveries": "0", "fraction": "0"}
        wrong = []
        for field, value in expected.items():
            seen = found.get(field, defaults.get(field))
            if seen != value:
                wrong.append(f"job {job.name}: {field} is {seen!r}, said was {value!r}")
        stages = [part.split("=") for part in found.get("stages", "").split()]
        for letter in "cs":
            seen = sorted(stage for stage, mark in stages if mark.split("/")[0] == letter)
            if seen != sorted(job.listed(letter)):
                wrong.append(f"job {job.name}: stages {found.get('stages')!r}, said was {job.state}")
        steps = [";".join(step.split(";")[1:5]) for step in timeline]
        # A slow machine makes stages slow, and a worker that does not get through for a while suspect: both are said.
        judged = [step for step in steps if step.startswith("health")]
        told = [step for step in steps if not step.startswith(("requeued", "health"))]
        if sorted(told) != sorted(job.timeline):
            wrong.append(f"job {job.name}: timeline {timeline}, said was {job.timeline}")
        if int(found.get("version", 0)) > job.words + len(judged):
            wrong.append(f"job {job.name}: version {found['version']} after {job.words} words")
        if (active is not None) != (job.status in ("queued", "running")):
            wrong.append(f"job {job.name}: {job.status}, active {active}")
        if job.bulk and (member is None or STATUSES[int(float(member) // 1e13)] != job.status):
            wrong.append(f"job {job.name}: {job.status}, member of {job.bulk} with {member}")
        return wrong

    def compare_bulks(self, client, tainted):
        wrong = []
        bulks = sorted(self.bulks)
        for start in range(0, len(bulks), 100):
            some = bulks[start:start + 100]
            pipe = client.pipeline(transaction=False)
            for bulk in some:
                for number in range(self.partitions):
                    pipe.hgetall(f"hw:{{{number}}}:bulk:{bulk}")
                    pipe.zrange(f"hw:{{{number}}}:members:{bulk}", 0, -1, withscores=True)
            replies = iter(pipe.execute())
            for bulk in some:
                wrong += self.compare_bulk(bulk, [(next(replies), next(replies)) for _ in range(self.partitions)],
                                           tainted)
        return wrong

    def compare_bulk(self, name, parts, tainted):
        bulk, wrong = self.bulks[name], []
        counted, indexed, members = dict.fromkeys(STATUSES, 0), dict.fromkeys(STATUSES, 0), []
        for number, (share, index) in enumerate(parts):
            here = dict.fromkeys(STATUSES, 0)
            for member, score in index:
                here[STATUSES[int(score // 1e13)]] += 1
                members.append(member)
            for status in STATUSES:
                counted[status] += int(share.get(status, 0))
                indexed[status] += here[status]
                if int(share.get(status, 0)) != here[status]:
                    wrong.append(f"bulk {name}: partition {number} counts {share.get(status, 0)} {status}, "
                                 f"its members' index {here[status]}")
        if name in tainted:
            return wrong
        said = dict.fromkeys(STATUSES, 0)
        for job in bulk["members"]:
            said[job.status] += 1
        if counted != said:
            wrong.append(f"bulk {name}: counts {counted}, said was {said}")
        if sorted(members) != sorted(job.name for job in bulk["members"]):
            wrong.append(f"bulk {name}: its members are not those that were said")
        home = parts[partition(name, self.partitions)][0]
        if bulk["sealed"] and (home.get("total") != str(bulk["total"]) or home.get("sealed") != "1"):
            wrong.append(f"bulk {name}: total {home.get('total')} sealed {home.get('sealed')}, said was "
                         f"{bulk['total']} and sealed")
        done = said["completed"] + said["failed"] + said["cancelled"]
        if bulk["sealed"] and done == bulk["total"]:
            for number, (share, _) in enumerate(parts):
                if share and "settled" not in share:
                    wrong.append(f"bulk {name}: all is done, partition {number} does not know it as settled")
        return wrong

    # What the API says

    def compare_shown(self, kind, name, shown):
        """One snapshot, of a subject that we know."""
        known = (self.jobs if kind == "job" else self.bulks).get(name)
        if known is None:
            return []
        if shown is None:
            return [f"was never shown {kind} {name}"]
        if kind == "job":
            expected = self.expected(known)
        else:
            expected = {"counts": self.counts(name)}
            if self.is_settled(name):
                expected |= {"phase": "settled", "percent": 100}
        return [f"{kind} {name}: {field} is {shown.get(field)!r}, said was {value!r}"
                for field, value in expected.items() if shown.get(field) != value]

    def expected(self, job):
        return {"status": job.status, "percent": int(job.percent), "attempt": job.attempt, "bulk": job.bulk,
                "result": job.result, "message": job.message, "completedStages": job.listed("c"),
                "skippedStages": job.listed("s")}

    def counts(self, name):
        said = dict.fromkeys(STATUSES, 0)
        for job in self.bulks[name]["members"]:
            said[job.status] += 1
        said["registered"] = len(self.bulks[name]["members"])
        return said

    def is_settled(self, name):
        said = self.counts(name)
        done = said["completed"] + said["failed"] + said["cancelled"]
        return self.bulks[name]["sealed"] and done == self.bulks[name]["total"]

    def compare_api(self, port, tainted=frozenset(), limit=40):
        wrong = []
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        jobs = [job for job in self.jobs.values() if job.name not in tainted]
        for start in range(0, len(jobs), 500):
            some = {job.name: job for job in jobs[start:start + 500]}
            connection.request("POST", "/v1/jobs/query", json.dumps({"ids": list(some)}),
                               {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            found = {job["id"]: job for job in answer.get("jobs", [])}
            for name, job in some.items():
                seen = found.get(name)
                if seen is None:
                    wrong.append(f"API: no job {name}")
                    continue
                wrong += [f"API: {line}" for line in self.compare_shown("job", name, seen)]
            if len(wrong) >= limit:
                return wrong
        for name in sorted(self.bulks):
            if name in tainted:
                continue
            connection.request("GET", f"/v1/bulks/{name}")
            seen = json.loads(connection.getresponse().read())
            wrong += [f"API: {line}" for line in self.compare_shown("bulk", name, seen)]
        connection.close()
        return wrong
