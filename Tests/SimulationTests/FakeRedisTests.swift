import EventLoop
import HeadwayWire
import TestSupport
import Testing

@testable import Redis
@testable import Simulation

/// The simulated Redis is worth as much as it answers like a real one: random histories of the commands that
/// Headway sends are told to both.
@Suite("FakeRedis", .serialized, .timeLimit(.minutes(5)))
struct FakeRedisTests {
    /// One client of each.
    private struct Pair {
        let real: RedisConnection
        let fake: FakeRedis.Client
        let reader = RESPReader(limits: RESPLimits())
    }

    private final class Bench {
        /// What each client has queued since `MULTI`.
        var queued: [[String]] = [[], []]
        let server: RedisServer
        let loop = EventLoop(name: "differential")
        var wall: Int64 = 1_000
        let redis: FakeRedis
        var pairs: [Pair] = []

        init(_ server: RedisServer) {
            self.server = server
            redis = FakeRedis(replicationID: "f") { 0 }
            redis.wall = { [unowned self] in wall }
        }
    }

    private func withBench(_ body: (Bench) async throws -> Void) async throws {
        let server = try await RedisServer.start()
        let bench = Bench(server)
        for number in 0..<2 {
            let real = try await RedisConnection.connect(
                to: server.endpoint, on: bench.loop, timeout: .seconds(60))
            bench.pairs.append(Pair(real: real, fake: bench.redis.open(number)))
        }
        let time = try await bench.pairs[0].real.send("TIME").elements.map(Array.init) ?? []
        bench.wall = Int64(time.first?.number ?? 0) * 1000
        try await body(bench)
        for pair in bench.pairs { await pair.real.close() }
        await bench.loop.stop()
    }

    /// Tells a batch to both, the real one first: its clock is the other's.
    private func compare(_ batch: CommandBatch, _ client: Int, on bench: Bench, _ context: String)
        async throws
    {
        let pair = bench.pairs[client]
        let real = try await pair.real.send(batch, deadline: .seconds(60))
        for reply in real { setWall(by: reply, bench) }
        pair.fake.output.bytes = []
        bench.redis.receive(batch.bytes[...], from: pair.fake)
        if pair.fake.blocked != nil { bench.redis.timeOut(pair.fake) }
        let bytes = pair.fake.output.bytes
        let fake = try unsafe bytes.withUnsafeBytes { raw throws -> [RESPValue] in
            try unsafe pair.reader.feed(raw)
            var count = 0
            while try pair.reader.next() { count += 1 }
            return pair.reader.take(count)
        }
        try #require(fake.count == real.count, "\(context)")
        for (place, (a, b)) in zip(real, fake).enumerated() {
            let name = batch.name(at: place)
            let inner = name == "EXEC" ? bench.queued[client] : []
            if name == "MULTI" || name == "EXEC" { bench.queued[client] = [] }
            if a.string == "QUEUED" { bench.queued[client].append(name) }
            guard let ours = a.elements.map(Array.init), let theirs = b.elements.map(Array.init),
                !inner.isEmpty,
                ours.count == inner.count, theirs.count == inner.count
            else {
                #expect(Self.plain(a, name) == Self.plain(b, name), "\(context): \(name)")
                continue
            }
            for (place, name) in inner.enumerated() {
                #expect(
                    Self.plain(ours[place], name) == Self.plain(theirs[place], name),
                    "\(context): \(name) in EXEC")
            }
        }
    }

    /// The time that a new entry's id tells.
    private func setWall(by reply: RESPValue, _ bench: Bench) {
        for value in reply.elements.map(Array.init) ?? [reply] where value.kind == .bulk {
            let parts = (value.string ?? "").split(separator: "-")
            if parts.count == 2, let time = Int64(parts[0]), parts[0].count == 13 {
                bench.wall = max(bench.wall, time)
            }
        }
    }

    /// Without what Redis leaves open: the order of sets, and how a stream lies in memory.
    private static func plain(_ value: RESPValue, _ name: String) -> String {
        let elements = value.elements.map(Array.init) ?? []
        switch name {
        case "SMEMBERS": return elements.map(\.debugDescription).sorted().joined(separator: " ")
        case "HGETALL":
            return stride(from: 0, to: elements.count - 1, by: 2)
                .map { "\(elements[$0].debugDescription)=\(elements[$0 + 1].debugDescription)" }.sorted()
                .joined(separator: " ")
        case "HKEYS": return elements.map(\.debugDescription).sorted().joined(separator: " ")
        case "XINFO":
            let told = [
                "length", "last-generated-id", "max-deleted-entry-id", "entries-added", "first-entry",
                "last-entry",
            ]
            guard !elements.isEmpty else { return value.debugDescription }
            return stride(from: 0, to: elements.count - 1, by: 2)
                .filter { told.contains(elements[$0].string ?? "") }
                .map { "\(elements[$0].debugDescription)=\(elements[$0 + 1].debugDescription)" }
                .joined(separator: " ")
        default: return value.debugDescription
        }
    }

    // MARK: Histories

    /// One command of those that Headway sends, on few keys, so that they meet.
    private static func command(_ dice: inout Dice) -> [String] {
        // Now and then of the wrong kind.
        let kind = dice.hits(oneIn: 25) ? dice.roll(5) : -1
        func key(_ own: Int) -> String {
            "\(["h", "z", "x", "l", "t"][kind < 0 ? own : kind])\(dice.roll(2))"
        }
        func field() -> String { "f\(dice.roll(6))" }
        func number() -> String { "\(dice.roll(40) - 5)" }
        func id() -> String { dice.hits(oneIn: 3) ? "\(dice.roll(60))" : "\(dice.roll(60))-\(dice.roll(4))" }
        switch dice.roll(34) {
        case 0, 1, 2: return ["HSET", key(0), field(), number(), field(), number()]
        case 3: return ["HSETNX", key(0), field(), number()]
        case 4: return ["HDEL", key(0), field(), field()]
        case 5: return ["HGET", key(0), field()]
        case 6: return ["HMGET", key(0), field(), field(), "nonce"]
        case 7: return ["HGETALL", key(0)]
        case 8: return ["HKEYS", key(0)]
        case 9, 10: return ["ZADD", key(1), "\(dice.roll(9) * 10_000_000_000)", "m\(dice.roll(6))"]
        case 11: return ["ZREM", key(1), "m\(dice.roll(6))", "m\(dice.roll(6))"]
        case 12: return ["ZCARD", key(1)]
        case 13: return ["ZSCORE", key(1), "m\(dice.roll(6))"]
        case 14:
            return ["ZCOUNT", key(1), ["-inf", "(10000000000", "20000000000"][dice.roll(3)], "60000000000"]
        case 15:
            return [
                "ZRANGE", key(1), "-inf", "(\(dice.roll(9) * 10_000_000_000)", "BYSCORE", "LIMIT",
                "\(dice.roll(3))", "\(dice.roll(5))",
            ]
        case 16: return ["ZRANGE", key(1), "\(dice.roll(6) - 3)", "\(dice.roll(6) - 3)", "WITHSCORES"]
        case 17: return ["ZRANGE", key(1), "+inf", "-inf", "BYSCORE", "REV", "LIMIT", "0", "3"]
        case 18, 19, 20:
            return [
                "XADD", key(2),
                ["*", "\(dice.roll(60))-*", "\(dice.roll(60))-\(dice.roll(4))"][dice.roll(3)], "a", number(),
                "b", number(),
            ]
        case 21: return ["XTRIM", key(2), "MINID", id()]
        case 22: return ["XTRIM", key(2), "MAXLEN", "\(dice.roll(6))"]
        case 23: return ["XREAD", "COUNT", "\(1 + dice.roll(4))", "STREAMS", key(2), id()]
        case 24: return ["XREVRANGE", key(2), "+", "-", "COUNT", "1"]
        case 25:
            return [
                "XRANGE", key(2), ["-", "(\(id())", id()][dice.roll(3)], ["+", id()][dice.roll(2)], "COUNT",
                "3",
            ]
        case 26: return ["XINFO", "STREAM", key(2)]
        case 27: return ["XDEL", key(2), "\(dice.roll(60))-\(dice.roll(4))"]
        case 28: return ["RPUSH", key(3), number(), number()]
        case 29: return dice.hits(oneIn: 2) ? ["LTRIM", key(3), "-3", "-1"] : ["LRANGE", key(3), "0", "-1"]
        case 30: return [["SADD", "SREM"][dice.roll(2)], key(4), "m\(dice.roll(5))"]
        case 31: return ["SMEMBERS", key(4)]
        case 32:
            return [
                ["PEXPIRE", key(0), ["0", "500000"][dice.roll(2)]], ["PERSIST", key(0)], ["EXISTS", key(0)],
                ["DEL", key(dice.roll(5))],
            ][dice.roll(4)]
        default: return dice.hits(oneIn: 2) ? ["SET", "s", number(), "PX", "500000"] : ["GET", "s"]
        }
    }

    @Test(
        "answers random histories as a real Redis does: transactions, watches, streams, wrong kinds",
        arguments: 1...20)
    func histories(_ seed: UInt64) async throws {
        try await withBench { bench in
            var dice = Dice(seed: seed)
            var depth = [0, 0]
            for step in 0..<400 {
                let client = dice.roll(2)
                var batch = CommandBatch()
                switch dice.roll(12) {
                case 0 where depth[client] == 0: batch.add("WATCH", "h\(dice.roll(2))", "x\(dice.roll(2))")
                case 1 where depth[client] == 0: batch.add("UNWATCH")
                case 2 where depth[client] == 0:
                    batch.add("MULTI")
                    depth[client] = 1
                case 3 where depth[client] > 0:
                    batch.add("EXEC")
                    depth[client] = 0
                default:
                    var command = Self.command(&dice)
                    // Time may pass within a transaction, and only its end is told.
                    if depth[client] > 0, command[0] == "XADD", command[2] == "*" { command[2] = "61-*" }
                    batch.add(command[0], command.dropFirst())
                }
                try await compare(batch, client, on: bench, "seed \(seed), step \(step)")
            }
        }
    }

    @Test("serves who waits for a stream, and whom a commit tells")
    func waiting() async throws {
        try await withBench { bench in
            var read = CommandBatch()
            read.add("XREAD", "COUNT", "10", "BLOCK", "50000", "STREAMS", "x", "0-0")
            read.add("XLEN", "x")
            let pending = await bench.pairs[0].real.submit(read, deadline: .seconds(60))
            bench.redis.receive(read.bytes[...], from: bench.pairs[0].fake)
            let isWaiting = await eventually(within: .seconds(40)) {
                let info = try? await bench.pairs[1].real.send("INFO", "clients")
                return info?.string?.contains("blocked_clients:1") ?? false
            }
            #expect(isWaiting && bench.pairs[0].fake.blocked != nil)
            var add = CommandBatch()
            add.add("MULTI")
            add.add("XADD", "x", "5-1", "a", "1")
            add.add("XADD", "x", "5-2", "a", "2")
            add.add("EXEC")
            try await compare(add, 1, on: bench, "while another waits")
            bench.redis.resume(bench.pairs[0].fake)
            let real = try await pending.value().map(\.debugDescription)
            let reader = RESPReader(limits: RESPLimits())
            let bytes = bench.pairs[0].fake.output.bytes
            try unsafe bytes.withUnsafeBytes { try unsafe reader.feed($0) }
            var count = 0
            while try reader.next() { count += 1 }
            #expect(reader.take(count).map(\.debugDescription) == real)
        }
    }
}
