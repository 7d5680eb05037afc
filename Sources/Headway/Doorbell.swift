import EventLoop
import Synchronization

/// Wakes one task that waits, from any thread; a ring while nobody waits is kept for the next wait.
final class Doorbell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state in
            state.isRung = state.waiter == nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns at the next ring, or at once when it has rung since the last wait. One task at a time.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isRung = state.withLock { state in
                defer { state.isRung = false }
                if !state.isRung { state.waiter = continuation }
                return state.isRung
            }
            if isRung { continuation.resume() }
        }
    }
}
