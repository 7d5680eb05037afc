"""Watches the control hashes: how long takeovers and recoveries take, and what the aggregators say of themselves."""
import threading
import time

import redis


class Monitor(threading.Thread):
    def __init__(self, shared, partitions):
        super().__init__(daemon=True)
        self.shared, self.partitions = shared, partitions
        self.lock = threading.Lock()
        self.owners, self.nonces, self.commits = {}, {}, {}
        # Seconds, and whether anything else was harmed meanwhile.
        self.gone, self.takeovers = {}, []
        self.back, self.recoveries = None, []
        self.busy, self.ended = {"redis": 0, "aggregators": 0}, {"redis": 0.0, "aggregators": 0.0}
        self.instances = {}
        self.epochs = set()
        self.is_over = False

    def mourn(self, instance):
        """From now on its partitions are without an owner."""
        with self.lock:
            now = time.monotonic()
            for number, owner in self.owners.items():
                if owner == instance and number not in self.gone:
                    self.gone[number] = (now, self.nonces[number])

    def forget(self):
        """Redis itself was away: what was being measured is worth nothing."""
        with self.lock:
            self.gone = {}

    def owns(self, instance):
        with self.lock:
            return instance in self.owners.values()

    def begin(self, lane):
        with self.lock:
            self.busy[lane] += 1

    def end(self, lane):
        with self.lock:
            self.busy[lane] -= 1
            self.ended[lane] = time.monotonic()

    def was_disturbed(self, lane, since):
        """Whether a fault of that lane was under way since then, or had hardly ended."""
        return self.busy[lane] > 0 or self.ended[lane] > since - 0.5

    def redis_is_back(self):
        with self.lock:
            self.back = (time.monotonic(), dict(self.nonces))

    def run(self):
        client = port = None
        turn = 0
        while not self.is_over:
            turn += 1
            try:
                if client is None or port != self.shared["port"].value:
                    port = self.shared["port"].value
                    client = redis.Redis(port=port, decode_responses=True, socket_timeout=2)
                pipe = client.pipeline(transaction=False)
                for number in range(self.partitions):
                    pipe.hmget(f"hw:{{{number}}}:control", "owner", "nonce", "commit", "epoch")
                pipe.hgetall("hw:aggregators") if turn % 8 == 0 else pipe.ping()
                self.note(pipe.execute())
            except redis.RedisError:
                client = None
            time.sleep(0.025)

    def note(self, replies):
        now = time.monotonic()
        with self.lock:
            recovered = set()
            for number, (owner, nonce, commit, epoch) in enumerate(replies[:-1]):
                gone = self.gone.get(number)
                if gone and nonce != gone[1]:
                    self.takeovers.append((now - gone[0], self.was_disturbed("redis", gone[0])))
                    del self.gone[number]
                if self.back and nonce != self.back[1].get(number):
                    recovered.add(number)
                self.owners[number], self.nonces[number] = owner, nonce
                self.commits[number] = int(commit or 0)
                self.epochs.add((number, epoch))
            if self.back and recovered:
                self.recoveries.append((now - self.back[0], self.was_disturbed("aggregators", self.back[0] - 1)))
                self.back = None
            if isinstance(replies[-1], dict):
                for name, text in replies[-1].items():
                    parts = list(map(int, text.split(":")))
                    self.instances[name] = [max(pair) for pair in zip(self.instances.get(name, [0] * 6), parts)]

    def total(self, place):
        with self.lock:
            return sum(parts[place] for parts in self.instances.values())
