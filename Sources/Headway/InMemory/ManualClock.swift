import EventLoop
import Synchronization

/// A clock that moves only when told to, for tests of what time does: stalls, lost workers, retention.
///
///     let clock = ManualClock()
///     let headway = try InMemoryHeadway(pipelines: [article], clock: clock)
///     clock.advance(by: .seconds(600))
public final class ManualClock: Clock {
    /// A moment of this clock.
    public struct Instant: InstantProtocol {
        /// Since the clock was made.
        public let offset: Duration

        /// The moment that much later.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        /// How long it is from here to there; negative when that was before.
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        public static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
    }

    private struct Sleeper {
        let until: Duration
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var now: Duration = .zero
        var sleepers: [Int: Sleeper] = [:]
        var lastSleeper = 0
    }

    private let state = Mutex(State())

    /// A clock that stands at its beginning.
    public init() {}

    /// Where it stands.
    public var now: Instant { Instant(offset: state.withLock { $0.now }) }
    /// None: it moves by exactly what it is told.
    public var minimumResolution: Duration { .zero }

    /// Lets time pass; sleepers whose time has come wake in their order. A negative step does nothing.
    public func advance(by step: Duration) {
        let woken = state.withLock { state in
            state.now += max(step, .zero)
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.until, $0.key) < ($1.value.until, $1.key) }
                .map(\.value.continuation)
        }
        for continuation in woken { continuation.resume(returning: true) }
    }

    /// - Throws: `CancellationError` when the task is cancelled before.
    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if deadline.offset <= state.now { return true }
                    state.sleepers[id] = Sleeper(until: deadline.offset, continuation: continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(returning: false)
        }
        if !isOver { throw CancellationError() }
    }
}
