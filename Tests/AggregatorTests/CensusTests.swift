import EventLoop
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

/// The count of open jobs as commits write it, beside what the jobs themselves say.
@Suite("The census of open jobs", .timeLimit(.minutes(2)))
struct CensusTests {
    private static func census(_ fixture: Fixture) async throws -> Census {
        var sum = Census()
        for partition in 0..<fixture.keyspace.partitions {
            let reply = try await fixture.send("HGETALL", fixture.keyspace.census(partition))
            sum = sum + Census(fields: reply.pairs)
        }
        return sum
    }

    /// Of every job hash there is.
    private static func counted(_ fixture: Fixture) async throws -> Census {
        var census = Census()
        let keys = try await fixture.send("KEYS", "hw:*:job:*").elements?.compactMap(\.string) ?? []
        for key in keys {
            let reply = try await fixture.send("HMGET", [key] + Census.Standing.jobFields)
            census.move(from: nil, to: Census.Standing(jobFields: reply.elements?.map(\.bytes) ?? []))
        }
        return census
    }

    /// 40 jobs: 8 queued, 8 running, 8 completed, 8 failed, 8 held, and one of the failed tried again.
    private static func fill(_ fixture: Fixture, _ prefix: String = "j") async throws {
        for number in 0..<40 {
            let job = "\(prefix)\(number)"
            guard number % 5 != 4 else {
                try await fixture.publish("job.heartbeat", job, ["worker": "early"])
                continue
            }
            try await fixture.publish("job.queued", job, ["pipeline": "book"])
            guard number % 5 != 0 else { continue }
            try await fixture.publish("job.started", job, ["attempt": "1"])
            try await fixture.publish("stage.progressed", job, ["stage": "analyze", "percent": "10"])
            if number % 5 == 2 { try await fixture.publish("job.completed", job, ["attempt": "1"]) }
            if number % 5 == 3 {
                try await fixture.publish("job.failed", job, ["attempt": "1", "message": "no"])
            }
        }
        try await fixture.publish("job.started", "\(prefix)3", ["attempt": "2"])
    }

    private static let filled: [Census.Standing: Int] = [
        .held: 8, .queued(pipeline: "book"): 8, .running(pipeline: "book", .ok): 9,
    ]

    @Test("is committed with the jobs that it counts, and goes on with the next owner")
    func commits() async throws {
        let fixture = try await Fixture()
        let notices = Notices()
        let first = fixture.aggregator(notices: notices)
        await first.start()
        try await Self.fill(fixture)
        try await fixture.settleDown()
        #expect(try await Self.census(fixture).counts == Self.filled)
        #expect(try await Self.counted(fixture).counts == Self.filled)
        await first.stop()

        let second = fixture.aggregator("second", auditPause: .milliseconds(20), notices: notices)
        await second.start()
        for number in 0..<40 where number % 5 == 1 {
            try await fixture.publish("job.completed", "j\(number)", ["attempt": "1"])
        }
        try await fixture.publish("job.completed", "j3", ["attempt": "2"])
        try await fixture.publish("job.queued", "j4", ["pipeline": "book"])
        try await fixture.settleDown()
        #expect(try await Self.census(fixture) == Self.counted(fixture))
        #expect(try await Self.census(fixture).counts == [.held: 7, .queued(pipeline: "book"): 9])
        #expect(await second.stats().map(\.censusDrift).reduce(0, +) == 0)
        #expect(!notices.texts.contains { $0.contains("open jobs") }, "\(notices.texts)")
        await second.stop()
        await fixture.stop()
    }

    @Test("silence moves jobs too: a stalled one is counted as that")
    func health() async throws {
        let fixture = try await Fixture(partitions: 1)
        try await fixture.send(
            "HSET", fixture.keyspace.pipelines, "quick@1",
            #"{"name": "quick", "stages": [{"id": "a", "range": [0, 100]}], "heartbeat": "20s", "stallAfter": "300ms"}"#
        )
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.started", "j", ["pipeline": "quick"])
        let isStalled = await eventually(within: .seconds(20)) {
            (try? await Self.census(fixture).counts) == [.running(pipeline: "quick", .stalled): 1]
        }
        #expect(isStalled)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a namespace without one, as an earlier version left it, is counted when it is taken")
    func upgrade() async throws {
        let fixture = try await Fixture()
        let first = fixture.aggregator()
        await first.start()
        try await Self.fill(fixture)
        try await fixture.settleDown()
        await first.stop()
        for partition in 0..<fixture.keyspace.partitions {
            try await fixture.send("DEL", fixture.keyspace.census(partition))
        }
        let notices = Notices()
        let second = fixture.aggregator("second", notices: notices)
        await second.start()
        let isCounted = await eventually(within: .seconds(20)) {
            (try? await Self.census(fixture).counts) == Self.filled
        }
        #expect(isCounted, "\(notices.texts)")
        #expect(notices.texts.contains { $0.contains("were counted anew") })
        // That is no drift: nobody had counted.
        #expect(await second.stats().map(\.censusDrift).reduce(0, +) == 0)
        await second.stop()
        await fixture.stop()
    }

    @Test(
        "a job that somebody deleted is noticed, and its place in the index is no reason to count again and again"
    )
    func falsified() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let aggregator = fixture.aggregator(auditPause: .milliseconds(20), notices: notices)
        await aggregator.start()
        try await Self.fill(fixture)
        try await fixture.settleDown()
        // At one moment: in between it would be noticed too.
        var batch = CommandBatch()
        let active = fixture.keyspace.active(0)
        batch.add("MULTI")
        batch.add("ZREM", active, "j0")
        batch.add("ZADD", active, "9999999999999", "ghost-1", "9999999999999", "ghost-2")
        batch.add("EXEC")
        _ = try await fixture.connection.send(batch)
        let isNoticed = await eventually(within: .seconds(20)) { await aggregator.stats()[0].censusDrift > 0 }
        #expect(isNoticed)
        let counts: [Census.Standing: Int] = [
            .held: 8, .queued(pipeline: "book"): 7, .running(pipeline: "book", .ok): 9,
        ]
        #expect(await eventually { (try? await Self.census(fixture).counts) == counts })
        // Several looks later it is still the one time.
        let audits = await aggregator.stats()[0].commits
        try await fixture.publish("job.queued", "later", ["pipeline": "book"])
        try await fixture.settleDown()
        #expect(await eventually(within: .seconds(20)) { await aggregator.stats()[0].commits > audits + 3 })
        #expect(await aggregator.stats()[0].censusDrift == 1)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test(
        "one job of another type halts nobody who counts, and once it is mended its end takes nobody else's place"
    )
    func wrongType() async throws {
        let fixture = try await Fixture(partitions: 1)
        let first = fixture.aggregator()
        await first.start()
        for job in ["a", "b", "c"] { try await fixture.publish("job.started", job, ["pipeline": "book"]) }
        try await fixture.settleDown()
        await first.stop()
        let key = fixture.keyspace.job(0, JobID(unchecked: "a"))
        let copy = try await fixture.send("HGETALL", key).elements?.compactMap(\.string) ?? []
        try await fixture.send("SET", key, "no hash")
        try await fixture.send("DEL", fixture.keyspace.census(0))

        let notices = Notices()
        let second = fixture.aggregator("second", auditPause: .milliseconds(20), notices: notices)
        await second.start()
        let isCounted = await eventually(within: .seconds(20)) {
            (try? await Self.census(fixture).counts) == [.running(pipeline: "book", .ok): 2]
        }
        #expect(isCounted, "\(notices.texts)")
        // Counted anew while it serves, too.
        try await fixture.send("ZADD", fixture.keyspace.active(0), "9999999999999", "ghost")
        #expect(await eventually(within: .seconds(20)) { await second.stats()[0].censusDrift == 1 })

        try await fixture.send("DEL", key)
        try await fixture.send("HSET", [key] + copy)
        try await fixture.publish("job.completed", "a")
        try await fixture.settleDown()
        #expect(try await fixture.job("a")?.status == .completed)
        let isTrue = await eventually(within: .seconds(20)) {
            (try? await Self.census(fixture).counts) == [.running(pipeline: "book", .ok): 2]
        }
        #expect(isTrue, "\(notices.texts)")
        #expect(await second.stats()[0].haltedReason == nil)
        #expect(await second.stats()[0].censusDrift == 1)
        await second.stop()
        await fixture.stop()
    }

    @Test("an owner that was frozen does not call its old census wrong beside what its heir has moved")
    func frozen() async throws {
        let fixture = try await Fixture(partitions: 1)
        let coldLoop = EventLoop(name: "cold")
        var options = AggregatorOptions(endpoint: fixture.server.endpoint, instance: "cold")
        options.lease = .seconds(60)
        options.block = .milliseconds(20)
        options.auditPause = .milliseconds(50)
        let cold = Aggregator(keyspace: fixture.keyspace, options: options, on: [coldLoop])
        await cold.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.settleDown()
        let gate = Locked(true)
        let isFrozen = Locked(false)
        coldLoop.submit {
            isFrozen.withLock { $0 = true }
            while gate.withLock({ $0 }) { usleep(10_000) }
        }
        #expect(await eventually { isFrozen.withLock { $0 } })
        // What it has asked is answered by then: it wakes to a control hash that is still its own.
        try await fixture.loop.sleep(for: .milliseconds(500))
        var batch = CommandBatch()
        batch.add("MULTI")
        batch.add("HSET", fixture.keyspace.control(0), "owner", "heir", "nonce", "another")
        batch.add("ZADD", fixture.keyspace.active(0), "9999999999999", "b", "9999999999999", "c")
        batch.add("EXEC")
        _ = try await fixture.connection.send(batch)
        gate.withLock { $0 = false }
        #expect(await eventually(within: .seconds(10)) { await cold.stats()[0].fenced >= 1 })
        #expect(await cold.stats()[0].censusDrift == 0)
        await cold.stop()
        await coldLoop.stop()
        await fixture.stop()
    }

    @Test("how long commits took is measured for each that was accepted")
    func latency() async throws {
        let fixture = try await Fixture(partitions: 1)
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await Self.fill(fixture)
        try await fixture.settleDown()
        await aggregator.stop()
        let stats = await aggregator.stats()[0]
        #expect(stats.commits > 0)
        #expect(stats.commitSeconds.count == stats.commits)
        #expect(stats.commitSeconds.sum > 0)
        await fixture.stop()
    }
}
