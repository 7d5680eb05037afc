import HeadwayCore
import ReadAPI

/// `headway status`: one look at jobs and bulks.
enum StatusCommand {
    static let command = Command(
        name: "status", summary: "how far jobs or bulks are, once", synopsis: "ID…",
        details: """
            Each ID is a job or a bulk. Exit status 1 when one of them is not known.
            With --aggregators: which instances live, what each owns, and how far behind each partition is; \
            exit status 1 when a partition has no living owner or is halted.
            """,
        options: RedisChoice.options + [
            Option("aggregators", nil, .flag, "the aggregators and their partitions, instead of jobs"),
            Option("json", nil, .flag, "one JSON object a line, as the read API answers"),
        ],
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        if invocation.arguments.isOn("aggregators") {
            guard invocation.arguments.words.isEmpty else {
                throw UsageError("--aggregators takes no ID: ask for jobs and bulks without it")
            }
            return try await AggregatorTable.run(invocation)
        }
        let subjects = try Subject.list(invocation.arguments.words)
        return try await Desk.with(invocation) { desk in
            let found = try await Subject.look(subjects, with: desk.reader, current: 10)
            if invocation.arguments.isOn("json") {
                for answer in found { Terminal.say(answer.json) }
            } else {
                show(found, on: invocation.terminal)
            }
            let news = await RefusalNews(of: found, from: desk.reader)
            for answer in found {
                let line =
                    answer.isUnknown
                    ? "there is no job or bulk \(answer.id)\(news.because(answer.id))" : news.line(answer)
                if let line { Terminal.write("headway status: \(line)\n", to: 2) }
            }
            return found.contains(where: \.isUnknown) ? .failed : .done
        }
    }

    private static func show(_ found: [Subject.Answer], on terminal: Terminal) {
        let bulks = found.compactMap { if case .bulk(.bulk(let snapshot)) = $0 { snapshot } else { nil } }
        if !bulks.isEmpty {
            var table = Table(
                head: [
                    "BULK", "PHASE", "DONE", "%", "QUEUED", "RUNNING", "FAILED", "CANCELLED", "RATE", "LEFT",
                    "NOTE",
                ], numbers: ["%", "QUEUED", "RUNNING", "FAILED", "CANCELLED", "RATE", "LEFT"])
            table.rows = bulks.map { bulk in
                let summary = bulk.summary
                let counts = summary.counts
                let row = ProgressView.Bulk(bulk)
                return [
                    summary.id.description, summary.phase.rawValue, summary.text, "\(summary.percent)",
                    "\(counts.queued)", "\(counts.running)", "\(counts.failed)", "\(counts.cancelled)",
                    row.perMinute.map { $0 > 0 && !row.isSettled ? "\(BarPainter.rate($0))/min" : "" } ?? "",
                    row.secondsLeft.map { TimeSpan.of(.seconds($0)) } ?? "",
                    bulk.freshness.isStale
                        ? "stale: no aggregator is at work" : summary.outcome?.rawValue ?? "",
                ]
            }
            table.print(to: terminal)
        }
        let jobs = found.compactMap { if case .job(let answer) = $0, !$0.isUnknown { answer } else { nil } }
        let named = Set(jobs.map(\.id))
        let all =
            jobs
            + bulks.flatMap { bulk in
                (bulk.current ?? []).filter { !named.contains($0.id) }.map { JobAnswer.job($0) }
            }
        if !all.isEmpty {
            if !bulks.isEmpty { Terminal.say("") }
            JobTable.of(all).print(to: terminal)
        }
    }
}

/// Jobs as rows.
enum JobTable {
    static func of(_ answers: [JobAnswer]) -> Table {
        var table = Table(
            head: ["JOB", "STATUS", "%", "STAGE", "HEALTH", "ATTEMPT", "LEFT", "MESSAGE"],
            numbers: ["%", "ATTEMPT", "LEFT"])
        table.rows = answers.map { answer in
            let row = ProgressView.Job(answer)
            guard case .job(let snapshot) = answer else {
                return [row.id, row.status.rawValue, "\(row.percent)", "", "", "", "", row.message ?? ""]
            }
            let state = snapshot.state
            let code = state.failure?.code.map { "\($0): " } ?? ""
            return [
                row.id, row.status.rawValue, "\(row.percent)", row.stage ?? "",
                state.status == .running ? state.health.rawValue : "", "\(state.attempt)",
                row.secondsLeft.map { TimeSpan.of(.seconds($0)) } ?? "",
                code + (row.concern ?? row.message ?? ""),
            ]
        }
        return table
    }
}
