import EventLoop
import Glibc
import Headway
import HeadwayCore
import HeadwayWire
import ReadAPI

/// A worker process of `headway simulate --processes`: makes the same plan of the same wishes, and plays those attempts
/// of it that standard input names. Ends when its input ends; what is under way is then cancelled.
enum SimulateWorkerCommand {
    static let command = Command(
        name: "simulate-worker", summary: "a worker process of a simulation", synopsis: "",
        details: "Started by headway simulate; not for people.",
        options: RedisChoice.options + SimulateCommand.wishes + [
            Option("pipeline", "p", .text("NAME@REVISION"), "what the jobs follow"),
            Option("bulk", "b", .text("ID"), "the bulk's id"),
            Option("worker", nil, .text("NAME"), "its name"),
        ],
        isHidden: true,
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard let url = arguments.text("redis"), let bulk = arguments.text("bulk"),
            let name = arguments.text("pipeline").flatMap({ PipelineName($0) })
        else { throw UsageError("wants --redis, --pipeline and --bulk") }
        let loop = EventLoop(name: "orders")
        let orders = LinePipe(STDIN_FILENO, on: loop)
        let wishes = SimulateCommand.wishes(of: arguments)
        let definition = try await Desk.with(invocation) { desk in
            guard let found = try await desk.reader.pipelines().catalog[name] else {
                throw Failure("there is no pipeline \(name)")
            }
            return found
        }
        let plan = SimulationPlan(definition, bulk: bulk, wishes)
        let bus = try await Headway.connect(
            url,
            options: Headway.Options(
                namespace: arguments.text("namespace") ?? "hw", worker: arguments.text("worker")))
        await withDiscardingTaskGroup { group in
            while let order = await orders.next() {
                group.addTask { Terminal.say(await answer(order, plan, bus).line(of: order)) }
            }
            group.cancelAll()
        }
        try? await bus.close(within: .seconds(10))
        await loop.stop()
        return .done
    }

    private static func answer(_ order: String, _ plan: SimulationPlan, _ bus: Headway) async
        -> SimulationAnswer
    {
        let numbers = order.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 2, plan.jobs.indices.contains(numbers[0]),
            plan.jobs[numbers[0]].script.attempts.indices.contains(numbers[1])
        else { return .trouble("there is no such attempt in the plan") }
        do {
            let seat = OwnSeat(bus: bus, plan: plan)
            let end = try await seat.play(job: numbers[0], attempt: numbers[1])
            // An end that is answered is in Redis, whatever becomes of this process; the end of it all sees to that
            // of its own.
            if !Task.isCancelled { try await seat.flush() }
            return .end(end)
        } catch {
            return .trouble("\(error)")
        }
    }
}
