"""The fault loop: real publishers, aggregators, read API and Redis, a seeded course of faults, and an oracle.

    faults.py BINARIES [--seconds N] [--seed N] [--controls] [--sabotage NAME] [--keep] …

Ends with 1 when anything was lost, applied twice or torn, or when the faults had no effect worth the name.
"""
import argparse
import collections
import glob
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import redis

import reader
from crew import Crew, HERE, wait_until
from mishaps import Harm, Mishaps
from monitor import Monitor
from oracle import Oracle

# A round's Redis and what may happen to it. What meddles with unread events comes last, when the rest is proven.
PROFILES = [
    {"fsync": "always", "redis": {
        "redis_killed": 5, "replies_swallowed": 6, "connections_cut": 3, "reply_halved": 4, "network_slow": 2,
        "delivered_late": 3, "clients_killed": 3, "clock_set": 4, "memory_full": 3, "disk_full": 2}},
    {"fsync": "everysec", "redis": {
        "follower_promoted": 7, "redis_killed": 4, "replies_swallowed": 4, "connections_cut": 2, "reply_halved": 3,
        "delivered_late": 3, "clients_killed": 2, "clock_set": 2, "memory_full": 2}},
    {"fsync": "everysec", "redis": {
        "stream_deleted": 2, "stream_trimmed": 2, "replies_swallowed": 4, "connections_cut": 3, "reply_halved": 3,
        "clients_killed": 3, "redis_killed": 3, "memory_full": 2}},
]
AGGREGATORS = {"aggregator_killed": 4, "aggregator_frozen": 5, "aggregator_restarted": 3, "api_killed": 1}
# What is taken out, in which profile and for how long it takes to notice.
CONTROLS = [("images", 0, 4), ("dedupe", 0, 8), ("trim", 0, 8), ("replay", 1, 10), ("fence", 0, 12), ("cache", 0, 12)]


class Tally:
    """Everything that is reported at the end, over all rounds."""

    def __init__(self):
        self.faults = collections.Counter()
        self.numbers = collections.Counter()
        self.takeovers, self.recoveries, self.stops = [], [], []
        self.wrong = []


def lane(name, weights, gap, mishaps, dice, deadline, tally, lock, say):
    """One fault after the other."""
    kinds, odds = list(weights), list(weights.values())
    while time.monotonic() < deadline:
        time.sleep(dice.uniform(*gap))
        kind = dice.choices(kinds, odds)[0]
        # A takeover counts when nothing but the owner was harmed while it lasted.
        if name == "redis":
            mishaps.monitor.forget()
        try:
            outcome = getattr(mishaps, kind)()
        except (redis.RedisError, OSError) as error:
            say(f"{kind:22} hindered: {error}")
            continue
        finally:
            if name == "redis":
                mishaps.monitor.forget()
        if outcome is None:
            continue
        with lock:
            tally.faults[kind] += 1
        say(f"{kind:22} {outcome}")


def play(number, profile, arguments, tally, directory):
    """One round: work under faults, then quiet, then the comparison."""
    seed = arguments.seed * 1_000 + number
    dice = random.Random(seed)
    plan = {"seed": seed, "fsync": profile["fsync"], "partitions": arguments.partitions, "lease": arguments.lease,
            "aggregators": 3, "publishers": 3, "tasks": arguments.tasks, "pause": arguments.pause,
            "patience": 20 if arguments.sabotage else 80}
    shared = {"port": multiprocessing.Value("i", 0), "api": multiprocessing.Value("i", 0),
              "generation": multiprocessing.Value("i", 0), "stop": multiprocessing.Value("i", 0),
              "pause": multiprocessing.Value("d", 0.004)}
    crew = Crew(directory, arguments.binaries, arguments.clock, plan, arguments.sabotage)
    began = time.monotonic()

    def say(line):
        print(f"{time.monotonic() - began:7.2f}  {line}", flush=True)

    wrong, harm = [], Harm()
    monitor = watcher = None
    try:
        crew.start()
        shared["port"].value, shared["api"].value = crew.leader.port, crew.api_port
        results = multiprocessing.Queue()
        watcher = multiprocessing.Process(
            target=reader.run, args=(shared, crew.partitions, seed, results), daemon=True)
        watcher.start()
        monitor = Monitor(shared, crew.partitions)
        monitor.start()
        time.sleep(2.0)
        lock, deadline = threading.Lock(), time.monotonic() + arguments.round
        mishaps = Mishaps(crew, monitor, shared, harm, random.Random(seed + 1))
        lanes = [
            threading.Thread(target=lane, args=(
                "redis", profile["redis"], (0.2, 0.7), mishaps, random.Random(seed + 2), deadline, tally, lock, say)),
            threading.Thread(target=lane, args=(
                "aggregators", AGGREGATORS, (0.2, 0.7), mishaps, random.Random(seed + 3), deadline, tally, lock, say))]
        for thread in lanes:
            thread.start()
        for thread in lanes:
            thread.join()
        tally.stops += mishaps.clean_stops

        wrong += settle(crew, harm, say)
        oracle = Oracle(f"{directory}/diary-*.log", crew.partitions)
        wrong += verdict(crew, oracle, harm, say)
        shared["stop"].value = 1
        reads, polls, unanswered, seen = results.get(timeout=20)
        wrong += [f"reader: {line}" for line in seen]
        wrong += close(crew, oracle, harm, tally)
        monitor.is_over = True
        monitor.join(2)
        if wrong:
            shutil.copytree(crew.leader.directory, crew.directory / "data", ignore_dangling_symlinks=True)
        tally.takeovers += monitor.takeovers
        tally.recoveries += monitor.recoveries
        tally.numbers.update({
            "commits": monitor.total(3), "commits fenced": monitor.total(4), "duplicates dropped": monitor.total(5),
            "reads": reads, "API polls": polls, "API polls unanswered": unanswered, "jobs": len(oracle.jobs),
            "bulks": len(oracle.bulks), "acknowledged tail lost": harm.tail_lost,
            "unread events removed": harm.removed, "subjects excused": len(harm.tainted)})
    finally:
        if monitor:
            monitor.is_over = True
        if watcher and watcher.is_alive():
            watcher.terminate()
        crew.end()
    for line in wrong[:40]:
        say(f"VIOLATION {line[:2000]}")
    tally.wrong += wrong
    return not wrong


def settle(crew, harm, say):
    """Lets everybody end in peace."""
    (crew.directory / "drain").touch()
    crew.keep_up()
    if harm.removed:
        # Only another connection makes a publisher send again what the stream lost behind its back.
        time.sleep(1)
        crew.tell("cut pub")
    began = time.monotonic()

    def drained():
        crew.keep_up()
        return all(any(line.startswith("drained") for line in crew.output(number))
                   for number in range(len(crew.publishers)))

    if not wait_until(drained, crew.plan["patience"], every=0.1):
        return [f"not all is applied {crew.plan['patience']} s after the last fault: "
                f"{[crew.output(number) for number in range(len(crew.publishers))]}"]
    wrong = []
    for number in range(len(crew.publishers)):
        if int(crew.output(number)[-1].split()[2]):
            wrong.append(f"publisher {number} waited in vain: {crew.output(number)[-1]}")
    say(f"quiet after {time.monotonic() - began:.1f} s")
    return wrong


def verdict(crew, oracle, harm, say):
    """Compares until all agrees: what shares tell one another may take a moment. Counters are exact at once."""
    client, wrong = crew.leader.client, []
    oracle.excuse(harm.tainted)
    end = time.monotonic() + crew.plan["patience"] / 4
    while True:
        wrong = oracle.compare(client, harm.tainted)
        if not wrong or time.monotonic() > end:
            break
        time.sleep(0.5)
    if not wrong:
        wrong = oracle.compare_api(crew.api_port, harm.tainted)
    wrong += [f"a call was refused: {line}" for line in oracle.refused
              if line.split("\t")[1] not in harm.tainted][:10]
    lost = consumed = 0
    for number in range(crew.partitions):
        control = client.hgetall(f"hw:{{{number}}}:control")
        lost += int(control["lost"])
        try:
            stream = client.xinfo_stream(f"hw:{{{number}}}:events")
        except redis.ResponseError:
            continue
        if not harm.removed and int(control["consumed"]) != stream["entries-added"]:
            wrong.append(f"partition {number}: {control['consumed']} entries consumed of {stream['entries-added']}")
        if not harm.removed:
            for entry, fields in client.xrange(f"hw:{{{number}}}:rejected", count=5):
                wrong.append(f"partition {number}: {entry} was refused: {fields}")
    say(f"counted as lost: {lost}; removed unread: {harm.removed}")
    if not harm.removed and lost:
        wrong.append(f"{lost} events counted as lost where none was")
    return wrong


def close(crew, oracle, harm, tally):
    """The publishers' own account: every number that they gave out is applied."""
    wrong = []
    marks = sum(int(mark.split(":")[0]) for number in range(crew.partitions)
                for mark in crew.leader.client.hvals(f"hw:{{{number}}}:sources"))
    told = [line.split() for number in range(len(crew.publishers)) for line in crew.output(number)
            if line.startswith("drained")]
    events = sum(int(words[1]) for words in told)
    if marks != events:
        wrong.append(f"publishers numbered {events} events, {marks} are marked as applied")
    tally.numbers.update({
        "events": events, "events sent again": sum(int(words[4]) for words in told),
        "rollbacks noticed": sum(int(words[5]) for words in told)})
    if any(int(words[6]) for words in told):
        wrong.append(f"publishers say that events are lost: {told}")
    (crew.directory / "close").touch()
    for number, publisher in enumerate(crew.publishers):
        patience = 30 if len(told) == len(crew.publishers) else 1
        if not wait_until(lambda: not publisher.runs, patience) or publisher.child.returncode:
            wrong.append(f"publisher {number} did not close: {crew.output(number)[-1:]}")
    halted = [f"{path}: {line.strip()}" for path in glob.glob(f"{crew.directory}/aggregator-*.log")
              for line in open(path, errors="replace")
              if re.search("HALTED|Fatal|panic", line)
              or not harm.removed and re.search("were lost before|were removed from", line)]
    return wrong + halted[:10]


def percentile(samples, share):
    return sorted(samples)[min(len(samples) - 1, int(share * len(samples)))] if samples else 0.0


def report(tally, arguments, elapsed):
    print("\nfault                   times")
    for kind, count in sorted(tally.faults.items()):
        print(f"{kind:22} {count:6}")
    print(f"{'in all':22} {sum(tally.faults.values()):6}, {len(tally.faults)} kinds, in {elapsed:.0f} s\n")
    for name, count in tally.numbers.items():
        print(f"{name:28} {count:12,}")
    for name, samples in [("takeover", tally.takeovers), ("Redis back to first commit", tally.recoveries),
                          ("clean stop", tally.stops)]:
        print(f"{name:28} {len(samples):6} times, p50 {percentile(samples, .5):.2f} s, "
              f"p99 {percentile(samples, .99):.2f} s")
    print(f"{'violations':28} {len(tally.wrong):12,}")
    print(f"\nagain: make faults SECONDS={arguments.seconds} SEED={arguments.seed}")


def effective(tally, arguments):
    """A run whose faults did nothing proves nothing."""
    least = {"commits fenced": 1, "duplicates dropped": 1, "acknowledged tail lost": 1, "events sent again": 1,
             "rollbacks noticed": 1}
    wrong = [f"{name}: {tally.numbers[name]}" for name, count in least.items() if tally.numbers[name] < count]
    if arguments.seconds >= 120 and (sum(tally.faults.values()) < 100 or len(tally.faults) < 8):
        wrong.append(f"only {sum(tally.faults.values())} faults of {len(tally.faults)} kinds")
    return wrong


def controls(arguments, base):
    """Each protection out in turn; returns whether each was missed."""
    caught = {}
    for name, place, seconds in CONTROLS:
        arguments.sabotage, wrong = name, []
        # A freeze may come too late in a short round: three tries.
        for attempt in range(3):
            arguments.round = seconds * (attempt + 1)
            tally = Tally()
            print(f"== without {name}: appendfsync {PROFILES[place]['fsync']}", flush=True)
            directory = base / f"{name}-{attempt}"
            try:
                play(attempt, PROFILES[place], arguments, tally, directory)
                wrong = tally.wrong
            finally:
                shutil.rmtree(directory, ignore_errors=True)
            if wrong:
                break
        caught[name] = wrong
    print("\nwithout     violations  the first")
    for name, wrong in caught.items():
        print(f"{name:11} {len(wrong):10}  {wrong[0][:110] if wrong else 'NOT NOTICED'}")
    shutil.rmtree(base, ignore_errors=True)
    print(f"\n{sum(map(bool, caught.values()))} of {len(caught)} caught")
    return all(caught.values())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=120, help="under faults, over all rounds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, default=40, help="the longest round")
    parser.add_argument("--partitions", type=int, default=6)
    parser.add_argument("--lease", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--pause", type=int, default=5)
    parser.add_argument("--profile", type=int, help="only this one")
    parser.add_argument("--sabotage", default="", help="take a protection out: the oracle must notice")
    parser.add_argument("--controls", action="store_true", help="take each protection out in turn")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    arguments.binaries = arguments.binaries.resolve()
    base = pathlib.Path(tempfile.mkdtemp(prefix="headway-faults-"))
    arguments.clock = base / "clock.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", arguments.clock, HERE / "clock.c"], check=True)
    if os.geteuid():
        print("not root: a full disk cannot be had, that fault is left out")
    rounds = max(1, -(-arguments.seconds // arguments.round))
    arguments.round = arguments.seconds / rounds
    if arguments.controls:
        sys.exit(0 if controls(arguments, base) else 1)
    tally, began = Tally(), time.monotonic()
    for number in range(rounds):
        place = number % len(PROFILES) if arguments.profile is None else arguments.profile
        print(f"== round {number + 1} of {rounds}: appendfsync {PROFILES[place]['fsync']}", flush=True)
        try:
            is_good = play(number, PROFILES[place], arguments, tally, base / str(number))
        except Exception as error:
            import traceback
            traceback.print_exc()
            tally.wrong.append(f"round {number + 1} broke off: {error!r}")
            is_good = False
        if is_good:
            shutil.rmtree(base / str(number), ignore_errors=True)
        elif len(tally.wrong) > 0:
            break
    report(tally, arguments, time.monotonic() - began)
    weak = [] if arguments.profile is not None else effective(tally, arguments)
    for line in weak:
        print(f"not effective: {line}")
    if tally.wrong:
        print(f"what the processes said is in {base}")
    else:
        shutil.rmtree(base, ignore_errors=True)
    sys.exit(1 if tally.wrong or weak else 0)


main()
