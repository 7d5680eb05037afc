import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

@Suite("Outcomes of commits", .timeLimit(.minutes(2)))
struct OutcomeTests {
    private func finished(_ aggregator: Aggregator, _ status: JobState.Status) -> Int64 {
        aggregator.outcomes.finished[OutcomeTally.Ending(pipeline: "book", status: status)] ?? 0
    }

    @Test("every end counts once: said again, of a retry that ends again, of a bulk's sweep")
    func once() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator()
        await aggregator.start()
        for number in 0..<20 {
            let id = "job-\(number)"
            try await fixture.publish("job.started", id, ["pipeline": "book", "attempt": "1"])
            try await fixture.publish("stage.started", id, ["stage": "write", "attempt": "1"])
            for _ in 0..<3 {
                try await fixture.publish(
                    "job.failed", id, ["message": "no", "code": "limit", "attempt": "1"])
            }
            try await fixture.publish("job.started", id, ["attempt": "2"])
            for _ in 0..<3 { try await fixture.publish("job.completed", id, ["attempt": "2"]) }
        }
        for number in 0..<5 {
            try await fixture.publish("job.queued", "late-\(number)", ["pipeline": "book"])
            try await fixture.publish("job.cancelRequested", "late-\(number)")
        }
        try await fixture.settleDown()
        #expect(await eventually { finished(aggregator, .completed) == 20 })
        #expect(finished(aggregator, .failed) == 20)
        #expect(finished(aggregator, .cancelled) == 5)
        let outcomes = aggregator.outcomes
        #expect(
            outcomes.failures == [OutcomeTally.Failure(pipeline: "book", stage: "write", code: "limit"): 20])
        #expect(outcomes.durations["book"]?.count == 20)
        #expect(outcomes.failedPercent["book"]?.sum == 600.0)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a commit that was not accepted counts nothing, its repetition does")
    func fenced() async throws {
        let fixture = try await Fixture(partitions: 1)
        let aggregator = fixture.aggregator(lease: .milliseconds(200), batch: 5)
        await aggregator.start()
        let count = 400
        for round in 0..<4 {
            for number in 0..<count / 4 {
                let id = "job-\(round)-\(number)"
                try await fixture.publish("job.started", id, ["pipeline": "book"])
                try await fixture.publish("job.completed", id)
            }
            // As a thief would: what is under way now is answered nil.
            try await fixture.send("HSET", fixture.keyspace.control(0), "nonce", "thief-\(round)")
        }
        try await fixture.settleDown()
        #expect(await eventually { finished(aggregator, .completed) == count })
        let stats = await aggregator.stats()
        #expect(stats[0].fenced > 0)
        #expect(stats[0].takeovers > 1)
        await aggregator.stop()
        await fixture.stop()
    }
}
