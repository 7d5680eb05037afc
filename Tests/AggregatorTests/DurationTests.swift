import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

/// Statistics in Redis: what the commits write, and what the next owner goes on with.
@Suite("Durations of stages", .timeLimit(.minutes(2)))
struct DurationTests {
    /// One completed job per id, its stages `step` apart, at times of the stream's ids.
    static func tell(_ ids: [String], from start: Int64, step: Int64, _ fixture: Fixture) async throws {
        var at = start
        for id in ids {
            for fields in [
                ["type", "job.started", "pipeline", "book"], ["type", "stage.started", "stage", "analyze"],
                ["type", "stage.started", "stage", "write"], ["type", "job.completed"],
            ] {
                try await fixture.send(
                    "XADD", [fixture.keyspace.events(0), "\(at)-0", "subject", id, "attempt", "1"] + fields)
                at += step
            }
        }
    }

    static func book(_ fixture: Fixture) async throws -> DurationBook {
        DurationBook(fields: try await fixture.send("HGETALL", fixture.keyspace.durations(0)).pairs)
    }

    @Test("are written with the commit, and the next owner goes on counting where the last one stopped")
    func takeOver() async throws {
        let fixture = try await Fixture(partitions: 1)
        let first = fixture.aggregator("a")
        await first.start()
        let now = try #require(try await fixture.send("TIME").elements?[0].number) * 1000
        try await Self.tell(["j1", "j2", "j3"], from: Int64(now) - 60_000, step: 1000, fixture)
        try await fixture.settleDown()
        let book = try await Self.book(fixture)
        #expect(book["book", "analyze"]?.count == 3 && book["book", "write"]?.count == 3)
        #expect(book["book", "write"]?.mean == .seconds(1))
        #expect(book["book", nil]?.count == 3 && book["book", nil]?.mean == .seconds(3))
        #expect(book["book", "print"] == nil)
        await first.stop()

        // One sketch is broken by hand: it starts anew, the others go on, nobody halts.
        try await fixture.send("HSET", fixture.keyspace.durations(0), "book/write", "broken", "x", "1 1=1")
        let second = fixture.aggregator("b")
        await second.start()
        try await Self.tell(["j4", "j5"], from: Int64(now) - 40_000, step: 500, fixture)
        try await fixture.settleDown()
        let after = try await Self.book(fixture)
        #expect(after["book", "analyze"]?.count == 5)
        // Entries from before the take-over have its time, so these two took nothing.
        #expect(after["book", "analyze"]?.mean == .milliseconds(600))
        #expect(after["book", "write"]?.count == 2)
        await second.stop()
        await fixture.stop()
    }

    @Test("once twenty are known, a stage that begins is told what is usual, and is called slow beyond it")
    func slow() async throws {
        let fixture = try await Fixture(partitions: 1)
        let aggregator = fixture.aggregator("a")
        await aggregator.start()
        let now = try #require(try await fixture.send("TIME").elements?[0].number) * 1000
        try await Self.tell((1...20).map { "j\($0)" }, from: Int64(now) - 60_000, step: 500, fixture)
        try await fixture.publish("job.started", "late", ["pipeline": "book", "bulk": "b"])
        try await fixture.publish("stage.started", "late", ["stage": "analyze"])
        try await fixture.settleDown()
        let usual = try #require(try await fixture.job("late")?.position?.usual)
        #expect(usual.median <= .milliseconds(563) && usual.p95 <= .milliseconds(563))
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.job("late"))?.health == .slow })
        #expect(try await fixture.shares("b").first?.health == [.slow: 1])
        try await fixture.publish("stage.started", "late", ["stage": "write"])
        try await fixture.settleDown()
        #expect(try await fixture.job("late")?.health == .ok)
        await aggregator.stop()
        await fixture.stop()
    }
}
