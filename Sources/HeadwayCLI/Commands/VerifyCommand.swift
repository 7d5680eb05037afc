import EventLoop
import HeadwayCore
import HeadwayWire
import ReadAPI

/// `headway verify`: do the counts equal their members?
enum VerifyCommand {
    static let command = Command(
        name: "verify", summary: "compare every count with what it counts", synopsis: "",
        details: """
            Compares each bulk's counts with the index of its members, each partition at one moment, and says where \
            they differ; with --deep also every member's place in the index with its own state. Exit status 1 when \
            something was found.
            --repair asks the owner of each wrong share to count its members anew (by an event, never around it), \
            waits, and compares once more.
            """,
        options: RedisChoice.options + [
            Option("bulk", "b", .text("BULK"), "only this one"),
            Option("deep", nil, .flag, "every member too: as many reads as there are members"),
            Option("repair", nil, .flag, "have what is wrong counted anew"),
        ],
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard arguments.words.isEmpty else { throw UsageError("takes no words: name a bulk with --bulk") }
        let one = try arguments.text("bulk").map { name throws(UsageError) -> BulkID in
            guard let bulk = BulkID(name) else { throw UsageError("--bulk: not an id (\(Subject.rule))") }
            return bulk
        }
        return try await Desk.with(invocation) { desk in
            let bulks = if let one { [one] } else { try await desk.reader.allBulks() }
            var findings = one == nil ? try await desk.reader.verifyPartitions() : []
            var members = 0
            for (number, bulk) in bulks.enumerated() {
                var found = try await desk.reader.verify(bulk)
                if arguments.isOn("repair"), !found.isEmpty {
                    for finding in found { Terminal.say("\(finding)") }
                    found = try await repair(bulk, found, desk)
                }
                findings += found
                if arguments.isOn("deep") {
                    let deep = try await desk.reader.verifyMembers(of: bulk)
                    members += deep.members
                    findings += deep.findings
                }
                if number % 1000 == 999 {
                    Terminal.write("headway verify: \(number + 1) of \(bulks.count) bulks\n", to: 2)
                }
            }
            for finding in findings { Terminal.say("\(finding)") }
            let what = "\(bulks.count) bulk\(bulks.count == 1 ? "" : "s")"
            let deep = arguments.isOn("deep") ? " and \(members) members" : ""
            Terminal.say(
                findings.isEmpty
                    ? "\(what)\(deep) verified: every count equals its members"
                    : "\(what)\(deep) verified: \(findings.count) finding\(findings.count == 1 ? "" : "s")")
            return findings.isEmpty ? .done : .failed
        }
    }

    /// - Returns: what is still wrong after the owners counted anew, or did not within ten seconds.
    private static func repair(_ bulk: BulkID, _ found: [Finding], _ desk: Desk) async throws -> [Finding] {
        let partitions = Set(found.map(\.partition)).sorted()
        try await desk.reader.askForRecount(of: bulk, in: partitions)
        for _ in 0..<100 {
            try? await desk.loop.sleep(for: .milliseconds(100))
            let left = try await desk.reader.verify(bulk)
            if left.isEmpty {
                let places = partitions.map(String.init).joined(separator: ", ")
                Terminal.say("bulk \(bulk): counted anew in partition \(places)")
                return []
            }
        }
        return try await desk.reader.verify(bulk)
    }
}
