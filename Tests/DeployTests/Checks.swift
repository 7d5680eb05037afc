import Glibc
import TestSupport
import Testing

@testable import HeadwayCLI

/// The scripts in `Fixtures/`, each check of which is a test: they drive real processes and Debian's own tools.
enum Checks {
    /// Beside the test bundle.
    static let binary: String = {
        let bundle = FileAccess.realPath("/proc/self/exe") ?? ""
        return "\(bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)])/headway"
    }()

    static let repository = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// The interpreter that has the schemas; `make test-deps` makes it.
    static let tools = "\(repository)/.build/deploy-tools/bin/python3"

    /// Runs one check to its end; what it printed is the issue's text when it does not hold.
    static func run(
        _ script: String, _ check: String, _ more: String..., by python: String = "/usr/bin/python3",
        within limit: Duration = .seconds(840), sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let scratch = ScratchDirectory()
        let output = scratch.file("out")
        let child = try await TestSupport.ChildProcess.start(
            [python, "\(repository)/Tests/DeployTests/Fixtures/\(script).py", check, binary] + more,
            output: output)
        let hasEnded = await eventually(within: limit, every: .milliseconds(50)) { !child.isRunning }
        let text = (try? FileAccess.read(output)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        child.kill()
        #expect(hasEnded, "\(script) \(check) did not end: \(text)", sourceLocation: sourceLocation)
        #expect(child.exitStatus == 0, "\(script) \(check): \(text)", sourceLocation: sourceLocation)
        // What was seen, for the log of a run; what was left out and why, Tests/run says again at its end.
        if child.exitStatus == 0 { print("\(script) \(check): \(text)", terminator: "") }
    }
}
