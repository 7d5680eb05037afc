import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

@Suite("A trim", .timeLimit(.minutes(1)))
struct StreamTrimTests {
    /// A stream of 250 entries from 1000-0 on, and a control hash that has read 200 of them.
    func partition() async throws -> Fixture {
        let fixture = try await Fixture(partitions: 1)
        try await fill(fixture, from: 1000, count: 250)
        try await fixture.send(
            "HSET", fixture.keyspace.control(0), "nonce", "mine", "checkpoint", "1199-0", "consumed", "200")
        return fixture
    }

    func fill(_ fixture: Fixture, from first: Int, count: Int) async throws {
        for number in first..<first + count {
            try await fixture.send("XADD", fixture.keyspace.events(0), "\(number)-0", "type", "x")
        }
    }

    func trim(_ fixture: Fixture, nonce: String = "mine", isMarked: Bool = false) async throws
        -> StreamTrim.Outcome?
    {
        var batch = CommandBatch()
        StreamTrim.add(0, fixture.keyspace, nonce: nonce, isMarked: isMarked, to: &batch)
        let reply = try await fixture.connection.send(batch)[0]
        if let error = reply.error { throw RedisError.refusal(error, command: "EVAL") }
        return StreamTrim.Outcome(reply)
    }

    func length(_ fixture: Fixture) async throws -> Int {
        try await fixture.send("XLEN", fixture.keyspace.events(0)).number ?? -1
    }

    @Test("takes whole nodes of entries that lie before the stored checkpoint, and marks the stream")
    func trims() async throws {
        let fixture = try await partition()
        #expect(try await trim(fixture) == .trimmed(100, isMarked: true))
        #expect(try await length(fixture) == 150)
        #expect(try await trim(fixture, isMarked: true) == .trimmed(0, isMarked: true))
        await fixture.stop()
    }

    @Test("of somebody who owns the partition no more takes nothing")
    func zombie() async throws {
        let fixture = try await partition()
        #expect(try await trim(fixture, nonce: "another") == .notOurs)
        #expect(try await length(fixture) == 250)
        await fixture.stop()
    }

    @Test("takes nothing of a stream that began anew with ids before the checkpoint")
    func lowerIDs() async throws {
        let fixture = try await partition()
        try await fixture.send("DEL", fixture.keyspace.events(0))
        #expect(try await trim(fixture) == .notTheStream)
        try await fill(fixture, from: 1, count: 250)
        #expect(try await trim(fixture) == .notTheStream)
        #expect(try await length(fixture) == 250)
        await fixture.stop()
    }

    @Test("takes nothing of a stream that began anew and has had fewer entries than were read")
    func fewerEntries() async throws {
        let fixture = try await partition()
        try await fixture.send("DEL", fixture.keyspace.events(0))
        try await fill(fixture, from: 1050, count: 190)
        #expect(try await trim(fixture) == .notTheStream)
        #expect(try await length(fixture) == 190)
        await fixture.stop()
    }

    @Test("takes nothing of a stream without our mark, however much came since and wherever its ids are")
    func lacksMark() async throws {
        let fixture = try await partition()
        #expect(try await trim(fixture) == .trimmed(100, isMarked: true))
        try await fixture.send("DEL", fixture.keyspace.events(0))
        try await fill(fixture, from: 1000, count: 300)
        #expect(try await trim(fixture, isMarked: true) == .notTheStream)
        #expect(try await length(fixture) == 300)
        await fixture.stop()
    }

    @Test("counts ids that are larger than a script's numbers are exact")
    func largeIDs() async throws {
        let fixture = try await Fixture(partitions: 1)
        let events = fixture.keyspace.events(0)
        for number in 0..<250 {
            try await fixture.send(
                "XADD", events, "18446744073709551614-18446744073709551\(100 + number)", "a", "b")
        }
        try await fixture.send(
            "HSET", fixture.keyspace.control(0), "nonce", "mine", "checkpoint",
            "18446744073709551614-18446744073709551350", "consumed", "250")
        #expect(try await trim(fixture) == .notTheStream)
        try await fixture.send(
            "HSET", fixture.keyspace.control(0), "checkpoint", "18446744073709551614-18446744073709551349")
        #expect(try await trim(fixture) == .trimmed(200, isMarked: true))
        await fixture.stop()
    }

    @Test("works in a full Redis, and marks the stream there too")
    func fullRedis() async throws {
        let fixture = try await partition()
        try await fixture.send("CONFIG", "SET", "maxmemory", "1")
        #expect(try await trim(fixture) == .trimmed(100, isMarked: true))
        await fixture.stop()
    }
}

@Suite("An owner's end", .timeLimit(.minutes(1)))
struct FarewellTests {
    @Test("comes within half a second and a little while Redis says nothing at all")
    func silentRedis() async throws {
        let fixture = try await Fixture(partitions: 4)
        let aggregator = fixture.aggregator(lease: .seconds(5))
        await aggregator.start()
        #expect(await eventually { await aggregator.stats().allSatisfy(\.isOwner) })
        fixture.server.pause()
        let began = ContinuousClock.now
        await aggregator.stop()
        // 0.5 s when nothing else runs here.
        #expect(began.duration(to: .now) < .seconds(2))
        fixture.server.resume()
        await fixture.stop()
    }
}
