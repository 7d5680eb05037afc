import Synchronization

/// Where a loop's timers take their time from. Monotonic: never set back, unaffected by the wall clock.
package protocol LoopClock: Sendable {
    /// Time since an arbitrary fixed start.
    var now: Duration { get }
    /// Called once by the loop: run `poke` whenever `now` moved by something other than time passing.
    func onJump(_ poke: @escaping @Sendable () -> Void)
}

/// The machine's monotonic clock.
package struct SystemLoopClock: LoopClock {
    private let start = ContinuousClock.now

    package init() {}

    package var now: Duration { start.duration(to: .now) }

    package func onJump(_ poke: @escaping @Sendable () -> Void) {}
}

/// A clock that moves only when told to: timers in tests fire at once, in order, without waiting.
package final class ManualLoopClock: LoopClock {
    private struct State {
        var now: Duration = .zero
        var pokes: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var now: Duration { state.withLock { $0.now } }

    package func onJump(_ poke: @escaping @Sendable () -> Void) {
        state.withLock { $0.pokes.append(poke) }
    }

    package func advance(by step: Duration) {
        let pokes = state.withLock {
            $0.now += step
            return $0.pokes
        }
        for poke in pokes { poke() }
    }
}
