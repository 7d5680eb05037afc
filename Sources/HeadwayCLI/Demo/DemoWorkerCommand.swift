import EventLoop
import Glibc
import Headway

/// A worker process of the demo: takes books from standard input, one line each, and answers a line for each.
///
/// Who gets which book is the parent's business; Headway only hears how far each one is. Ends when its input ends.
enum DemoWorkerCommand {
    static let command = Command(
        name: "demo-worker", summary: "a worker of the demo", synopsis: "",
        details: "Started by headway demo; not for people.",
        options: RedisChoice.options + [
            Option("output", nil, .text("DIR"), "where the books go"),
            Option("worker", nil, .text("NAME"), "its name"),
        ],
        isHidden: true,
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard let url = arguments.text("redis"), let output = arguments.text("output") else {
            throw UsageError("wants --redis and --output")
        }
        let loop = EventLoop(name: "orders")
        let orders = LinePipe(STDIN_FILENO, on: loop)
        let headway = try await Headway.connect(
            url,
            options: Headway.Options(
                namespace: arguments.text("namespace") ?? "hw", worker: arguments.text("worker")))
        while let line = await orders.next() {
            guard let order = DemoBook(line: line) else { continue }
            let outcome = await make(order, DemoOutput(path: output), headway)
            Terminal.say(outcome.line)
        }
        try await headway.close(within: .seconds(10))
        await loop.stop()
        return .done
    }

    private static func make(_ order: DemoBook, _ output: DemoOutput, _ headway: Headway) async -> DemoOutcome
    {
        do {
            let job = try await headway.start(Book.self, id: order.job)
            do {
                return .made(try await BookMaker(order: order, output: output).make(job))
            } catch let error as any PublicError {
                return .failed(error.publicMessage)
            } catch {
                // Whatever it was, the job must not stay open.
                try await job.fail("\(order.label) could not be made: \(error)", code: "internal")
                return .failed("\(error)")
            }
        } catch {
            return .failed("\(error)")
        }
    }
}
