import EventLoop
import Foundation
import HeadwayWire
import Synchronization
import TestSupport
import Testing

/// A real `headway up` with its own Redis and state directory, on a port of its own: one for a whole suite.
///
///     @Suite("image", .serving("image")) struct ImageContractTests { … ContractServer.current … }
final class ContractServer: Sendable {
    @TaskLocal static var running: ContractServer?

    static var current: ContractServer {
        guard let running else { preconditionFailure("the suite lacks .serving(…)") }
        return running
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let port: UInt16
    let directory: ScratchDirectory
    /// What was applied at its start.
    let pipelines: [String]
    private let process: ChildProcess
    /// By the job that each works on.
    let workers = Mutex<[String: LibraryWorker]>([:])

    /// - Parameters:
    ///   - pipelines: names of files in `deploy/pipelines`, applied before it returns.
    ///   - directory: of an earlier one, to go on with what that one had.
    ///   - options: of `headway up`, besides.
    static func start(
        _ pipelines: [String], in directory: ScratchDirectory = ScratchDirectory(), options: [String] = []
    ) async throws -> ContractServer {
        let log = directory.file("up-\(UUID().uuidString).log")
        let process = try await ChildProcess.start(
            [
                headway, "up", "--state", directory.file("state"), "--listen", "127.0.0.1:0", "--lease", "1s",
            ] + options, output: log)
        var address: Substring?
        _ = await eventually(within: .seconds(20)) {
            let text = Self.text(log)
            guard text.contains("Stop it with") else { return !process.isRunning }
            address = text.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)/)?.output.1
            return true
        }
        guard let port = address.flatMap({ UInt16($0) }) else {
            throw Failure(description: "headway up did not come up: \(Self.text(log))")
        }
        let server = ContractServer(directory, port, process, pipelines)
        for name in pipelines {
            try await server.apply(Self.root.appending(path: "deploy/pipelines/\(name).json"))
        }
        return server
    }

    private init(
        _ directory: ScratchDirectory, _ port: UInt16, _ process: ChildProcess, _ pipelines: [String]
    ) {
        self.pipelines = pipelines
        self.directory = directory
        self.port = port
        self.process = process
    }

    /// Asks it to end, as an operator would; its Redis ends with it.
    func stop() async {
        process.signal(SIGTERM)
        _ = await eventually(within: .seconds(15)) { !process.isRunning }
        process.kill()
    }

    /// Takes it away without a warning. Its Redis lives on, as after a crash.
    func kill() { process.kill() }

    // MARK: Where things are

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// A program that was built beside these tests.
    static func program(_ name: String) -> String {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: name).path
    }

    static let headway = program("headway")

    var state: String { directory.file("state") }

    /// The process of its private Redis: the one that works in the state directory.
    var redisProcess: Int32? {
        let here = URL(filePath: state).resolvingSymlinksInPath().path
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.lazy.compactMap { Int32($0) }.first { process in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")) == here
                && Self.text("/proc/\(process)/comm").hasPrefix("redis-server")
        }
    }

    /// Of its private Redis.
    var redis: String {
        Self.text("\(state)/redis.url").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func file(_ name: String) -> String { directory.file(name) }

    static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    // MARK: Programs against it

    struct Outcome {
        let code: Int32
        let output: String
    }

    /// Runs `headway` (or another program) against it, to its end.
    @discardableResult
    func run(_ words: [String], program: String = ContractServer.headway) async throws -> Outcome {
        let output = file("run-\(UUID().uuidString)")
        let process = try await ChildProcess.start(
            ["env", "HEADWAY_STATE=\(state)", program] + words, output: output)
        let isDone = await eventually(within: .seconds(30)) { !process.isRunning }
        process.kill()
        guard isDone, let status = process.exitStatus else {
            throw Failure(description: "\(words) did not end: \(Self.text(output))")
        }
        return Outcome(code: status >> 8 & 0xff, output: Self.text(output))
    }

    /// Applies a file as an operator would.
    func apply(_ file: URL) async throws {
        let outcome = try await run(["pipelines", "apply", file.path])
        guard outcome.code == 0 else { throw Failure(description: outcome.output) }
        // An instance notices by itself within two seconds; whoever asks it for the list need not wait.
        _ = try await get("/v1/pipelines")
    }

    /// Applies a shipped pipeline under another name, with something in its text changed.
    func apply(_ name: String, as variant: String, replacing changes: [(String, String)]) async throws {
        var text = Self.text(Self.root.appending(path: "deploy/pipelines/\(name).json").path)
        for (old, new) in [("\"name\": \"\(name)\"", "\"name\": \"\(variant)\"")] + changes {
            guard text.contains(old) else { throw Failure(description: "\(name).json has no \(old)") }
            text = text.replacing(old, with: new)
        }
        let path = file("\(variant).json")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try await apply(URL(filePath: path))
    }
}

/// Starts one server around all tests of a suite, and ends it after them.
struct Serving: SuiteTrait, TestScoping {
    let pipelines: [String]

    @concurrent
    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let server = try await ContractServer.start(pipelines)
        do {
            try await ContractServer.$running.withValue(server) { try await function() }
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }
}

extension SuiteTrait where Self == Serving {
    static func serving(_ pipelines: String...) -> Serving { Serving(pipelines: pipelines) }
}
