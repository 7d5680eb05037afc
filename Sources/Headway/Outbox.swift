import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import Synchronization

/// The bounded buffer between the workers' calls and the courier: one lock, and those who wait for it to change.
final class Outbox: Sendable {
    struct Settings: Sendable {
        var keyspace: Keyspace
        var worker: String
        var limits = SendQueue<CommandBatch>.Limits()
        var rules = PartitionSender<CommandBatch>.Rules()
        var tickInterval = Duration.milliseconds(100)
        /// With more than this unsent in its partition, a tick stays in its slot.
        var tickBacklog = 1_000
        /// Between two looks at marks and cancel flags; and while closing.
        var looks = Duration.seconds(1)
        var lastLooks = Duration.milliseconds(50)
        /// A partition that needs a person is tried again after this.
        var parking = Duration.seconds(10)
        /// Events are written to a file before they are sent.
        var isSpooled = false
        var timeOfDay: @Sendable () -> Timestamp = { .wallClock }
        var newSource: @Sendable () -> String = { SourceName.random(using: SystemRandomNumberGenerator()) }
    }

    /// How a wait ended.
    enum Wait: Sendable, Equatable {
        case met, late, cancelled, finished
    }

    /// What an attempt to put something in came to.
    enum Attempt<Value: Sendable>: Sendable {
        case done(Value)
        /// There is no room for this many bytes.
        case full(Int)
    }

    private struct Waiter {
        let isMet: @Sendable (inout OutboxState) -> Bool
        let continuation: CheckedContinuation<Wait, Never>
    }

    private struct Guarded {
        var state: OutboxState
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0
    }

    let loop: EventLoop
    let keyspace: Keyspace
    let bell = Doorbell()
    /// Rings when there is something to write to the spool.
    let spoolBell = Doorbell()
    let ticker: Ticker
    private let guarded: Mutex<Guarded>

    init(settings: Settings, loop: EventLoop) {
        self.loop = loop
        keyspace = settings.keyspace
        ticker = Ticker(bell: bell)
        let state = OutboxState(settings: settings, source: settings.newSource(), at: loop.clock.now)
        guarded = Mutex(Guarded(state: state))
    }

    /// Only sends what an earlier process left.
    init(settings: Settings, queue: SendQueue<CommandBatch>, loop: EventLoop) {
        self.loop = loop
        keyspace = settings.keyspace
        ticker = Ticker(bell: bell)
        guarded = Mutex(Guarded(state: OutboxState(settings: settings, queue: queue)))
    }

    /// Looks or changes, then wakes those who waited for it.
    func withState<R: Sendable, E: Error>(
        _ body: (inout OutboxState, _ now: Duration) throws(E) -> R
    ) throws(E) -> R {
        let now = loop.clock.now
        var woken: [Waiter] = []
        var mustSpool = false
        defer { if mustSpool { spoolBell.ring() } }
        let result = try guarded.withLock { guarded throws(E) -> R in
            defer { mustSpool = guarded.state.spool?.isEmpty == false }
            let result = try body(&guarded.state, now)
            guard !guarded.waiters.isEmpty else { return result }
            let met = guarded.waiters.keys.filter { id in
                guarded.waiters[id]?.isMet(&guarded.state) ?? false
            }
            woken = met.sorted().compactMap { guarded.waiters.removeValue(forKey: $0) }
            return result
        }
        for waiter in woken { waiter.continuation.resume(returning: .met) }
        return result
    }

    /// Puts something in, waiting while there is no room.
    ///
    /// - Parameters:
    ///   - obeysCancellation: whether a cancelled task gives up waiting; the end of a job does not.
    ///   - body: tried under the lock, again after each wait.
    func submit<Value: Sendable>(
        obeysCancellation: Bool = true,
        _ body: @Sendable (inout OutboxState, _ now: Duration) throws(HeadwayError) -> Attempt<Value>
    ) async throws -> Value {
        var hasWaited = false
        while true {
            let (attempt, ticket) = try withState {
                state, now throws(HeadwayError) -> (Attempt<Value>, Int64) in
                guard state.phase == .open else { throw .closed }
                return (try body(&state, now), state.spool?.ticket ?? 0)
            }
            switch attempt {
            case .done(let value):
                bell.ring()
                if ticket > 0 { await waitForSpool(ticket) }
                return value
            case .full(let cost):
                if let fault = withState({ state, _ in state.fault }) { throw fault }
                if !hasWaited { withState { state, _ in state.counters.waits += 1 } }
                hasWaited = true
                let wait = await wait(obeysCancellation: obeysCancellation) { state in
                    state.phase != .open || state.fault != nil || state.queue.makeRoom(for: cost)
                }
                if wait == .cancelled { throw CancellationError() }
            }
        }
    }

    /// Until the spool has what was taken in up to `ticket`; not while the disk refuses.
    private func waitForSpool(_ ticket: Int64) async {
        _ = await wait(obeysCancellation: false) { ($0.spool?.settled ?? .max) >= ticket }
    }

    // MARK: Asking

    /// Runs `body`, which asks over the courier's connection; `close` waits for it, so that nobody is left waiting
    /// on a loop that has stopped.
    func asking<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try withState { state, _ throws(HeadwayError) in
            guard state.phase == .open else { throw .closed }
            state.questions += 1
        }
        defer { withState { state, _ in state.questions -= 1 } }
        return try await body()
    }

    // MARK: Waiting

    /// Waits until the state is as wanted.
    func wait(
        within limit: Duration? = nil, obeysCancellation: Bool = true,
        until isMet: @escaping @Sendable (inout OutboxState) -> Bool
    ) async -> Wait {
        let id = guarded.withLock { guarded in
            guarded.lastWaiter += 1
            return guarded.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let early: Wait? = guarded.withLock { guarded in
                    if isMet(&guarded.state) { return .met }
                    if guarded.state.phase == .finished { return .finished }
                    if obeysCancellation, Task.isCancelled { return .cancelled }
                    guarded.waiters[id] = Waiter(isMet: isMet, continuation: continuation)
                    return nil
                }
                if let early { return continuation.resume(returning: early) }
                guard let limit else { return }
                loop.submit { [weak self] in
                    self?.loop.schedule(after: limit) { [weak self] in self?.end(id, .late) }
                }
            }
        } onCancel: {
            if obeysCancellation { end(id, .cancelled) }
        }
    }

    private func end(_ id: Int, _ wait: Wait) {
        let waiter = guarded.withLock { $0.waiters.removeValue(forKey: id) }
        waiter?.continuation.resume(returning: wait)
    }

    /// Ends all waits; the courier stops at its next step.
    func finish() {
        let waiters = guarded.withLock { guarded in
            guarded.state.phase = .finished
            guarded.state.isConnected = false
            defer { guarded.waiters = [:] }
            return guarded.waiters.values
        }
        for waiter in waiters { waiter.continuation.resume(returning: .finished) }
        bell.ring()
    }
}
