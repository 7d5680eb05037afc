import EventLoop
import Glibc
import Headway

/// `headway run`: any program as a job, without a line changed in it.
enum RunCommand {
    static let command = Command(
        name: "run", summary: "run any program as a job", synopsis: "-- COMMAND [ARGUMENT]…",
        details: """
            Runs COMMAND and reports it as a job: its start, its progress, its exit code or the signal that ended \
            it, and how long it took. Lines `headway: 3/10 message` or `3/10` on its output become progress; every \
            other byte passes through. Where that goes to a terminal, the program sees one too; elsewhere many programs \
            hold their lines back until there are enough of them (python -u, stdbuf -oL). SIGTERM and SIGINT are forwarded.

            The exit status is the program's (128 + n for a signal, 127 when there is no such program).

            What hinders reporting never hinders the program: when Redis is away, the pipeline is not stored, it has \
            no such stage, or the job has ended already, a warning says so and the program runs unreported. With \
            --strict it is not started then, and the exit status is 1: for whoever would rather have nothing done \
            than something that nobody sees.

              headway run --pipeline import --job nightly --stage loading -- ./load.sh /data
            """,
        options: RedisChoice.options + SpoolChoice.options + [
            Option("pipeline", "p", .text("NAME"), "the job's pipeline (required)"),
            Option("job", "j", .text("ID"), "the job's id (required)"),
            Option("bulk", "b", .text("ID"), "the bulk that it belongs to"),
            Option("stage", "s", .text("ID"), "the stage that the program is (required)"),
            Option("label", nil, .text("TEXT"), "what people call the job"),
            Option("worker", nil, .text("NAME"), "who runs it (default host:pid)"),
            Option("strict", nil, .flag, "do not start what cannot be reported"),
            Option("unfinished", nil, .flag, "the job goes on after this stage: do not complete it"),
        ],
        stopsAtFirstWord: true,
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard !arguments.words.isEmpty else { throw UsageError("wants a program: headway run … -- COMMAND") }
        for name in ["pipeline", "job", "stage"] where arguments.text(name) == nil {
            throw UsageError("wants --\(name)")
        }
        let choice = try RedisChoice.of(invocation)
        let loop = EventLoop(name: "run")
        let witness: RunWitness
        do {
            witness = try await RunWitness.open(invocation, choice, on: loop)
        } catch {
            await loop.stop()
            throw error
        }
        let signals = Signals(on: loop)
        let program = WrappedProgram(arguments.words, environment: invocation.environment, on: loop)
        let forwarding = Task {
            for await number in signals.stream { program.forward(number) }
        }
        let start = ContinuousClock.now
        let code: CInt
        do {
            let ending = try await witness.watch { report in try await program.run(report) }
            await witness.end(ending, after: ContinuousClock.now - start)
            code = ending.code
        } catch let refusal as RunWitness.Unreported {
            forwarding.cancel()
            await signals.cancel()
            await witness.close()
            await loop.stop()
            throw Failure("\(refusal)")
        } catch let problem as ChildProcess.Problem {
            await witness.end(problem)
            Terminal.write("headway run: \(problem)\n", to: STDERR_FILENO)
            code = problem.isMissing ? 127 : 126
        }
        forwarding.cancel()
        await signals.cancel()
        await witness.close()
        await loop.stop()
        return ExitCode(number: code)
    }
}
