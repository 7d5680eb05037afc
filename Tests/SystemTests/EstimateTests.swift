import EventLoop
import Glibc
import Headway
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

@Suite("Estimates of simulated fleets")
struct EstimateReplayTests {
    @Test("hold every bar of the naive rule, whatever the seed", arguments: [1, 2, 3] as [UInt64])
    func bars(seed: UInt64) {
        for verdict in BenchEstimates(seed: seed, jobs: 120).replay().verdicts {
            #expect(verdict.holds, "\(verdict.text); seed \(seed)")
        }
    }

    @Test("are the same for the same seed, and others for another")
    func deterministic() {
        func errors(_ seed: UInt64) -> [Double] {
            var replay = FleetReplay(.parallel, seed: seed)
            replay.learn(jobs: 40)
            replay.test(jobs: 40, bulks: 1)
            return [replay.jobs.mean.ours, replay.jobs.mean.naive, replay.bulks.mean.ours]
        }
        #expect(errors(7) == errors(7))
        #expect(errors(7) != errors(8))
    }

    @Test("a bar that is missed is named")
    func missed() {
        var score = EstimateScore()
        for _ in 0..<100 {
            let wrong = Outlook.estimate(Estimate(remaining: .seconds(1), high: .seconds(2), basis: .history))
            score.count(wrong, shown: wrong, naive: 90, truth: 100)
        }
        let rows = ReplayFleet.allCases.flatMap { fleet in
            ["jobs", "bulks"].map { EstimateBars.Row(fleet: fleet, what: $0, score: score) }
        }
        let missed = EstimateBars(rows: rows).verdicts.filter { !$0.holds }.map(\.text)
        #expect(missed.contains { $0.hasPrefix("steady jobs: not worse") })
        #expect(missed.contains { $0.hasPrefix("two-pass jobs: better") })
        #expect(missed.contains { $0.hasPrefix("in the median") })
        #expect(missed.contains { $0.hasPrefix("heavy tail bulks: the high end") })
    }
}

@Suite("Estimates of real jobs", .serialized, .timeLimit(.minutes(1)))
struct EstimateSystemTests {
    @Test("after 25 finished jobs the next one is told how long it will take, by history")
    func history() async throws {
        let fleet = try await Fleet()
        let pipeline =
            #"{"name": "quick", "stages": [{"id": "think", "range": [0, 30]}, {"id": "draw", "range": [30, 100]}]}"#
        _ = try await fleet.client.send("HSET", fleet.keyspace.pipelines, "quick@1", pipeline)
        let aggregator = try await fleet.aggregator()
        let headway = try await Headway.connect(
            fleet.server.endpointURL, options: Headway.Options(worker: "w-1"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<25 {
                group.addTask {
                    let job = try await headway.start(pipeline: "quick", id: "job-\(number)", attempt: 1)
                    try await job.run("think") { _ in try await Task.sleep(for: .milliseconds(600)) }
                    try await job.run("draw") { _ in try await Task.sleep(for: .milliseconds(1500)) }
                    try await job.complete()
                }
            }
            try await group.waitForAll()
        }
        for number in 0..<25 { _ = try await fleet.job("job-\(number)", until: .completed) }
        let job = try await headway.start(pipeline: "quick", id: "next", attempt: 1)
        try await job.run("think") { _ in
            _ = try await fleet.job("next", until: .running)
            let look = try await HeadwayBinary.run([
                "status", "--json", "next", "--redis", fleet.server.endpointURL,
            ])
            let json = try JSON(Array(look.output.utf8))
            let eta = try #require(json["eta"], "\(look.output) \(look.error)")
            #expect(eta["basis"] == .string("history"), "\(look.output)")
            guard case .number(let text) = eta["seconds"], let seconds = Int(text) else {
                Issue.record("no seconds: \(look.output)")
                return
            }
            // 2.1 s, less what starting the program took.
            #expect(1...4 ~= seconds, "\(look.output)")
        }
        try await job.run("draw") { _ in }
        try await job.complete()
        try await headway.close()
        aggregator.signal(SIGTERM)
        #expect(await eventually { !aggregator.isRunning })
        await fleet.stop()
    }
}
