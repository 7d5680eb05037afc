"""A worker that knows only docs/wire.md: redis-py and plain XADD, nothing of Headway's.

Usage: raw_worker.py SOCKET WORKER WORKERS JOBS BULKS [PARTITIONS [PAUSE_MS]]

Job n of JOBS (those with n % WORKERS == WORKER) belongs to bulk n % BULKS and follows the pipeline `book`. Of
each bulk, by place, every tenth with remainder 3 fails, with remainder 7 is cancelled, with remainder 9 stays
running, and the others complete.
"""
import binascii
import sys
import time

import redis

socket, worker, workers, jobs, bulks = sys.argv[1], *map(int, sys.argv[2:6])
partitions = int(sys.argv[6]) if len(sys.argv) > 6 else 8
pause = (int(sys.argv[7]) if len(sys.argv) > 7 else 0) / 1000
r = redis.Redis(unix_socket_path=socket)


def publish(pipe, type, subject, **fields):
    # With the attempt named, hearing a batch twice changes nothing; without it, a second `job.started` after the
    # end would be a retry.
    fields["attempt"] = "1"
    partition = binascii.crc_hqx(subject.encode(), 0) % partitions
    pipe.xadd("hw:{%d}:events" % partition, {"type": type, "subject": subject, **fields})


def send(events):
    """At least once: after an error the whole batch goes again, which every event is made for."""
    while True:
        pipe = r.pipeline(transaction=False)
        for type, subject, fields in events:
            publish(pipe, type, subject, **fields)
        try:
            pipe.execute()
            return
        except redis.RedisError:
            time.sleep(0.05)
        except AttributeError:
            # redis-py 4 stumbles over its own message when a Unix socket is reset (it has no `host`).
            r.connection_pool.disconnect()
            time.sleep(0.05)


for n in range(worker, jobs, workers):
    place = n // bulks % 10
    job, bulk = "job-%d" % n, "bulk-%d" % (n % bulks)
    events = [
        ("job.queued", job, {"pipeline": "book", "bulk": bulk, "label": "Book %d" % n}),
        ("job.started", job, {"worker": "py-%d" % worker}),
        ("stage.started", job, {"stage": "ANALYZING"}),
        ("stage.progressed", job, {"stage": "ANALYZING", "done": 5, "total": 10, "message": "Counting words"}),
        ("stage.completed", job, {"stage": "ANALYZING"}),
        ("stage.started", job, {"stage": "GENERATING_SCENES"}),
        ("stage.progressed", job, {"stage": "GENERATING_SCENES", "done": 3, "total": 4}),
    ]
    if place == 3:
        events.append(("job.failed", job, {"message": "No scenes found", "code": "no_scenes"}))
    elif place == 7:
        events.append(("job.cancelled", job, {"message": "Not wanted any more"}))
    elif place != 9:
        events += [
            ("stage.completed", job, {"stage": "GENERATING_SCENES"}),
            ("stage.started", job, {"stage": "CREATING_ARTWORK"}),
            ("stage.completed", job, {"stage": "CREATING_ARTWORK"}),
            ("job.completed", job, {"result": "https://example.org/%s" % job}),
        ]
    send(events)
    if pause:
        time.sleep(pause)
