"""Appends events as docs/wire.md says, with nothing but redis-py: tell.py URL '["type","subject",{fields}]'…"""
import binascii
import json
import sys

import redis

connection = redis.Redis.from_url(sys.argv[1])
partitions = int(connection.hget("hw:config", "partitions") or 8)
for line in sys.argv[2:]:
    type, subject, fields = json.loads(line)
    partition = binascii.crc_hqx(subject.encode(), 0) % partitions
    connection.xadd("hw:{%d}:events" % partition, {"type": type, "subject": subject, **fields})
