import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport

@testable import Headway

/// A private Redis with two applied pipelines, and somebody who reads what was published and may play the
/// aggregator.
final class Scene: Sendable {
    let server: RedisServer
    let keyspace: Keyspace
    private let loop = EventLoop(name: "scene")
    private let client: RedisClient

    static func open(appendOnly: RedisServer.AppendOnly = .off, password: String? = nil) async throws -> Scene
    {
        let scene = Scene(try await RedisServer.start(appendOnly: appendOnly, password: password))
        try await scene.apply(Article.json)
        try await scene.apply(Book.json)
        return scene
    }

    private init(_ server: RedisServer) {
        self.server = server
        guard let keyspace = try? Keyspace(partitions: 8) else { fatalError("no keyspace") }
        self.keyspace = keyspace
        client = RedisClient(server.endpoint, on: loop, whenDown: .wait)
    }

    deinit {
        Task { [client, loop] in
            await client.close()
            await loop.stop()
        }
    }

    func options(_ change: (inout Headway.Options) -> Void = { _ in }) -> Headway.Options {
        var options = Headway.Options(worker: "w-1")
        options.connectTimeout = .seconds(2)
        options.longestBackoff = .milliseconds(200)
        options.replyTimeout = .seconds(1)
        change(&options)
        return options
    }

    func connect(
        contracts: [any PipelineContract.Type] = [], _ change: (inout Headway.Options) -> Void = { _ in }
    ) async throws -> Headway {
        try await Headway.connect(server.endpointURL, contracts: contracts, options: options(change))
    }

    func apply(_ json: String) async throws {
        let document = try PipelineDocument.parse(Array(json.utf8), file: "test", revision: 1).get()
        var fields = FieldBuffer()
        PipelineShelf.encode(document, into: &fields)
        for (name, value) in fields {
            var batch = CommandBatch()
            batch.begin("HSET", argumentCount: 3)
            batch.append(keyspace.pipelines)
            batch.append(name)
            batch.append(value)
            _ = try await client.send(batch)
        }
    }

    @discardableResult
    func redis(_ name: String, _ arguments: String...) async throws -> RESPValue {
        var batch = CommandBatch()
        batch.add(name, arguments)
        let replies = try await client.send(batch, deadline: .seconds(10))
        if let error = batch.firstError(in: replies) { throw error }
        return replies[0]
    }

    // MARK: What was published

    typealias Fields = [String: String]

    /// Everything in one partition's stream, oldest first.
    func stream(_ partition: Int) async throws -> [Fields] {
        let reply = try await redis("XRANGE", keyspace.events(partition), "-", "+")
        return (reply.elements.map(Array.init) ?? []).map { entry in
            var fields: Fields = [:]
            var names = entry.elements?[1].elements?.makeIterator()
            while let name = names?.next()?.string, let value = names?.next()?.string { fields[name] = value }
            return fields
        }
    }

    /// Everything said of one subject, duplicates included.
    func said(of subject: String) async throws -> [Fields] {
        try await stream(keyspace.partition(of: JobID(unchecked: subject))).filter {
            $0["subject"] == subject
        }
    }

    /// The same without beats and duplicates, as a receiver takes it; and whether it came once each and in order.
    func heard(of subject: String) async throws -> (events: [Fields], isExact: Bool) {
        var last: [String: Int] = [:]
        var isExact = true
        var events: [Fields] = []
        for fields in try await stream(keyspace.partition(of: JobID(unchecked: subject))) {
            guard let source = fields["source"], let id = fields["id"].flatMap({ Int($0) }) else { continue }
            let known = last[source] ?? 0
            if id <= known { continue }
            if id > known + 1 { isExact = false }
            last[source] = id
            if fields["subject"] == subject { events.append(fields) }
        }
        return (events, isExact)
    }

    // MARK: As an aggregator

    /// Says of everything in the streams that it is applied.
    func applyAll() async throws {
        for partition in 0..<keyspace.partitions {
            var last: [String: Int64] = [:]
            for fields in try await stream(partition) {
                guard let source = fields["source"], let id = fields["id"].flatMap({ Int64($0) }) else {
                    continue
                }
                last[source] = max(last[source] ?? 0, id)
            }
            for (source, id) in last {
                let mark = SourceMark(id: id, at: Timestamp(milliseconds: 1_000))
                try await redis("HSET", keyspace.sources(partition), source, mark.text)
            }
        }
    }

    /// Folds everything in the job's stream, and writes the job as an aggregator would.
    func fold(_ id: String) async throws {
        let job = JobID(unchecked: id)
        let partition = keyspace.partition(of: job)
        let documents = try [Article.json, Book.json].map {
            try PipelineDocument.parse(Array($0.utf8), file: "test", revision: 1).get().pipeline
        }
        var record = JobRecord.unknown
        for fields in try await stream(partition) where fields["subject"] == id {
            var buffer = FieldBuffer()
            for (name, value) in fields { buffer.add(name, value) }
            let event = try ProgressEvent(fields: buffer)
            _ = record.apply(
                job, event, at: Timestamp(milliseconds: 1_000), catalog: PipelineCatalog(documents))
        }
        var image = FieldBuffer()
        record.encode(into: &image)
        var batch = CommandBatch()
        batch.begin("HSET", argumentCount: 1 + 2 * image.count)
        batch.append(keyspace.job(partition, job))
        for (name, value) in image {
            batch.append(name)
            batch.append(value)
        }
        _ = try await client.send(batch)
    }
}

extension [[String: String]] {
    var types: [String] { map { $0["type"] ?? "?" } }
}
