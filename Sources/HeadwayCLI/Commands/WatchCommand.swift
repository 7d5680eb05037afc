import EventLoop
import Glibc
import HeadwayCore
import ReadAPI
import Redis

/// `headway watch`: bars until everything that is watched has ended.
enum WatchCommand {
    static let command = Command(
        name: "watch", summary: "live progress bars for jobs and bulks", synopsis: "JOB_OR_BULK…",
        details: """
            A bulk's bar stands above its running jobs' bars, and its failures are named as they come. Ends when all of them have ended: with status 0 if \
            everything completed, 1 if anything failed, was cancelled or is not known. Without a terminal it prints \
            a line for each change.
            """,
        options: RedisChoice.options + [
            Option(
                "patience", nil, .duration("TIME"), "how long an id may stay unknown before that is an error",
                fallback: "5s")
        ],
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let subjects = try Subject.list(invocation.arguments.words)
        let patience = invocation.arguments.duration("patience") ?? .seconds(5)
        return try await Desk.with(invocation) { desk in
            let display = ProgressDisplay(invocation.terminal)
            let signals = Signals(on: desk.loop)
            let resizes = Signals([SIGWINCH], on: desk.loop)
            let resizing = Task { for await _ in resizes.stream { display.repaint() } }
            let watching = Task {
                try await watch(subjects, at: desk, on: display, patience: patience, log: invocation.log)
            }
            let interrupt = Task {
                for await number in signals.stream {
                    watching.cancel()
                    return number as CInt?
                }
                return nil
            }
            let result = await watching.result
            interrupt.cancel()
            resizing.cancel()
            await resizes.cancel()
            display.close()
            await signals.cancel()
            if case .failure(let error) = result, error is CancellationError {
                // Below the ^C that the terminal has echoed.
                if invocation.terminal.isLive { Terminal.say("") }
                return ExitCode(number: 128 + (await interrupt.value ?? SIGINT))
            }
            return try result.get()
        }
    }

    private static func watch(
        _ subjects: [Subject], at desk: Desk, on display: ProgressDisplay, patience: Duration, log: Log
    ) async throws -> ExitCode {
        let start = desk.loop.clock.now
        var failures = FailureNews()
        while true {
            do throws(ReadError) {
                let found = try await Subject.look(subjects, with: desk.reader, current: 50)
                let unknown = found.filter(\.isUnknown)
                let waited = desk.loop.clock.now - start
                if !unknown.isEmpty, waited >= patience {
                    let news = await RefusalNews(of: unknown, from: desk.reader)
                    display.close()
                    for id in unknown.map(\.id) {
                        let line = "headway watch: there is no job or bulk \(id)\(news.because(id))\n"
                        Terminal.write(line, to: STDERR_FILENO)
                    }
                    return .failed
                }
                let view = ProgressView(found)
                let isOver = unknown.isEmpty && view.isOver
                for case .bulk(.bulk(let snapshot)) in found {
                    for line in try await failures.lines(snapshot, from: desk.reader) { display.note(line) }
                }
                if unknown.count < found.count { display.show(view, last: isOver) }
                if isOver { return view.isGood ? .done : .failed }
            } catch {
                // Redis may come back; what a person must mend does not mend itself.
                guard case .redis(let cause) = error, cause.outcome != .fatal else { throw error }
                display.note("headway watch: \(Printable.line(desk.advice(error))); waiting")
                try await desk.loop.sleep(for: .seconds(1))
            }
            try await desk.loop.sleep(for: .milliseconds(150))
        }
    }
}

extension ProgressView {
    init(_ answers: [Subject.Answer]) {
        self.init()
        // A job that was asked for by name is not shown again under its bulk.
        let named = Set(answers.compactMap { if case .job(let job) = $0 { job.id } else { nil } })
        for answer in answers {
            switch answer {
            case .bulk(.bulk(let snapshot)):
                bulks.append(Bulk(snapshot))
                let running = snapshot.current ?? []
                jobs += running.filter { !named.contains($0.id) }.map { Job($0) }
                hidden += max(0, snapshot.summary.counts.running - running.count)
            case .bulk(let gone):
                bulks.append(
                    Bulk(id: gone.id.description, text: "settled, and expired", percent: 100, isSettled: true)
                )
            case .job(let answer):
                jobs.append(Job(answer))
            }
        }
    }
}
