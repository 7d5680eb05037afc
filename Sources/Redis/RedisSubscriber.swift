package import EventLoop

/// Listens to channels on a connection of its own, and keeps listening: reconnects and subscribes again.
///
/// Pub/sub is at most once: what is published between ``Event/lost(_:)`` and ``Event/subscribed(channel:)`` is
/// gone, and so is what a slow subscriber did not read in time. So treat every `subscribed` as the sign to read the
/// truth anew.
package actor RedisSubscriber {
    package enum Event: Sendable, Equatable {
        /// The server has confirmed: from here on messages come. Again after each reconnect.
        case subscribed(channel: String)
        case message(channel: String, payload: ArraySlice<UInt8>)
        /// Messages may be missed from here on. Once per outage, and again when the cause changes.
        case lost(RedisError)
    }

    package nonisolated let endpoint: RedisEndpoint
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let name: String?
    private let heartbeat: Duration
    private let connectTimeout: Duration
    private let onEvent: @Sendable (Event) -> Void
    private var channels: [String]
    private var backoff: Backoff
    private var random: LoopDice
    private var connection: RedisConnection?
    private var connectedAt = Duration.zero
    private var lastLoss: RedisError?
    private var isStarted = false
    private var isClosed = false

    /// - Parameters:
    ///   - heartbeat: a `PING` is sent this often; a server that stays silent from one to the next is given up.
    ///   - onEvent: called on the loop's thread, in order; must not block.
    package init(
        _ endpoint: RedisEndpoint, on loop: EventLoop, channels: [String], name: String? = nil,
        heartbeat: Duration = .seconds(2), backoff: Backoff = Backoff(),
        connectTimeout: Duration = .seconds(2),
        onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.endpoint = endpoint
        self.loop = loop
        self.channels = channels
        self.name = name
        self.heartbeat = heartbeat
        self.backoff = backoff
        self.connectTimeout = connectTimeout
        self.onEvent = onEvent
        random = loop.dice
    }

    isolated deinit { close() }

    /// Connects and subscribes, now and after each loss, until ``close()``. Idempotent.
    package func start() {
        guard !isStarted, !isClosed else { return }
        isStarted = true
        connect()
    }

    /// Adds channels; those it already listens to are left alone.
    package func subscribe(_ more: String...) { subscribe(more) }

    package func subscribe(_ more: [String]) {
        let new = more.filter { !channels.contains($0) }
        channels += new
        post("SUBSCRIBE", new)
    }

    /// Leaves channels; messages that are under way are dropped.
    package func unsubscribe(_ fewer: String...) { unsubscribe(fewer) }

    package func unsubscribe(_ fewer: [String]) {
        let old = fewer.filter { channels.contains($0) }
        channels.removeAll { old.contains($0) }
        post("UNSUBSCRIBE", old)
    }

    /// Ends it for good: no event comes afterwards. Idempotent.
    package func close() {
        isClosed = true
        connection?.assumeIsolated { $0.close() }
        connection = nil
    }

    // MARK: The connection

    private func post(_ command: String, _ arguments: [String]) {
        // Without channels UNSUBSCRIBE would mean all, and SUBSCRIBE is an error.
        guard !arguments.isEmpty || command == "PING", let connection else { return }
        var batch = CommandBatch()
        batch.add(command, arguments)
        connection.assumeIsolated { $0.post(batch) }
    }

    private func connect() {
        Task(executorPreference: loop) { [weak self, endpoint, loop, name, connectTimeout] in
            do throws(RedisError) {
                let connection = try await RedisConnection.connect(
                    to: endpoint, on: loop, timeout: connectTimeout, name: name)
                guard let self else { return await connection.close() }
                await self.opened(connection)
            } catch {
                await self?.ended(error)
            }
        }
    }

    private func opened(_ connection: RedisConnection) {
        guard !isClosed else { return connection.assumeIsolated { $0.close() } }
        self.connection = connection
        connectedAt = loop.clock.now
        connection.assumeIsolated { connection in
            connection.listen { [weak self] push in self?.assumeIsolated { $0.receive(push) } }
            connection.onClose { [weak self] error in self?.assumeIsolated { $0.ended(error) } }
        }
        post("SUBSCRIBE", channels)
        beat()
    }

    private func ended(_ error: RedisError) {
        guard !isClosed else { return }
        if connection != nil, loop.clock.now - connectedAt >= .seconds(1) { backoff.reset() }
        connection = nil
        if lastLoss != error {
            lastLoss = error
            onEvent(.lost(error))
        }
        loop.schedule(after: backoff.next(using: &random)) { [weak self] in
            self?.assumeIsolated { $0.reconnect() }
        }
    }

    private func reconnect() {
        if !isClosed { connect() }
    }

    // MARK: Liveness

    /// Asks for a sign of life, and looks one heartbeat later whether any came.
    private func beat() {
        guard let connection else { return }
        let before = connection.assumeIsolated { $0.arrivals }
        post("PING", [])
        loop.schedule(after: heartbeat) { [weak self, weak connection] in
            self?.assumeIsolated { subscriber in
                guard let connection, subscriber.connection === connection else { return }
                if connection.assumeIsolated({ $0.arrivals }) != before { return subscriber.beat() }
                let silence = RedisError(
                    .timedOut, command: "PING",
                    detail: "\(subscriber.endpoint) has been silent for \(subscriber.heartbeat)")
                connection.assumeIsolated { $0.abandon(silence) }
            }
        }
    }

    // MARK: What the server says

    /// `[message, channel, payload]`, `[subscribe, channel, count]`, `[unsubscribe, …]`, `[pong, ""]`, `+PONG`.
    private func receive(_ push: RESPValue) {
        guard !isClosed else { return }
        if let text = push.error {
            let refusal = RedisError.refusal(text, command: "SUBSCRIBE")
            connection?.assumeIsolated { $0.abandon(refusal) }
            return
        }
        guard var parts = push.elements?.makeIterator(), let kind = parts.next()?.string else { return }
        guard let channel = parts.next()?.string, channels.contains(channel) else { return }
        switch kind {
        case "message":
            if let payload = parts.next()?.bytes { onEvent(.message(channel: channel, payload: payload)) }
        case "subscribe":
            lastLoss = nil
            onEvent(.subscribed(channel: channel))
        default: break
        }
    }
}
