"""The faults. Each does its harm, waits, and puts things right again; those that cannot happen now return None."""
import random
import re
import signal
import time

import redis

from crew import wait_until


class Harm:
    """What faults may legitimately take away, and what they were seen to take."""

    def __init__(self):
        self.tail_lost = self.removed = 0
        self.tainted = set()


def place(entry):
    return tuple(map(int, entry.split("-")))


class Mishaps:
    def __init__(self, crew, monitor, shared, harm, dice):
        self.crew, self.monitor, self.shared, self.harm, self.dice = crew, monitor, shared, harm, dice
        self.lease = crew.plan["lease"] / 1000
        # Seconds, and whether Redis was disturbed meanwhile.
        self.clean_stops = []

    # Aggregators

    def aggregator(self):
        """One that owns something, if any does: whoever owns nothing leaves nothing behind."""
        self.crew.keep_up()
        living = [process for process in self.crew.aggregators if process.runs]
        owners = [process for process in living if self.monitor.owns(self.crew.instance(process))]
        return self.dice.choice(owners or living)

    def aggregator_killed(self):
        victim = self.aggregator()
        self.monitor.mourn(self.crew.instance(victim))
        victim.kill()
        self.crew.aggregators.remove(victim)
        time.sleep(self.dice.uniform(0, self.lease))
        self.crew.add_aggregator()
        return f"pid {victim.pid}"

    def aggregator_frozen(self):
        victim = self.aggregator()
        self.monitor.mourn(self.crew.instance(victim))
        victim.signal(signal.SIGSTOP)
        span = self.lease + self.dice.uniform(0.4, 1.4)
        time.sleep(span)
        victim.signal(signal.SIGCONT)
        return f"pid {victim.pid} for {span:.1f} s"

    def aggregator_restarted(self):
        victim = self.aggregator()
        began = time.monotonic()
        victim.signal(signal.SIGTERM)
        if not wait_until(lambda: not victim.runs, 15):
            raise RuntimeError(f"aggregator {victim.pid} does not stop when asked to")
        self.clean_stops.append((time.monotonic() - began, self.monitor.was_disturbed("redis", began)))
        victim.kill()
        self.crew.aggregators.remove(victim)
        self.crew.add_aggregator()
        return f"pid {victim.pid} in {self.clean_stops[-1][0]:.2f} s"

    def api_killed(self):
        self.crew.api.kill()
        self.crew.start_api()
        return f"pid {self.crew.api.pid}"

    # The network

    def side(self):
        return self.dice.choice(["pub", "pub", "agg", "agg", "api"])

    def replies_swallowed(self):
        side = self.side()
        return f"{side}: {self.crew.tell(f'swallow {side} {self.dice.randint(5, 80)}')}"

    def connections_cut(self):
        side = self.side()
        return f"{side}: {self.crew.tell(f'cut {side}')}"

    def reply_halved(self):
        side = self.side()
        return f"{side}: {self.crew.tell(f'partial {side}')}"

    def network_slow(self):
        side = self.side()
        return f"{side}: {self.crew.tell(f'delay {side} {self.dice.randint(20, 120)} 600')}"

    def delivered_late(self):
        side = self.side()
        return f"{side}: {self.crew.tell(f'late {side} {self.dice.randint(1500, 3500)}')}"

    def message_lost(self):
        return f"{self.crew.tell(f'mute api {self.dice.randint(20, 200)}').split()[1]} messages"

    def subscription_muted(self):
        return f"{self.crew.tell(f'mute api {self.dice.randint(1500, 3000)}').split()[1]} messages"

    def clients_killed(self):
        count = self.crew.leader.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        return f"{count} clients"

    # Redis

    def history(self, is_ending):
        with self.shared["generation"].get_lock():
            self.shared["generation"].value += 1
        self.monitor.forget()

    def added(self, server):
        """Entries ever added to each stream."""
        found = []
        for number in range(self.crew.partitions):
            try:
                found.append(server.client.xinfo_stream(f"hw:{{{number}}}:events")["entries-added"])
            except redis.ResponseError:
                found.append(0)
        return found

    def redis_killed(self):
        leader = self.crew.leader
        before = self.added(leader)
        self.history(False)
        leader.process.signal(signal.SIGKILL)
        leader.process.kill()
        # A lost page cache, which only everysec allows: `always` has it on the disk before it answers.
        gone = leader.cut_tail(20_000) if leader.fsync == "everysec" and self.dice.random() < 0.6 else 0
        time.sleep(self.dice.uniform(0, 0.3))
        leader.start()
        after = self.added(leader)
        lost = sum(max(0, old - new) for old, new in zip(before, after))
        self.harm.tail_lost += lost
        self.history(True)
        self.monitor.redis_is_back()
        return f"{gone} bytes never on disk, at least {lost} events lost" if gone else None or "all on disk"

    def follower_promoted(self):
        leader, follower = self.crew.servers
        # What is gone with a follower that is still far behind is more than any publisher keeps.
        written = leader.client.info("replication")["master_repl_offset"]

        def is_close():
            found = follower.client.info("replication")
            return found.get("master_link_status") == "up" and found["slave_repl_offset"] >= written

        if not wait_until(is_close, 4):
            return None
        self.history(False)
        follower.client.execute_command("REPLICAOF", "NO", "ONE")
        time.sleep(self.dice.uniform(0.1, 0.7))
        self.crew.tell("target 0")
        before = self.added(leader)
        leader.process.kill()
        lost = sum(old - new for old, new in zip(before, self.added(follower)))
        self.harm.tail_lost += lost
        self.crew.servers.reverse()
        self.shared["port"].value = follower.port
        self.crew.tell("cut pub")
        self.crew.tell("cut agg")
        self.crew.tell(f"target {follower.port}")
        self.history(True)
        self.monitor.redis_is_back()
        leader.forget()
        leader.start(follows=follower.port)
        return f"{lost} acknowledged events lost"

    def clock_set(self):
        jump = self.dice.choice([-3600, -300, -30, -5, 0, 0, 5, 30, 300, 3600])
        self.crew.set_clock(jump)
        return f"to {jump:+d} s"

    def memory_full(self):
        client = self.crew.leader.client
        client.config_set("maxmemory", 1_000_000)
        time.sleep(self.dice.uniform(0.3, 1.2))
        client.config_set("maxmemory", 0)
        return "maxmemory reached"

    def disk_full(self):
        leader = self.crew.leader
        if not leader.is_mounted:
            return None
        self.history(False)
        leader.resize(leader.used() + 4096)
        time.sleep(self.dice.uniform(0.3, 0.8))
        died = not leader.process.runs
        leader.resize("2g")
        if died:
            leader.process.kill()
            leader.start()
            self.monitor.redis_is_back()
        else:
            wait_until(lambda: leader.client.info("persistence")["aof_last_write_status"] == "ok", 5)
        self.history(True)
        return "redis-server ended itself, restarted" if died else "writes refused"

    # Somebody meddles: what is lost must be counted

    def unread(self, number):
        """Entries behind the checkpoint, told in the transaction that takes them away."""
        return f"hw:{{{number}}}:events", f"hw:{{{number}}}:control"

    def stream_deleted(self):
        return self.meddle(lambda pipe, key: pipe.delete(key))

    def stream_trimmed(self):
        return self.meddle(lambda pipe, key: pipe.execute_command("XTRIM", key, "MAXLEN", 0))

    def stream_capped(self):
        """A producer that does not know the wire format, and keeps the stream short."""
        return self.meddle(lambda pipe, key: pipe.xadd(key, {"rogue": "1"}, maxlen=1, approximate=False))

    def meddle(self, act):
        """Takes entries away: mostly while their owner is frozen, so that some are unread; else while it reads and
        trims. The clock may have been set back just before, so that new ids lie behind the checkpoint."""
        number = self.dice.randrange(self.crew.partitions)
        owner = self.crew.leader.client.hget(f"hw:{{{number}}}:control", "owner")
        back = self.dice.choice([0, 0, -30, -300, -3600])
        for process in list(self.crew.aggregators):
            if self.crew.instance(process) == owner and self.dice.random() < 0.7:
                process.signal(signal.SIGSTOP)
        try:
            time.sleep(0.3)
            if back:
                self.crew.set_clock(back)
            pipe = self.crew.leader.client.pipeline(transaction=True)
            pipe.hmget(f"hw:{{{number}}}:control", "checkpoint", "consumed")
            pipe.xinfo_stream(f"hw:{{{number}}}:events")
            pipe.xrange(f"hw:{{{number}}}:events")
            act(pipe, f"hw:{{{number}}}:events")
            (checkpoint, consumed), stream, entries, _ = pipe.execute(raise_on_error=False)
        finally:
            for process in list(self.crew.aggregators):
                process.signal(signal.SIGCONT)
        if isinstance(stream, Exception):
            return f"partition {number}: there is no stream"
        read = place(checkpoint)
        if not stream["groups"] or stream["entries-added"] < int(consumed) or place(stream["last-generated-id"]) < read:
            # One that began anew and that its owner has not seen yet: nothing of it is read.
            read = (0, 0)
        count = 0
        for entry, fields in entries:
            # A rogue entry of an earlier fault is about nobody.
            if place(entry) > read and "subject" in fields:
                count += "source" in fields
                self.taint(fields["subject"])
        self.harm.removed += count
        return f"partition {number}: {count} unread events removed" + (f", clock at {back:+d} s" if back else "")

    def taint(self, subject):
        """What lost a word is not what its publisher said, and neither is its bulk."""
        self.harm.tainted.add(subject)
        bulk = re.sub(r"-[^-]*$", "", subject)
        self.harm.tainted.add(bulk)
        if subject.endswith("-s"):
            self.harm.tainted.update(f"shared-{number}" for number in range(3))
