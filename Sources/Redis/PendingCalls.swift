/// One call whose replies are still to come.
struct PendingCall {
    /// Unchecked continuations: this room resumes each exactly once, at its reply or at the connection's end.
    @safe
    enum Waiter {
        case one(UnsafeContinuation<Result<RESPValue, RedisError>, Never>)
        case all(UnsafeContinuation<Result<[RESPValue], RedisError>, Never>)
        case later(PendingReplies)
    }

    let commands: Int
    /// By the loop's clock.
    let deadline: Duration
    let waiter: Waiter

    func fail(_ error: RedisError) {
        switch waiter {
        case .one(let waiter): unsafe waiter.resume(returning: .failure(error))
        case .all(let waiter): unsafe waiter.resume(returning: .failure(error))
        case .later(let replies): replies.finish(.failure(error))
        }
    }
}

/// Calls in the order sent: a ring that doubles when it is full. Adding and taking cost O(1).
struct PendingCalls {
    private var slots: [PendingCall?] = Array(repeating: nil, count: 16)
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var first: PendingCall? { slots[head] }

    mutating func append(_ call: PendingCall) {
        if count == slots.count { grow() }
        slots[(head + count) & (slots.count - 1)] = call
        count += 1
    }

    mutating func removeFirst() {
        slots[head] = nil
        head = (head + 1) & (slots.count - 1)
        count -= 1
    }

    mutating func removeAll() -> [PendingCall] {
        defer { self = PendingCalls() }
        return (0..<count).compactMap { slots[(head + $0) & (slots.count - 1)] }
    }

    /// The earliest deadline. O(n).
    var nextDeadline: Duration? {
        slots.lazy.compactMap { $0?.deadline }.min()
    }

    private mutating func grow() {
        let calls = removeAll()
        slots = calls + Array(repeating: nil, count: calls.count)
        count = calls.count
    }
}
