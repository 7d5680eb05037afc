import EventLoop
import Foundation
import Glibc
import Headway
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

private typealias ChildProcess = TestSupport.ChildProcess

/// Retry and cancel against the built `headway`, with real workers.
@Suite("Retry and cancel of real processes", .serialized, .timeLimit(.minutes(10)))
struct CancelTests {
    /// Members of the great bulk; more by hand: HEADWAY_CANCEL_MEMBERS=100000.
    static let members =
        ProcessInfo.processInfo.environment["HEADWAY_CANCEL_MEMBERS"].flatMap { Int($0) } ?? 20_000

    @Test(
        "a great bulk is cancelled to the last member, and meanwhile another job's words are committed as promptly"
    )
    func greatBulk() async throws {
        let fleet = try await Fleet()
        try await fleet.addPlainPipeline()
        let aggregator = try await fleet.aggregator()
        var probe = Probe(fleet)
        try await probe.begin()
        let idle = try await probe.measure(for: .seconds(2))

        let bulk = "great"
        var batch = CommandBatch()
        for number in 0..<Self.members {
            let id = "m\(number)"
            batch.add(
                "XADD",
                [
                    fleet.keyspace.events(fleet.keyspace.partition(of: JobID(unchecked: id))), "*", "type",
                    "job.queued",
                    "subject", id, "pipeline", "plain", "bulk", bulk,
                ])
            if batch.count == 1000 || number == Self.members - 1 {
                _ = try await fleet.client.send(batch, deadline: .seconds(30))
                batch = CommandBatch()
            }
        }
        try await fleet.publish("bulk.sealed", bulk, ["total": "\(Self.members)"])
        #expect(
            await eventually(within: .seconds(180), every: .milliseconds(50)) {
                (try? await fleet.counts(of: bulk)) == BulkCounts(queued: Self.members)
            })

        let begun = ContinuousClock.now
        try await fleet.publish("bulk.cancelRequested", bulk)
        var during: [Duration] = []
        while (try? await fleet.counts(of: bulk)) != BulkCounts(cancelled: Self.members) {
            during += try await probe.measure(for: .milliseconds(100))
            guard ContinuousClock.now - begun < .seconds(300) else { break }
        }
        let took = ContinuousClock.now - begun
        #expect(try await fleet.counts(of: bulk) == BulkCounts(cancelled: Self.members))
        #expect(try await fleet.recount(of: bulk) == BulkCounts(cancelled: Self.members))
        #expect(
            await eventually(within: .seconds(20)) {
                (try? await fleet.summary(of: bulk))?.phase == .settled
            })

        let (calm, busy) = (Figures(idle), Figures(during))
        print(
            "cancel: \(Self.members) members in \(took.inWords); another job's publish to commit: idle \(calm), "
                + "meanwhile \(busy)")
        // Held up it would wait for the whole sweep, or for a slice of each partition in a row.
        #expect(busy.median < max(calm.median * 10, Duration.milliseconds(40)), "\(calm) → \(busy)")
        #expect(busy.worst < max(took / 4, Duration.milliseconds(800)), "\(calm) → \(busy)")
        aggregator.signal(SIGTERM)
        #expect(await eventually(within: .seconds(10)) { !aggregator.isRunning })
        await fleet.stop()
    }

    @Test("a worker notices within about a second that its job is to be cancelled, and ends it as cancelled")
    func workerNotices() async throws {
        let fleet = try await Fleet()
        try await fleet.addPlainPipeline()
        let up = try await HeadwayBinary.start([
            "up", "--redis", fleet.server.endpointURL, "--listen", "127.0.0.1:0", "--lease", "1s",
        ])
        #expect(await eventually(within: .seconds(15)) { up.output.contains("Stop it with") })
        let line = try #require(up.output.split(separator: "\n").first)
        let url = String(try #require(line.split(separator: " ").last))
        let headway = try await Headway.connect(fleet.server.endpointURL)
        var delays: [Duration] = []
        for number in 0..<5 {
            let job = try await headway.start(pipeline: "plain", id: "c\(number)")
            let worker = Task { () -> ContinuousClock.Instant in
                do {
                    try await job.run("work") { stage in
                        while true {
                            try stage.checkCancellation()
                            try await Task.sleep(for: .milliseconds(5))
                        }
                    }
                } catch is CancellationError {}
                return .now
            }
            #expect(
                await eventually(within: .seconds(10)) {
                    (try? await fleet.status(of: "c\(number)")) == "running"
                })
            let asked = ContinuousClock.now
            let answer = try await Self.post(url + "v1/jobs/c\(number)/cancel")
            #expect(answer == "202")
            let noticed = try await worker.value
            delays.append(noticed - asked)
            #expect(job.isCancelled)
            #expect(
                await eventually(within: .seconds(10)) {
                    (try? await fleet.status(of: "c\(number)")) == "cancelled"
                })
        }
        print("cancel: workers noticed after \(delays.map(\.inWords).joined(separator: ", "))")
        #expect(delays.allSatisfy { $0 < .milliseconds(1_800) }, "\(delays)")
        // A queued job needs no worker: it is over at once.
        try await headway.queue(pipeline: "plain", id: "waiting")
        try await headway.flush()
        #expect(
            await eventually(within: .seconds(10)) { (try? await fleet.status(of: "waiting")) == "queued" })
        let asked = ContinuousClock.now
        let answer = try await Self.post(url + "v1/jobs/waiting/cancel")
        #expect(answer == "202")
        #expect(
            await eventually(within: .seconds(10)) { (try? await fleet.status(of: "waiting")) == "cancelled" }
        )
        #expect(ContinuousClock.now - asked < .seconds(1))
        try await headway.close()
        up.signal(SIGTERM)
        #expect(await up.end() == 0)
        await fleet.stop()
    }

    @Test(
        "a higher attempt takes over: the old one's late words are refused as superseded and change nothing")
    func superseded() async throws {
        let fleet = try await Fleet()
        try await fleet.addPlainPipeline()
        let aggregator = try await fleet.aggregator()
        for (type, fields) in [
            ("job.started", ["pipeline": "plain", "bulk": "b", "attempt": "1", "worker": "old"]),
            ("stage.progressed", ["stage": "work", "percent": "80", "attempt": "1"]),
            ("job.started", ["pipeline": "plain", "attempt": "2", "worker": "new"]),
            ("stage.progressed", ["stage": "work", "percent": "10", "attempt": "2"]),
            // The old worker woke up.
            ("stage.progressed", ["stage": "work", "percent": "90", "attempt": "1"]),
            ("job.heartbeat", ["worker": "old", "attempt": "1"]),
            ("job.failed", ["message": "late", "attempt": "1"]),
        ] { try await fleet.publish(type, "a", fields) }
        let job = JobID(unchecked: "a")
        let partition = fleet.keyspace.partition(of: job)
        #expect(
            await eventually(within: .seconds(20)) {
                (try? await fleet.client.send("XLEN", fleet.keyspace.rejected(partition)).integer) == 3
            })
        let reply = try await fleet.client.send("HGETALL", fleet.keyspace.job(partition, job))
        let state = try JobState(id: job, fields: reply.pairs)
        #expect(
            state.status == .running && state.attempt == 2 && state.worker == "new" && state.percent == 10)
        let rejected = try await fleet.client.send("XRANGE", fleet.keyspace.rejected(partition), "-", "+")
        for entry in rejected.elements.map(Array.init) ?? [] {
            let fields = try #require(entry.elements?[1])
            #expect(try Rejection(fields: fields.pairs).reason == "superseded")
        }
        // The retry counts in the bulk: one member, running, in its second generation once it had ended.
        try await fleet.publish("job.failed", "a", ["message": "no", "attempt": "2"])
        try await fleet.publish("job.started", "a", ["attempt": "3"])
        try await fleet.publish("job.completed", "a", ["attempt": "3"])
        // The bulk's home is another partition: a seal that overtook the retry would settle it as failed first.
        #expect(
            await eventually(within: .seconds(20)) { (try? await fleet.status(of: "a")) == "completed" })
        try await fleet.publish("bulk.sealed", "b", ["total": "1"])
        #expect(
            await eventually(within: .seconds(20)) { (try? await fleet.summary(of: "b"))?.phase == .settled })
        let summary = try await fleet.summary(of: "b")
        #expect(summary.counts == BulkCounts(completed: 1) && summary.generation == 2)
        aggregator.signal(SIGTERM)
        #expect(await eventually(within: .seconds(10)) { !aggregator.isRunning })
        await fleet.stop()
    }

    /// - Returns: the status, by curl: any client will do.
    private static func post(_ url: String) async throws -> String {
        let directory = ScratchDirectory()
        let call = try await ChildProcess.start(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", url],
            output: directory.file("status"))
        _ = await eventually(within: .seconds(10), every: .milliseconds(2)) { !call.isRunning }
        return try String(contentsOfFile: directory.file("status"), encoding: .utf8)
    }
}

/// Another job in each partition, whose words are timed from publish to commit.
private struct Probe {
    let fleet: Fleet
    private let jobs: [JobID]
    /// Only rises: a word that is not ahead changes nothing.
    private var steps = 0

    init(_ fleet: Fleet) {
        self.fleet = fleet
        // One in each of the eight partitions.
        var found: [Int: JobID] = [:]
        for number in 0... where found.count < 8 {
            let job = JobID(unchecked: "probe-\(number)")
            found[fleet.keyspace.partition(of: job)] = job
            if found.count == 8 { break }
        }
        jobs = Array(found.values)
    }

    func begin() async throws {
        for job in jobs { try await fleet.publish("job.started", "\(job)", ["pipeline": "plain"]) }
        for job in jobs {
            let isThere = await eventually(within: .seconds(20)) { (try? await version(of: job)) ?? 0 > 0 }
            try #require(isThere)
        }
    }

    mutating func measure(for span: Duration) async throws -> [Duration] {
        let end = ContinuousClock.now + span
        var figures: [Duration] = []
        repeat {
            let job = jobs[figures.count % jobs.count]
            let before = try await version(of: job)
            let begun = ContinuousClock.now
            steps += 1
            try await fleet.publish(
                "stage.progressed", "\(job)", ["stage": "work", "done": "\(steps)", "total": "1000000"])
            while try await version(of: job) == before {
                try await Task.sleep(for: .microseconds(500))
                try #require(ContinuousClock.now - begun < .seconds(60))
            }
            figures.append(ContinuousClock.now - begun)
        } while ContinuousClock.now < end
        return figures
    }

    private func version(of job: JobID) async throws -> Int {
        let key = fleet.keyspace.job(fleet.keyspace.partition(of: job), job)
        return try await fleet.client.send("HGET", key, "version").string.flatMap { Int($0) } ?? 0
    }
}

private struct Figures: CustomStringConvertible {
    let count: Int
    let median: Duration
    let high: Duration
    let worst: Duration

    init(_ figures: [Duration]) {
        let sorted = figures.sorted()
        count = sorted.count
        median = sorted.isEmpty ? .zero : sorted[sorted.count / 2]
        high = sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
        worst = sorted.last ?? .zero
    }

    var description: String {
        let words = [("p50", median), ("p99", high), ("worst", worst)].map { name, span in
            "\(name) \(Double(span.components.attoseconds / 10_000_000_000_000) / 100 + Double(span.components.seconds) * 1000) ms"
        }
        return "\(words.joined(separator: ", ")) of \(count)"
    }
}

extension Fleet {
    func publish(_ type: String, _ subject: String, _ fields: [String: String] = [:]) async throws {
        var batch = CommandBatch()
        let partition = keyspace.partition(of: JobID(unchecked: subject))
        batch.add(
            "XADD",
            [keyspace.events(partition), "*", "type", type, "subject", subject]
                + fields.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })
        let replies = try await client.send(batch)
        if let error = batch.firstError(in: replies) { throw error }
    }

    func status(of job: String) async throws -> String? {
        let id = JobID(unchecked: job)
        return try await client.send("HGET", keyspace.job(keyspace.partition(of: id), id), "status").string
    }

    func summary(of bulk: String) async throws -> BulkSummary {
        let id = BulkID(unchecked: bulk)
        var shares: [BulkShare] = []
        for partition in 0..<keyspace.partitions {
            let reply = try await client.send("HGETALL", keyspace.bulk(partition, id))
            if reply.elements?.isEmpty == false { shares.append(try BulkShare(id: id, fields: reply.pairs)) }
        }
        return BulkSummary(id: id, shares: shares)
    }

    func counts(of bulk: String) async throws -> BulkCounts { try await summary(of: bulk).counts }

    /// From the members' index.
    func recount(of bulk: String) async throws -> BulkCounts {
        var counts = BulkCounts()
        for partition in 0..<keyspace.partitions {
            for status in JobState.Status.allCases {
                let range = MemberScore.range(of: status)
                let key = keyspace.members(partition, BulkID(unchecked: bulk))
                counts[status] += try await client.send("ZCOUNT", key, range.min, range.max).integer ?? 0
            }
        }
        return counts
    }
}
