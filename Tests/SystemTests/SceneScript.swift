import Foundation
import TestSupport
import Testing

@testable import HeadwayCLI

/// A script of `Fixtures/` that drives the built `headway` by itself and exits 0 when all held.
enum SceneScript {
    /// The repository's own directory.
    static let root = Fleet.root.path

    /// - Parameter arguments: behind the path of the program; the last one is added: a directory of its own.
    static func run(_ name: String, _ arguments: String...) async throws {
        let scratch = ScratchDirectory()
        let script = Fleet.root.appending(path: "Tests/SystemTests/Fixtures/\(name)").path
        let running = try await TestSupport.ChildProcess.start(
            ["/usr/bin/python3", "-B", script, HeadwayBinary.path] + arguments + [scratch.path],
            output: scratch.file("said"))
        // Scripts end by themselves before that.
        #expect(await eventually(within: .seconds(240)) { !running.isRunning })
        let text = (try? String(contentsOfFile: scratch.file("said"), encoding: .utf8)) ?? ""
        #expect(running.exitStatus == 0, "\(text)")
    }
}
