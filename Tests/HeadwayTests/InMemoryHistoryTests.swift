import HeadwayCore
import TestSupport
import Testing

@testable import Headway

/// What history makes of the jobs to come: the health `slow`, and estimates.
@Suite("InMemoryHeadway and history", .timeLimit(.minutes(1)))
struct InMemoryHistoryTests {
    private let clock = ManualClock()

    private func bus() throws -> InMemoryHeadway {
        var options = InMemoryHeadway.Options(worker: "w-1")
        options.startingAt = 1_000_000
        return try InMemoryHeadway(pipelines: [Article.json], options: options, clock: clock)
    }

    /// Each stage takes as many seconds.
    private func work(_ id: String, on bus: InMemoryHeadway, seconds: Int64, in bulk: String? = nil)
        async throws
    {
        let job = try await bus.start(Article.self, id: id, in: bulk)
        for stage in Article.Stage.allCases {
            try await job.run(stage) { handle in
                for done in 1...seconds {
                    clock.advance(by: .seconds(1))
                    handle.report(Int(done), of: Int(seconds))
                }
            }
        }
        try await job.complete()
    }

    @Test(
        "a stage that takes longer than nearly all before is slow, in the words of the API; the next one is not"
    )
    func slow() async throws {
        let bus = try bus()
        for number in 0..<25 { try await work("a-\(number)", on: bus, seconds: 10) }
        let job = try await bus.start(Article.self, id: "late")
        try await job.run(.research) { handle in
            handle.report(1, of: 10)
            clock.advance(by: .seconds(5))
            #expect(bus.snapshot(of: "late")?.health == .ok)
            clock.advance(by: .seconds(10))
            let snapshot = try #require(bus.snapshot(of: "late"))
            #expect(snapshot.health == .slow)
            let reason = try #require(snapshot.reason)
            #expect(
                reason.hasPrefix("Researching takes 15s so far (usually ") && reason.contains("95 % within"))
        }
        try await job.run(.writing) { handle in
            handle.report(1, of: 10)
            #expect(bus.snapshot(of: "late")?.health == .ok)
        }
    }

    @Test("without history there is no estimate and it says why; with it, there is one that counts down")
    func estimates() async throws {
        let bus = try bus()
        let first = try await bus.start(Article.self, id: "first")
        try await first.run(.research) { handle in
            handle.report(1, of: 2)
            #expect(bus.snapshot(of: "first")?.eta == nil)
            #expect(bus.snapshot(of: "first")?.etaReason == "no_history")
        }
        for number in 0..<25 { try await work("a-\(number)", on: bus, seconds: 10) }
        #expect(bus.snapshot(of: "a-1")?.etaReason == "ended")

        try await bus.queue(Article.self, id: "waiting")
        #expect(bus.snapshot(of: "waiting")?.etaReason == "queued")
        let job = try await bus.start(Article.self, id: "next")
        try await job.run(.research) { handle in
            clock.advance(by: .seconds(5))
            handle.report(5, of: 10)
            let eta = try #require(bus.snapshot(of: "next")?.eta)
            // Five seconds of this stage, and two stages of ten.
            #expect(22...28 ~= eta.seconds && eta.high >= eta.seconds, "\(eta)")
            #expect(["history", "history+pace"].contains(eta.basis))
            #expect(
                eta.at == 1_000_000 + clock.now.offset.wholeMilliseconds + Int64(eta.seconds) * 1000
                    || abs(
                        eta.at - 1_000_000 - clock.now.offset.wholeMilliseconds - Int64(eta.seconds) * 1000)
                        < 1000
            )
            clock.advance(by: .seconds(1))
            #expect((bus.snapshot(of: "next")?.eta?.seconds ?? 99) < eta.seconds)
        }
        try await bus.requestCancel(job: "next")
        #expect(bus.snapshot(of: "next")?.etaReason == "cancelling")
    }

    @Test("a bulk has one as soon as it has a total and something runs; an open one says that it is open")
    func bulks() async throws {
        let bus = try bus()
        for number in 0..<25 { try await work("a-\(number)", on: bus, seconds: 10, in: "old") }
        #expect(bus.bulkSnapshot(of: "old")?.etaReason == "open")
        let bulk = try await bus.openBulk("spring", total: 4)
        for number in 0..<4 { try await bus.queue(Article.self, id: "b-\(number)", in: "spring") }
        try await bulk.seal()
        #expect(bus.bulkSnapshot(of: "spring")?.etaReason == "queued")
        let job = try await bus.start(Article.self, id: "b-0", in: "spring")
        try await job.run(.research) { handle in
            clock.advance(by: .seconds(5))
            handle.report(5, of: 10)
            // Three more of thirty seconds behind the rest of this one.
            let eta = try #require(bus.bulkSnapshot(of: "spring")?.eta)
            #expect(90...140 ~= eta.seconds, "\(eta)")
        }
    }
}
