import EventLoop
import HeadwayCore
package import HeadwayWire
import Redis

/// What a worker talks to: publishes what its jobs do, and never makes them wait for it.
///
///     let headway = try await Headway.connect("redis://127.0.0.1:6379")
///     let job = try await headway.start(Article.self, id: "article-42", in: "spring")
///     try await job.run(.research) { stage in
///         for (n, source) in sources.enumerated() {
///             try await read(source)
///             stage.report(n + 1, of: sources.count, "Reading \(source.title)")
///         }
///     }
///     try await job.complete(result: "clx123")
///     try await headway.close()
///
/// One per process is enough: it has one connection, and one thread that sends, beats and looks for cancels. While
/// Redis is away, lifecycle events (starts, ends, stage changes) are kept in a bounded buffer and progress values
/// are replaced by newer ones; everything goes out in order when it is back. Lifecycle events arrive at least once
/// and are applied exactly once; progress values in between may be skipped, the last one of a stage never is.
/// What this process has not got through to Redis dies with it, so call ``close(within:)`` before the end; or name
/// a directory as ``Options/spool``, and the next process that uses it sends what this one could not.
public final class Headway: HeadwayBus {
    let outbox: Outbox
    let courier: Courier
    let options: Options
    let definitions: Definitions
    package let keyspace: Keyspace
    private let loop: EventLoop
    private let keeper: SpoolKeeper?

    /// Who works here, as shown beside a job.
    public var worker: String { outbox.worker }
    public var backing: BusBacking { BusBacking(self) }

    private init(
        _ outbox: Outbox, _ courier: Courier, _ definitions: Definitions, _ keyspace: Keyspace,
        _ options: Options, _ keeper: SpoolKeeper?
    ) {
        self.outbox = outbox
        self.courier = courier
        self.definitions = definitions
        self.keyspace = keyspace
        self.options = options
        self.keeper = keeper
        loop = outbox.loop
    }

    deinit {
        // Once it is closed there is nothing left to end, nor a loop to end it on.
        guard outbox.withState({ state, _ in state.phase != .finished }) else { return }
        outbox.finish()
        Task(executorPreference: loop.driver == nil ? nil : loop) { [courier, keeper, loop] in
            await courier.stop()
            await keeper?.end(removing: false)
            await loop.stop()
        }
    }

    /// Connects, and reads what is fixed in the namespace; a namespace that nobody has used yet is set up.
    ///
    /// Redis must be there within `options.connectTimeout`: a worker that starts with a wrong address should say so.
    /// Later it may come and go.
    ///
    /// - Parameters:
    ///   - url: `redis://[[user]:password@]host[:6379][/db]` or `unix:///path[?password=…]`.
    ///   - options: the namespace, the worker's name, times and bounds.
    /// - Throws: ``HeadwayError`` with `badURL`, `unreachable`, `denied` or `unfit`.
    public static func connect(
        _ url: String = "redis://127.0.0.1:6379", options: Options = Options()
    ) async throws -> Headway {
        try await connect(url, contracts: [], options: options)
    }

    /// As ``connect(_:options:)``, and checks contracts before anything is done under them: a worker whose stages
    /// are not those of the applied definition does not start.
    ///
    ///     let headway = try await Headway.connect(url, contracts: [Article.self, Book.self])
    ///
    /// - Throws: also `contractMismatch`, which names the stages, and `unknownPipeline`; the connection is closed
    ///   then.
    public static func connect(
        _ url: String = "redis://127.0.0.1:6379", contracts: [any PipelineContract.Type],
        options: Options = Options()
    ) async throws -> Headway {
        let headway = try await open(url, options)
        do {
            for contract in contracts { try await headway.check(contract) }
            return headway
        } catch {
            try? await headway.close(within: .zero)
            throw error
        }
    }

    /// Checks a contract against the applied definition now, not when it is first used. The revision that it fits
    /// is the one that its jobs get from then on.
    ///
    /// - Throws: ``HeadwayError`` with `contractMismatch` or `unknownPipeline`.
    public func check(_ contract: (some PipelineContract).Type) async throws {
        _ = try await definitions.definition(of: contract)
    }

    private static func open(_ url: String, _ options: Options) async throws -> Headway {
        let loop = options.loop ?? EventLoop(name: "headway", clock: options.clock)
        do {
            let endpoint = try RedisEndpoint(url: url)
            let name = "headway-\(options.workerName)"
            let (connection, keyspace, pipelines) = try await firstTalk(
                to: endpoint, on: loop, options, name: name)
            let outbox = Outbox(settings: options.settings(keyspace, dice: loop.dice), loop: loop)
            let courier = Courier(
                endpoint, name: name, outbox: outbox, replyTimeout: options.replyTimeout,
                backoff: Backoff(base: .milliseconds(50), cap: options.longestBackoff))
            let definitions = Definitions(outbox: outbox, courier: courier)
            definitions.take(pipelines)
            let keeper: SpoolKeeper?
            do throws(HeadwayError) {
                keeper = try SpoolKeeper.open(for: outbox, endpoint, options)
            } catch {
                await connection.close()
                await loop.stop()
                throw error
            }
            await keeper?.begin(within: options.connectTimeout)
            await courier.begin(over: connection)
            return Headway(outbox, courier, definitions, keyspace, options, keeper)
        } catch let error as RedisError {
            await loop.stop()
            throw HeadwayError(error)
        }
    }

    /// A connection on which the namespace was agreed and its pipelines were read. Until the time is up, whatever
    /// breaks on the way begins again.
    private static func firstTalk(
        to endpoint: RedisEndpoint, on loop: EventLoop, _ options: Options, name: String
    ) async throws(RedisError) -> (RedisConnection, Keyspace, pipelines: RESPValue) {
        var backoff = Backoff(cap: .seconds(1))
        var random = loop.dice
        let deadline = loop.clock.now + options.connectTimeout
        while true {
            do throws(RedisError) {
                let connection = try await RedisConnection.connect(to: endpoint, on: loop, name: name)
                // At least a second: a slow Redis is no absent one.
                let patience = min(.seconds(5), max(.seconds(1), deadline - loop.clock.now))
                do throws(RedisError) {
                    let keyspace = try await connection.openNamespace(
                        options.namespace, partitions: options.partitions, deadline: patience)
                    let pipelines = try await connection.send(
                        "HGETALL", keyspace.pipelines, deadline: patience)
                    return (connection, keyspace, pipelines)
                } catch {
                    await connection.close()
                    throw error
                }
            } catch {
                // A node of a cluster says at every try that the keys are somewhere else.
                let isElsewhere = error.detail.hasPrefix("MOVED")
                guard error.outcome != .fatal, !isElsewhere, loop.clock.now < deadline, !Task.isCancelled
                else {
                    throw error
                }
                try? await loop.sleep(for: backoff.next(using: &random))
            }
        }
    }

    // MARK: The end

    /// Waits until all that was said up to now is stored in Redis, the latest progress values included.
    ///
    /// - Throws: ``HeadwayError`` with `timedOut`; the events stay in the buffer and go on trying.
    public func flush(within limit: Duration) async throws {
        let ends = outbox.pushTicks()
        let wait = await outbox.wait(within: limit) { state in
            state.fault != nil || zip(state.queue.senders, ends).allSatisfy { $0.acknowledged >= $1 }
        }
        let statistics = statistics
        if wait == .met, statistics.unacknowledged == 0 { return }
        if let fault = statistics.fault { throw fault }
        switch wait {
        case .met: return
        case .cancelled: throw CancellationError()
        case .finished: throw HeadwayError.closed
        case .late:
            throw HeadwayError(
                .timedOut,
                "\(statistics.unacknowledged) events are not in Redis yet; they stay in the buffer. "
                    + (statistics.isConnected
                        ? "It is slow or refuses writes." : "There is no connection to it."))
        }
    }

    /// Ends publishing: waits until an aggregator has applied everything, then takes its source's mark away.
    ///
    /// From now on lifecycle calls throw `closed`. What is stored but not applied in time (no aggregator runs) is
    /// safe in Redis, and no error; nor is what a spool keeps for the next process. Idempotent.
    ///
    /// - Throws: ``HeadwayError`` with `timedOut` when events did not get to Redis in time, nor into a spool: they
    ///   are lost.
    public func close(within limit: Duration) async throws {
        guard outbox.beginClosing() else { return }
        let ends = outbox.pushTicks()
        _ = await outbox.wait(within: limit, obeysCancellation: false) { state in
            zip(state.queue.senders, ends).allSatisfy { $0.mark >= $1 }
        }
        // The file goes first: a source whose mark is gone is a new one to whoever sends its file again.
        let isThrough = self.statistics.unapplied == 0
        await keeper?.end(removing: isThrough)
        if keeper == nil || isThrough { await removeSources() }
        // Each has a bound of its own.
        _ = await outbox.wait(obeysCancellation: false) { $0.questions == 0 }
        let statistics = statistics
        await courier.stop()
        await loop.stop()
        guard statistics.unacknowledged > 0, !statistics.isKept else { return }
        throw statistics.fault
            ?? HeadwayError(
                .timedOut,
                "\(statistics.unacknowledged) events were not confirmed by Redis in time; those that it has not got are lost."
            )
    }

    /// Only where everything is applied, and nothing was sent twice lately: a late copy of an event that is known
    /// no more would look like a gap. What stays is pruned after a day.
    private func removeSources() async {
        let keyspace = keyspace
        let batch = outbox.withState { state, now in
            var batch = CommandBatch()
            for (partition, sender) in state.queue.senders.enumerated()
            where sender.reach > 0 && sender.unapplied == 0
                && sender.resentAt.map({ now - $0 >= sender.rules.keep }) ?? true
            {
                batch.add("HDEL", keyspace.sources(partition), sender.source)
                state.leaving.insert(partition)
            }
            return batch
        }
        guard !batch.isEmpty else { return }
        _ = try? await courier.ask(batch, within: .seconds(1))
    }

    /// What was done, and what is held; see ``Statistics``.
    public var statistics: Statistics {
        var statistics = outbox.statistics
        if let keeper { statistics.spool?.add(keeper.adopted) }
        return statistics
    }
}

extension Outbox {
    var worker: String { withState { state, _ in state.settings.worker } }

    /// Takes all pending progress values into the buffer.
    ///
    /// - Returns: the last number of each partition.
    func pushTicks() -> [Int64] {
        let ends = withState { [ticker] state, now in
            state.pumpTicks(ticker.takeAll(), isForced: true, at: now)
            return state.queue.ends
        }
        bell.ring()
        return ends
    }

    /// - Returns: whether it was open.
    func beginClosing() -> Bool {
        withState { state, now in
            guard state.phase == .open else { return false }
            state.phase = .closing
            state.nextLook = now
            return true
        }
    }
}
