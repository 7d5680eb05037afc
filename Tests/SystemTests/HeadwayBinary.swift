import EventLoop
import Glibc
import TestSupport

@testable import HeadwayCLI

/// The built `headway`, run as a process of its own.
struct HeadwayBinary: Sendable {
    struct Outcome: Sendable {
        let code: CInt
        let output: String
        let error: String
    }

    /// Beside the test bundle.
    static let path: String = {
        let bundle = FileAccess.realPath("/proc/self/exe") ?? ""
        return "\(bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)])/headway"
    }()

    /// Nothing of the machine's own settings, and no backtrace of what is killed on purpose.
    static let environment = {
        var clean = [
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "SWIFT_BACKTRACE": "enable=no",
            "LANG": "C.UTF-8",
            "HOME": "/nonexistent",
        ]
        // What the sanitizers are told counts for the children too.
        for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] {
            clean[name] = unsafe getenv(name).map { unsafe String(cString: $0) }
        }
        return clean
    }()

    /// Runs it to its end; one that takes longer than `limit` is killed.
    static func run(
        _ words: [String], environment extra: [String: String] = [:], within limit: Duration = .seconds(30)
    ) async throws -> Outcome {
        let process = try await start(words, environment: extra)
        let code = await process.end(within: limit)
        return Outcome(code: code, output: process.output, error: process.error)
    }

    static func start(
        _ words: [String], environment extra: [String: String] = [:],
        input: HeadwayCLI.ChildProcess.Stream = .null, through wrapper: [String] = []
    ) async throws -> Running {
        let files = ScratchDirectory()
        let plan = HeadwayCLI.ChildProcess.Plan(
            arguments: ["setpriv", "--pdeathsig", "KILL"] + (wrapper.isEmpty ? [path] + words : wrapper),
            environment: environment.merging(extra) { $1 }, input: input,
            output: .appending(path: files.file("out")), error: .appending(path: files.file("err")),
            hasOwnSession: true)
        let started = await withCheckedContinuation { continuation in
            maker.submit {
                continuation.resume(returning: Result { try HeadwayCLI.ChildProcess.start(plan) })
            }
        }
        return Running(files: files, process: try started.get())
    }

    /// Children are killed when the *thread* that made them ends, so one that never ends makes them all.
    private static let maker = EventLoop(name: "spawner")

    /// One that is running; killed with the last reference.
    final class Running: Sendable {
        private let files: ScratchDirectory
        private let process: HeadwayCLI.ChildProcess

        init(files: ScratchDirectory, process: HeadwayCLI.ChildProcess) {
            self.files = files
            self.process = process
        }

        deinit { if process.poll() == nil { process.signal(SIGKILL) } }

        var pid: pid_t { process.pid }
        var output: String { Self.text(files.file("out")) }
        var error: String { Self.text(files.file("err")) }

        func signal(_ number: CInt) { process.signal(number) }

        /// - Returns: its exit code, 128 + n for a signal; killed after `limit`.
        func end(within limit: Duration = .seconds(20)) async -> CInt {
            let end = ContinuousClock.now + limit
            var isLate = false
            while true {
                if let ending = process.poll() { return ending.code }
                if ContinuousClock.now > end, !isLate {
                    isLate = true
                    process.signal(SIGKILL)
                }
                try? await Task.sleep(for: .milliseconds(5))
            }
        }

        private static func text(_ path: String) -> String {
            (try? FileAccess.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
    }
}

/// A `headway up` of one test's own, with its embedded Redis; all of it gone with the test.
final class HeadwayUp: Sendable {
    let directory: ScratchDirectory
    let running: HeadwayBinary.Running
    /// `http://127.0.0.1:12345/`
    let url: String

    var state: String { directory.file("state") }
    var probe: HTTPProbe? {
        ListenAddress(String(url.dropFirst("http://".count).dropLast())).map { HTTPProbe(address: $0) }
    }

    static func start(
        _ options: String..., in directory: ScratchDirectory = ScratchDirectory(),
        environment: [String: String] = [:]
    ) async throws -> HeadwayUp {
        let running = try await HeadwayBinary.start(
            ["up", "--state", directory.file("state"), "--listen", "127.0.0.1:0", "--lease", "1s"] + options,
            environment: environment)
        let isUp = await eventually(within: .seconds(15)) { running.output.contains("Stop it with") }
        guard isUp, let line = running.output.split(separator: "\n").first,
            let url = line.split(separator: " ").last
        else { throw Failure("headway up did not come up: \(running.error)") }
        return HeadwayUp(directory, running, String(url))
    }

    private init(_ directory: ScratchDirectory, _ running: HeadwayBinary.Running, _ url: String) {
        self.directory = directory
        self.running = running
        self.url = url
    }

    deinit {
        running.signal(SIGKILL)
        if let pid = redis { kill(pid, SIGKILL) }
    }

    /// The process id of its redis-server.
    var redis: pid_t? { RunningRedis.pid(in: StateDirectory(path: FileAccess.realPath(state) ?? state)) }

    /// Runs a command against it.
    func run(_ words: String..., within limit: Duration = .seconds(30)) async throws -> HeadwayBinary.Outcome
    {
        try await HeadwayBinary.run(words, environment: ["HEADWAY_STATE": state], within: limit)
    }
}
