import EventLoop
import Glibc
import Synchronization

/// Worker processes that are dealt one book after the other, each as soon as it is free.
///
/// A worker that dies is started again, and its book is dealt again: to the new worker Headway gives the same job,
/// where the dead one left it. A book that kills three workers is given up.
final class WorkerPool: Sendable {
    struct Result: Sendable, Equatable {
        let book: DemoBook
        let outcome: DemoOutcome
        /// No worker lived long enough to say so itself.
        var wasGivenUp = false
    }

    private struct State {
        var waiting: [DemoBook]
        var deaths: [String: Int] = [:]
        var results: [Result] = []
        var pids: [Int: pid_t] = [:]
        var isStopped = false
    }

    private let plan: @Sendable (_ worker: Int) -> ChildProcess.Plan
    private let workers: Int
    private let loop: EventLoop
    private let log: Log
    private let state: Mutex<State>

    /// - Parameter plan: how worker n is started; input and output are set here.
    init(
        _ books: [DemoBook], workers: Int, on loop: EventLoop, log: Log,
        plan: @escaping @Sendable (_ worker: Int) -> ChildProcess.Plan
    ) {
        state = Mutex(State(waiting: books))
        self.workers = max(1, min(workers, books.count))
        self.loop = loop
        self.log = log
        self.plan = plan
    }

    /// Deals all books and waits for the workers' ends.
    func run() async throws -> [Result] {
        try await withThrowingTaskGroup { group in
            for worker in 1...workers { group.addTask { try await self.employ(worker) } }
            try await group.waitForAll()
        }
        return state.withLock { $0.results }
    }

    /// Deals no more; what is under way is interrupted.
    func stop() {
        let pids = state.withLock { state in
            state.isStopped = true
            state.waiting = []
            return Array(state.pids.values)
        }
        for pid in pids { kill(pid, SIGTERM) }
    }

    // MARK: One worker

    private func employ(_ number: Int) async throws {
        var post: Post?
        while let book = state.withLock({ $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }) {
            let worker = try post ?? hire(number)
            post = worker
            Terminal.write(book.line + "\n", to: worker.orders)
            if let line = await worker.answers.next(), let outcome = DemoOutcome(line: line) {
                state.withLock { $0.results.append(Result(book: book, outcome: outcome)) }
            } else {
                post = nil
                let ending = await dismiss(worker, number)
                putBack(book, after: "worker \(number) \(ending)")
            }
        }
        if let post { _ = await dismiss(post, number) }
    }

    private func putBack(_ book: DemoBook, after what: String) {
        let deaths = state.withLock { state in
            guard !state.isStopped else { return 0 }
            state.deaths[book.job, default: 0] += 1
            let deaths = state.deaths[book.job] ?? 0
            if deaths < 3 {
                state.waiting.insert(book, at: 0)
            } else {
                let outcome = DemoOutcome.failed("\(what) while it made this book, the third one to do so")
                state.results.append(Result(book: book, outcome: outcome, wasGivenUp: true))
            }
            return deaths
        }
        if deaths > 0 {
            log.warning(
                "\(what) while it made \(book.label); \(deaths < 3 ? "dealing it again" : "given up")")
        }
    }

    private struct Post: Sendable {
        let process: ChildProcess
        let orders: CInt
        let answers: LinePipe
    }

    private func hire(_ number: Int) throws -> Post {
        let orders = try Descriptor.pipe()
        let answers = try Descriptor.pipe()
        var plan = plan(number)
        plan.input = .descriptor(orders.reading)
        plan.output = .descriptor(answers.writing)
        let process = try ChildProcess.start(plan)
        close(orders.reading)
        close(answers.writing)
        state.withLock { $0.pids[number] = process.pid }
        return Post(process: process, orders: orders.writing, answers: LinePipe(answers.reading, on: loop))
    }

    /// Ends its input, and waits until it has said everything and is gone.
    private func dismiss(_ post: Post, _ number: Int) async -> ChildProcess.Ending {
        close(post.orders)
        // A task of its own: it must come to its end when ours is cancelled, too.
        return await Task {
            while await post.answers.next() != nil {}
            while true {
                if let ending = post.process.poll() {
                    state.withLock { $0.pids[number] = nil }
                    return ending
                }
                try? await loop.sleep(for: .milliseconds(5))
            }
        }.value
    }
}
