import EventLoop
import Glibc
import HeadwayCore
import HeadwayWire
import Redis

/// A `redis-server` without persistence in a directory of its own, for one measurement.
struct BenchRedis: Sendable {
    let loop: EventLoop
    let client: RedisClient
    let keyspace: Keyspace
    let socket: String
    private let directory: String
    private let process: ChildProcess
    private let environment: [String: String]

    var url: String { "unix://\(socket)" }

    static func start(_ invocation: Invocation) async throws -> BenchRedis {
        var template = Array("/tmp/headway-bench-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw Failure("cannot make a directory in /tmp: \(SystemText.of(errno))")
        }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let socket = "\(directory)/redis.sock"
        var plan = ChildProcess.Plan(
            arguments: [
                "redis-server", "--port", "0", "--unixsocket", socket, "--dir", directory, "--save", "",
                "--appendonly", "no",
            ], environment: invocation.environment)
        plan.output = .appending(path: "\(directory)/redis.log")
        let process = try ChildProcess.start(plan)
        let loop = EventLoop(name: "bench")
        let endpoint = try RedisEndpoint(url: "unix://\(socket)")
        let client = RedisClient(endpoint, on: loop, name: "bench")
        for _ in 0..<200 {
            if (try? await client.send("PING")) != nil { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        return BenchRedis(
            loop: loop, client: client, keyspace: try Keyspace(partitions: 8), socket: socket,
            directory: directory,
            process: process, environment: invocation.environment)
    }

    func stop() async {
        await client.close()
        process.signal(SIGTERM)
        for _ in 0..<200 where process.poll() == nil { try? await Task.sleep(for: .milliseconds(10)) }
        for name in (try? FileAccess.names(in: directory)) ?? [] { unsafe unlink("\(directory)/\(name)") }
        unsafe rmdir(directory)
        await loop.stop()
    }

    /// Empties it and declares the pipeline.
    func reset() async throws {
        _ = try await client.send("FLUSHALL")
        _ = try await client.send(
            "HSET", keyspace.pipelines, "book@1", String(decoding: Book.definition, as: UTF8.self))
        _ = try await client.send("HSET", keyspace.config, "partitions", "8", "wire", "1")
    }

    /// This very binary, as another process.
    func headway(_ arguments: [String]) throws -> ChildProcess {
        var plan = ChildProcess.Plan(arguments: [OwnProgram.path] + arguments, environment: environment)
        plan.output = .appending(path: "\(directory)/headway.log")
        plan.error = .appending(path: "\(directory)/headway.log")
        return try ChildProcess.start(plan)
    }

    /// Runs a program to its end and gives what it wrote.
    func output(of arguments: [String]) async throws -> String {
        let file = "\(directory)/output"
        unsafe unlink(file)
        var plan = ChildProcess.Plan(arguments: arguments, environment: environment)
        plan.output = .appending(path: file)
        let program = try ChildProcess.start(plan)
        while program.poll() == nil { try await Task.sleep(for: .milliseconds(20)) }
        return String(decoding: (try? FileAccess.read(file)) ?? [], as: UTF8.self)
    }

    func end(_ process: ChildProcess) async {
        process.signal(SIGTERM)
        for _ in 0..<500 where process.poll() == nil { try? await Task.sleep(for: .milliseconds(10)) }
    }

    /// Entries that aggregators have consumed, over all partitions.
    func consumed() async throws -> Int {
        try await sum { batch, partition in batch.add("HGET", keyspace.control(partition), "consumed") }
    }

    /// Entries that were ever added.
    func added() async throws -> Int {
        var batch = CommandBatch()
        for partition in 0..<keyspace.partitions { batch.add("XINFO", "STREAM", keyspace.events(partition)) }
        var total = 0
        for reply in try await client.send(batch) {
            for (name, value) in Self.pairs(reply) where name == "entries-added" { total += value }
        }
        return total
    }

    private func sum(_ add: (inout CommandBatch, Int) -> Void) async throws -> Int {
        var batch = CommandBatch()
        for partition in 0..<keyspace.partitions { add(&batch, partition) }
        return try await client.send(batch).compactMap(\.number).reduce(0, +)
    }

    private static func pairs(_ reply: RESPValue) -> [(String, Int)] {
        let elements = reply.elements.map(Array.init) ?? []
        return stride(from: 0, to: elements.count - 1, by: 2).compactMap { place in
            guard let name = elements[place].string, let value = elements[place + 1].number else {
                return nil
            }
            return (name, value)
        }
    }
}
