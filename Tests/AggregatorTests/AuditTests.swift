import Seeded
import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

@Suite("Auditing and recounting", .timeLimit(.minutes(2)))
struct AuditTests {
    /// A bulk of 30 jobs over four partitions: 10 completed, 5 failed, 10 running, 5 queued.
    private func fill(_ fixture: Fixture) async throws {
        for number in 0..<30 {
            let job = "j\(number)"
            try await fixture.publish(
                "job.queued", job, ["pipeline": "book", "bulk": "b", "weight": "\(1 + number % 3)"])
            if number < 25 { try await fixture.publish("job.started", job, ["attempt": "1"]) }
            if number < 10 { try await fixture.publish("job.completed", job, ["attempt": "1"]) }
            if 10..<15 ~= number {
                try await fixture.publish("job.failed", job, ["attempt": "1", "message": "no", "code": "c"])
            }
        }
        try await fixture.settleDown()
    }

    @Test("a share that equals its members is never called wrong, while they change")
    func clean() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator(auditPause: .milliseconds(10))
        await aggregator.start()
        try await fill(fixture)
        let audited = await eventually(within: .seconds(10)) {
            await aggregator.stats().map(\.audited).reduce(0, +) > 20
        }
        #expect(audited)
        #expect(await aggregator.stats().map(\.drift).reduce(0, +) == 0)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a share that somebody falsified is noticed, counted anew on request, and equals its members again")
    func repaired() async throws {
        let fixture = try await Fixture()
        let first = fixture.aggregator()
        await first.start()
        try await fill(fixture)
        let before = try await fixture.shares("b")
        await first.stop()

        // Another hand: three more completed, a weight, a failure kind that never was.
        let wrong = try #require(before.first { $0.counts.completed > 0 })
        let partition = try #require(
            try await (0..<4).asyncFirst(where: {
                try await fixture.send("HGET", fixture.keyspace.bulk($0, wrong.id), "completed").number
                    == wrong.counts.completed
            }))
        try await fixture.send(
            "HSET", fixture.keyspace.bulk(partition, wrong.id), "completed", "\(wrong.counts.completed + 3)",
            "weight", "999")

        let notices = Notices()
        let second = fixture.aggregator("second", auditPause: .milliseconds(50), notices: notices)
        await second.start()
        // The share is loaded when something of the bulk is said.
        try await fixture.publish("bulk.opened", "b", ["total": "30"])
        for number in 25..<30 { try await fixture.publish("job.started", "j\(number)", ["attempt": "1"]) }
        #expect(await eventually(within: .seconds(10)) { notices.texts.contains { $0.contains("tells") } })
        #expect(await second.stats()[partition].drift > 0)

        var fields = FieldBuffer()
        ProgressEvent(wrong.id, .recount).encode(into: &fields)
        var batch = CommandBatch()
        batch.begin("XADD", argumentCount: 2 + 2 * fields.count)
        batch.append(fixture.keyspace.events(partition))
        batch.append("*")
        batch.append(fields)
        _ = try await fixture.connection.send(batch)
        #expect(
            await eventually(within: .seconds(10)) {
                notices.texts.contains { $0.contains("it had been wrong") }
            })
        try await fixture.settleDown()
        let summary = try await fixture.bulk("b")
        #expect(summary.counts == BulkCounts(queued: 0, running: 15, completed: 10, failed: 5))
        let weights = try await fixture.shares("b").map(\.weight).reduce(0, +)
        #expect(weights == before.map(\.weight).reduce(0, +))
        await second.stop()
        await fixture.stop()
    }

    @Test("a share that expired with its settled bulk is let go, and nobody calls it wrong")
    func expired() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let aggregator = fixture.aggregator(auditPause: .milliseconds(20), notices: notices)
        await aggregator.start()
        try await fixture.publish("bulk.opened", "b", ["total": "1"])
        try await fixture.publish("job.started", "a", ["pipeline": "book", "bulk": "b", "attempt": "1"])
        try await fixture.publish("job.completed", "a", ["attempt": "1"])
        try await fixture.publish("bulk.sealed", "b")
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.bulk("b").phase) == .settled })
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await fixture.shares("b").first?.settledGeneration) == 1
            })
        // As if its time were over.
        let id = BulkID(unchecked: "b")
        try await fixture.send("DEL", fixture.keyspace.bulk(0, id), fixture.keyspace.members(0, id))
        try await fixture.loop.sleep(for: .milliseconds(500))
        #expect(await aggregator.stats()[0].drift == 0)
        #expect(!notices.texts.contains { $0.contains("tells") })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("counting anew gives what counting step by step gave, whatever happened")
    func law() {
        for seed in UInt64(0)..<300 {
            var random = SplitMix64(seed: seed)
            let now = Timestamp(milliseconds: 1)
            var share = BulkShare(id: BulkID(unchecked: "b"), at: now)
            var members: [Int: BulkContribution] = [:]
            for _ in 0..<200 {
                let member = Int.random(in: 0..<20, using: &random)
                let status = JobState.Status.allCases.randomElement(using: &random) ?? .queued
                let next = BulkContribution(forgotten: status)
                share.move(from: members[member], to: next, isHome: false, at: now)
                members[member] = next
            }
            let before = share
            let isChanged = share.recount(members.values, at: now)
            #expect(!isChanged, "seed \(seed)")
            #expect(share == before, "seed \(seed)")
            var other = share
            other.counts.running += 1
            other.weight += 5
            let isMended = other.recount(members.values, at: now)
            #expect(isMended, "seed \(seed)")
            #expect(other.counts == before.counts && other.weight == before.weight, "seed \(seed)")
            #expect(other.version == before.version + 1, "seed \(seed)")
        }
    }
}

extension Sequence {
    fileprivate func asyncFirst(where isWanted: (Element) async throws -> Bool) async rethrows -> Element? {
        for element in self where try await isWanted(element) { return element }
        return nil
    }
}
