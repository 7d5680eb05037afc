import EventLoop
import HeadwayCore
import Synchronization

/// The workers of a simulation: each takes the next attempt that is due, and notes how it ended.
final class SimulationCrew: Sendable {
    private struct Due {
        var job: Int
        /// From 0.
        var attempt: Int
        /// A retry of what went silent waits for the verdict.
        var at: ContinuousClock.Instant?
    }

    private struct State {
        var due: [Due]
        var open: Int
        var ends: [Int: [SimulatedWorker.End]] = [:]
        var lastSilence: ContinuousClock.Instant?
    }

    private let plan: SimulationPlan
    private let seats: [any SimulationSeat]
    private let state: Mutex<State>

    init(_ plan: SimulationPlan, on seats: [any SimulationSeat]) {
        self.plan = plan
        self.seats = seats
        state = Mutex(
            State(due: plan.jobs.indices.map { Due(job: $0, attempt: 0) }, open: plan.jobs.count))
    }

    /// How the attempts of each job ended, in order.
    var ends: [Int: [SimulatedWorker.End]] { state.withLock { $0.ends } }
    /// When the last worker fell silent.
    var lastSilence: ContinuousClock.Instant? { state.withLock { $0.lastSilence } }

    /// Plays everything with so many workers at a time.
    func run(workers: Int) async throws {
        try await withThrowingTaskGroup { group in
            for number in 0..<workers {
                group.addTask { [self] in try await work(on: seats[number % seats.count]) }
            }
            try await group.waitForAll()
        }
    }

    private enum Next {
        case due(Due)
        case later
        case nothing
    }

    private func work(on seat: any SimulationSeat) async throws {
        while true {
            try Task.checkCancellation()
            switch next() {
            case .nothing: return
            case .later: try await Task.sleep(for: .milliseconds(50))
            case .due(let due):
                note(try await seat.play(job: due.job, attempt: due.attempt), of: due)
            }
        }
    }

    private func next() -> Next {
        state.withLock { state in
            if state.open == 0 { return .nothing }
            let now = ContinuousClock.now
            guard let place = state.due.firstIndex(where: { $0.at.map { $0 <= now } ?? true }) else {
                return .later
            }
            return .due(state.due.remove(at: place))
        }
    }

    private func note(_ end: SimulatedWorker.End, of due: Due) {
        state.withLock { state in
            state.ends[due.job, default: []].append(end)
            let now = ContinuousClock.now
            let isSilent = end == .silent || end == .cutOff
            if isSilent { state.lastSilence = now }
            guard due.attempt + 1 < plan.jobs[due.job].script.attempts.count, end != .cancelled else {
                state.open -= 1
                return
            }
            let wait = isSilent ? plan.pipeline.lostAfter + .seconds(2) : .zero
            state.due.append(Due(job: due.job, attempt: due.attempt + 1, at: now + wait))
        }
    }
}
