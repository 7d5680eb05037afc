import EventLoop
import Glibc

/// `headway demo`: the main job, on real input, on this machine.
enum DemoCommand {
    static let command = Command(
        name: "demo", summary: "make illustrated web pages of text files, and watch", synopsis: "[DIR]",
        details: """
            Starts everything on an embedded Redis and turns every text file under DIR into an illustrated web page, \
            with worker processes that report through Headway. Without DIR it takes the licence texts that every \
            Debian ships and the documents of the directory that it is started in. A file that is not text is counted \
            as failed.

            At the end the aggregate, asked over HTTP, is compared with the pages on the disk, job by job: exit \
            status 0 only if they agree.
            """,
        options: [
            Option("workers", "w", .count("N", 1...64), "worker processes", fallback: "4"),
            Option("output", "o", .text("DIR"), "where the pages go", fallback: "headway-demo"),
            Option(
                "pace", nil, .duration("TIME"),
                "stretch the work to about this long, so that a person can watch; 0 is as fast as it goes",
                fallback: "0"),
            Option("keep", "k", .flag, "keep the dashboard up at the end, until ^C"),
            Option(
                "listen", "l", .address("HOST:PORT"),
                "where the dashboard is (127.0.0.1:8080, or a free port when that is taken)"),
        ],
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard arguments.words.count <= 1 else { throw UsageError("takes one directory at most") }
        let output = try DemoOutput.prepared(arguments.text("output") ?? "headway-demo")
        let input: DemoInput
        if let directory = arguments.words.first {
            input = try DemoInput.all(in: directory, excluding: output.path)
        } else {
            input = DemoInput.usual(here: FileAccess.realPath(".") ?? ".")
        }
        guard !input.files.isEmpty else {
            throw Failure("there are no files in \(arguments.words.first ?? "it")")
        }

        let loop = EventLoop(name: "headway")
        let signals = Signals(on: loop)
        defer { signals.restore() }
        let display = ProgressDisplay(invocation.terminal)
        let demo = Task {
            try await DemoRun.go(invocation, input, output, on: loop, display: display, signals: signals)
        }
        let interrupt = Task { () -> CInt? in
            for await number in signals.stream {
                demo.cancel()
                return number
            }
            return nil
        }
        let result = await demo.result
        interrupt.cancel()
        display.close()
        await signals.cancel()
        await loop.stop()
        if case .failure(let error) = result, error is CancellationError {
            Terminal.say("\nInterrupted; what was made stays in \(output.path)")
            return ExitCode(number: 128 + (await interrupt.value ?? SIGINT))
        }
        return try result.get()
    }
}
