import Synchronization

/// One suspended sleep, ended by its timer or by cancellation, whichever comes first.
final class Sleeper: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Void, any Error>)
        case done(Result<Void, any Error>)
    }

    private let state = Mutex(State.idle)

    /// - Returns: false when it was cancelled before it began; the continuation is resumed then.
    func begin(_ continuation: CheckedContinuation<Void, any Error>) -> Bool {
        let early: Result<Void, any Error>? = state.withLock {
            if case .done(let result) = $0 { return result }
            $0 = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(with: early) }
        return early == nil
    }

    func finish(_ result: Result<Void, any Error>) {
        let waiting: CheckedContinuation<Void, any Error>? = state.withLock {
            switch $0 {
            case .idle:
                $0 = .done(result)
                return nil
            case .waiting(let continuation):
                $0 = .done(result)
                return continuation
            case .done:
                return nil
            }
        }
        waiting?.resume(with: result)
    }
}
