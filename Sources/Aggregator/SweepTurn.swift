import EventLoop
import Synchronization

/// Lets one partition of a process sweep at a time: whatever the others hear meanwhile waits for one slice, not for
/// one of each.
///
/// A queue: who asks and cannot have it comes next, as long as it keeps asking until it is its turn.
final class SweepTurn: Sendable {
    private struct State {
        var holder: Int?
        var queue: [Int] = []
    }
    private let state = Mutex(State())

    /// - Returns: whether `partition` has it now; else ask again soon.
    func take(_ partition: Int) -> Bool {
        state.withLock { state in
            if state.holder == partition { return true }
            if state.holder == nil, state.queue.first ?? partition == partition {
                state.holder = partition
                state.queue.removeAll { $0 == partition }
                return true
            }
            if !state.queue.contains(partition) { state.queue.append(partition) }
            return false
        }
    }

    /// Its slice is committed: the next one may.
    func pass(_ partition: Int) {
        state.withLock { if $0.holder == partition { $0.holder = nil } }
    }

    /// It has nothing to sweep any more, or is not ours: it is not waited for.
    func leave(_ partition: Int) {
        state.withLock { state in
            if state.holder == partition { state.holder = nil }
            state.queue.removeAll { $0 == partition }
        }
    }
}
