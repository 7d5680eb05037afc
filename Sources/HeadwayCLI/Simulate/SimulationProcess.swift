import EventLoop
import Glibc
import Headway
import Synchronization

/// A worker process of a simulation, with a bus of its own: takes attempts from us, and says how each ended.
///
///     us ── JOB ATTEMPT ──▶ it        it ── JOB ATTEMPT END ──▶ us, once Redis has all of it
///
/// One that dies is started again with the next attempt. What it had under way then is ``SimulatedWorker/End/cutOff``:
/// as with real workers, nobody but Headway can say what became of it.
final class SimulationProcess: SimulationSeat {
    private struct Post: Sendable {
        let process: ChildProcess
        let orders: CInt
    }

    private struct State {
        var post: Post?
        var waiting: [String: CheckedContinuation<SimulationAnswer, Never>] = [:]
        var isClosed = false
    }

    private let plan: ChildProcess.Plan
    private let name: String
    private let loop: EventLoop
    private let log: Log
    private let state = Mutex(State())

    /// - Parameter plan: how it is started; input and output are set here.
    init(_ plan: ChildProcess.Plan, name: String, on loop: EventLoop, log: Log) {
        self.plan = plan
        self.name = name
        self.loop = loop
        self.log = log
    }

    /// The process that plays now; nil before the first attempt, and while there is none.
    var pid: pid_t? { state.withLock { $0.post?.process.pid } }

    func play(job: Int, attempt: Int) async throws -> SimulatedWorker.End {
        let order = "\(job) \(attempt)"
        let post = try state.withLock { state throws -> Post? in
            if state.isClosed { return nil }
            if let post = state.post { return post }
            let post = try hire()
            state.post = post
            return post
        }
        guard let post else { return .cutOff }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<SimulationAnswer, Never>) in
                let isTaken = state.withLock { state in
                    guard !state.isClosed, state.post?.process.pid == post.process.pid else { return false }
                    state.waiting[order] = continuation
                    // Under the lock: the descriptor is not another's by then.
                    Terminal.write(order + "\n", to: post.orders)
                    return true
                }
                if !isTaken { continuation.resume(returning: .end(.cutOff)) }
            }
        } onCancel: {
            stop()
        }
        switch answer {
        case .end(let end): return end
        case .trouble(let text): throw Failure("worker process \(name): \(text)")
        }
    }

    /// What was answered is in Redis already.
    func flush() async throws {}

    /// No more orders: what is under way is cancelled.
    private func stop() {
        state.withLock { state in
            guard let post = state.post, !state.isClosed else { return }
            state.isClosed = true
            Glibc.close(post.orders)
        }
    }

    func close() async {
        stop()
        // It has said good-bye when its output ends; one that hangs is not waited for.
        let end = loop.clock.now + .seconds(15)
        while pid != nil, loop.clock.now < end {
            try? await loop.sleep(for: .milliseconds(10))
        }
        if let pid { kill(pid, SIGKILL) }
    }

    // MARK: The process

    private func hire() throws -> Post {
        let orders = try Descriptor.pipe()
        let answers = try Descriptor.pipe()
        var plan = plan
        plan.input = .descriptor(orders.reading)
        plan.output = .descriptor(answers.writing)
        let process: ChildProcess
        do {
            process = try ChildProcess.start(plan)
        } catch {
            for end in [orders.reading, orders.writing, answers.reading, answers.writing] { Glibc.close(end) }
            throw error
        }
        Glibc.close(orders.reading)
        Glibc.close(answers.writing)
        let post = Post(process: process, orders: orders.writing)
        let lines = LinePipe(answers.reading, on: loop)
        Task { await attend(post, lines) }
        return post
    }

    /// Hears it to its end.
    private func attend(_ post: Post, _ lines: LinePipe) async {
        while let line = await lines.next() {
            guard let (order, answer) = SimulationAnswer.read(line) else { continue }
            state.withLock { $0.waiting.removeValue(forKey: order) }?.resume(returning: answer)
        }
        var ending = post.process.poll()
        while ending == nil {
            try? await loop.sleep(for: .milliseconds(5))
            ending = post.process.poll()
        }
        let (cut, wasClosed) = state.withLock { state in
            let cut = state.waiting
            state.waiting = [:]
            state.post = nil
            if !state.isClosed { Glibc.close(post.orders) }
            return (cut, state.isClosed)
        }
        for continuation in cut.values { continuation.resume(returning: .end(.cutOff)) }
        if let ending, !wasClosed {
            log.warning("worker process \(name) \(ending) with \(cut.count) attempts under way")
        }
    }
}

/// What a worker process says of one order. Pure.
enum SimulationAnswer: Sendable, Equatable {
    case end(SimulatedWorker.End)
    /// What only a person can mend.
    case trouble(String)

    /// `JOB ATTEMPT WORD [REST]`
    func line(of order: String) -> String {
        switch self {
        case .end(.completed): "\(order) completed"
        case .end(.failed(let code)): "\(order) failed \(code)"
        case .end(.silent): "\(order) silent"
        case .end(.cancelled): "\(order) cancelled"
        case .end(.cutOff): "\(order) cut"
        case .trouble(let text): "\(order) trouble \(Printable.line(text, limit: 500))"
        }
    }

    static func read(_ line: String) -> (order: String, SimulationAnswer)? {
        let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
        guard parts.count >= 3 else { return nil }
        let rest = parts.count > 3 ? parts[3] : ""
        let answer: SimulationAnswer
        switch parts[2] {
        case "completed": answer = .end(.completed)
        case "failed": answer = .end(.failed(code: rest))
        case "silent": answer = .end(.silent)
        case "cancelled": answer = .end(.cancelled)
        case "cut": answer = .end(.cutOff)
        case "trouble": answer = .trouble(rest)
        default: return nil
        }
        return ("\(parts[0]) \(parts[1])", answer)
    }
}
