import Foundation
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

/// A `SpoolWorker` process that does what it is told.
final class SpoolPuppet: Sendable {
    let running: HeadwayBinary.Running
    private let input: CInt

    static let path = Fleet.headway.deletingLastPathComponent().appending(path: "SpoolWorker").path

    /// - Parameters:
    ///   - spool: nil for none.
    ///   - wrapper: what the worker is started through.
    static func start(
        _ url: String, spool: String?, buffer: Int? = nil, sabotage: String? = nil,
        through wrapper: [String] = []
    ) async throws -> SpoolPuppet {
        var ends: [CInt] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let words = [path, url, spool ?? "-"] + (buffer.map { ["\($0)"] } ?? [])
        let running = try await HeadwayBinary.start(
            [], environment: sabotage.map { ["HEADWAY_SABOTAGE": $0] } ?? [:], input: .descriptor(ends[0]),
            through: wrapper + words)
        close(ends[0])
        let puppet = SpoolPuppet(running, ends[1])
        let isReady = await eventually(within: .seconds(30)) { running.output.contains("ready") }
        try #require(isReady, "the worker did not come up: \(running.output)\(running.error)")
        return puppet
    }

    private init(_ running: HeadwayBinary.Running, _ input: CInt) {
        self.running = running
        self.input = input
    }

    deinit { close(input) }

    /// Says a line and waits for nothing.
    func say(_ line: String) { Terminal.write(line + "\n", to: input) }

    /// Says a line and waits for its answer.
    @discardableResult
    func ask(_ line: String, within limit: Duration = .seconds(60)) async throws -> String {
        let before = running.output.split(separator: "\n").count
        say(line)
        var answer: Substring?
        _ = await eventually(within: limit, every: .milliseconds(5)) {
            answer = running.output.split(separator: "\n").dropFirst(before).first {
                $0 == line || $0.hasPrefix("stats ") || $0.hasPrefix("error ")
            }
            return answer != nil
        }
        return String(
            try #require(answer, "no answer to \(line): \(running.output.suffix(300))\(running.error)"))
    }

    func stats() async throws -> [String: String] {
        var stats: [String: String] = [:]
        for pair in try await ask("stats").split(separator: " ").dropFirst() {
            let parts = pair.split(separator: "=", maxSplits: 1)
            stats[String(parts[0])] = String(parts[1])
        }
        return stats
    }

    /// Whose acceptance was told: `worked`, `queued`.
    func told(_ word: String) -> [String] {
        running.output.split(separator: "\n").filter { $0.hasPrefix(word + " ") }
            .map { String($0.dropFirst(word.count + 1)) }
    }

    func kill() async {
        running.signal(SIGKILL)
        _ = await running.end()
    }
}

/// A Redis that keeps its events, with the task pipeline, for a test that takes some of them away.
struct SpoolScene {
    let fleet: Fleet
    let directory = ScratchDirectory()

    var url: String { fleet.server.endpointURL }
    var spool: String { directory.file("spool") }

    init() async throws {
        fleet = try await Fleet()
        let task = try String(
            contentsOf: Fleet.root.appending(path: "deploy/pipelines/task.json"), encoding: .utf8)
        _ = try await fleet.client.send("HSET", fleet.keyspace.pipelines, "task@1", task)
    }

    var spools: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? []).filter {
            $0.hasSuffix(".spool")
        }
    }

    /// Numbered events in the streams, each once.
    func stored() async throws -> Set<String> {
        var all: Set<String> = []
        for partition in 0..<fleet.keyspace.partitions {
            let reply = try await fleet.client.send("XRANGE", fleet.keyspace.events(partition), "-", "+")
            for entry in reply.elements.map(Array.init) ?? [] {
                let fields = entry.elements?[1].elements?.compactMap(\.string) ?? []
                var found: [String: String] = [:]
                for place in stride(from: 0, to: fields.count - 1, by: 2) {
                    found[fields[place]] = fields[place + 1]
                }
                if let source = found["source"], let id = found["id"] {
                    all.insert("\(partition) \(source) \(id)")
                }
            }
        }
        return all
    }

    /// Kills Redis, cuts the end of its append-only file off, and starts it again: what it had acknowledged at the
    /// end is gone.
    ///
    /// - Parameter share: of the file that is left.
    func loseTail(_ share: Double) async throws {
        await fleet.server.kill()
        let log = fleet.server.directory.file("appendonlydir")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: log).first { $0.hasSuffix(".incr.aof") })
        let path = "\(log)/\(name)"
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        try #require(unsafe truncate(path, Int(Double(size) * share)) == 0)
        let check = try await TestSupport.ChildProcess.start(
            ["sh", "-c", "yes | redis-check-aof --fix '\(path)'"], output: "/dev/null")
        _ = await eventually(within: .seconds(20)) { !check.isRunning }
        try await fleet.server.restart()
        // The fleet's own connection has to find it again, too.
        let isBack = await eventually(within: .seconds(30)) {
            (try? await fleet.client.send("PING")) != nil
        }
        try #require(isBack)
    }

    /// The sum over all partitions.
    func lost() async throws -> Int {
        var sum = 0
        for partition in 0..<fleet.keyspace.partitions {
            sum += try await fleet.client.send("HGET", fleet.keyspace.control(partition), "lost").number ?? 0
        }
        return sum
    }

    func rejected() async throws -> Int {
        var sum = 0
        for partition in 0..<fleet.keyspace.partitions {
            sum += try await fleet.client.send("XLEN", fleet.keyspace.rejected(partition)).number ?? 0
        }
        return sum
    }

    func field(_ name: String, of id: String) async throws -> String? {
        let job = JobID(unchecked: id)
        return try await fleet.client.send(
            "HGET", fleet.keyspace.job(fleet.keyspace.partition(of: job), job), name
        )
        .string
    }

    /// Waits until every stream is read to its end.
    func drained(within limit: Duration = .seconds(60)) async throws -> Bool {
        try await eventually(within: limit, every: .milliseconds(50)) {
            for partition in 0..<fleet.keyspace.partitions {
                let last = try await fleet.client.send(
                    "XREVRANGE", fleet.keyspace.events(partition), "+", "-", "COUNT", "1")
                guard let id = last.elements?.first?.elements?.first?.string else { continue }
                let checkpoint = try await fleet.client.send(
                    "HGET", fleet.keyspace.control(partition), "checkpoint")
                if checkpoint.string != id { return false }
            }
            return true
        }
    }
}
