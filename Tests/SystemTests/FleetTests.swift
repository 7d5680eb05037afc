import EventLoop
import Foundation
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

/// Fleets of producers that know only docs/wire.md: Python, redis-py, plain `XADD`.
@Suite("Fleets of raw producers", .serialized, .timeLimit(.minutes(5)))
struct FleetTests {
    @Test("10,000 jobs in 20 bulks from 8 processes: every count equals an independent recount, to the unit")
    func tenThousand() async throws {
        let fleet = try await Fleet()
        let aggregator = try await fleet.aggregator()
        let workers = try await fleet.workers(8, jobs: 10_000, bulks: 20)
        try await fleet.waitFor(workers)
        try await fleet.waitForCounts(jobs: 10_000, bulks: 20)
        for bulk in 0..<20 {
            let counts = try await fleet.counts(of: bulk)
            #expect(counts == Fleet.expected(bulk: bulk, jobs: 10_000, bulks: 20), "bulk-\(bulk)")
            #expect(try await fleet.recount(bulk) == counts, "bulk-\(bulk)")
        }
        aggregator.signal(SIGTERM)
        #expect(await eventually { !aggregator.isRunning })
        await fleet.stop()
    }

    @Test("the aggregator killed with -9 again and again in mid-run: the same final states as without")
    func aggregatorKilled() async throws {
        let undisturbed = try await Fleet.finalStates(jobs: 600, bulks: 3) { _, _ in }
        let killed = try await Fleet.finalStates(jobs: 600, bulks: 3) { fleet, workers in
            var kills = 0
            while workers.contains(where: \.isRunning), kills < 12 {
                let aggregator = try await fleet.aggregator()
                try await Task.sleep(for: .milliseconds(300))
                aggregator.kill()
                kills += 1
            }
            #expect(kills >= 3)
        }
        #expect(undisturbed.count == 600)
        #expect(killed == undisturbed)
    }

    @Test("Redis killed with -9 and restarted in mid-run: no worker fails, and the same final states")
    func redisRestarted() async throws {
        let undisturbed = try await Fleet.finalStates(jobs: 600, bulks: 3) { _, _ in }
        let restarted = try await Fleet.finalStates(jobs: 600, bulks: 3) { fleet, workers in
            let aggregator = try await fleet.aggregator()
            for _ in 0..<3 where workers.contains(where: \.isRunning) {
                try await Task.sleep(for: .milliseconds(400))
                await fleet.server.kill()
                try await fleet.server.restart()
            }
            for worker in workers {
                #expect(await eventually(within: .seconds(60)) { worker.exitStatus == 0 })
            }
            aggregator.signal(SIGTERM)
            #expect(await eventually { !aggregator.isRunning })
        }
        #expect(restarted == undisturbed)
    }
}

/// A private Redis, the built `headway aggregate`, and Python workers.
struct Fleet {
    let server: RedisServer
    let loop = EventLoop(name: "fleet")
    let keyspace: Keyspace
    let client: RedisClient

    init() async throws {
        server = try await RedisServer.start(appendOnly: .always)
        keyspace = try Keyspace(partitions: 8)
        client = RedisClient(server.endpoint, on: loop, name: "test")
        let book = try String(
            contentsOf: Self.root.appending(path: "deploy/pipelines/book.json"), encoding: .utf8)
        _ = try await client.send("HSET", keyspace.pipelines, "book@1", book)
        _ = try await client.send("HSET", keyspace.config, "partitions", "8", "wire", "1")
    }

    func stop() async {
        await client.close()
        await server.stop()
        await loop.stop()
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The binary that was built beside this test.
    static let headway = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
        path: "headway")

    func aggregator() async throws -> ChildProcess {
        try await ChildProcess.start(
            [Self.headway.path, "aggregate", "--redis", server.endpointURL],
            output: server.directory.file("agg.log"))
    }

    func workers(_ count: Int, jobs: Int, bulks: Int, pause: Int = 0) async throws -> [ChildProcess] {
        let script = Self.root.appending(path: "Tests/SystemTests/Fixtures/raw_worker.py").path
        var workers: [ChildProcess] = []
        for number in 0..<count {
            // Debian's own Python: it is the one that python3-redis belongs to.
            workers.append(
                try await ChildProcess.start(
                    [
                        "/usr/bin/python3", script, server.socketPath, "\(number)", "\(count)", "\(jobs)",
                        "\(bulks)",
                        "8", "\(pause)",
                    ],
                    output: server.directory.file("worker-\(number).log")))
        }
        return workers
    }

    func waitFor(_ workers: [ChildProcess]) async throws {
        for (number, worker) in workers.enumerated() {
            let isDone = await eventually(within: .seconds(120)) { !worker.isRunning }
            let log =
                (try? String(contentsOfFile: server.directory.file("worker-\(number).log"), encoding: .utf8))
                ?? ""
            #expect(isDone && worker.exitStatus == 0, "worker \(number): \(log)")
        }
    }

    static func expected(bulk: Int, jobs: Int, bulks: Int) -> BulkCounts {
        var counts = BulkCounts()
        for job in stride(from: bulk, to: jobs, by: bulks) {
            switch job / bulks % 10 {
            case 3: counts.failed += 1
            case 7: counts.cancelled += 1
            case 9: counts.running += 1
            default: counts.completed += 1
            }
        }
        return counts
    }

    func waitForCounts(jobs: Int, bulks: Int) async throws {
        _ = await eventually(within: .seconds(60), every: .milliseconds(50)) {
            for bulk in 0..<bulks {
                guard let counts = try? await counts(of: bulk) else { return false }
                if counts != Self.expected(bulk: bulk, jobs: jobs, bulks: bulks) { return false }
            }
            return true
        }
    }

    func counts(of bulk: Int) async throws -> BulkCounts {
        let id = BulkID(unchecked: "bulk-\(bulk)")
        var shares: [BulkShare] = []
        for partition in 0..<keyspace.partitions {
            let reply = try await client.send("HGETALL", keyspace.bulk(partition, id))
            if reply.elements?.isEmpty == false { shares.append(try BulkShare(id: id, fields: reply.pairs)) }
        }
        return BulkSummary(id: id, shares: shares).counts
    }

    /// From the job hashes themselves and the members' index, both of which no count is made from.
    func recount(_ bulk: Int) async throws -> BulkCounts {
        let id = BulkID(unchecked: "bulk-\(bulk)")
        var counts = BulkCounts()
        for partition in 0..<keyspace.partitions {
            let members = try await client.send("ZRANGE", keyspace.members(partition, id), "0", "-1")
            for member in members.elements.map(Array.init) ?? [] {
                let job = JobID(unchecked: member.string ?? "")
                let status =
                    try await client.send("HGET", keyspace.job(partition, job), "status").string ?? ""
                if let status = JobState.Status(rawValue: status) { counts[status] += 1 }
            }
        }
        return counts
    }

    /// What every job is at the end of a run of four workers that `disturb` was let loose on; without what
    /// depends on when and by whom.
    static func finalStates(
        jobs: Int, bulks: Int, disturb: (Fleet, [ChildProcess]) async throws -> Void
    ) async throws -> [String: String] {
        let fleet = try await Fleet()
        let workers = try await fleet.workers(4, jobs: jobs, bulks: bulks, pause: 10)
        try await disturb(fleet, workers)
        let aggregator = try await fleet.aggregator()
        try await fleet.waitFor(workers)
        try await fleet.waitForCounts(jobs: jobs, bulks: bulks)
        var states: [String: String] = [:]
        for number in 0..<jobs {
            let id = JobID(unchecked: "job-\(number)")
            let reply = try await fleet.client.send(
                "HGETALL", fleet.keyspace.job(fleet.keyspace.partition(of: id), id))
            let job = try JobState(id: id, fields: reply.pairs)
            // Whether a job was slow for a while depends on how long it was disturbed; each such judgement is a
            // version.
            let timeline = try await fleet.client.send(
                "LRANGE", fleet.keyspace.timeline(fleet.keyspace.partition(of: id), id), "0", "-1")
            let judgements = (timeline.elements.map(Array.init) ?? []).count {
                $0.string?.contains(";health;") ?? false
            }
            states[id.description] =
                "\(job.status) \(job.percent)% \(job.position?.stage ?? "-") done \(job.completedStages) skipped "
                + "\(job.skippedStages) \(job.message ?? "") \(job.failure?.code ?? "") \(job.result ?? "") "
                + "\(job.bulk?.description ?? "") \(job.worker ?? "") v\(job.version - Int64(judgements))"
        }
        for bulk in 0..<bulks {
            #expect(try await fleet.counts(of: bulk) == expected(bulk: bulk, jobs: jobs, bulks: bulks))
            #expect(try await fleet.recount(bulk) == expected(bulk: bulk, jobs: jobs, bulks: bulks))
        }
        aggregator.signal(SIGTERM)
        #expect(await eventually { !aggregator.isRunning })
        await fleet.stop()
        return states
    }
}
