import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import Synchronization

/// A process's share of a spool directory: its own file, and the files of processes that died, which it sends again.
///
/// Who has died is told by the lock on each file. Each adopted file has a queue and a connection of its own, so that
/// what one of them meets (a refused partition, an outage) delays nobody else.
actor SpoolKeeper {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    /// What adoptions need of the bus.
    struct Surroundings: Sendable {
        var endpoint: RedisEndpoint
        var keyspace: Keyspace
        var options: Headway.Options
        /// Where connections live.
        var loop: EventLoop
    }

    /// Longer than this ago, an aggregator may have forgotten a source (it does after 24 h).
    private static let remembered = Duration.seconds(20 * 3600)
    /// Between two looks for processes that have died.
    private static let pause = Duration.seconds(5)

    private let directory: SpoolDirectory
    private let around: Surroundings
    private let writer: SpoolWriter
    private var adoptions: [String: Adoption] = [:]
    private var task: Task<Void, Never>?
    private let totals = Mutex(Headway.SpoolStatistics())
    private let outboxes = Mutex<[String: Outbox]>([:])
    private var isStopping = false

    /// One file that is being sent again.
    private struct Adoption {
        let file: SpoolFile
        let outbox: Outbox
        let courier: Courier
        let cost: Int
        let isDamaged: Bool
        var task: Task<Void, Never>?
    }

    init(_ directory: SpoolDirectory, _ writer: SpoolWriter, _ around: Surroundings, on loop: EventLoop) {
        self.directory = directory
        self.writer = writer
        self.around = around
        self.loop = loop
    }

    /// - Returns: nil when the options name no directory.
    /// - Throws: ``HeadwayError`` with `spool`.
    static func open(
        for outbox: Outbox, _ endpoint: RedisEndpoint, _ options: Headway.Options
    ) throws(HeadwayError) -> SpoolKeeper? {
        guard let path = options.spool else { return nil }
        let loop = EventLoop(name: "headway-spool", clock: options.clock)
        let directory: SpoolDirectory
        let writer: SpoolWriter
        do {
            directory = try SpoolDirectory(making: path)
            let source = outbox.withState { state, _ in state.queue.senders[0].source }
            writer = try SpoolWriter(
                directory, name: SpoolName(outbox.keyspace, source: source), outbox: outbox,
                sync: options.spoolSync, limit: options.bufferLimit, on: loop)
        } catch {
            Task { await loop.stop() }
            throw (error as? SpoolProblem).map { HeadwayError($0) } ?? (error as? HeadwayError)
                ?? HeadwayError(.spool, "\(error)")
        }
        let around = Surroundings(
            endpoint: endpoint, keyspace: outbox.keyspace, options: options, loop: outbox.loop)
        return SpoolKeeper(directory, writer, around, on: loop)
    }

    // MARK: Life

    /// Takes over what is there, and waits until it is in Redis or the time is up: what this process says comes
    /// after it then.
    func begin(within limit: Duration) async {
        await writer.begin()
        await adopt()
        let end = loop.clock.now + limit
        for outbox in outboxes.withLock({ Array($0.values) }) {
            _ = await outbox.wait(within: max(.milliseconds(1), end - loop.clock.now)) { state in
                state.fault != nil || state.queue.unacknowledged == 0
            }
        }
        guard !isStopping else { return }
        task = Task(executorPreference: loop) { await self.watch() }
    }

    private func watch() async {
        while !Task.isCancelled {
            do { try await loop.sleep(for: Self.pause) } catch { return }
            await adopt()
        }
    }

    /// Lets go of everything. What is not done stays for the next process.
    ///
    /// - Parameter removing: nothing of this process's own file is needed.
    nonisolated func end(removing: Bool) async {
        await stop(removing: removing)
        // From outside: nothing that runs on a loop could see it end.
        await loop.stop()
    }

    private func stop(removing: Bool) async {
        isStopping = true
        task?.cancel()
        await task?.value
        for adoption in adoptions.values {
            adoption.task?.cancel()
            await adoption.courier.stop()
            await adoption.task?.value
        }
        adoptions = [:]
        await writer.stop(removing: removing)
    }

    /// Of all adoptions, past and present.
    nonisolated var adopted: Headway.SpoolStatistics {
        var sum = totals.withLock { $0 }
        for outbox in outboxes.withLock({ Array($0.values) }) { sum.add(outbox.statistics) }
        return sum
    }

    // MARK: Adopting

    private func adopt() async {
        let names: [String]
        do throws(SpoolProblem) {
            names = try directory.names()
        } catch {
            totals.withLock { $0.adoptionFault = HeadwayError(error) }
            return
        }
        var fault: HeadwayError?
        for text in names where !isStopping {
            guard let name = SpoolName(text), name.belongs(to: around.keyspace), adoptions[text] == nil else {
                continue
            }
            do {
                try await adopt(text, directory.file(name))
            } catch let problem as SpoolProblem {
                fault = HeadwayError(problem)
            } catch let error as RedisError {
                fault = HeadwayError(error)
            } catch {
                fault = HeadwayError(.spool, "\(error)")
            }
        }
        totals.withLock { [fault] in $0.adoptionFault = fault }
    }

    private func adopt(_ name: String, _ path: String) async throws {
        guard let file = try SpoolFile.adopt(path) else { return }
        // One at least, and no more at once than events of our own may take.
        let cost = adoptions.values.reduce(file.size) { $0 + $1.cost }
        guard adoptions.isEmpty || cost <= around.options.bufferLimit else { return }
        let reading = SpoolReading(try file.read())
        let events = SpooledEvents(reading.records, around.keyspace)
        let isDamaged = reading.damages > 0 || events.unreadable > 0
        let connection = try await RedisConnection.connect(
            to: around.endpoint, on: around.loop, name: "headway-spool")
        let marks = try await marks(of: events, over: connection)
        let age = events.latest.map { Timestamp.wallClock - $0 } ?? .zero
        let window = around.options.failoverWindow
        totals.withLock { [events] totals in
            totals.adopted += 1
            totals.missing += Int64(events.missing)
            totals.damages += Int64(reading.damages + events.unreadable)
            totals.tornBytes += Int64(reading.tornBytes)
        }
        let isApplied = zip(events.lanes, marks).allSatisfy { ($1 ?? 0) >= $0.last }
        if isApplied, age >= window || events.isEmpty {
            await connection.close()
            return try finish(file, isDamaged: isDamaged)
        }
        var settings = around.options.settings(around.keyspace, dice: around.loop.dice)
        settings.limits.bytes = .max
        let queue = events.queue(
            around.keyspace, marks: marks, isForgotten: age > Self.remembered, newSource: settings.newSource,
            limits: settings.limits, rules: settings.rules, at: around.loop.clock.now)
        let outbox = Outbox(settings: settings, queue: queue, loop: around.loop)
        let courier = Courier(
            around.endpoint, name: "headway-spool", outbox: outbox, replyTimeout: around.options.replyTimeout,
            backoff: Backoff(base: .milliseconds(50), cap: around.options.longestBackoff))
        adoptions[name] = Adoption(
            file: file, outbox: outbox, courier: courier, cost: file.size, isDamaged: isDamaged)
        outboxes.withLock { $0[name] = outbox }
        await courier.begin(over: connection)
        adoptions[name]?.task = Task(executorPreference: loop) { await self.see(name, through: outbox) }
    }

    private func marks(
        of events: SpooledEvents, over connection: RedisConnection
    ) async throws(RedisError) -> [Int64?] {
        guard !events.isEmpty else { return [] }
        var batch = CommandBatch()
        for lane in events.lanes {
            batch.add("HGET", around.keyspace.sources(lane.partition), lane.source)
        }
        do throws(RedisError) {
            let replies = try await connection.send(batch, deadline: around.options.replyTimeout)
            if let error = batch.firstError(in: replies) { throw error }
            return replies.map { $0.bytes.flatMap { try? SourceMark(text: $0).id } }
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Until everything is applied and the failover window has passed.
    private func see(_ name: String, through outbox: Outbox) async {
        guard await outbox.wait(until: { $0.queue.isEmpty }) == .met, let adoption = adoptions[name] else {
            return
        }
        await adoption.courier.stop()
        outboxes.withLock { $0[name] = nil }
        totals.withLock { $0.add(outbox.statistics) }
        do throws(SpoolProblem) {
            try finish(adoption.file, isDamaged: adoption.isDamaged)
        } catch {
            totals.withLock { $0.adoptionFault = HeadwayError(error) }
        }
        adoptions[name] = nil
    }

    private func finish(_ file: SpoolFile, isDamaged: Bool) throws(SpoolProblem) {
        if isDamaged { try file.putAside() } else { try file.remove() }
        totals.withLock { $0.finished += 1 }
    }
}

extension Headway.SpoolStatistics {
    /// Adds what concerns processes that died.
    mutating func add(_ one: Headway.SpoolStatistics) {
        adopted += one.adopted
        finished += one.finished
        replayed += one.replayed
        unapplied += one.unapplied
        missing += one.missing
        damages += one.damages
        tornBytes += one.tornBytes
        adoptionFault = adoptionFault ?? one.adoptionFault
    }

    fileprivate mutating func add(_ one: Headway.Statistics) {
        replayed += one.sent
        unapplied += one.unapplied
        if let fault = one.fault { adoptionFault = fault }
    }
}

extension Outbox {
    var statistics: Headway.Statistics { withState { state, _ in state.statistics } }
}
