import EventLoop
import Redis
import Synchronization

/// A value that callbacks on the loop's thread change and tests look at.
final class Box<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) { content = Mutex(value) }

    var value: Value { content.withLock { $0 } }

    func change(_ body: (inout sending Value) -> Void) { content.withLock { body(&$0) } }
}

/// The result of a call, as a value, for `async let`.
func outcome<Value>(
    isolation: isolated (any Actor)? = #isolation, _ call: () async throws -> Value
) async -> Result<Value, RedisError> {
    do {
        return .success(try await call())
    } catch let error as RedisError {
        return .failure(error)
    } catch {
        fatalError("not a RedisError: \(error)")
    }
}
