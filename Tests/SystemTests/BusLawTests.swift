import Aggregator
import EventLoop
import Foundation
import HeadwayCore
import HeadwayWire
import ReadAPI
import Redis
import TestSupport
import Testing

@testable import Headway

/// What was seen in memory is what Redis, the aggregator and the reader show.
@Suite("InMemoryHeadway and the real thing", .serialized, .timeLimit(.minutes(5)))
struct BusLawTests {
    @Test(
        "random programs come to the same on both: every call's outcome, every cancel, every state, every count"
    )
    func sameOnBoth() async throws {
        let seeds =
            ProcessInfo.processInfo.environment["HEADWAY_SEED"].flatMap { UInt64($0) }
            .map { $0...$0 } ?? 1...150
        let length = 24
        let programs = seeds.map { BusProgram(seed: $0, length: length) }

        let memory = try InMemoryHeadway(pipelines: BusProgram.pipelines, options: .init(worker: "w-0"))
        memory.store.withState { $0.learn(BusProgram.history()) }
        let workers = [memory, memory.connect(worker: "w-1")]
        let expected = programs.map { BusRun($0, workers) }
        var flags: [[[Int]]] = []
        for round in 0..<length {
            for run in expected { await run.step(round) }
            flags.append(expected.map(\.cancelled))
        }

        let real = try await RealThing(history: BusProgram.history())
        let runs = programs.map { BusRun($0, real.workers) }
        for round in 0..<length {
            for run in runs { await run.step(round) }
            try await real.settle()
            let isSame = await eventually(within: .seconds(5)) { runs.map(\.cancelled) == flags[round] }
            for (run, flags) in zip(runs, flags[round]) where !isSame && run.cancelled != flags {
                Issue.record(
                    "seed \(run.program.seed), after step \(round): \(run.cancelled) know, not \(flags)")
            }
        }
        var reasons: Set<Outlook.Reason> = []
        var estimated = 0
        for (run, other) in zip(runs, expected) {
            #expect(run.transcript == other.transcript, "HEADWAY_SEED=\(run.program.seed)")
            for number in 0..<run.program.jobs {
                let id = JobID(unchecked: run.program.job(number))
                let told = try await real.job(id)?.withoutTimes
                #expect(told == memory.job(id)?.withoutTimes, "HEADWAY_SEED=\(run.program.seed), job \(id)")
                // A running member of a cancelled bulk is asked a moment later behind Redis.
                _ = try await eventually(within: .seconds(10)) {
                    try await real.outlook(id)?.reason == memory.outlook(id)?.reason
                }
                let outlook = try await real.outlook(id)
                #expect(
                    outlook?.reason == memory.outlook(id)?.reason,
                    "HEADWAY_SEED=\(run.program.seed), job \(id): \(String(describing: outlook))")
                if let reason = outlook?.reason {
                    reasons.insert(reason)
                } else if outlook != nil {
                    estimated += 1
                }
            }
            let id = BulkID(unchecked: run.program.bulk)
            let told = try await real.bulk(id).map(Told.init)
            #expect(told == memory.bulk(id).map(Told.init), "HEADWAY_SEED=\(run.program.seed)")
            // How fast members end is another thing in another time; whether and why there is no estimate is not.
            let outlook = try await real.outlook(id)
            #expect(
                outlook?.reason == memory.outlook(id)?.reason,
                "HEADWAY_SEED=\(run.program.seed): \(String(describing: outlook))")
        }
        let states = programs.flatMap { program in
            (0..<program.jobs).compactMap { memory.job(JobID(unchecked: program.job($0)))?.status }
        }
        // The programs must lead somewhere, or the law would say nothing.
        if seeds.count > 1 {
            #expect(Set(states) == Set(JobState.Status.allCases))
            #expect(estimated > 20 && reasons.isSuperset(of: [.ended, .queued, .cancelling]))
        }
        await real.stop()
    }

    @Test("with one history the same stages are slow on both, for the same reason, in jobs and in their bulk")
    func slowOnBoth() async throws {
        let pipelines = BusProgram.pipelines.map { $0.replacing("10m", with: "1s") }
        let memory = try InMemoryHeadway(pipelines: pipelines, options: .init(worker: "w-0"))
        // `cover` usually takes a moment, all others an hour.
        let history = BusProgram.history(cover: .milliseconds(10))
        memory.store.withState { $0.learn(history) }
        let real = try await RealThing(history: history, pipelines: pipelines)
        let stages = ["plan", "page", "cover", "print"]
        func begin(on bus: some HeadwayBus) async throws -> [Task<Void, any Error>] {
            try await bus.openBulk("b", total: stages.count).seal()
            var running: [Task<Void, any Error>] = []
            for stage in stages {
                let job = try await bus.start(pipeline: "tale", id: "slow-\(stage)", in: "b")
                running.append(
                    Task {
                        try await job.run(StageName(stage)) { handle in
                            handle.report(1, of: 2)
                            try await Task.sleep(for: .seconds(120))
                        }
                    })
            }
            return running
        }
        let running = try await begin(on: memory) + begin(on: real.workers[0])
        let ids = stages.map { JobID(unchecked: "slow-\($0)") }
        let isSlow = await eventually(within: .seconds(60)) {
            (try? await real.job(ids[2]))??.health == .slow
                && memory.snapshot(of: "slow-cover")?.health == .slow
        }
        #expect(isSlow)
        for id in ids {
            let told = try await real.job(id)
            let shown = try #require(memory.snapshot(of: id.description))
            #expect(told?.health.rawValue == shown.health.rawValue, "\(id)")
            #expect(told?.health == (id == ids[2] ? .slow : .ok), "\(id)")
            #expect(told?.position?.usual == memory.job(id)?.position?.usual, "\(id)")
            // The two are asked one after the other: evidence may have come in between.
            let agrees = await eventually(within: .seconds(30)) {
                guard let outlook = try? await real.outlook(id) else { return false }
                // The pace of the slow one, and what is shown of it, depend on when it was looked at.
                if id == ids[2] { return (outlook.estimate == nil) == (memory.outlook(id)?.estimate == nil) }
                return Self.agree(outlook, memory.outlook(id))
            }
            #expect(agrees, "\(id)")
        }
        let sentence = try #require(memory.snapshot(of: "slow-cover")?.reason)
        let said = try #require(try await real.reason(ids[2]))
        // But for how long it has taken so far.
        #expect(sentence.split(separator: "(").last == said.split(separator: "(").last)
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await real.bulk(BulkID(unchecked: "b")))??.health
                    == memory.bulk(BulkID(unchecked: "b"))?.health
            })
        for task in running { task.cancel() }
        await real.stop()
    }

    /// The same reason, or estimates that differ by no more than the time between the two looks.
    static func agree(_ a: Outlook?, _ b: Outlook?) -> Bool {
        guard let a, let b else { return a == b }
        switch (a, b) {
        case (.none(let a), .none(let b)): return a == b
        case (.estimate(let a), .estimate(let b)):
            func isNear(_ a: Duration, _ b: Duration) -> Bool {
                abs((a - b).wholeMilliseconds) <= 60_000 + max(a, b).wholeMilliseconds / 20
            }
            return a.basis == b.basis && isNear(a.remaining, b.remaining) && isNear(a.high, b.high)
        default: return false
        }
    }

    /// A bulk, without what depends on when.
    struct Told: Equatable {
        var phase: BulkSummary.Phase
        var outcome: BulkSummary.Outcome?
        var label: String?
        var total: Int?
        var text: String
        var percent: Int
        var counts: BulkCounts
        var health: [HeadwayCore.Health: Int]
        var stages: [String: Int]
        var failures: [BulkShare.FailureKind: Int]
        var isCancelling: Bool
        var generation: Int

        init(_ bulk: BulkSummary) {
            phase = bulk.phase
            outcome = bulk.outcome
            label = bulk.label
            total = bulk.total
            text = bulk.text
            percent = bulk.percent
            counts = bulk.counts
            health = bulk.health
            stages = bulk.stages
            failures = bulk.failures
            isCancelling = bulk.isCancelling
            generation = bulk.generation
        }
    }
}

extension InMemoryHeadway {
    fileprivate func job(_ id: JobID) -> JobState? {
        store.withState { state in
            if case .job(let job)? = state.lines[id]?.record { job } else { nil }
        }
    }

    fileprivate func bulk(_ id: BulkID) -> BulkSummary? {
        store.withState { state in state.bulks[id].map { BulkSummary(id: id, shares: [$0.share]) } }
    }

    fileprivate func outlook(_ id: JobID) -> Outlook? {
        store.withState { state in
            if case .job(let job)? = state.lines[id]?.record { state.outlook(of: job) } else { nil }
        }
    }

    fileprivate func outlook(_ id: BulkID) -> Outlook? {
        store.withState { state in
            guard let line = state.bulks[id] else { return nil }
            return state.outlook(of: BulkSummary(id: id, shares: [line.share]))
        }
    }
}

extension JobState {
    fileprivate var withoutTimes: JobState {
        let start = Timestamp(milliseconds: 0)
        var job = self
        job.createdAt = start
        job.startedAt = startedAt.map { _ in start }
        job.updatedAt = start
        job.finishedAt = finishedAt.map { _ in start }
        job.aliveAt = start
        job.movedAt = start
        job.position?.startedAt = start
        // When a worker of a cancelled bulk is asked depends on the aggregator's round.
        job.cancelRequestedAt = bulk == nil ? cancelRequestedAt.map { _ in start } : nil
        // How long a stage took decides what is usual; a value in between may show that it was half done.
        job.position?.indexStartedAt = position?.indexStartedAt.map { _ in start }
        job.position?.halfAt = nil
        job.position?.usual = position?.usual.map { _ in UsualDuration(median: .zero, p95: .zero) }
        // Values in between may never have been seen.
        job.version = 1
        return job
    }
}

/// A private Redis, an aggregator, a reader, and two workers.
private final class RealThing: Sendable {
    let server: RedisServer
    let workers: [Headway]
    private let loop = EventLoop(name: "real")
    private let keyspace: Keyspace
    private let aggregator: Aggregator
    private let reader: StatusReader
    private let client: RedisClient

    init(history: DurationBook, pipelines: [String] = BusProgram.pipelines) async throws {
        server = try await RedisServer.start()
        keyspace = try Keyspace(partitions: 4)
        client = RedisClient(server.endpoint, on: loop, name: "test")
        reader = StatusReader(keyspace: keyspace, endpoint: server.endpoint, on: loop)
        for json in pipelines {
            _ = try await reader.put(
                PipelineDocument.parse(Array(json.utf8), file: "test", revision: 1).get())
        }
        var options = AggregatorOptions(endpoint: server.endpoint, instance: "a")
        options.block = .milliseconds(20)
        // What is slow is said at once: no worker was away.
        options.publisherBackoff = .zero
        // Each partition has a history of its own.
        for partition in 0..<keyspace.partitions {
            var fields = FieldBuffer()
            history.encode(history.sketches.keys.sorted(), into: &fields)
            var batch = CommandBatch()
            batch.begin("HSET", argumentCount: 1 + 2 * fields.count)
            batch.append(keyspace.durations(partition))
            for (name, value) in fields {
                batch.append(name)
                batch.append(value)
            }
            _ = try await client.send(batch)
        }
        aggregator = Aggregator(keyspace: keyspace, options: options, on: [loop])
        await aggregator.start()
        var workers: [Headway] = []
        for number in 0..<2 {
            var options = Headway.Options(worker: "w-\(number)")
            options.partitions = 4
            options.tickInterval = .milliseconds(1)
            options.lookInterval = .milliseconds(20)
            workers.append(try await Headway.connect(server.endpointURL, options: options))
        }
        self.workers = workers
    }

    /// Waits until all that was said is folded, and all that shares tell one another is told.
    func settle() async throws {
        for worker in workers { try await worker.flush() }
        var quiet = 0
        let end = ContinuousClock.now + .seconds(30)
        while quiet < 2 {
            guard ContinuousClock.now < end else { throw Failure("the aggregator does not come to rest") }
            quiet = try await isQuiet() ? quiet + 1 : 0
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// What shares have still to tell others, and queued members of cancelled bulks. Workers of a cancelled bulk
    /// are asked in rounds that never end while they run.
    private func tellings(in partition: Int) async throws -> Int {
        let listed = try await client.send("SMEMBERS", keyspace.errands(partition))
        var count = 0
        for id in listed.elements?.compactMap({ $0.string.flatMap { BulkID($0) } }) ?? [] {
            let reply = try await client.send("HGETALL", keyspace.bulk(partition, id))
            let share = try BulkShare(id: id, fields: reply.pairs)
            if !share.errands.isEmpty || (share.isCancelling && share.counts.queued > 0) { count += 1 }
        }
        return count
    }

    private func isQuiet() async throws -> Bool {
        for partition in 0..<keyspace.partitions {
            let work = try await tellings(in: partition)
            let checkpoint = try await client.send("HGET", keyspace.control(partition), "checkpoint")
            let last = try await client.send("XREVRANGE", keyspace.events(partition), "+", "-", "COUNT", "1")
            let end = last.elements?.first?.elements?.first?.string
            guard work == 0, end == nil || end == checkpoint.string else { return false }
        }
        return true
    }

    func job(_ id: JobID) async throws -> JobState? {
        if case .job(let snapshot) = try await reader.job(id) { snapshot.state } else { nil }
    }

    func outlook(_ id: JobID) async throws -> Outlook? {
        if case .job(let snapshot) = try await reader.job(id) { snapshot.outlook } else { nil }
    }

    func outlook(_ id: BulkID) async throws -> Outlook? {
        if case .bulk(let snapshot)? = try await reader.bulks([id], current: 10).first {
            snapshot.outlook
        } else {
            nil
        }
    }

    func reason(_ id: JobID) async throws -> String? {
        if case .job(let snapshot) = try await reader.job(id) { snapshot.reason } else { nil }
    }

    func bulk(_ id: BulkID) async throws -> BulkSummary? {
        if case .bulk(let snapshot)? = try await reader.bulks([id], current: nil).first {
            snapshot.summary
        } else {
            nil
        }
    }

    func stop() async {
        for worker in workers { try? await worker.close(within: .seconds(1)) }
        await reader.close()
        await client.close()
        await aggregator.stop()
        await server.stop()
        await loop.stop()
    }
}

private struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
