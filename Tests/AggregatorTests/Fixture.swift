import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import Synchronization
import TestSupport
import Testing

@testable import Aggregator

/// A real Redis, a loop, and a producer that speaks plain `XADD`.
final class Fixture: Sendable {
    let server: RedisServer
    let loop = EventLoop(name: "aggregator")
    let keyspace: Keyspace
    let connection: RedisConnection

    static let book = """
        {"name": "book", "stages": [
            {"id": "analyze", "range": [0, 30]}, {"id": "write", "range": [30, 90]}, {"id": "print", "range": [90, 100]}],
         "heartbeat": "15s", "maxAttempts": 3}
        """

    init(partitions: Int = 4, appendOnly: RedisServer.AppendOnly = .off) async throws {
        server = try await RedisServer.start(appendOnly: appendOnly)
        keyspace = try Keyspace(partitions: partitions)
        connection = try await RedisConnection.connect(to: server.endpoint, on: loop)
        try await send("HSET", keyspace.pipelines, "book@1", Self.book)
    }

    func stop() async {
        await connection.close()
        await server.stop()
        await loop.stop()
    }

    func aggregator(
        _ name: String = "a", lease: Duration = .milliseconds(500), batch: Int = 500,
        auditPause: Duration = .seconds(10), notices: Notices = Notices(), webhooks: WebhookOptions? = nil
    ) -> Aggregator {
        var options = AggregatorOptions(endpoint: server.endpoint, instance: name)
        options.lease = lease
        options.batch = batch
        options.auditPause = auditPause
        options.block = .milliseconds(20)
        options.webhooks = webhooks
        return Aggregator(keyspace: keyspace, options: options, on: [loop]) { notices.add($0) }
    }

    @discardableResult
    func send(_ name: String, _ arguments: String...) async throws -> RESPValue {
        try await send(name, arguments)
    }

    @discardableResult
    func send(_ name: String, _ arguments: [String]) async throws -> RESPValue {
        var batch = CommandBatch()
        batch.add(name, arguments)
        let reply = try await connection.send(batch)[0]
        if let error = reply.error { throw RedisError.refusal(error, command: name) }
        return reply
    }

    /// One event by plain `XADD`, to the partition of its subject.
    func publish(_ type: String, _ subject: String, _ fields: KeyValuePairs<String, String> = [:])
        async throws
    {
        var batch = CommandBatch()
        let partition = keyspace.partition(of: JobID(unchecked: subject))
        batch.add(
            "XADD",
            [keyspace.events(partition), "*", "type", type, "subject", subject]
                + fields.flatMap { [$0.key, $0.value] })
        let reply = try await connection.send(batch)[0]
        if let error = reply.error { throw RedisError.refusal(error, command: "XADD") }
    }

    func job(_ id: String) async throws -> JobState? {
        let id = JobID(unchecked: id)
        let reply = try await send("HGETALL", keyspace.job(keyspace.partition(of: id), id))
        guard reply.elements?.isEmpty == false else { return nil }
        return try JobState(id: id, fields: reply.pairs)
    }

    func shares(_ id: String) async throws -> [BulkShare] {
        let id = BulkID(unchecked: id)
        var shares: [BulkShare] = []
        for partition in 0..<keyspace.partitions {
            let reply = try await send("HGETALL", keyspace.bulk(partition, id))
            guard reply.elements?.isEmpty == false else { continue }
            shares.append(try BulkShare(id: id, fields: reply.pairs))
        }
        return shares
    }

    func bulk(_ id: String) async throws -> BulkSummary {
        BulkSummary(id: BulkID(unchecked: id), shares: try await shares(id))
    }

    /// Counts the members' index, which is committed beside the shares but never read by them.
    func recount(_ id: String) async throws -> BulkCounts {
        let id = BulkID(unchecked: id)
        var counts = BulkCounts()
        for partition in 0..<keyspace.partitions {
            for status in JobState.Status.allCases {
                let range = MemberScore.range(of: status)
                let reply = try await send("ZCOUNT", keyspace.members(partition, id), range.min, range.max)
                counts[status] += reply.integer ?? 0
            }
        }
        return counts
    }

    func rejected() async throws -> [Rejection] {
        var all: [Rejection] = []
        for partition in 0..<keyspace.partitions {
            let reply = try await send("XRANGE", keyspace.rejected(partition), "-", "+")
            for entry in reply.elements.map(Array.init) ?? [] {
                guard let fields = entry.elements?[1] else { continue }
                all.append(try Rejection(fields: fields.pairs))
            }
        }
        return all
    }

    func control(_ partition: Int) async throws -> Control {
        try Control(fields: try await send("HGETALL", keyspace.control(partition)).pairs)
    }

    /// Waits until every stream is consumed to its end.
    func settleDown() async throws {
        let isDone = await eventually(within: .seconds(20)) {
            for partition in 0..<self.keyspace.partitions {
                guard
                    let last = try? await self.send(
                        "XREVRANGE", self.keyspace.events(partition), "+", "-", "COUNT", "1"),
                    let control = try? await self.control(partition)
                else { return false }
                let id = last.elements?.first?.elements?[0].string
                if let id, StreamID(id) != control.checkpoint { return false }
            }
            return true
        }
        try #require(isDone, "the streams were not consumed in time")
    }
}

/// What an aggregator had to say, from any thread.
final class Notices: Sendable {
    private let all = Locked<[String]>([])
    func add(_ notice: AggregatorNotice) { all.withLock { $0.append(notice.description) } }
    var texts: [String] { all.withLock { $0 } }
}

/// A value behind a lock.
final class Locked<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    init(_ value: Value) { mutex = Mutex(value) }
    func withLock<R: Sendable>(_ body: (inout Value) -> R) -> R { mutex.withLock { body(&$0) } }
}
