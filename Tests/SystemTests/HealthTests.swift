import Foundation
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

/// Real processes and real outages, with limits of seconds. `make health` runs the same with the limits of
/// production, for ten minutes each: `HEADWAY_HEALTH_SECONDS=600`.
@Suite("Health of real workers", .timeLimit(.minutes(30)))
struct HealthTests {
    /// How long each fault lasts.
    static let span = Duration.seconds(
        Int(ProcessInfo.processInfo.environment["HEADWAY_HEALTH_SECONDS"] ?? "") ?? 4)
    static let isLong = span > .seconds(60)
    static var limits: HealthRun.Limits { isLong ? .production : .seconds }

    enum Fault: String, Sendable, CaseIterable {
        case frozenAggregator, aggregatorKilled, redisRestarted, redisFrozen, farFuture
    }

    @Test(
        "no healthy worker is called stalled or lost, whatever stands still and for how long",
        arguments: Fault.allCases)
    func healthy(_ fault: Fault) async throws {
        let run = try await HealthRun(Self.limits)
        var aggregator = try await run.fleet.aggregator()
        let workers = try await run.workers(3)
        try #require(await eventually(within: .seconds(30)) { await run.areRunning(3) })
        let server = run.fleet.server
        switch fault {
        case .frozenAggregator:
            aggregator.signal(SIGSTOP)
            try await Task.sleep(for: Self.span)
            aggregator.signal(SIGCONT)
        case .aggregatorKilled:
            aggregator.kill()
            try await Task.sleep(for: Self.span)
            aggregator = try await run.fleet.aggregator()
        case .redisRestarted:
            await server.kill()
            try await Task.sleep(for: Self.span)
            try await server.restart()
        case .redisFrozen:
            server.pause()
            try await Task.sleep(for: Self.span)
            server.resume()
        case .farFuture:
            for partition in 0..<8 {
                _ = try await run.fleet.client.send(
                    "XADD", run.fleet.keyspace.events(partition), "99999999999999-0", "type", "job.heartbeat",
                    "subject", "planted")
            }
            aggregator.signal(SIGSTOP)
            try await Task.sleep(for: Self.span)
            aggregator.signal(SIGCONT)
        }
        // Until silence is judged again, and a limit beyond.
        try await Task.sleep(for: run.limits.heartbeat + .seconds(10) + run.limits.stall + .seconds(1))
        for job in try await run.states(3) {
            #expect(
                job.status == .running && job.health == .ok, "\(fault): \(job.id) \(job.health) \(job.status)"
            )
            let words = try await run.judgements(of: job.id)
            #expect(words.allSatisfy { $0 == "suspect" || $0 == "ok" }, "\(fault): \(job.id) \(words)")
        }
        print("health: \(fault.rawValue) for \(Self.span), 3 workers, 0 false stalls")
        withExtendedLifetime(workers) {}
        aggregator.kill()
        await run.fleet.stop()
    }

    @Test("a worker that is killed is named within its limit and a second, and one that stands still too")
    func stopped() async throws {
        let run = try await HealthRun(.seconds)
        let aggregator = try await run.fleet.aggregator()
        let workers = try await run.workers(1)
        let still = try await run.worker("still", step: 3600)
        try #require(await eventually(within: .seconds(30)) { await run.areRunning(1) })
        try await run.expectNamed("still", "stalled", limit: run.limits.stall) { $0.movedAt }
        workers[0].kill()
        try await run.expectNamed("job-0", "suspect", limit: run.limits.heartbeat + run.limits.heartbeat) {
            $0.aliveAt
        }
        try await run.expectNamed("job-0", "worker_lost", limit: run.limits.lost) { $0.aliveAt }
        withExtendedLifetime(still) {}
        aggregator.kill()
        await run.fleet.stop()
    }
}

/// A fleet whose workers never end.
struct HealthRun {
    struct Limits: Sendable {
        let heartbeat: Duration
        let stall: Duration
        let lost: Duration
        /// Seconds between the workers' steps.
        let step: Double

        static let seconds = Limits(
            heartbeat: .milliseconds(500), stall: .seconds(2), lost: .seconds(3), step: 0.4)
        static let production = Limits(
            heartbeat: .seconds(15), stall: .seconds(120), lost: .seconds(600), step: 60)
    }

    let fleet: Fleet
    let limits: Limits

    init(_ limits: Limits) async throws {
        self.limits = limits
        fleet = try await Fleet()
        // The longest heartbeat of all pipelines decides when silence is judged again.
        _ = try await fleet.client.send("DEL", fleet.keyspace.pipelines)
        _ = try await fleet.client.send(
            "HSET", fleet.keyspace.pipelines, "steady@1",
            """
            {"name": "steady", "stages": [{"id": "work"}], "heartbeat": "\(limits.heartbeat.wholeMilliseconds)ms",
             "stallAfter": "\(limits.stall.wholeMilliseconds)ms", "lostAfter": "\(limits.lost.wholeMilliseconds)ms"}
            """)
    }

    func workers(_ count: Int) async throws -> [ChildProcess] {
        var workers: [ChildProcess] = []
        for number in 0..<count { workers.append(try await worker("job-\(number)", step: limits.step)) }
        return workers
    }

    func worker(_ job: String, step: Double) async throws -> ChildProcess {
        let beat = Double(limits.heartbeat.wholeMilliseconds) / 1000
        return try await ChildProcess.start(
            [
                "/usr/bin/python3",
                Fleet.root.appending(path: "Tests/SystemTests/Fixtures/steady_worker.py").path,
                fleet.server.socketPath, "8", job, "\(beat)", "\(step)",
            ], output: fleet.server.directory.file("\(job).log"))
    }

    func state(_ job: String) async throws -> JobState? {
        let id = JobID(unchecked: job)
        let reply = try await fleet.client.send(
            "HGETALL", fleet.keyspace.job(fleet.keyspace.partition(of: id), id))
        return reply.elements?.isEmpty == false ? try JobState(id: id, fields: reply.pairs) : nil
    }

    func states(_ count: Int) async throws -> [JobState] {
        var all: [JobState] = []
        for number in 0..<count { all.append(try #require(try await state("job-\(number)"))) }
        return all
    }

    func areRunning(_ count: Int) async -> Bool {
        for number in 0..<count where (try? await state("job-\(number)"))??.position == nil { return false }
        return true
    }

    /// What was said of its health in its whole life, and how it failed, if it did.
    func judgements(of job: JobID) async throws -> [String] {
        let reply = try await fleet.client.send(
            "LRANGE", fleet.keyspace.timeline(fleet.keyspace.partition(of: job), job), "0", "-1")
        return try (reply.elements.map(Array.init) ?? []).map { try TimelineEntry(text: $0.string ?? "") }
            .filter { $0.kind == "health" || $0.kind == "failed" }.map { $0.detail ?? "" }
    }

    /// By the one clock of this machine: from the last sign to the moment when somebody could read it.
    func expectNamed(
        _ job: String, _ word: String, limit: Duration, since last: (JobState) -> Timestamp
    ) async throws {
        let id = JobID(unchecked: job)
        let isNamed = await eventually(within: .seconds(30), every: .milliseconds(10)) {
            (try? await judgements(of: id))?.contains(word) ?? false
        }
        try #require(isNamed, "\(job) was never called \(word)")
        let time = try #require(try await fleet.client.send("TIME").elements.map(Array.init))
        let now = Timestamp(
            milliseconds: Int64(time[0].number ?? 0) * 1000 + Int64(time[1].number ?? 0) / 1000)
        let late = now - last(try #require(try await state(job))) - limit
        #expect(late >= .zero && late <= .seconds(1), "\(job) was called \(word) \(late) after its limit")
        print("health: \(job) was called \(word) \(late.inWords) after its limit of \(limit.inWords)")
    }
}
