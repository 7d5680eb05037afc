"""How slow the machine is while faults happen: the same small piece of work again and again.

What it takes has nothing to do with Headway, so a Headway that became slow does not lower its own bar.
"""
import hashlib
import threading
import time

# Seconds of a processor for one piece, on the machine of docs/reliability.md.
IDLE = 0.0122
# So many times as long it may take before less is asked: that machine took about as long in the run that is
# documented, and held 159 faults.
PATIENCE = 6.0


class Gauge(threading.Thread):
    """Twice a second one piece of work; hashing leaves Python's lock to others meanwhile."""

    def __init__(self):
        super().__init__(daemon=True)
        self.took = []
        self.is_over = False

    def run(self):
        while not self.is_over:
            began = time.monotonic()
            hashlib.pbkdf2_hmac("sha256", b"a", b"b", 40_000)
            self.took.append(time.monotonic() - began)
            time.sleep(0.5)

    @property
    def slowness(self):
        """How many times as long it took as on that machine with nothing beside it: the median."""
        return sorted(self.took)[len(self.took) // 2] / IDLE if self.took else 1.0


def bar(slowness):
    """How many faults of how many kinds 120 seconds must hold; less only on a machine slower than PATIENCE."""
    faults = min(100, int(100 * PATIENCE / max(slowness, PATIENCE)))
    return faults, min(8, max(1, faults // 4))
