import Glibc
import Testing

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

    @Test("forty worlds become what was said in them, whatever befalls them")
    func worlds() async throws {
        let outcome = try await simulate(["--seeds", "1-40", "--steps", "2500"])
        #expect(outcome.code == 0, "\(outcome.output)")
    }

    @Test("a seed makes the same world twice, to the last byte")
    func repetition() async throws {
        let outcome = try await simulate(["--twice", "--seeds", "41-60", "--steps", "1000"])
        #expect(outcome.code == 0, "\(outcome.output)")
    }

    /// What is taken out, and the faults that it protects from.
    static let controls: [(name: String, words: [String])] = [
        ("dedupe", ["--faults", "replyLost,connectionCut,aggregatorFrozen,clientsKilled"]),
        ("fence", ["--faults", "aggregatorFrozen", "--aggregators", "3"]),
        ("cache", ["--faults", "aggregatorFrozen,connectionCut"]),
        ("images", []),
        ("trim", []),
        ("replay", ["--faults", "replyLost,redisLosesTail"]),
    ]

    @Test("a protection that is taken out is missed", arguments: controls)
    func control(_ name: String, _ words: [String]) async throws {
        let outcome = try await simulate(
            ["--control", name, "--seeds", "1-60", "--steps", "6000"] + words)
        #expect(outcome.code == 0, "\(outcome.output)")
    }
}
