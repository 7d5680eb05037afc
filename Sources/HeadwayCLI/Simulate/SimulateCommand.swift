import EventLoop
import Glibc
import HeadwayCore
import HeadwayWire
import ReadAPI

/// `headway simulate`: workers that only pretend to work, through the real publisher.
enum SimulateCommand {
    static let command = Command(
        name: "simulate", summary: "drive a pipeline with simulated workers, failures and stalls",
        synopsis: "",
        details: """
            Queues jobs of a pipeline in a sealed bulk and works on them as real workers would, through the real \
            publisher: stages with believable durations, indexes, counters and sentences; some jobs fail, stand \
            still or lose their worker, as asked. Shows the progress, and at the end compares what the workers did \
            with what Headway says, job by job: exit status 0 only if they agree.

            Needs a running aggregator (headway up). --pipeline is a stored pipeline, NAME or NAME@REVISION, or a \
            file, which is stored first. The same --seed makes the same simulation, apart from timing. A job that \
            stands still does so a little longer than its stage's stallAfter; a lost worker is noticed after the \
            pipeline's lostAfter.

            With --processes the workers are processes as they would be in a fleet. Kill one: its attempts are cut off, \
            and what Headway says of them is taken; all others must agree.

              headway simulate --pipeline book --jobs 40 --workers 6 --fail 5% --retry
            """,
        options: RedisChoice.options + wishes + [
            Option("pipeline", "p", .text("NAME|FILE"), "what the jobs follow (required)"),
            Option("workers", "w", .count("N", 1...1000), "how many are worked on at a time", fallback: "4"),
            Option(
                "processes", nil, .count("N", 1...64),
                "the workers sit in so many processes of their own, each with a publisher of its own; in this one "
                    + "without it"),
            Option("bulk", "b", .text("ID"), "the bulk's id (default simulation-TIME)"),
        ],
        run: { try await run($0) })

    /// What makes a plan, here and in each worker process.
    static let wishes = [
        Option("jobs", "n", .count("N", 1...100_000), "how many", fallback: "20"),
        Option("fail", nil, .percent("SHARE"), "jobs whose first attempt fails", fallback: "0%"),
        Option("stall", nil, .percent("SHARE"), "jobs that stand still for a while", fallback: "0%"),
        Option("lost", nil, .percent("SHARE"), "jobs whose worker goes silent", fallback: "0%"),
        Option("retry", nil, .flag, "try failed jobs again, as often as the pipeline allows"),
        Option("pace", nil, .duration("TIME"), "how long a usual job takes", fallback: "20s"),
        Option("seed", nil, .count("N", 0...Int.max), "what chance begins with (default: the time)"),
    ]

    static func wishes(of arguments: Arguments, seed: Int = 0) -> SimulationPlan.Wishes {
        var wishes = SimulationPlan.Wishes()
        wishes.jobs = arguments.count("jobs") ?? wishes.jobs
        wishes.fail = arguments.share("fail") ?? 0
        wishes.stall = arguments.share("stall") ?? 0
        wishes.lost = arguments.share("lost") ?? 0
        wishes.retries = arguments.isOn("retry")
        wishes.pace = arguments.duration("pace") ?? wishes.pace
        wishes.seed = UInt64(arguments.count("seed") ?? seed)
        return wishes
    }

    /// The same wishes, word by word, for a worker process.
    private static func words(of arguments: Arguments, seed: UInt64) -> [String] {
        var words = ["--seed", "\(seed)"]
        for name in ["jobs", "fail", "stall", "lost", "pace"] {
            if let text = arguments.text(name) { words += ["--\(name)", text] }
        }
        return words + (arguments.isOn("retry") ? ["--retry"] : [])
    }

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard arguments.words.isEmpty else { throw UsageError("takes no arguments besides its options") }
        guard let pipeline = arguments.text("pipeline") else { throw UsageError("wants --pipeline") }
        let now = Timestamp.wallClock.milliseconds
        let bulk = arguments.text("bulk") ?? "simulation-\(String(now / 100, radix: 36))"
        guard let id = BulkID(bulk), JobID("\(bulk).100000") != nil else {
            throw UsageError("--bulk: not an id (\(Subject.rule)), or too long for its jobs' ids")
        }
        let wishes = wishes(of: arguments, seed: Int(now % 1_000_000))
        let workers = arguments.count("workers") ?? 4
        let processes = min(arguments.count("processes") ?? 0, workers)
        let namespace = arguments.text("namespace") ?? "hw"
        let document = try file(pipeline)
        return try await Desk.with(invocation) { desk in
            let definition = try await definition(pipeline, document, at: desk)
            if case .bulk? = try await desk.reader.bulks([id], current: nil).first {
                throw Failure("there is a bulk \(bulk) already; choose another --bulk")
            }
            let run = SimulationRun(
                desk: desk, plan: SimulationPlan(definition, bulk: bulk, wishes), workers: workers,
                processes: processes,
                process: { number in
                    ChildProcess.Plan(
                        arguments: [
                            OwnProgram.path, "simulate-worker", "--redis", desk.redis.url, "--namespace",
                            namespace,
                            "--pipeline", "\(definition.reference)", "--bulk", bulk, "--worker",
                            "sim-\(number)",
                        ] + words(of: arguments, seed: wishes.seed),
                        environment: invocation.environment, hasOwnSession: true)
                }, log: invocation.log, display: ProgressDisplay(invocation.terminal), namespace: namespace)
            return try await play(run, invocation)
        }
    }

    /// Ends in order when somebody interrupts it: the bulk is cancelled, and so is what runs.
    private static func play(_ run: SimulationRun, _ invocation: Invocation) async throws -> ExitCode {
        let signals = Signals(on: run.desk.loop)
        defer { signals.restore() }
        let playing = Task { try await run.go() }
        let interrupt = Task { () -> CInt? in
            for await number in signals.stream {
                playing.cancel()
                return number
            }
            return nil
        }
        let result = await playing.result
        interrupt.cancel()
        run.display.close()
        await signals.cancel()
        if case .failure(let error) = result, error is CancellationError {
            Terminal.say("\nInterrupted; bulk \(run.plan.bulk) is cancelled")
            return ExitCode(number: 128 + (await interrupt.value ?? SIGINT))
        }
        return try result.get()
    }

    // MARK: The pipeline

    /// - Returns: nil for what is the name of a stored one.
    private static func file(_ text: String) throws -> PipelineDocument? {
        guard text.contains("/") || text.hasSuffix(".json") else {
            guard PipelineName(text) != nil else {
                throw UsageError("--pipeline wants NAME, NAME@REVISION or a file such as ./article.json")
            }
            return nil
        }
        return try PipelinesCommand.read([text]).first
    }

    private static func definition(
        _ name: String, _ document: PipelineDocument?, at desk: Desk
    ) async throws -> Pipeline {
        if let document {
            let reference = try await desk.reader.put(document).reference
            return document.revised(as: reference.revision).pipeline
        }
        let catalog = try await desk.reader.pipelines().catalog
        if let name = PipelineName(name), let known = catalog[name] { return known }
        let names = catalog.latest.map(\.name)
        throw Failure(
            names.isEmpty
                ? "no pipeline is stored yet; give a file, or store one: headway pipelines apply FILE"
                : "there is no pipeline \(name); stored are \(names.joined(separator: ", "))")
    }
}
