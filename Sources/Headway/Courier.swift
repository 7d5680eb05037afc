import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

/// Carries the outbox to Redis over one connection, from the loop's own thread: a worker that blocks every other
/// thread still beats.
///
///     connecting ──▶ catching up (marks) ──▶ serving ──▶ finished
///         ▲                  └───────────────────┘
///         └── back-off, full jitter, after any error: the connection is freed, never reused
///
/// One thing is under way at a time, so an answer always belongs to the question before it.
actor Courier {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let endpoint: RedisEndpoint
    private let name: String
    private let outbox: Outbox
    private let replyTimeout: Duration
    private var connection: RedisConnection?
    private var backoff: Backoff
    private var random: LoopDice
    private var task: Task<Void, Never>?

    init(
        _ endpoint: RedisEndpoint, name: String, outbox: Outbox, replyTimeout: Duration,
        backoff: Backoff = Backoff()
    ) {
        self.endpoint = endpoint
        self.name = name
        self.outbox = outbox
        self.replyTimeout = replyTimeout
        self.backoff = backoff
        loop = outbox.loop
        random = loop.dice
    }

    /// Begins with a connection that is open already.
    func begin(over connection: RedisConnection) {
        // Preferring the loop: a continuation resumes by way of its task's executor, and the shared pool may be
        // blocked by the workers.
        task = Task(executorPreference: loop) { await self.run(connection) }
    }

    /// Stops for good; nothing more is sent.
    func stop() async {
        outbox.finish()
        task?.cancel()
        await task?.value
        await connection?.close()
        connection = nil
    }

    private func run(_ first: RedisConnection) async {
        var next: RedisConnection? = first
        while !Task.isCancelled {
            do throws(RedisError) {
                let open =
                    if let next { next } else {
                        try await RedisConnection.connect(to: endpoint, on: loop, name: name)
                    }
                next = nil
                connection = open
                await open.onClose { [outbox] _ in outbox.bell.ring() }
                try await serve(open)
                return
            } catch {
                await connection?.close()
                connection = nil
                outbox.withState { state, _ in state.disconnect(error) }
                try? await loop.sleep(for: backoff.next(using: &random))
            }
        }
    }

    private func serve(_ connection: RedisConnection) async throws(RedisError) {
        let marks = outbox.withState { state, _ in state.marks() }
        let replies = try await connection.send(marks.batch, deadline: replyTimeout)
        try outbox.withState { state, now throws(RedisError) in try state.connect(marks, replies, at: now) }
        while true {
            guard connection.isOpen else {
                throw RedisError(.connectionLost, command: "", detail: "the connection ended")
            }
            let step = outbox.withState { [ticker = outbox.ticker] state, now in
                state.step(ticker.takeAll(), at: now)
            }
            switch step {
            case .ship(let shipment):
                let replies = try await connection.send(shipment.batch, deadline: replyTimeout)
                try settle(outbox.withState { state, now in state.settle(shipment, replies, at: now) })
            case .look(let inquiry):
                let replies = try await connection.send(inquiry.batch, deadline: replyTimeout)
                try settle(outbox.withState { state, now in state.hear(inquiry, replies, at: now) })
            case .rest(let until): await rest(until: until)
            case .finish: return
            }
        }
    }

    private func settle(_ verdict: OutboxState.Verdict) throws(RedisError) {
        switch verdict {
        case .delivered: backoff.reset()
        case .refused:
            let pause = backoff.next(using: &random)
            outbox.withState { state, now in state.restUntil = now + pause }
        case .lost(let error): throw error
        }
    }

    private func rest(until time: Duration) async {
        let bell = outbox.bell
        let timer = loop.schedule(after: max(.zero, time - loop.clock.now)) { bell.ring() }
        await bell.wait()
        timer.cancel()
    }

    /// Asks something beside the events, over the same connection.
    ///
    /// - Throws: `unreachable` when there is no connection within the time.
    func ask(_ batch: CommandBatch, within limit: Duration) async throws(RedisError) -> [RESPValue] {
        let deadline = loop.clock.now + limit
        while true {
            if let connection, connection.isOpen {
                return try await connection.send(
                    batch, deadline: max(.milliseconds(1), deadline - loop.clock.now))
            }
            guard deadline - loop.clock.now > .milliseconds(10) else {
                throw RedisError(.unreachable, command: batch.summary, detail: "no connection at the moment")
            }
            try? await loop.sleep(for: .milliseconds(10))
            if Task.isCancelled {
                throw RedisError(.unreachable, command: batch.summary, detail: "the task was cancelled")
            }
        }
    }
}
