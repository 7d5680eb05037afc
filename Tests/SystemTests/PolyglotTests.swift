import EventLoop
import Foundation
import Headway
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

/// The producers of the documents, run as they stand there.
@Suite("Producers in other languages", .serialized, .timeLimit(.minutes(2)))
struct PolyglotTests {
    /// What a reader can tell of a job, without what depends on when.
    struct Told: Equatable {
        var status: JobState.Status
        var percent: Int
        var stages: [JobState.StageRecord]
        var stage: String?
        var progress: HeadwayCore.Progress?
        var worker: String?
        var attempt: Int
        var bulk: String?
        var attributes: [String: String]
        var result: String?
        var counts: BulkCounts
        var phase: BulkSummary.Phase
    }

    static let article = """
        {"name": "article", "stages": [
            {"id": "research", "range": [0, 33], "optional": true}, {"id": "writing", "range": [33, 66]},
            {"id": "seo", "range": [66, 100]}]}
        """

    @Test("the Python of docs/wire.md, with nothing but redis-py, gives the same state as the Swift library")
    func wireDocument() async throws {
        let python = try await told { fleet in
            let script = try Self.pythonBlock(of: "docs/wire.md", containing: "class Headway")
                .replacing("redis://127.0.0.1:6379", with: "unix://\(fleet.server.socketPath)")
            try await fleet.runPython(script)
        }
        let swift = try await told { fleet in
            var options = Headway.Options(worker: "w-7")
            options.tickInterval = .milliseconds(1)
            let headway = try await Headway.connect(fleet.server.endpointURL, options: options)
            let bulk = try await headway.openBulk("spring", total: 1, label: "Spring campaign")
            try await headway.queue(
                pipeline: "article", id: "article-42", in: "spring", attributes: ["mode": "topic"])
            let job = try await headway.start(pipeline: "article", id: "article-42", attempt: 1)
            try await job.run("writing") { stage in
                for done in 1...10 { stage.report(done, of: 10) }
            }
            try await job.complete(result: "clx123")
            try await bulk.seal()
            try await headway.close()
        }
        #expect(python == swift)
        #expect(python.status == .completed)
        #expect(python.phase == .settled)
    }

    @Test("the Python of the README works as it stands")
    func readme() async throws {
        let fleet = try await Fleet()
        let aggregator = try await fleet.aggregator()
        let script = try Self.pythonBlock(of: "README.md", containing: "binascii")
            .replacing("/home/you/.local/state/headway/redis.sock", with: fleet.server.socketPath)
        try await fleet.runPython(script)
        let job = try await fleet.job("book-2", until: .completed)
        #expect(job?.percent == 100)
        #expect(job?.completedStages == ["ANALYZING", "GENERATING_SCENES", "CREATING_ARTWORK"])
        aggregator.signal(SIGTERM)
        #expect(await eventually { !aggregator.isRunning })
        await fleet.stop()
    }

    private func told(_ produce: (Fleet) async throws -> Void) async throws -> Told {
        let fleet = try await Fleet()
        _ = try await fleet.client.send("HSET", fleet.keyspace.pipelines, "article@1", Self.article)
        let aggregator = try await fleet.aggregator()
        try await produce(fleet)
        let job = try #require(try await fleet.job("article-42", until: .completed))
        let bulk = BulkID(unchecked: "spring")
        _ = await eventually(within: .seconds(10)) { (try? await fleet.summary(of: bulk).phase) == .settled }
        let summary = try await fleet.summary(of: bulk)
        aggregator.signal(SIGTERM)
        #expect(await eventually { !aggregator.isRunning })
        await fleet.stop()
        return Told(
            status: job.status, percent: job.percent, stages: job.stages, stage: job.position?.stage,
            progress: job.position?.progress, worker: job.worker, attempt: job.attempt,
            bulk: job.bulk?.description, attributes: job.attributes, result: job.result,
            counts: summary.counts,
            phase: summary.phase)
    }

    static func pythonBlock(of document: String, containing mark: String) throws -> String {
        let text = try String(contentsOf: Fleet.root.appending(path: document), encoding: .utf8)
        let blocks = text.components(separatedBy: "```python\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        return try #require(blocks.first { $0.contains(mark) }, "no Python in \(document) has \(mark)")
    }
}

extension Fleet {
    func runPython(_ script: String) async throws {
        let file = server.directory.file("script.py")
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        let process = try await ChildProcess.start(
            ["/usr/bin/python3", file], output: server.directory.file("script.log"))
        let isDone = await eventually(within: .seconds(30)) { !process.isRunning }
        let log = (try? String(contentsOfFile: server.directory.file("script.log"), encoding: .utf8)) ?? ""
        #expect(isDone && process.exitStatus == 0, "\(log)")
    }

    func job(_ name: String, until status: JobState.Status) async throws -> JobState? {
        let id = JobID(unchecked: name)
        var job: JobState?
        _ = await eventually(within: .seconds(20)) {
            let reply = try? await client.send("HGETALL", keyspace.job(keyspace.partition(of: id), id))
            job = reply.flatMap { try? JobState(id: id, fields: $0.pairs) }
            return job?.status == status
        }
        return job
    }

    func summary(of bulk: BulkID) async throws -> BulkSummary {
        var shares: [BulkShare] = []
        for partition in 0..<keyspace.partitions {
            let reply = try await client.send("HGETALL", keyspace.bulk(partition, bulk))
            if reply.elements?.isEmpty == false {
                shares.append(try BulkShare(id: bulk, fields: reply.pairs))
            }
        }
        return BulkSummary(id: bulk, shares: shares)
    }
}
