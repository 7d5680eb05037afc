package import EventLoop
import Synchronization

/// One physical connection to Redis, living on an event loop.
///
/// Calls made at the same time are pipelined: what is sent during one turn of the loop leaves in one write, and
/// replies come back in order. So one connection serves any number of tasks, as long as none of them blocks the
/// server (`XREAD … BLOCK`) or needs commands of others kept out between two calls (`WATCH`): those need a
/// connection of their own.
///
///     connecting ──▶ open ──▶ closed
///          └──────────────────▲
///
/// Closed is for good. After the peer's end, a late reply, or bytes that are no reply, all pending calls fail and
/// the socket is freed: a late reply could otherwise be taken for the answer to another call. ``RedisClient``
/// reconnects.
package actor RedisConnection {
    package nonisolated let endpoint: RedisEndpoint
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let limits: RESPLimits
    private let reader: RESPReader
    private var transport: (any Transport)?
    private var pending = PendingCalls()
    /// Replies that the first pending call still lacks.
    private var missing = 0
    private var watch: (until: Duration, timer: LoopTimer)?
    private var connecting: Once<RedisError?>?
    private var onPush: (@Sendable (RESPValue) -> Void)?
    private var onClose: [@Sendable (RedisError) -> Void] = []
    private var cause: RedisError?
    private nonisolated let openFlag = Atomic(false)

    /// Times that bytes have arrived: stands still when the server does.
    package private(set) var arrivals = 0

    /// Bytes that may wait for the kernel to take them; calls beyond that are refused unsent.
    private static let maximumBacklog = 256 << 20

    init(_ endpoint: RedisEndpoint, on loop: EventLoop, limits: RESPLimits) {
        self.endpoint = endpoint
        self.loop = loop
        self.limits = limits
        reader = RESPReader(limits: limits)
    }

    isolated deinit { transport?.close() }

    // MARK: Opening and closing

    /// Connects, logs in, selects the database, and waits for the server to answer a `PING`.
    ///
    /// - Parameters:
    ///   - timeout: bound on all of it together.
    ///   - name: shown by `CLIENT LIST`.
    /// Cancelling the task ends the attempt.
    ///
    /// - Throws: `unreachable`, also when the server does not answer in time, and refusals such as `LOADING` (try
    ///   again); `authenticationFailed` and `badURL` (a person must act); `protocolViolation` (not a Redis).
    package static func connect(
        to endpoint: RedisEndpoint, on loop: EventLoop, timeout: Duration = .seconds(2), name: String? = nil,
        limits: RESPLimits = RESPLimits()
    ) async throws(RedisError) -> RedisConnection {
        let connection = RedisConnection(endpoint, on: loop, limits: limits)
        let result: Result<Void, RedisError> = await withTaskCancellationHandler {
            do throws(RedisError) {
                return .success(try await connection.open(timeout: timeout, name: name))
            } catch {
                return .failure(error)
            }
        } onCancel: {
            loop.submit { connection.assumeIsolated { $0.giveUp() } }
        }
        try result.get()
        return connection
    }

    /// Nobody waits for it to open any more.
    private func giveUp() {
        let cancelled: RedisError = .unreachable(endpoint, "cancelled while connecting")
        if let connecting { connecting.resume(cancelled) } else { end(cancelled) }
    }

    private func open(timeout: Duration, name: String?) async throws(RedisError) {
        let deadline = loop.clock.now + timeout
        var failure: RedisError?
        if let driver = loop.driver {
            failure = await attach(within: timeout) { [endpoint, loop] handle in
                .success(DrivenTransport(to: endpoint, by: driver, on: loop, handle: handle))
            }
        } else {
            for address in try await loop.addresses(of: endpoint, within: timeout) {
                // It ends the attempt, not one address of it.
                if Task.isCancelled {
                    failure = .unreachable(endpoint, "cancelled while connecting")
                    break
                }
                failure = await attach(within: deadline - loop.clock.now) { [loop] handle in
                    address.beginConnecting().map {
                        SocketTransport(adopting: $0, on: loop, handle: handle)
                    }
                }
                if failure == nil { break }
            }
        }
        if let failure {
            end(failure)
            throw failure
        }
        let greeting = endpoint.greeting(name: name)
        do {
            let replies = try await send(greeting, deadline: deadline - loop.clock.now)
            try endpoint.check(greeting, replies)
        } catch {
            let error = error.whileConnecting(to: endpoint)
            end(error)
            throw error
        }
    }

    /// - Returns: nil when it is connected.
    private func attach(
        within limit: Duration,
        _ begin: (@escaping (TransportEvent) -> Void) -> Result<any Transport, Errno>
    ) async -> RedisError? {
        let late: RedisError? = .unreachable(endpoint, "no connection within its time")
        let failure = await loop.first(within: limit, late: late) { once in
            // In one piece: every `await` lets others in, and the socket's first word must find its listener.
            connecting = once
            let begun = begin { [weak self] event in self?.assumeIsolated { $0.handle(event) } }
            switch begun {
            case .success(let begun): transport = begun
            case .failure(let failure): once.resume(.unreachable(endpoint, "\(failure)"))
            }
        }
        connecting = nil
        if failure == nil {
            openFlag.store(true, ordering: .relaxed)
        } else {
            transport?.close()
            transport = nil
        }
        return failure
    }

    /// Whether calls can still succeed, as far as is known; callable from anywhere.
    package nonisolated var isOpen: Bool { openFlag.load(ordering: .relaxed) }

    /// Closes at once. Pending calls fail with `connectionLost`, later ones with `closed`. Idempotent.
    package func close() {
        end(RedisError(.connectionLost, command: "", detail: "closed on our side"))
    }

    /// Has `body` called once on the loop's thread with the reason when the connection ends; now if it has.
    package func onClose(_ body: @escaping @Sendable (RedisError) -> Void) {
        if let cause { body(cause) } else { onClose.append(body) }
    }

    // MARK: Calls

    /// Sends a batch in one piece and gives one reply per command, in order.
    ///
    /// An error reply is a value in its place, not thrown: look with ``CommandBatch/firstError(in:)``. Not ended by
    /// task cancellation: the replies are on their way and must be read.
    ///
    /// - Parameter deadline: from now to the last reply. Must exceed any `BLOCK` in the batch.
    /// - Throws: `closed` and `unreachable`: nothing was sent. `timedOut` and `connectionLost`: anything may have
    ///   happened; `tooLarge` and `protocolViolation`: so may it, and once more would be no better. After these
    ///   four the connection is closed.
    package func send(
        _ batch: CommandBatch, deadline: Duration = .seconds(5)
    ) async throws(RedisError) -> [RESPValue] {
        guard batch.count > 0 else { return [] }
        do {
            return try await unsafe suspend { waiter in unsafe write(batch, deadline, .all(waiter)) }.get()
        } catch {
            throw error.naming(batch)
        }
    }

    /// Sends a batch and returns before its replies are there: what is submitted next leaves behind it, in the
    /// same write, and each can be awaited by itself.
    ///
    /// The first of two may so be known while the second still blocks the server. Bounds and errors are those
    /// of ``send(_:deadline:)``, thrown where the replies are awaited.
    package func submit(_ batch: CommandBatch, deadline: Duration = .seconds(5)) -> PendingReplies {
        let replies = PendingReplies(of: batch)
        write(batch, deadline, .later(replies))
        return replies
    }

    /// Sends one command and gives its reply.
    ///
    /// - Throws: as ``send(_:deadline:)``; and `commandRejected` or `authenticationFailed` for an error reply,
    ///   after which the connection goes on.
    package func send(
        _ name: String, _ arguments: String..., deadline: Duration = .seconds(5)
    ) async throws(RedisError) -> RESPValue {
        var batch = CommandBatch()
        batch.add(name, arguments)
        return try await one(batch, deadline: deadline)
    }

    func one(_ batch: CommandBatch, deadline: Duration) async throws(RedisError) -> RESPValue {
        let reply: RESPValue
        do {
            reply = try await unsafe suspend { waiter in unsafe write(batch, deadline, .one(waiter)) }.get()
        } catch {
            throw error.naming(batch)
        }
        if let text = reply.error { throw RedisError.refusal(text, command: batch.name(at: 0)) }
        return reply
    }

    /// Waits for a reply, and goes on right on the loop's thread.
    ///
    /// A continuation resumes on the executor that its task prefers; a task without one would go by way of the
    /// shared pool, two thread switches per call. So it is lent the loop for the time being.
    private func suspend<Reply>(
        _ begin: (UnsafeContinuation<Result<Reply, RedisError>, Never>) -> Void
    ) async -> Result<Reply, RedisError> {
        let preferred = unsafe withUnsafeCurrentTask { unsafe $0?.unownedTaskExecutor }
        if unsafe preferred == loop.asUnownedTaskExecutor() {
            return await unsafe withUnsafeContinuation(begin)
        }
        return await withTaskExecutorPreference(loop) { await unsafe withUnsafeContinuation(begin) }
    }

    private func write(_ batch: CommandBatch, _ deadline: Duration, _ waiter: PendingCall.Waiter) {
        precondition(batch.isComplete, "a command lacks arguments")
        let until = loop.clock.now + deadline
        let call = PendingCall(commands: batch.count, deadline: until, waiter: waiter)
        guard isOpen, let transport else {
            let detail = "the connection is closed (\(cause?.detail ?? "never opened"))"
            return call.fail(RedisError(.closed, command: "", detail: detail))
        }
        guard deadline > .zero else {
            return call.fail(
                RedisError(.unreachable, command: "", detail: "not sent: its time was up before"))
        }
        guard transport.backlog <= Self.maximumBacklog else {
            return call.fail(
                RedisError(
                    .unreachable, command: "", detail: "not sent: too much waits for the server already"))
        }
        if pending.isEmpty { missing = batch.count }
        pending.append(call)
        transport.write(batch.bytes)
        look(at: until)
    }

    // MARK: Pushes, for RedisSubscriber

    /// From now on every reply goes to `onPush`, on the loop's thread; `send` must not be used any more.
    func listen(_ onPush: @escaping @Sendable (RESPValue) -> Void) { self.onPush = onPush }

    /// Sends without waiting for anything.
    func post(_ batch: CommandBatch) { transport?.write(batch.bytes) }

    /// Ends the connection because of what only the caller can know.
    func abandon(_ error: RedisError) { end(error) }

    // MARK: What the socket says

    private func handle(_ event: TransportEvent) {
        switch event {
        case .connected: connecting?.resume(nil)
        case .readable: receive()
        case .ended(let detail):
            if let connecting { return connecting.resume(.unreachable(endpoint, detail)) }
            let last = missing < (pending.first?.commands ?? 0) ? reader.firstError : nil
            end(
                RedisError(
                    .connectionLost, command: "",
                    detail: last.map { "\(detail) after saying: \($0)" } ?? detail))
        }
    }

    private func receive() {
        arrivals &+= 1
        do throws(RedisError) {
            try unsafe transport?.read { piece throws(RedisError) in
                try unsafe reader.feed(piece)
                while transport != nil, try reader.next() { try deliver() }
            }
        } catch {
            end(error)
        }
    }

    private func deliver() throws(RedisError) {
        if let onPush { return onPush(reader.takeOne()) }
        guard let call = pending.first else {
            throw RedisError(.protocolViolation, command: "", detail: "a reply that nobody asked for")
        }
        missing -= 1
        guard missing == 0 else { return }
        pending.removeFirst()
        missing = pending.first?.commands ?? 0
        switch call.waiter {
        case .one(let waiter): unsafe waiter.resume(returning: .success(reader.takeOne()))
        case .all(let waiter): unsafe waiter.resume(returning: .success(reader.take(call.commands)))
        case .later(let replies): replies.finish(.success(reader.take(call.commands)))
        }
    }

    /// Fails what is pending and frees the socket. Idempotent.
    private func end(_ error: RedisError) {
        guard cause == nil else { return }
        cause = error
        openFlag.store(false, ordering: .relaxed)
        transport?.close()
        transport = nil
        let now = loop.clock.now
        for (place, call) in pending.removeAll().enumerated() {
            call.fail(error.share(isFirst: place == 0, isLate: call.deadline <= now))
        }
        for body in onClose { body(error) }
        onClose = []
        onPush = nil
    }

    // MARK: Deadlines

    /// One timer for all calls: it looks when the earliest deadline that it knows of has come, not in between.
    private func look(at deadline: Duration) {
        if let watch {
            if watch.until <= deadline { return }
            watch.timer.cancel()
        }
        let timer = loop.schedule(after: deadline - loop.clock.now) { [weak self] in
            self?.assumeIsolated { $0.look() }
        }
        watch = (deadline, timer)
    }

    private func look() {
        watch = nil
        guard let next = pending.nextDeadline else { return }
        if next > loop.clock.now { return look(at: next) }
        end(RedisError(.timedOut, command: "", detail: "no reply in time"))
    }
}
