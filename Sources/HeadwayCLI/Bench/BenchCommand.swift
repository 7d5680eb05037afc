/// `headway bench`: what this machine makes of it, beside the limit measured in the same run.
enum BenchCommand {
    static let command = Command(
        name: "bench", summary: "measure throughput, latency, or how good estimates are",
        synopsis: "[throughput|latency|estimates]",
        details: """
            Starts a redis-server of its own without persistence and measures. Speeds of one machine say little \
            about another's and machines are noisy, so throughput is printed beside what redis-benchmark makes of \
            the same XADD in the same run; compare the ratios.

            latency: the time from publishing an event to its frame at an SSE client, at a dozen events a second; and \
            from starting `headway up` to its being ready.

            estimates: how far off estimates are beside the rule elapsed/percent, on simulated fleets through the \
            real fold; exit status 1 when a bar is missed. Needs no Redis, and says the same for the same seed.
            """,
        options: [
            Option(
                "events", "e", .count("N", 1_000...5_000_000), "events of the backlog", fallback: "500000"),
            Option(
                "jobs", "j", .count("N", 20...500_000),
                "jobs they are about (default: 10000; of estimates, 1000 a fleet)"),
            Option("publishers", "p", .count("N", 1...64), "publisher processes, end to end", fallback: "4"),
            Option("samples", "s", .count("N", 20...100_000), "events of the latency run", fallback: "200"),
            Option("seed", nil, .count("N", 0...1_000_000_000), "of the simulated fleets", fallback: "1"),
        ],
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        switch invocation.arguments.words.first ?? "throughput" {
        case "throughput": try await BenchThroughput(invocation).run()
        case "latency": try await BenchLatency(invocation).run()
        case "estimates": return BenchEstimates(invocation).run(on: invocation.terminal)
        case "publisher": try await BenchPublisher(invocation.arguments.words).run()
        case let word:
            throw UsageError(
                "knows throughput, latency and estimates, not \(Printable.line(word, limit: 40))")
        }
        return .done
    }
}
