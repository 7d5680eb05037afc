import EventLoop
import Headway
import HeadwayCore
import ReadAPI
import Synchronization

/// Tells Headway about a wrapped program. What cannot be told is said once and never hinders the program.
actor RunWitness {
    private let headway: Headway?
    private let job: Job<AnyPipeline>?
    private let stage: String
    private let completes: Bool
    private let isStrict: Bool
    private let log: Log

    /// The program was not started, because nobody could have been told of it.
    struct Unreported: Error, CustomStringConvertible {
        let cause: any Error
        var description: String { "the program was not started, since it cannot be reported: \(cause)" }
    }

    /// - Throws: only with `--strict`, what hinders reporting.
    static func open(
        _ invocation: Invocation, _ choice: RedisChoice, on loop: EventLoop
    ) async throws -> RunWitness {
        let arguments = invocation.arguments
        var headway: Headway?
        var job: Job<AnyPipeline>?
        var completes = !arguments.isOn("unfinished")
        do {
            var options = Headway.Options(
                namespace: arguments.text("namespace") ?? "hw", worker: arguments.text("worker"))
            options.connectTimeout = .seconds(2)
            SpoolChoice.set(in: &options, from: arguments)
            let connected = try await Headway.connect(choice.url, options: options)
            headway = connected
            // Before the job is started: a job that no stage can follow would stay behind, running for ever.
            if let known = await stages(of: invocation, connected, choice, on: loop),
                let stage = arguments.text("stage"), !known.contains(stage)
            {
                throw Failure(
                    "pipeline \(arguments.text("pipeline") ?? "") has no stage \(Printable.line(stage, limit: 60)); "
                        + "it has \(known.joined(separator: ", "))")
            }
            job = try await connected.start(
                pipeline: arguments.text("pipeline") ?? "", id: arguments.text("job") ?? "",
                in: arguments.text("bulk"), label: arguments.text("label"))
            if completes, let later = await mandatoryStage(after: invocation, connected, choice, on: loop) {
                completes = false
                invocation.log.warning(
                    "the pipeline wants stage \(later) as well: the job stays open (--unfinished)")
            }
        } catch {
            if arguments.isOn("strict") {
                try? await headway?.close(within: .seconds(2))
                throw Failure("\(Unreported(cause: error))")
            }
            invocation.log.warning("the program runs without being reported: \(error)")
        }
        return RunWitness(
            headway, job, stage: arguments.text("stage") ?? "", completes: completes,
            isStrict: arguments.isOn("strict"), log: invocation.log)
    }

    /// The ids of the pipeline's stages; nil when it is not known here.
    private static func stages(
        of invocation: Invocation, _ headway: Headway, _ choice: RedisChoice, on loop: EventLoop
    ) async -> [String]? {
        guard let name = PipelineName(invocation.arguments.text("pipeline") ?? "") else { return nil }
        let reader = StatusReader(keyspace: headway.keyspace, endpoint: choice.endpoint, on: loop)
        let pipeline = try? await reader.pipeline(name)
        await reader.close()
        return pipeline?.stages.map(\.id)
    }

    /// A strict pipeline refuses to complete a job that skipped a stage: better not to say so than to be refused.
    private static func mandatoryStage(
        after invocation: Invocation, _ headway: Headway, _ choice: RedisChoice, on loop: EventLoop
    ) async -> String? {
        guard let name = PipelineName(invocation.arguments.text("pipeline") ?? "") else { return nil }
        let reader = StatusReader(keyspace: headway.keyspace, endpoint: choice.endpoint, on: loop)
        let pipeline = try? await reader.pipeline(name)
        await reader.close()
        guard let pipeline, pipeline.isStrict else { return nil }
        let place = pipeline.position(of: invocation.arguments.text("stage") ?? "") ?? pipeline.stages.count
        return pipeline.stages.dropFirst(place + 1).first { !$0.isOptional }?.id
    }

    private init(
        _ headway: Headway?, _ job: Job<AnyPipeline>?, stage: String, completes: Bool, isStrict: Bool,
        log: Log
    ) {
        self.headway = headway
        self.job = job
        self.stage = stage
        self.completes = completes
        self.isStrict = isStrict
        self.log = log
    }

    /// Runs the program as the stage.
    func watch(
        _ program:
            @Sendable (@escaping @Sendable (ProgressFilter.Progress) -> Void) async throws ->
            ChildProcess.Ending
    ) async throws -> ChildProcess.Ending {
        guard let job else { return try await program { _ in } }
        let ran = Mutex<Result<ChildProcess.Ending, any Error>?>(nil)
        do {
            return try await job.run(StageName(stage), onError: .rethrowOnly) { handle in
                do {
                    let ending = try await program { handle.report($0.done, of: $0.total, $0.message) }
                    ran.withLock { $0 = .success(ending) }
                    if ending != .exited(0) { throw Unsuccessful() }
                    return ending
                } catch {
                    ran.withLock { if $0 == nil { $0 = .failure(error) } }
                    throw error
                }
            }
        } catch {
            if let result = ran.withLock({ $0 }) { return try result.get() }
            // The stage was refused before the program began.
            if isStrict { throw Unreported(cause: error) }
            log.warning("the program runs without being reported: \(error)")
            return try await program { _ in }
        }
    }

    private struct Unsuccessful: Error {}

    func end(_ ending: ChildProcess.Ending, after time: Duration) async {
        guard let job else { return }
        let words = "\(ending) after \(TimeSpan.of(time))"
        await tell {
            switch ending {
            case .exited(0): if self.completes { try await job.complete(message: words) }
            case .exited(let code): try await job.fail(words, code: "exit_\(code)")
            case .killed(let signal): try await job.fail(words, code: SignalName.of(signal))
            }
        }
    }

    func end(_ problem: ChildProcess.Problem) async {
        guard let job else { return }
        await tell { try await job.fail("\(problem)", code: problem.isMissing ? "not_found" : "not_started") }
    }

    func close() async {
        guard let headway else { return }
        await tell { try await headway.close(within: .seconds(5)) }
    }

    private func tell(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            log.warning("not everything was reported: \(error)")
        }
    }
}
