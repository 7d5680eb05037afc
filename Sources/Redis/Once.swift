import EventLoop
import Synchronization

/// A continuation that several may try to resume; the first one does.
final class Once<Value: Sendable>: Sendable {
    private let waiting: Mutex<CheckedContinuation<Value, Never>?>

    init(_ continuation: CheckedContinuation<Value, Never>) { waiting = Mutex(continuation) }

    func resume(_ value: Value) {
        let continuation = waiting.withLock { $0.take() }
        continuation?.resume(returning: value)
    }
}

extension EventLoop {
    /// Waits for `start`'s answer, or gives `late` after `limit`. Loop's thread only.
    func first<Value: Sendable>(
        within limit: Duration, late: Value, isolation: isolated (any Actor)? = #isolation,
        _ start: (Once<Value>) -> Void
    ) async -> Value {
        var timer: LoopTimer?
        let value: Value = await withCheckedContinuation { continuation in
            let once = Once(continuation)
            timer = schedule(after: max(.zero, limit)) { once.resume(late) }
            start(once)
        }
        timer?.cancel()
        return value
    }
}
