import HeadwayCore
import ReadAPI

/// `headway jobs`: the members of a bulk.
enum JobsCommand {
    static let command = Command(
        name: "jobs", summary: "the jobs of a bulk", synopsis: "",
        details: """
            Lists a bulk's members, by status: to find the twelve that failed among seven hundred thousand.
            """,
        options: RedisChoice.options + [
            Option("bulk", "b", .text("BULK"), "whose jobs (required)"),
            Option(
                "status", "s", .choice(JobState.Status.allCases.map(\.rawValue)), "only those in this status"),
            Option("limit", "n", .count("N", 1...1_000_000), "most to list", fallback: "100"),
            Option("json", nil, .flag, "one JSON object a line"),
        ],
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard let name = arguments.text("bulk") ?? arguments.words.first else {
            throw UsageError("wants --bulk BULK")
        }
        guard let bulk = BulkID(name) else { throw UsageError("--bulk: not an id (\(Subject.rule))") }
        let status = arguments.text("status").flatMap { JobState.Status(rawValue: $0) }
        let limit = arguments.count("limit") ?? 100
        return try await Desk.with(invocation) { desk in
            var members: [MemberPage.Member] = []
            var cursor: MemberCursor?
            repeat {
                let page = try await desk.reader.members(
                    of: bulk, status: status, after: cursor, limit: min(1000, limit - members.count))
                guard let page else { throw Failure("there is no bulk \(bulk)") }
                members += page.members
                cursor = page.next
            } while cursor != nil && members.count < limit
            if arguments.isOn("json") {
                for member in members { Terminal.say(Subject.Answer.job(member.answer).json) }
            } else {
                JobTable.of(members.map(\.answer)).print(to: invocation.terminal)
                if cursor != nil {
                    Terminal.write("headway jobs: there are more; raise --limit\n", to: 2)
                }
            }
            return .done
        }
    }
}
