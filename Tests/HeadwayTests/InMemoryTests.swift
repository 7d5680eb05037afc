import HeadwayCore
import Testing

@testable import Headway

/// What users rely on when they test a worker without Redis.
@Suite("InMemoryHeadway", .timeLimit(.minutes(1)))
struct InMemoryTests {
    private let clock = ManualClock()

    private func bus(_ change: (inout InMemoryHeadway.Options) -> Void = { _ in }) throws -> InMemoryHeadway {
        var options = InMemoryHeadway.Options(worker: "w-1")
        options.startingAt = 1_000_000
        change(&options)
        return try InMemoryHeadway(pipelines: [Article.json, Book.json], options: options, clock: clock)
    }

    // MARK: What workers say

    @Test("a job's life is read as it was told, at each step, without waiting")
    func life() async throws {
        let bus = try bus()
        try await bus.queue(Article.self, id: "a-1", label: "Forty-two", attributes: ["mode": "topic"])
        #expect(bus.snapshot(of: "a-1")?.status == .queued)
        let job = try await bus.start(Article.self, id: "a-1")
        #expect(bus.snapshot(of: "a-1")?.status == .running)
        #expect(bus.snapshot(of: "a-1")?.worker == "w-1")
        try await job.run(.research) { stage in
            stage.report(1, of: 2, "Reading a")
            stage.substep("sources", 3, of: 4)
            let seen = try #require(bus.snapshot(of: "a-1"))
            #expect(seen.percent == 16)
            #expect(seen.message == "Reading a")
            #expect(seen.stage?.label == "Researching" && seen.stage?.done == 1 && seen.stage?.total == 2)
            #expect(seen.substeps == [.init(id: "sources", done: 3, total: 4)])
        }
        try await job.run(.writing) { stage in stage.checkpoint("page 3") }
        try await job.complete(result: "clx123")
        let end = try #require(bus.snapshot(of: "a-1"))
        #expect(end.status == .completed && end.percent == 100 && end.result == "clx123")
        #expect(end.completedStages == ["research", "writing"] && end.skippedStages == ["seo"])
        #expect(end.checkpoint == "page 3" && end.label == "Forty-two" && end.attributes == ["mode": "topic"])
        #expect(bus.refusals.isEmpty)
    }

    @Test(
        "an error thrown in a stage fails the job; a higher attempt runs it again, and the old one's words are void"
    )
    func retry() async throws {
        struct Busy: PublicError {
            var publicMessage: String { "The service is busy." }
            var publicCode: String? { "rate_limited" }
        }
        let bus = try bus()
        let first = try await bus.start(Article.self, id: "a-1", in: "spring")
        await #expect(throws: Busy.self) { try await first.run(.writing) { _ in throw Busy() } }
        let failed = try #require(bus.snapshot(of: "a-1"))
        #expect(failed.status == .failed)
        #expect(
            failed.error == .init(message: "The service is busy.", code: "rate_limited", stage: "writing"))
        #expect(
            bus.bulkSnapshot(of: "spring")?.failures == [
                .init(code: "rate_limited", stage: "writing", count: 1)
            ])
        let second = try await bus.start(Article.self, id: "a-1")
        #expect(second.attempt == 2)
        #expect(bus.snapshot(of: "a-1")?.error == nil)
        await #expect(throws: HeadwayError.self) { try await first.complete() }
        try await second.complete()
        #expect(bus.bulkSnapshot(of: "spring")?.generation == 2)
        await #expect { try await bus.start(Article.self, id: "a-1") } throws: {
            ($0 as? HeadwayError)?.code == .ended
        }
    }

    @Test("words cannot go back: a report below the last, a stage that is over, a word after the end")
    func monotonic() async throws {
        let bus = try bus()
        let job = try await bus.start(Article.self, id: "a-1")
        var kept: StageHandle?
        try await job.run(.writing) { stage in
            stage.report(5, of: 10)
            stage.report(2, of: 10)
            #expect(bus.snapshot(of: "a-1")?.stage?.done == 5)
            kept = stage
        }
        let version = bus.snapshot(of: "a-1")?.version
        kept?.report(9, of: 10)
        #expect(bus.snapshot(of: "a-1")?.version == version)
        try await job.fail("No")
        await #expect(throws: HeadwayError.self) { try await job.complete() }
        #expect(bus.snapshot(of: "a-1")?.status == .failed)
        #expect(bus.statistics.corrected == 1)
    }

    @Test("an id that nobody named is unknown, whatever it looks like; nothing throws")
    func unknown() throws {
        let bus = try bus()
        for id in ["never", "", "with space", "{tag}", String(repeating: "x", count: 300)] {
            #expect(bus.answer(of: id) == .unknown)
            #expect(bus.snapshot(of: id) == nil && bus.bulkSnapshot(of: id) == nil)
            #expect(bus.jobs(in: id).isEmpty)
        }
    }

    @Test("contracts, names and definitions are checked as behind Redis, with advice")
    func definitions() async throws {
        let empty = try InMemoryHeadway()
        await #expect { try await empty.start(Article.self, id: "a") } throws: {
            ($0 as? HeadwayError)?.code == .unknownPipeline
        }
        try empty.apply(#"{"name": "article", "stages": [{"id": "research", "range": [0, 100]}]}"#)
        await #expect { try await empty.start(Article.self, id: "a") } throws: {
            ($0 as? HeadwayError)?.code == .contractMismatch
        }
        #expect(try empty.apply(Article.self) == "article@2")
        #expect(try empty.apply(Article.self) == "article@2")
        let job = try await empty.start(Article.self, id: "a")
        try await job.run(.writing) { _ in }
        #expect(empty.snapshot(of: "a")?.percent == 66)
        #expect(throws: HeadwayError.self) { try empty.apply("{\"name\": 7}") }
        await #expect { try await job.run(.seo, index: 1, of: 2) { _ in } } throws: {
            ($0 as? HeadwayError)?.code == .invalid
        }
    }

    @Test("a job goes on with another worker where the first one left it")
    func resuming() async throws {
        let bus = try bus()
        let other = bus.connect(worker: "w-2")
        let first = try await bus.start(Article.self, id: "a-1")
        try await first.run(.research) { $0.checkpoint("sources: 7") }
        let known = try await other.resume("a-1")
        #expect(known?.completedStages == ["research"] && known?.checkpoint == "sources: 7")
        let second = try await other.start(Article.self, id: "a-1")
        #expect(second.attempt == 1)
        try await second.run(.writing) { _ in }
        #expect(bus.snapshot(of: "a-1")?.completedStages == ["research", "writing"])
        #expect(bus.snapshot(of: "a-1")?.worker == "w-2")
        #expect(try await other.resume("nobody") == nil)
    }

    @Test("a closed bus takes no lifecycle words, and what was read stays readable")
    func closing() async throws {
        let bus = try bus()
        let job = try await bus.start(Article.self, id: "a-1")
        try await bus.close()
        try await bus.close()
        await #expect { try await job.complete() } throws: { ($0 as? HeadwayError)?.code == .closed }
        await #expect { try await bus.queue(Article.self, id: "a-2") } throws: {
            ($0 as? HeadwayError)?.code == .closed
        }
        #expect(bus.snapshot(of: "a-1")?.status == .running)
        clock.advance(by: .seconds(60))
        #expect(bus.snapshot(of: "a-1")?.error?.code == "worker_lost")
    }

    // MARK: Bulks

    @Test("X of Y: counts are exact at each step, the bulk settles by itself, a retry opens it again")
    func bulk() async throws {
        let bus = try bus()
        let bulk = try await bus.openBulk("spring", total: 3, label: "Spring issue")
        for n in 1...3 { try await bus.queue(Article.self, id: "a-\(n)", in: "spring") }
        try await bulk.seal()
        #expect(bus.bulkSnapshot(of: "spring")?.text == "0 of 3")
        #expect(bus.bulkSnapshot(of: "spring")?.phase == .sealed)
        try await bus.start(Article.self, id: "a-1").complete()
        try await bus.start(Article.self, id: "a-2").fail("No", code: "x")
        let job = try await bus.start(Article.self, id: "a-3")
        try await job.run(.research) { _ in
            #expect(bus.bulkSnapshot(of: "spring")?.stages == ["research": 1])
        }
        var seen = try #require(bus.bulkSnapshot(of: "spring"))
        #expect(
            seen.counts == .init(registered: 3, queued: 0, running: 1, completed: 1, failed: 1, cancelled: 0))
        #expect(seen.percent == 77)
        try await job.complete()
        seen = try #require(bus.bulkSnapshot(of: "spring"))
        #expect(seen.phase == .settled && seen.percent == 100 && seen.text == "2 of 3")
        let again = try await bus.start(Article.self, id: "a-2")
        #expect(bus.bulkSnapshot(of: "spring")?.phase == .sealed)
        try await again.complete()
        seen = try #require(bus.bulkSnapshot(of: "spring"))
        #expect(seen.phase == .settled && seen.text == "3 of 3" && seen.generation == 2)
        #expect(bus.jobs(in: "spring", status: .completed).map(\.id) == ["a-1", "a-2", "a-3"])
    }

    @Test("cancelling a bulk cancels those who wait, tells those who work, and those who come later")
    func cancelling() async throws {
        let bus = try bus()
        let bulk = try await bus.openBulk("spring")
        for n in 1...5 { try await bus.queue(Article.self, id: "a-\(n)", in: "spring") }
        let running = try await bus.start(Article.self, id: "a-1")
        try await bulk.cancel()
        #expect(running.isCancelled)
        #expect(bus.bulkSnapshot(of: "spring")?.counts.cancelled == 4)
        await #expect(throws: CancellationError.self) {
            try await running.run(.research) { try $0.checkCancellation() }
        }
        #expect(bus.snapshot(of: "a-1")?.status == .cancelled)
        try await bus.queue(Article.self, id: "a-6", in: "spring")
        #expect(bus.snapshot(of: "a-6")?.status == .cancelled)
        let late = try await bus.start(Article.self, id: "a-7", in: "spring")
        #expect(late.isCancelled)
        try await late.cancelled()
        try await bulk.seal(total: 7)
        #expect(bus.bulkSnapshot(of: "spring")?.phase == .settled)
    }

    @Test("a cancel that was asked for is noticed at once by whoever works on the job, and nobody else")
    func cancelOne() async throws {
        let bus = try bus()
        let one = try await bus.start(Article.self, id: "a-1")
        let other = try await bus.start(Article.self, id: "a-2")
        try await bus.requestCancel(job: "a-1", message: "Too dear")
        #expect(one.isCancelled && !other.isCancelled)
        #expect(bus.snapshot(of: "a-1")?.isCancelRequested == true)
    }

    @Test("a job belongs to one bulk: another is refused, and told")
    func conflict() async throws {
        let bus = try bus()
        try await bus.queue(Article.self, id: "a-1", in: "spring")
        try await bus.queue(Article.self, id: "a-1", in: "autumn")
        #expect(bus.refusals == [.init(subject: "a-1", reason: "bulk_conflict")])
        #expect(bus.statistics.refused == ["bulk_conflict": 1])
        #expect(bus.bulkSnapshot(of: "autumn") == nil)
    }

    // MARK: Many at once

    @Test("32 tasks on one bus: every count is exact")
    func concurrency() async throws {
        let bus = try InMemoryHeadway(pipelines: [Article.json, Book.json])
        try await bus.openBulk("all").seal(total: 160)
        await withTaskGroup { group in
            for worker in 0..<32 {
                group.addTask {
                    for n in 0..<5 {
                        let id = "j-\(worker)-\(n)"
                        guard let job = try? await bus.start(Article.self, id: id, in: "all") else { return }
                        try? await job.run(.research) { stage in
                            await withTaskGroup { inner in
                                for part in 1...4 {
                                    inner.addTask {
                                        for step in 1...10 {
                                            stage.substep("part-\(part)", step, of: 10)
                                            stage.report(step, of: 10)
                                        }
                                    }
                                }
                            }
                        }
                        if n % 5 == 4 {
                            try? await job.fail("No", code: "c")
                        } else {
                            try? await job.complete()
                        }
                    }
                }
            }
        }
        let bulk = try #require(bus.bulkSnapshot(of: "all"))
        #expect(
            bulk.counts
                == .init(registered: 160, queued: 0, running: 0, completed: 128, failed: 32, cancelled: 0))
        #expect(bulk.phase == .settled)
        #expect(bus.statistics.reports == 160 * 4 * 10 * 2)
        #expect(bus.refusals.isEmpty)
        for job in bus.jobs(in: "all") {
            #expect(
                job.stage?.done == 10 && job.substeps.allSatisfy { $0.done == 10 } && job.substeps.count == 4)
        }
    }
}
