import HeadwayCore
import TestSupport
import Testing

@testable import Headway

@Suite("InMemoryHeadway and time", .timeLimit(.minutes(1)))
struct InMemoryTimeTests {
    private let clock = ManualClock()

    private func bus(_ change: (inout InMemoryHeadway.Options) -> Void = { _ in }) throws -> InMemoryHeadway {
        var options = InMemoryHeadway.Options(worker: "w-1")
        options.startingAt = 1_000_000
        change(&options)
        return try InMemoryHeadway(pipelines: [Article.json, Book.json], options: options, clock: clock)
    }

    // MARK: Silence

    @Test("a worker that holds its handle is alive however long it takes; it stalls when nothing moves")
    func beats() async throws {
        let bus = try bus()
        let job = try await bus.start(Article.self, id: "a-1")
        clock.advance(by: .seconds(100))
        #expect(bus.snapshot(of: "a-1")?.health == .ok)
        #expect(bus.snapshot(of: "a-1")?.aliveAt == 1_100_000)
        clock.advance(by: .seconds(30))
        #expect(bus.snapshot(of: "a-1")?.health == .stalled)
        clock.advance(by: .seconds(90 * 24 * 3600))
        #expect(bus.snapshot(of: "a-1")?.status == .running)
        try await job.run(.research) { _ in }
        #expect(bus.snapshot(of: "a-1")?.health == .ok)
        let quarter: Int64 = 90 * 24 * 3_600_000
        #expect(bus.snapshot(of: "a-1")?.stage?.startedAt == 1_130_000 + quarter)
    }

    @Test(
        "a worker that drops its handle is suspect, then lost; its bulk counts it, and a later start takes it back"
    )
    func lost() async throws {
        let bus = try bus()
        try await bus.openBulk("spring").seal(total: 1)
        var job: Job<Article>? = try await bus.start(Article.self, id: "a-1", in: "spring")
        try await job?.run(.research) { _ in }
        clock.advance(by: .seconds(5))
        job = nil
        clock.advance(by: .seconds(1))
        #expect(bus.snapshot(of: "a-1")?.health == .ok)
        clock.advance(by: .seconds(2))
        #expect(bus.snapshot(of: "a-1")?.health == .suspect)
        #expect(bus.bulkSnapshot(of: "spring")?.health == [.suspect: 1])
        clock.advance(by: .seconds(10))
        let lost = try #require(bus.snapshot(of: "a-1"))
        #expect(lost.status == .failed && lost.error?.code == "worker_lost")
        #expect(bus.bulkSnapshot(of: "spring")?.phase == .settled)
        let again = try await bus.start(Article.self, id: "a-1")
        #expect(again.attempt == 1)
        #expect(bus.snapshot(of: "a-1")?.status == .running)
        #expect(bus.snapshot(of: "a-1")?.completedStages == ["research"])
        #expect(bus.bulkSnapshot(of: "spring")?.counts.running == 1)
    }

    @Test("how late somebody looks makes no difference: the verdict has the time at which it was due")
    func lateLook() async throws {
        var ends: [Int64?] = []
        for steps in [1, 7, 500] {
            let clock = ManualClock()
            var options = InMemoryHeadway.Options()
            options.startingAt = 0
            let bus = try InMemoryHeadway(pipelines: [Article.json], options: options, clock: clock)
            _ = try await bus.start(Article.self, id: "a-1")
            for _ in 0..<steps {
                clock.advance(by: .milliseconds(60_000 / steps))
                if steps > 1 { _ = bus.snapshot(of: "a-1") }
            }
            ends.append(bus.snapshot(of: "a-1")?.finishedAt)
        }
        #expect(ends == [10_000, 10_000, 10_000])
    }

    @Test("a job that nobody starts is abandoned in the end")
    func abandoned() async throws {
        let bus = try bus()
        try await bus.queue(Article.self, id: "a-1")
        clock.advance(by: .seconds(7 * 24 * 3600 - 1))
        #expect(bus.snapshot(of: "a-1")?.status == .queued)
        clock.advance(by: .seconds(2))
        #expect(bus.snapshot(of: "a-1")?.error?.code == "abandoned")
    }

    // MARK: The end of what is kept

    @Test(
        "a finished job is readable for its retention, then expired, then unknown; running jobs never expire")
    func retention() async throws {
        let bus = try bus { $0.tombstoneRetention = .seconds(3600) }
        let running = try await bus.start(Article.self, id: "a-2")
        try await bus.start(Article.self, id: "a-1").complete(result: "r")
        clock.advance(by: .seconds(24 * 3600 - 1))
        #expect(bus.snapshot(of: "a-1")?.result == "r")
        clock.advance(by: .seconds(1))
        #expect(bus.answer(of: "a-1") == .expired(.completed, attempt: 1))
        #expect(bus.snapshot(of: "a-1") == nil)
        await #expect { try await bus.start(Article.self, id: "a-1", attempt: 1) } throws: {
            ($0 as? HeadwayError)?.code == .ended
        }
        clock.advance(by: .seconds(3600))
        #expect(bus.answer(of: "a-1") == .unknown)
        #expect(bus.statistics.jobs == 1)
        #expect(bus.snapshot(of: "a-2")?.status == .running)
        try await running.complete()
    }

    @Test("a new life of an expired job goes on from its attempt and version")
    func revival() async throws {
        let bus = try bus()
        try await bus.start(Article.self, id: "a-1", in: "spring").fail("No")
        let version = try #require(bus.snapshot(of: "a-1")?.version)
        clock.advance(by: .seconds(25 * 3600))
        let again = try await bus.start(Article.self, id: "a-1")
        #expect(again.attempt == 2)
        #expect(bus.snapshot(of: "a-1")?.version == version + 1)
        #expect(bus.bulkSnapshot(of: "spring")?.counts.registered == 1)
        #expect(bus.bulkSnapshot(of: "spring")?.counts.running == 1)
    }

    @Test("a settled bulk is kept for its time, and its counts never sink with its members")
    func bulkRetention() async throws {
        let bus = try bus { $0.bulkRetention = .seconds(30 * 24 * 3600) }
        try await bus.openBulk("spring").seal(total: 2)
        for n in 1...2 { try await bus.start(Article.self, id: "a-\(n)", in: "spring").complete() }
        clock.advance(by: .seconds(20 * 24 * 3600))
        #expect(bus.statistics.jobs == 0)
        #expect(bus.bulkSnapshot(of: "spring")?.text == "2 of 2")
        clock.advance(by: .seconds(10 * 24 * 3600))
        #expect(bus.bulkSnapshot(of: "spring") == nil)
        clock.advance(by: .seconds(24 * 3600))
        #expect(bus.statistics.bulks == 0)
    }

    // MARK: Bounds

    @Test("it holds so many jobs and no more: those that ended first go, open ones stay, and else it says so")
    func bounds() async throws {
        let bus = try bus { $0.mostJobs = 20 }
        for n in 1...10 {
            try await bus.start(Article.self, id: "done-\(n)", in: "all").complete()
            clock.advance(by: .seconds(1))
        }
        var held: [Job<Article>] = []
        for n in 1...20 { held.append(try await bus.start(Article.self, id: "open-\(n)")) }
        #expect(bus.statistics.jobs == 20 && bus.statistics.evicted == 10)
        #expect(bus.answer(of: "done-1") == .unknown)
        #expect(bus.bulkSnapshot(of: "all")?.counts.completed == 10)
        await #expect { try await bus.queue(Article.self, id: "one-more") } throws: {
            ($0 as? HeadwayError)?.code == .full
        }
        try await held[0].complete()
        try await bus.queue(Article.self, id: "one-more")
        #expect(bus.statistics.jobs == 20)
    }

    @Test("deadlines that are not true any more do not pile up")
    func deadlines() async throws {
        let bus = try bus()
        for round in 0..<2_000 {
            let job = try await bus.start(Article.self, id: "a-\(round % 3)-\(round)")
            try await job.complete()
            if round % 3 == 2 { clock.advance(by: .seconds(40 * 24 * 3600)) }
        }
        let (lines, entries) = bus.store.withState { ($0.lines.count, $0.deadlines.count) }
        #expect(lines <= 6)
        #expect(entries <= 4 * lines + 64)
    }

    // MARK: Watching

    @Test("a sequence gives the state now, then each newer one, and ends with the job")
    func watching() async throws {
        let bus = try bus()
        let job = try await bus.start(Article.self, id: "a-1")
        let watching = Task { [bus] in
            var seen: [Int64] = []
            for await snapshot in bus.snapshots(of: "a-1") { seen.append(snapshot.version) }
            return seen
        }
        for stage in Article.Stage.allCases {
            try await job.run(stage) { _ in try await Task.sleep(for: .milliseconds(2)) }
        }
        try await job.complete()
        let seen = await watching.value
        #expect(seen == seen.sorted() && Set(seen).count == seen.count)
        #expect(seen.last == bus.snapshot(of: "a-1")?.version)
    }

    @Test("who waits hears of what time did, without anybody asking")
    func alarm() async throws {
        let bus = try bus()
        _ = try await bus.start(Article.self, id: "a-1", in: "spring")
        let lost = Task { [bus] in
            for await snapshot in bus.snapshots(of: "a-1") where snapshot.status == .failed { return true }
            return false
        }
        let failed = Task { [bus] in
            for await bulk in bus.bulkSnapshots(of: "spring") where bulk.counts.failed == 1 { return true }
            return false
        }
        for _ in 0..<200 {
            clock.advance(by: .seconds(1))
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(await lost.value)
        #expect(await failed.value)
    }

    @Test("a sequence that nobody reads any more is forgotten, and one of an unknown id waits for it")
    func unwatched() async throws {
        let bus = try bus()
        let task = Task { [bus] in await bus.snapshots(of: "a-1").first { _ in true }?.status }
        try await Task.sleep(for: .milliseconds(10))
        try await bus.queue(Article.self, id: "a-1")
        #expect(await task.value == .queued)
        let endless = Task { [bus] in for await _ in bus.snapshots(of: "a-2") {} }
        endless.cancel()
        await endless.value
        #expect(bus.store.watcherCount == 0)
    }

    @Test("a manual clock wakes sleepers in their order, and cancelled ones at once")
    func manualClock() async throws {
        let clock = ManualClock()
        let late = Task { try await clock.sleep(for: .seconds(2)) }
        let cancelled = Task { try await clock.sleep(for: .seconds(2)) }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        clock.advance(by: .seconds(1))
        #expect(clock.now.offset == .seconds(1))
        clock.advance(by: .seconds(1))
        try await late.value
        try await clock.sleep(for: .zero)
    }
}
