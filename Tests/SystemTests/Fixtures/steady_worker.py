"""One job that is worked on for ever: a heartbeat and a step forward, each at its own pace, through any outage.

Knows only docs/wire.md. Arguments: unix socket, partitions, job, seconds between heartbeats, seconds between steps.
"""
import binascii
import sys
import time

import redis

path, partitions, job, beat, step = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), float(sys.argv[5])
key = f"hw:{{{binascii.crc_hqx(job.encode(), 0) % partitions}}}:events"
connection = redis.Redis(unix_socket_path=path, socket_timeout=2)


def send(type, **fields):
    """Tries until Redis has it; what is said is absolute, so a copy does no harm."""
    while True:
        try:
            connection.xadd(key, {"type": type, "subject": job, "attempt": 1, **fields})
            return
        except redis.RedisError:
            time.sleep(min(beat / 2, 1))


send("job.started", pipeline="steady", bulk="all", worker="w-" + job)
send("stage.started", stage="work")
next_beat = next_step = time.monotonic()
done = 0
while True:
    now = time.monotonic()
    if now >= next_beat:
        send("job.heartbeat", worker="w-" + job)
        next_beat = time.monotonic() + beat
    if now >= next_step:
        done += 1
        send("stage.progressed", stage="work", done=done, total=1000000)
        next_step = time.monotonic() + step
    time.sleep(max(0, min(next_beat, next_step) - time.monotonic()))
