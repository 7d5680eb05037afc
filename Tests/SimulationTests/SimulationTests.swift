import Foundation
import Glibc
import Testing

@testable import Simulation
@testable import TestSupport

/// The built `Simulation`, in a process of its own: sets are in the same order each time only if Swift was told so
/// before it started.
@Suite("Simulation", .timeLimit(.minutes(10)))
struct SimulationTests {
    /// - Returns: its exit code, and what it said.
    private func simulate(_ words: [String]) async throws -> (code: CInt, output: String) {
        let directory = ScratchDirectory()
        let bundle = try #require(unsafe realpath("/proc/self/exe", nil).map { unsafe String(cString: $0) })
        let binary = "\(bundle.prefix(upTo: bundle.lastIndex(of: "/") ?? bundle.startIndex))/Simulation"
        let process = try await ChildProcess.start([binary] + words, output: directory.file("out"))
        _ = await eventually(within: .seconds(400), every: .milliseconds(20)) { !process.isRunning }
        let status = try #require(process.exitStatus, "it takes too long")
        return (status & 0x7f == 0 ? status >> 8 : -status, RawSocket.tail(of: directory.file("out"), 20_000))
    }

    @Test("fifteen worlds become what was said in them, whatever befalls them")
    func worlds() async throws {
        let outcome = try await simulate(["--seeds", "1-15", "--steps", "2500"])
        #expect(outcome.code == 0, "\(outcome.output)")
    }

    @Test("a seed makes the same world twice, to the last byte")
    func repetition() async throws {
        let outcome = try await simulate(["--twice", "--seeds", "41-46", "--steps", "1000"])
        #expect(outcome.code == 0, "\(outcome.output)")
    }

    @Test("entries that vanish unread are told of once, whatever breaks meanwhile")
    func losses() async throws {
        let words = [
            "--seeds", "1-5", "--steps", "8000", "--faults",
            "entryRemoved,connectionCut,memoryFull,aggregatorKilled", "--keeps", "--no-reader",
        ]
        let outcome = try await simulate(words)
        #expect(outcome.code == 0, "\(outcome.output)")
    }

    @Test("whoever watches is corrected in time when messages get lost")
    func messages() async throws {
        let outcome = try await simulate([
            "--seeds", "1-4", "--steps", "6000", "--faults", "messageLost,workerKilled", "--keeps",
        ])
        #expect(outcome.code == 0, "\(outcome.output)")
        #expect(outcome.output.contains("healed within 1 s"), "\(outcome.output)")
    }

    // MARK: Controls

    struct Control: Sendable, CustomTestStringConvertible {
        /// What is taken out.
        let name: String
        /// The faults that it protects from.
        let words: [String]

        var testDescription: String { name }
    }

    /// As `make simulate-controls` takes them.
    static let controls: [Control] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Simulation/controls.txt")
        return (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n").map { line in
            let words = line.split(separator: " ").map(String.init)
            return Control(name: words[0], words: Array(words.dropFirst()))
        } ?? []
    }()

    @Test("there are protections to take out")
    func hasControls() { #expect(Self.controls.count >= 10) }

    @Test("a protection that is taken out is missed", arguments: controls)
    func control(_ control: Control) async throws {
        let outcome = try await simulate(
            ["--control", control.name, "--seeds", "1-60", "--steps", "6000"] + control.words)
        #expect(outcome.code == 0, "\(outcome.output)")
    }

    @Test("a failing world is made smaller, and the smaller one still fails")
    func shrinking() async throws {
        let outcome = try await simulate([
            "--control", "trim", "--seeds", "1-20", "--steps", "3000", "--shrink", "--last-words", "5",
        ])
        #expect(outcome.code == 0, "\(outcome.output)")
        let line = try #require(
            outcome.output.split(separator: "\n").first { $0.hasPrefix("again: Simulation ") },
            "\(outcome.output)")
        let words = line.dropFirst("again: Simulation ".count).split(separator: " ").map(String.init)
        let smaller = try Wishes(words).settings
        #expect(smaller.steps < 3000 && smaller.faults?.isEmpty ?? false && !smaller.hasReader, "\(line)")
        let again = try await simulate(words)
        #expect(again.code == 0 && again.output.contains("notices"), "\(again.output)")
    }
}
