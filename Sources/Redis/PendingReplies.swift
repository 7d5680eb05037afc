import EventLoop
import Synchronization

/// The replies of a batch that was sent, to be awaited once; see ``RedisConnection/submit(_:deadline:)``.
package final class PendingReplies: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Result<[RESPValue], RedisError>, Never>)
        case done(Result<[RESPValue], RedisError>)
    }

    private let state = Mutex(State.open)
    private let batch: CommandBatch

    init(of batch: CommandBatch) { self.batch = batch }

    /// One reply per command, in order; an error reply is a value in its place. Await it from one task only.
    package func value() async throws(RedisError) -> [RESPValue] {
        let result = await withCheckedContinuation { continuation in
            let early: Result<[RESPValue], RedisError>? = state.withLock {
                guard case .done(let result) = $0 else {
                    $0 = .awaited(continuation)
                    return nil
                }
                return result
            }
            if let early { continuation.resume(returning: early) }
        }
        switch result {
        case .success(let replies): return replies
        case .failure(let error): throw error.naming(batch)
        }
    }

    func finish(_ result: Result<[RESPValue], RedisError>) {
        let waiting: CheckedContinuation<Result<[RESPValue], RedisError>, Never>? = state.withLock {
            switch $0 {
            case .open:
                $0 = .done(result)
                return nil
            case .awaited(let continuation):
                $0 = .done(result)
                return continuation
            case .done: return nil
            }
        }
        waiting?.resume(returning: result)
    }
}
