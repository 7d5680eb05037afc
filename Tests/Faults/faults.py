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
import signal
import subprocess
import sys
import tempfile
import threading
import time

import redis

import directed
import reader
import watcher
from crew import Crew, HERE, wait_until
from gauge import Gauge, bar
from mishaps import Harm, Mishaps
from monitor import Monitor
from oracle import Oracle

# A round's Redis and what may happen to it. What meddles with unread events comes last, when the rest is proven.
PROFILES = [
    {"fsync": "always", "redis": {
        "redis_killed": 5, "replies_swallowed": 6, "connections_cut": 3, "reply_halved": 4, "network_slow": 2,
        "delivered_late": 3, "clients_killed": 3, "clock_set": 4, "memory_full": 3, "disk_full": 2,
        "message_lost": 3, "subscription_muted": 1}},
    {"fsync": "everysec", "redis": {
        "follower_promoted": 8, "redis_killed": 4, "replies_swallowed": 4, "connections_cut": 2,
        "reply_halved": 3, "delivered_late": 3, "clients_killed": 2, "clock_set": 2, "memory_full": 2,
        "message_lost": 2}},
    {"fsync": "everysec", "redis": {
        "stream_deleted": 3, "stream_trimmed": 2, "stream_capped": 2, "clock_set": 3, "replies_swallowed": 4, "connections_cut": 3,
        "reply_halved": 3, "clients_killed": 3, "redis_killed": 3, "memory_full": 2, "message_lost": 2}},
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


def lane(name, weights, times, mishaps, dice, tally, lock, say):
    """One fault after the other."""
    kinds, odds = list(weights), list(weights.values())
    time.sleep(max(0.0, times[0] - time.monotonic()))
    while time.monotonic() < times[1]:
        time.sleep(dice.uniform(0.2, 0.6))
        kind = dice.choices(kinds, odds)[0]
        mishaps.monitor.begin(name)
        try:
            outcome = getattr(mishaps, kind)()
        except (redis.RedisError, OSError) as error:
            say(f"{kind:22} hindered: {error}")
            continue
        finally:
            mishaps.monitor.end(name)
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
            "patience": 20 if arguments.sabotage else 120, "judges": not arguments.sabotage}
    shared = {"port": multiprocessing.Value("i", 0), "api": multiprocessing.Value("i", 0),
              "generation": multiprocessing.Value("i", 0), "stop": multiprocessing.Value("i", 0),
              "pause": multiprocessing.Value("d", 0.003)}
    crew = Crew(directory, arguments.binaries, arguments.clock, plan, arguments.sabotage)
    began = time.monotonic()

    def say(line):
        print(f"{time.monotonic() - began:7.2f}  {line}", flush=True)

    wrong, harm = [], Harm()
    monitor, helpers = None, []
    try:
        crew.start()
        shared["port"].value, shared["api"].value = crew.leader.port, crew.api_port
        results, (team, far) = multiprocessing.Queue(), multiprocessing.Pipe()
        helpers = [
            multiprocessing.Process(target=reader.run, args=(shared, crew.partitions, seed, results), daemon=True),
            multiprocessing.Process(target=watcher.run, args=(shared, crew.partitions, seed, far), daemon=True)]
        for helper in helpers:
            helper.start()
        monitor = Monitor(shared, crew.partitions)
        monitor.start()
        time.sleep(2.0)
        # Each lane has a part of the round to itself, so that its faults are also measured alone.
        lock, start = threading.Lock(), time.monotonic()
        times = {"aggregators": (start, start + 0.8 * arguments.round),
                 "redis": (start + 0.25 * arguments.round, start + arguments.round)}
        mishaps = Mishaps(crew, monitor, shared, harm, random.Random(seed + 1))
        weights = dict(profile["redis"])
        if "disk_full" in weights and not crew.leader.is_mounted:
            say("left out: disk_full wants the right to mount a tmpfs")
            del weights["disk_full"]
        lanes = [
            threading.Thread(target=lane, args=(
                "redis", weights, times["redis"], mishaps, random.Random(seed + 2), tally, lock, say)),
            threading.Thread(target=lane, args=(
                "aggregators", AGGREGATORS, times["aggregators"], mishaps, random.Random(seed + 3), tally, lock, say))]
        for thread in lanes:
            thread.start()
        for thread in lanes:
            thread.join()
        tally.stops += mishaps.clean_stops

        team.send("quiet")
        team.recv()
        wrong += settle(crew, harm, say)
        oracle = Oracle(f"{directory}/diary-*.log", crew.partitions)
        wrong += verdict(crew, oracle, harm, say)
        if not wrong:
            wrong += streams(team, oracle, harm, say)
        shared["stop"].value = 1
        reads, seen = results.get(timeout=30)
        wrong += [f"reader: {line}" for line in seen]
        team.send("end")
        watched, seen = team.recv()
        wrong += [f"API: {line}" for line in seen]
        tally.numbers.update(watched)
        wrong += close(crew, oracle, harm, tally)
        monitor.is_over = True
        monitor.join(2)
        if wrong:
            shutil.copytree(crew.leader.directory, crew.directory / "data", ignore_dangling_symlinks=True)
        tally.takeovers += monitor.takeovers
        tally.recoveries += monitor.recoveries
        tally.numbers.update({
            "commits": monitor.total(3), "commits fenced": monitor.total(4), "duplicates dropped": monitor.total(5),
            "reads": reads, "jobs": len(oracle.jobs), "bulks": len(oracle.bulks), "jobs judged": len(oracle.vigils),
            "acknowledged tail lost": harm.tail_lost,
            "unread events removed": harm.removed, "subjects excused": len(harm.tainted)})
    finally:
        if monitor:
            monitor.is_over = True
        for helper in helpers:
            if helper.is_alive():
                helper.terminate()
        crew.end()
    for line in wrong[:3 if arguments.sabotage else 40]:
        say(f"VIOLATION {line[:2000]}")
    tally.wrong += wrong
    return not wrong


def wait_for(crew, condition, every):
    """Waits as long as the round's patience lasts. A slow machine does not use it up: time in which the owners still
    work off what was added counts only towards ten minutes."""
    left, working = crew.plan["patience"], 600
    while left > 0 and working > 0:
        began = time.monotonic()
        if condition():
            return True
        time.sleep(every)
        passed = time.monotonic() - began
        if unread(crew) > 1_000:
            working -= passed
        else:
            left -= passed
    return False


def unread(crew):
    """Entries that no owner has read yet, as far as can be seen."""
    total = 0
    for number in range(crew.partitions):
        try:
            consumed = int(crew.leader.client.hget(f"hw:{{{number}}}:control", "consumed") or 0)
            total += max(0, crew.leader.client.xinfo_stream(f"hw:{{{number}}}:events")["entries-added"] - consumed)
        except redis.RedisError:
            continue
    return total


def settle(crew, harm, say):
    """Lets everybody end in peace."""
    (crew.directory / "drain").touch()
    crew.keep_up()
    if harm.removed:
        # Only another connection makes a publisher send again what the stream lost behind its back.
        time.sleep(1)
        crew.tell("cut pub")
    began, wrong = time.monotonic(), []
    if crew.plan["judges"]:
        wrong += judge(crew, harm, say)
    (crew.directory / "judged").touch()

    def drained():
        crew.keep_up()
        return all(any(line.startswith("drained") for line in crew.output(number))
                   for number in range(len(crew.publishers)))

    if not wait_for(crew, drained, every=0.1):
        return wrong + [f"not all is applied {crew.plan['patience']} s after the last fault: "
                        f"{[crew.output(number) for number in range(len(crew.publishers))]}"]
    for number in range(len(crew.publishers)):
        if int(crew.output(number)[-1].split()[2]):
            wrong.append(f"publisher {number} waited in vain: {crew.output(number)[-1]}")
    say(f"quiet after {time.monotonic() - began:.1f} s")
    return wrong


def judge(crew, harm, say):
    """Waits until everybody is judged who must be; who was judged wrongly stays so, and is told."""
    began = time.monotonic()
    oracle, wrong = None, []

    def judged():
        nonlocal oracle, wrong
        crew.keep_up()
        # The last of them begin when all else ends.
        oracle = Oracle(f"{crew.directory}/diary-*.log", crew.partitions)
        try:
            wrong = oracle.compare_vigils(crew.leader.client, harm.tainted)
        except redis.RedisError as error:
            wrong = [f"vigils cannot be looked at: {error}"]
        return not wrong and len(oracle.vigils) == 12 * len(crew.publishers)

    wait_for(crew, judged, every=0.5)
    say(f"{len(oracle.vigils)} jobs judged after {time.monotonic() - began:.1f} s")
    return wrong


def streams(team, oracle, harm, say):
    """What every client of an event stream was shown last is what was said."""
    began, wrong = time.monotonic(), []

    def agree():
        nonlocal wrong
        team.send("states")
        states = team.recv()
        wrong = [f"stream {number}: {line}" for number, state in enumerate(states)
                 for (kind, name), shown in state.items() if name not in harm.tainted
                 for line in oracle.compare_shown(kind, name, shown)]
        return not wrong

    wait_until(agree, 15, every=0.2)
    say(f"streams agree after {time.monotonic() - began:.1f} s")
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
    if not wrong and crew.plan["judges"]:
        wrong = oracle.compare_vigils(client, harm.tainted, is_over=True)
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
                if "event.rogue" not in fields:
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
        for words, disturbed in [("by itself", False), ("amid other faults", True)]:
            some = [seconds for seconds, was_disturbed in samples if was_disturbed == disturbed]
            print(f"{name + ', ' + words:46} {len(some):4} times, p50 {percentile(some, .5):.2f} s, "
                  f"p99 {percentile(some, .99):.2f} s, longest {max(some, default=0):.2f} s")
    print(f"{'violations':28} {len(tally.wrong):12,}\n")
    print(f"faults: {sum(tally.faults.values())} of {len(tally.faults)} kinds in {elapsed:.0f} s; "
          f"{tally.numbers['events']:,} events, {tally.numbers['reads']:,} reads; fenced "
          f"{tally.numbers['commits fenced']:,}, duplicates {tally.numbers['duplicates dropped']:,}, lost by Redis and "
          f"healed {tally.numbers['acknowledged tail lost']:,}; violations {len(tally.wrong)} "
          f"(make faults SECONDS={arguments.seconds} SEED={arguments.seed})")


def effective(tally, arguments, slowness):
    """A run whose faults did nothing proves nothing."""
    least = {"commits fenced": 1, "duplicates dropped": 1, "acknowledged tail lost": 1, "events sent again": 1,
             "rollbacks noticed": 1}
    wrong = [f"{name}: {tally.numbers[name]}" for name, count in least.items() if tally.numbers[name] < count]
    faults, kinds = bar(slowness)
    if faults < 100:
        print(f"this machine is slow: a fixed piece of work took {slowness:.0f} times as long as on an idle one, so "
              f"{faults} faults of {kinds} kinds are asked for instead of 100 of 8")
    if arguments.seconds >= 120 and (sum(tally.faults.values()) < faults or len(tally.faults) < kinds):
        wrong.append(f"only {sum(tally.faults.values())} faults of {len(tally.faults)} kinds; at least {faults} of "
                     f"{kinds} are asked for")
    return wrong


def controls(arguments, base):
    """Each protection out in turn; returns whether each was missed."""
    caught = {}
    for name, place, seconds in [] if arguments.scene else CONTROLS:
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
    for name in directed.SCENES:
        if arguments.scene not in (None, name):
            continue
        # With everything in, the scene must pass; with the protection out, it must not.
        wrong = directed.play(name, "", arguments, base / f"{name}-whole")
        if wrong:
            caught[f"no {name}"] = []
            print(f"== with everything in, the scene of {name} fails: {wrong}")
        caught[name] = directed.play(name, name, arguments, base / f"{name}-out")
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
    parser.add_argument("--round", type=int, help="the longest round; a long run has longer ones")
    parser.add_argument("--partitions", type=int, default=6)
    parser.add_argument("--lease", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--pause", type=int, default=5)
    parser.add_argument("--profile", type=int, help="only this one")
    parser.add_argument("--sabotage", default="", help="take a protection out: the oracle must notice")
    parser.add_argument("--controls", action="store_true", help="take each protection out in turn")
    parser.add_argument("--scene", help="only this directed scene of the controls")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments.binaries = arguments.binaries.resolve()
    base = pathlib.Path(tempfile.mkdtemp(prefix="headway-faults-"))
    arguments.clock = base / "clock.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", arguments.clock, HERE / "clock.c"], check=True)
    longest = arguments.round or max(40, min(120, arguments.seconds // 10))
    rounds = max(1, -(-arguments.seconds // longest))
    arguments.round = arguments.seconds / rounds
    if arguments.controls:
        sys.exit(0 if controls(arguments, base) else 1)
    tally, began = Tally(), time.monotonic()
    gauge = Gauge()
    gauge.start()
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
    gauge.is_over = True
    print(f"a fixed piece of work took {gauge.slowness:.1f} times as long as on an idle machine")
    weak = [] if arguments.profile is not None or tally.wrong else effective(tally, arguments, gauge.slowness)
    for line in weak:
        print(f"not effective: {line}")
    if tally.wrong:
        print(f"what the processes said is in {base}")
    else:
        shutil.rmtree(base, ignore_errors=True)
    sys.exit(1 if tally.wrong or weak else 0)


main()
