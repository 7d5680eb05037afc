import EventLoop
package import HeadwayCore
import HeadwayWire
import Redis

/// Owns one partition while it can: takes it, reads, folds, commits; and on any doubt drops everything it
/// believed and asks again.
///
///     waiting ──take──▶ serving ──release──▶ waiting
///        ▲                 │ lost: EXEC nil, nonce or checkpoint of somebody else, connection, refusal
///        └─────────────────┘
///     serving ──an error inside an accepted EXEC──▶ halted
///
/// One connection, one loop: the stored checkpoint, not memory, says where to go on.
actor PartitionOwner {
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    let loop: EventLoop
    let partition: Int
    let keyspace: Keyspace
    let options: AggregatorOptions
    let catalogs: CatalogReader
    let errands: ErrandRunner
    let outcomes: OutcomeLedger
    let courier: WebhookCourier?
    let turn: SweepTurn
    let notify: @Sendable (AggregatorNotice) -> Void

    var watch: LeaseWatch
    var stats = PartitionStats()
    var isStopping = false
    /// To whom the partition goes with the next commit.
    var heir: String?

    #if FAULT_INJECTION
        /// See `Sabotage.cache`.
        var believed: (JobCache, [BulkID: ShareSlot])?
    #endif

    // What belongs to one time of serving.
    var dueCheck = DueCheck()
    var runningErrands: [BulkID: BulkShare.Errands] = [:]
    var finishedErrands: [FinishedErrands] = []
    var retryErrands: Set<BulkID> = []
    var askRound = AskRound()
    /// The last share that ``audit(_:on:)`` looked at.
    var auditedUpTo: BulkID?
    /// The bulk whose queued members were swept last: the next one's turn comes after it.
    var sweptLast: BulkID?
    /// Jobs of which what is stored could not be read when last looked at; at most ``quarantineLimit``.
    var quarantined: Set<JobID> = []
    static let quarantineLimit = 10_000
    /// Jobs whose slots in memory say that they cannot be read: those loaded since the last commit.
    var unreadable: [JobID] = []

    /// Entries to ask for in one read: fewer than a batch while they are so large that the reply would be too
    /// large or too late.
    var readCount: Int

    private var run: Task<Void, Never>?
    private var connection: RedisConnection?
    /// When Redis last answered a round.
    private var answeredAt: Duration?

    /// When `active` was last looked at, and its first score then.
    struct DueCheck {
        var at: Duration = .zero
        var nextDeadline: Timestamp?
    }

    /// What was told of a bulk, and how its share stood when the telling began.
    struct FinishedErrands {
        let bulk: BulkID
        let told: BulkShare.Errands
        let version: Int64
        let reopened: Int
        /// The bulk's, as far as the share knew.
        var generation = 1
    }

    /// Why serving ended. Everything in memory is void then.
    enum Loss: Error, CustomStringConvertible {
        case connection(RedisError)
        case refused(RedisError)
        case taken
        case halted(String)

        var description: String {
            switch self {
            case .connection(let error): "\(error)"
            case .refused(let error): "\(error)"
            case .taken: "its control hash is not as this owner left it: another instance took it"
            case .halted(let reason): reason
            }
        }
    }

    init(
        partition: Int, keyspace: Keyspace, options: AggregatorOptions, catalogs: CatalogReader,
        errands: ErrandRunner, outcomes: OutcomeLedger, courier: WebhookCourier?, turn: SweepTurn,
        on loop: EventLoop,
        notify: @escaping @Sendable (AggregatorNotice) -> Void
    ) {
        self.loop = loop
        self.partition = partition
        self.keyspace = keyspace
        self.options = options
        self.catalogs = catalogs
        self.errands = errands
        self.outcomes = outcomes
        self.courier = courier
        self.turn = turn
        self.notify = notify
        watch = LeaseWatch(lease: options.lease, instance: options.instance)
        stats.partition = partition
        readCount = options.batch
    }

    func start() {
        guard run == nil else { return }
        run = Task(executorPreference: loop) { await self.live() }
    }

    /// Commits what was read, hands the lease back and closes. A standby may take over at once.
    ///
    /// - Parameter silence: when Redis says nothing for this long, the lease is left to run out.
    func stop(givingUpAfter silence: Duration) async {
        isStopping = true
        // Ends a standby's sleep and an attempt to connect at once; what is being committed is not interrupted.
        run?.cancel()
        let ended = run
        let watch = Task(executorPreference: loop) { await self.giveUp(after: silence) }
        await ended?.value
        watch.cancel()
    }

    /// Closes the connection once it is silent for that long: Redis is away, and waiting for it helps nobody.
    private func giveUp(after silence: Duration) async {
        while !Task.isCancelled, let connection {
            let before = await connection.arrivals
            do {
                try await loop.sleep(for: silence)
                // After a pause of our own, what had arrived is read first.
                try await loop.sleep(for: .milliseconds(10))
            } catch { return }
            guard await connection.arrivals == before else { continue }
            return await connection.close()
        }
    }

    /// Serves until its next commit, which names `instance` as the next owner.
    func handOver(to instance: String) {
        if stats.isOwner { heir = instance }
    }

    /// Who is there and not leaving: nobody waits for an heir who is not.
    func sees(_ present: Set<String>) { watch.present = present }

    func currentStats() -> PartitionStats {
        var stats = stats
        stats.silence = answeredAt.map { loop.clock.now - $0 }
        return stats
    }

    // MARK: Life

    private func live() async {
        var backoff = Backoff(base: .milliseconds(50), cap: .seconds(1))
        var random = loop.dice
        while !isStopping {
            stats.rounds += 1
            let began = loop.clock.now
            do throws(Loss) {
                try await liveOn(try await open())
            } catch {
                // Connecting alone is no success: a full Redis accepts connections and refuses every commit.
                if loop.clock.now - began > backoff.cap { backoff.reset() }
                if case .halted = error, stats.isOwner, let connection { await leaveHalted(on: connection) }
                stats.isOwner = false
                await connection?.close()
                connection = nil
                watch.lostSight()
                switch error {
                case .halted(let reason):
                    notify(.halted(partition: partition, reason: reason))
                    stats.haltedReason = reason
                    // Looks again now and then: once a person has cleared the mark, it may be taken.
                    if !isStopping { try? await loop.sleep(for: .seconds(5)) }
                    continue
                case .refused(let cause): notify(.refused(partition: partition, reason: "\(cause)"))
                case .connection(let cause):
                    if cause.code == .tooLarge || cause.code == .timedOut {
                        readCount = max(1, readCount / 2)
                    }
                    notify(.lost(partition: partition, reason: "\(error)"))
                case .taken: notify(.lost(partition: partition, reason: "\(error)"))
                }
                if !isStopping { try? await loop.sleep(for: backoff.next(using: &random)) }
            }
        }
        await connection?.close()
        connection = nil
    }

    private func open() async throws(Loss) -> RedisConnection {
        do {
            let connection = try await RedisConnection.connect(
                to: options.endpoint, on: loop, timeout: .seconds(2), name: "headway-aggregator-\(partition)")
            self.connection = connection
            return connection
        } catch {
            throw .connection(error)
        }
    }

    private func liveOn(_ connection: RedisConnection) async throws(Loss) {
        var random = loop.dice
        while !isStopping {
            let taken = try await take(on: connection)
            noteRound()
            if let memory = taken {
                heir = nil
                stats.isOwner = true
                courier?.begin(partition)
                defer { courier?.end(partition) }
                try await serve(memory, on: connection)
                stats.isOwner = false
            } else {
                try? await loop.sleep(for: options.glance(jitter: Double.random(in: 0...1, using: &random)))
            }
        }
    }

    /// A round that Redis answered.
    func noteRound() {
        stats.rounds += 1
        answeredAt = loop.clock.now
    }

    /// Sends and sorts what can go wrong; error replies stay in place for the caller to look at.
    func exchange(_ batch: CommandBatch, on connection: RedisConnection, deadline: Duration = .seconds(5))
        async throws(Loss) -> [RESPValue]
    {
        do {
            return try await connection.send(batch, deadline: deadline)
        } catch {
            throw .connection(error)
        }
    }
}

/// What one partition did since this process started; counters only rise.
package struct PartitionStats: Sendable {
    package var partition = 0
    package var isOwner = false
    /// Rounds of its work: reads, looks at another's lease, attempts to connect. They stand still only with the work.
    package var rounds: Int64 = 0
    /// Since Redis last answered a round; nil when it never did.
    package var silence: Duration?
    package var fence: Int64 = 0
    package var commits: Int64 = 0
    package var entries: Int64 = 0
    package var applied: Int64 = 0
    package var duplicates: Int64 = 0
    /// By reason.
    package var rejected: [String: Int64] = [:]
    package var missing: Int64 = 0
    package var takeovers: Int64 = 0
    /// Commits that Redis refused because another owner had taken the partition.
    package var fenced: Int64 = 0
    /// Shares compared with the index of their members, and those that differed: must stay 0.
    package var audited: Int64 = 0
    package var drift: Int64 = 0
    /// Jobs that cannot be read, as seen since the partition was taken.
    package var quarantined: Int64 = 0
    /// From sending a commit until Redis had accepted it, in seconds.
    package var commitSeconds = Histogram(bounds: Self.commitBounds)
    /// How often the census of open jobs did not equal their index, and was counted anew: must stay 0.
    package var censusDrift: Int64 = 0
    /// Webhooks dropped unsent because the outbox was full.
    package var webhooksDropped: Int64 = 0
    package var haltedReason: String?

    /// In seconds: from half a millisecond, on one machine, to where a commit is given up.
    package static let commitBounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
    ]
}
