import EventLoop
import HTTPServer
import HeadwayCore
import HeadwayWire
import ReadAPI
import Redis
import TestSupport

/// A read API of one test's own: a private Redis, a real server on a free port, and somebody who plays the
/// aggregator.
struct APIHouse: Sendable {
    let redis: RedisServer
    let loop: EventLoop
    let keyspace: Keyspace
    let api: ReadAPI
    let server: HTTPServer
    let writer: TestWriter
    let client: TestClient

    var port: Int { client.port }

    /// - Parameter isOwned: whether the partitions have an owner that beats from the start.
    static func with(
        partitions: Int = 4, isOwned: Bool = true, options: ReadAPIOptions = ReadAPIOptions(),
        _ body: (APIHouse) async throws -> Void
    ) async throws {
        let redis = try await RedisServer.start()
        let loop = EventLoop(name: "api")
        let keyspace = try Keyspace(partitions: partitions)
        let writer = TestWriter(keyspace, redis.endpoint, on: loop)
        if isOwned {
            try await writer.own()
            await writer.startBeating()
        }
        let api = ReadAPI(keyspace: keyspace, endpoint: redis.endpoint, on: loop, options: options)
        let server = HTTPServer(on: loop, handler: api.handler)
        await api.start()
        let port = try await server.listen(host: "127.0.0.1", port: 0)
        let house = APIHouse(
            redis: redis, loop: loop, keyspace: keyspace, api: api, server: server, writer: writer,
            client: TestClient(port: port))
        _ = await eventually { await api.hub.health.isListening }
        do {
            try await body(house)
            await house.tearDown()
        } catch {
            await house.tearDown()
            throw error
        }
    }

    private func tearDown() async {
        await writer.close()
        await api.drain()
        await server.drain(within: .milliseconds(200))
        await api.stop()
        await loop.stop()
    }
}

/// The domain's values as tests want them.
enum Sample {
    static let start = Timestamp(milliseconds: 1_767_225_600_000)  // 2026-01-01T00:00:00Z

    static let article = """
        {"name": "article", "stages": [
          {"id": "research", "label": "Researching", "range": [0, 33], "optional": true},
          {"id": "writing", "label": "Writing", "range": [33, 66], "stallAfter": "4m"},
          {"id": "pages", "label": "Drawing", "range": [66, 100], "indexed": true,
           "message": "Drawing page {index} of {of}"}]}
        """

    static func document(revision: Int = 1) throws -> PipelineDocument {
        try PipelineDocument.parse(Array(article.utf8), file: "article", revision: revision).get()
    }

    static func job(
        _ id: String, _ status: JobState.Status = .running, version: Int64 = 1, bulk: String? = nil,
        at: Timestamp = start
    ) -> JobState {
        let registration = Registration(
            pipeline: PipelineName(name: "article", revision: 1), bulk: bulk.map(BulkID.init(unchecked:)))
        var job = JobState(
            id: JobID(unchecked: id), registration: registration,
            pipeline: Pipeline.Reference(name: "article", revision: 1), at: at)
        job.status = status
        job.version = version
        if status != .queued { job.startedAt = at }
        if status.isTerminal { job.finishedAt = at + .seconds(10) }
        return job
    }

    static func share(
        _ id: String, _ counts: BulkCounts, version: Int64 = 1, total: Int? = nil, isSealed: Bool = false,
        isHome: Bool = false, at: Timestamp = start
    ) -> BulkShare {
        var share = BulkShare(id: BulkID(unchecked: id), at: at)
        share.counts = counts
        share.weight = Int64(counts.registered)
        share.progress = Int64(counts.done) * 1_000_000
        share.version = version
        if isHome {
            var home = BulkShare.Home(createdAt: at)
            home.total = total
            home.isSealed = isSealed
            share.home = home
        }
        return share
    }
}
