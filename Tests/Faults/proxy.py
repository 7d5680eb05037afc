"""Stands between Redis and everybody else, and misbehaves on request.

One listening port per side (`pub`, `agg`, `api`); all lead to the current server. Told by lines on standard input,
answers each with a line.

    target PORT        where new connections go; 0: nowhere
    cut SIDE           ends all connections at once
    swallow SIDE MS    Redis executes and answers; the answers are thrown away, then the connection is cut
    partial SIDE       the next answer ends in its middle
    delay SIDE MS FOR  everything takes MS longer, for FOR ms
    late SIDE MS       what clients send is held back until long after they gave up, then it is delivered
    mute SIDE MS       messages of pub/sub are lost for MS ms, one by one; everything else goes its way
"""
import asyncio
import os
import random
import sys

dice = random.Random(int(os.environ.get("FAULT_SEED", "1")))
target = 0
sides = {}


class Side:
    def __init__(self):
        self.links = set()
        self.delay = 0.0
        self.mutes = 0
        self.lost = 0


class Link:
    def __init__(self, side, near, far):
        self.side, self.near, self.far = side, near, far
        self.swallows = self.is_partial = self.is_over = self.subscribes = False
        self.rest = b""
        self.held = None

    def without_messages(self, piece):
        """Lets whole replies pass, and no message while the side is mute."""
        self.rest += piece
        passed, begin = [], 0
        while (end := end_of_reply(self.rest, begin)) > 0:
            reply = self.rest[begin:end]
            if self.side.mutes and reply.startswith(b"*3\r\n$7\r\nmessage\r\n"):
                self.side.lost += 1
            else:
                passed.append(reply)
            begin = end
        self.rest = self.rest[begin:]
        return b"".join(passed)

    def cut(self):
        self.is_over = True
        for writer in (self.near, self.far):
            if writer.transport:
                writer.transport.abort()


def end_of_reply(data, begin):
    """Where the reply that begins there ends; -1 when it is not all there."""
    line = data.find(b"\r\n", begin)
    if line < 0:
        return -1
    kind, rest = data[begin:begin + 1], line + 2
    if kind == b"$":
        size = int(data[begin + 1:line])
        rest += size + 2 if size >= 0 else 0
        return rest if rest <= len(data) else -1
    if kind == b"*":
        for _ in range(int(data[begin + 1:line])):
            rest = end_of_reply(data, rest)
            if rest < 0:
                return -1
    return rest


async def up(link, reader):
    while piece := await reader.read(65536):
        # Whoever subscribes has had all other answers by then.
        link.subscribes = link.subscribes or b"SUBSCRIBE" in piece
        if link.side.delay:
            await asyncio.sleep(link.side.delay)
        if link.held:
            await link.held.wait()
        link.far.write(piece)
        await link.far.drain()
    if link.held:
        await asyncio.sleep(0.05)


async def down(link, reader):
    while piece := await reader.read(65536):
        if link.swallows or link.held:
            continue
        if link.subscribes and link.side is sides["api"]:
            piece = link.without_messages(piece)
            if not piece:
                continue
        if link.side.delay:
            await asyncio.sleep(link.side.delay)
        if link.is_partial:
            link.near.write(piece[: dice.randrange(len(piece))])
            await link.near.drain()
            return
        link.near.write(piece)
        await link.near.drain()


async def serve(side, near_reader, near):
    if not target:
        near.transport.abort()
        return
    try:
        far_reader, far = await asyncio.open_connection("127.0.0.1", target)
    except OSError:
        near.transport.abort()
        return
    link = Link(side, near, far)
    side.links.add(link)
    pumps = [asyncio.ensure_future(up(link, near_reader)), asyncio.ensure_future(down(link, far_reader))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        # What is held back is delivered though its sender has left.
        if link.held and not pumps[0].done():
            await asyncio.wait(pumps[:1])
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        link.cut()
        side.links.discard(link)


def some(side):
    links = sorted(side.links, key=id)
    return dice.sample(links, dice.randint(1, len(links))) if links else []


async def obey(words):
    global target
    if words[0] == "target":
        target = int(words[1])
        return "ok"
    side = sides[words[1]]
    if words[0] == "cut":
        links = list(side.links)
        for link in links:
            link.cut()
        return f"ok {len(links)}"
    if words[0] == "mute":
        side.mutes, side.lost = side.mutes + 1, 0
        await asyncio.sleep(int(words[2]) / 1000)
        side.mutes -= 1
        return f"ok {side.lost}"
    chosen = some(side)
    if words[0] == "swallow":
        for link in chosen:
            link.swallows = True
        await asyncio.sleep(int(words[2]) / 1000)
        for link in chosen:
            link.cut()
    elif words[0] == "partial":
        for link in chosen:
            link.is_partial = True
    elif words[0] == "delay":
        side.delay = int(words[2]) / 1000
        await asyncio.sleep(int(words[3]) / 1000)
        side.delay = 0.0
    elif words[0] == "late":
        for link in chosen:
            link.held = asyncio.Event()
        await asyncio.sleep(int(words[2]) / 1000)
        for link in chosen:
            link.held.set()
    return f"ok {len(chosen)}"


async def main():
    for name in ("pub", "agg", "api"):
        side = sides[name] = Side()
        server = await asyncio.start_server(
            lambda reader, writer, side=side: serve(side, reader, writer), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        print(await obey(line.decode().split()), flush=True)


asyncio.run(main())
