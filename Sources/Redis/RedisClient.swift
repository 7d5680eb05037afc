package import EventLoop

/// A connection that comes back: for code that asks and wants answers, whatever happened in between.
///
///     idle ──▶ connecting ──▶ open
///                ▲   └──▶ down ◀─┘        closed: from anywhere, for good
///                └─────────┘ when the back-off has passed and somebody asks
///
/// Connects on first use. After a failure it backs off with full jitter; meanwhile calls fail at once, or wait, as
/// chosen. A call that was under way when the connection was lost is never repeated here: only the caller knows
/// whether it may happen twice (``RedisError/outcome``).
///
/// All callers share the connection, so nothing that blocks the server and no `WATCH` may go through it.
package actor RedisClient {
    /// What a call does while there is no connection.
    package enum WhenDown: Sendable {
        /// Fails at once with `unreachable` and the last cause.
        case fail
        /// Waits for the next attempt, as long as its deadline allows. What needs a person still fails at once.
        case wait
    }

    package nonisolated let endpoint: RedisEndpoint
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private enum State {
        case idle
        case connecting
        case open(RedisConnection, since: Duration)
        case down(until: Duration, RedisError)
        case closed
    }

    private let name: String?
    private let whenDown: WhenDown
    private let connectTimeout: Duration
    private var backoff: Backoff
    private var random: any RandomNumberGenerator & Sendable
    private var state = State.idle
    private var changes = 0
    /// Calls that wait for the state to change.
    private var waiters: [Once<Void>] = []

    /// A connection that held this long was a success; one that broke earlier makes the next wait longer.
    private static let settled = Duration.seconds(1)

    package init(
        _ endpoint: RedisEndpoint, on loop: EventLoop, name: String? = nil, whenDown: WhenDown = .fail,
        backoff: Backoff = Backoff(), connectTimeout: Duration = .seconds(2),
        random: (any RandomNumberGenerator & Sendable)? = nil
    ) {
        self.endpoint = endpoint
        self.loop = loop
        self.name = name
        self.whenDown = whenDown
        self.backoff = backoff
        self.connectTimeout = connectTimeout
        self.random = random ?? loop.dice
    }

    isolated deinit { close() }

    /// As ``RedisConnection/send(_:deadline:)``; the deadline includes connecting.
    ///
    /// - Throws: also `unreachable` and what ``RedisConnection/connect(to:on:timeout:name:limits:)`` throws.
    package func send(
        _ batch: CommandBatch, deadline: Duration = .seconds(5)
    ) async throws(RedisError) -> [RESPValue] {
        guard batch.count > 0 else { return [] }
        let until = loop.clock.now + deadline
        let connection = try await connection(until: until, for: batch)
        return try await connection.send(batch, deadline: until - loop.clock.now)
    }

    /// As ``RedisConnection/send(_:_:deadline:)``; the deadline includes connecting.
    package func send(
        _ name: String, _ arguments: String..., deadline: Duration = .seconds(5)
    ) async throws(RedisError) -> RESPValue {
        var batch = CommandBatch()
        batch.add(name, arguments)
        let until = loop.clock.now + deadline
        let connection = try await connection(until: until, for: batch)
        return try await connection.one(batch, deadline: until - loop.clock.now)
    }

    /// Closes for good. Pending calls fail with `connectionLost`, later ones with `closed`. Idempotent.
    package func close() {
        let connection: RedisConnection? =
            if case .open(let connection, _) = state { connection } else { nil }
        move(to: .closed)
        connection?.assumeIsolated { $0.close() }
    }

    // MARK: The connection

    private func connection(
        until deadline: Duration, for batch: CommandBatch
    ) async throws(RedisError) -> RedisConnection {
        while true {
            let seen = changes
            switch state {
            case .open(let connection, _): return connection
            case .closed:
                throw RedisError(.closed, command: batch.summary, detail: "the client is closed")
            case .idle:
                beginConnecting()
            case .down(let until, _) where until <= loop.clock.now:
                beginConnecting()
            case .down(let until, let cause):
                if whenDown == .fail || cause.outcome == .fatal { throw explained(cause, until, batch) }
                let wait = min(until, deadline) - loop.clock.now
                if deadline <= loop.clock.now { throw explained(cause, until, batch) }
                await pause(for: wait, since: seen)
            case .connecting:
                guard deadline > loop.clock.now else {
                    throw RedisError(
                        .unreachable, command: batch.summary,
                        detail: "\(endpoint): not connected in time; not sent")
                }
                await pause(for: deadline - loop.clock.now, since: seen)
            }
        }
    }

    /// Waits for the state to change, at most for `limit`.
    ///
    /// - Parameter seen: ``changes`` when the caller looked. Every `await` lets others in, this call too: a change
    ///   that came in between would otherwise be waited for in vain.
    private func pause(for limit: Duration, since seen: Int) async {
        await loop.first(within: limit, late: ()) { once in
            if changes == seen { waiters.append(once) } else { once.resume(()) }
        }
    }

    private func explained(_ cause: RedisError, _ until: Duration, _ batch: CommandBatch) -> RedisError {
        if cause.outcome == .fatal { return cause }
        let milliseconds = Int64((until - loop.clock.now) / .milliseconds(1))
        return RedisError(
            .unreachable, command: batch.summary,
            detail: "not sent; next attempt in \(max(0, milliseconds)) ms; the last one: \(cause.detail)")
    }

    private func beginConnecting() {
        move(to: .connecting)
        Task(executorPreference: loop) { [weak self, endpoint, loop, name, connectTimeout] in
            do throws(RedisError) {
                let connection = try await RedisConnection.connect(
                    to: endpoint, on: loop, timeout: connectTimeout, name: name)
                await Self.hand(connection, to: self)
            } catch {
                await self?.failed(error)
            }
        }
    }

    private static func hand(_ connection: RedisConnection, to client: RedisClient?) async {
        if let client { await client.opened(connection) } else { await connection.close() }
    }

    private func opened(_ connection: RedisConnection) {
        guard case .connecting = state else { return connection.assumeIsolated { $0.close() } }
        move(to: .open(connection, since: loop.clock.now))
        // Called at once when it has ended already.
        connection.assumeIsolated { connection in
            connection.onClose { [weak self] error in self?.assumeIsolated { $0.failed(error) } }
        }
    }

    private func failed(_ error: RedisError) {
        switch state {
        case .idle, .down, .closed: return
        case .connecting: break
        case .open(_, let since):
            if loop.clock.now - since >= Self.settled { backoff.reset() }
        }
        move(to: .down(until: loop.clock.now + backoff.next(using: &random), error))
    }

    private func move(to next: State) {
        state = next
        changes += 1
        for waiter in waiters { waiter.resume(()) }
        waiters = []
    }
}
