import EventLoop
import Synchronization

/// What a callback was told, in order.
final class Told: Sendable {
    private let state = Mutex<[Int64]>([])

    var versions: [Int64] { state.withLock { $0 } }

    func add(_ version: Int64) { state.withLock { $0.append(version) } }
}
