import Aggregator
import EventLoop
import HTTPServer
import HeadwayWire
import ReadAPI
import Redis

/// Those parts of Headway that run in this process, started and stopped in order.
///
/// Stopping: not ready any more, accept nobody, bye to the streams, let requests end; then commit what was read and
/// release the leases, so that others take over at once; then stop the embedded Redis, when it is ours.
actor Station {
    struct Plan: Sendable {
        var aggregates = true
        var serves = true
        var listen = ListenAddress(host: "127.0.0.1", port: 8080)
        var namespace = "hw"
        /// What was asked for, if anything.
        var partitions: Int?
        var lease = Duration.seconds(5)
        var grace = Duration.seconds(10)
        var instance = OwnProgram.instance
        /// Opens every job, and guards every write; nil leaves writes to everybody.
        var operatorToken: String?
        /// Pages of other origins that may use the API.
        var allowedOrigins = AllowedOrigins.none
        /// Where an aggregator alone shows its metrics; nil for nowhere.
        var metrics: ListenAddress?
        /// Nil: nobody is told.
        var webhooks: WebhookOptions?
        /// Who started this process, if it wants to hear how it is.
        var manager: ServiceManager?
        /// How often webhooks are told of polls; nil: never.
        var pollSummaries: Duration?

        init() {}

        init(_ arguments: Arguments) {
            namespace = arguments.text("namespace") ?? namespace
            partitions = arguments.count("partitions")
            lease = arguments.duration("lease") ?? lease
            grace = arguments.duration("grace") ?? grace
            listen = arguments.address("listen") ?? listen
            metrics = arguments.address("metrics")
            operatorToken = arguments.text("operator-token")
        }

        /// What no single option can see by itself.
        func check() throws(UsageError) {
            if let operatorToken, !(16...512 ~= operatorToken.utf8.count) {
                throw UsageError("--operator-token wants 16 to 512 bytes that nobody can guess")
            }
        }
    }

    nonisolated let redis: RedisChoice
    nonisolated let keyspace: Keyspace
    private let plan: Plan
    private let loop: EventLoop
    private let workLoops: [EventLoop]
    private let log: Log
    private let embedded: EmbeddedRedis?
    private var aggregator: Aggregator?
    private var door: FrontDoor?
    private var metricsDoor: MetricsDoor?
    private let pulse: Pulse
    /// No load balancer shall think more of us.
    private var isEnding = false

    /// Starts everything that the plan wants.
    ///
    /// - Parameters:
    ///   - loop: of the caller; carries the API and the embedded Redis' watch.
    ///   - embedded: is stopped at the end.
    /// - Throws: ``Failure``; what had started is stopped again.
    static func open(
        _ plan: Plan, _ redis: RedisChoice, embedded: EmbeddedRedis? = nil, on loop: EventLoop, log: Log
    ) async throws -> Station {
        do {
            let keyspace = try await Namespace.agree(
                plan.namespace, wish: plan.partitions, redis, on: loop, log: log)
            let station = Station(plan, redis, keyspace, embedded, on: loop, log: log)
            do {
                try await station.start()
            } catch {
                await station.closeRooms()
                throw error
            }
            return station
        } catch {
            await embedded?.stop()
            throw error
        }
    }

    private init(
        _ plan: Plan, _ redis: RedisChoice, _ keyspace: Keyspace, _ embedded: EmbeddedRedis?,
        on loop: EventLoop,
        log: Log
    ) {
        self.plan = plan
        self.redis = redis
        self.keyspace = keyspace
        self.embedded = embedded
        self.loop = loop
        self.log = log
        pulse = Pulse(on: loop, manager: plan.manager, log: log)
        workLoops = plan.aggregates ? [EventLoop(name: "aggregator")] : []
    }

    /// Where the API is; nil without one.
    var address: ListenAddress? { door?.address }
    /// Where an aggregator's own metrics are; nil where the API shows them, or nobody asked.
    var metricsAddress: ListenAddress? { metricsDoor?.address }

    private func start() async throws {
        if plan.serves {
            let door = try await FrontDoor.open(plan, redis, keyspace, pulse: pulse, on: loop, log: log)
            self.door = door
            await pulse.watch {
                Pulse.Report(rounds: ["read API": Int64(await door.looks)], status: door.address.url)
            }
        }
        if plan.aggregates { try await startAggregating() }
        await pulse.start()
    }

    private func startAggregating() async throws {
        var options = AggregatorOptions(endpoint: redis.endpoint, instance: plan.instance)
        options.namespace = plan.namespace
        options.partitions = keyspace.partitions
        options.lease = plan.lease
        options.webhooks = plan.webhooks
        let aggregator = Aggregator(keyspace: keyspace, options: options, on: workLoops) { [log] notice in
            let level: Log.Level =
                switch notice.level {
                case .info: .debug
                case .warning: .warning
                case .error: .error
                }
            log.say(level, notice.description)
        }
        self.aggregator = aggregator
        let families: @Sendable () async -> [MetricFamily] = { [weak aggregator] in
            guard let aggregator else { return [] }
            return await AggregatorMetrics.families(aggregator)
        }
        await door?.addMetrics(families)
        if let wanted = plan.metrics {
            metricsDoor = try await MetricsDoor.open(
                wanted, keyspace, redis, pulse: pulse,
                isReady: { [weak self, weak aggregator] in
                    guard await self?.isEnding == false else { return false }
                    return await aggregator?.hearsRedis ?? false
                },
                on: loop, families)
        }
        await aggregator.start()
        await pulse.watch { [weak aggregator] in
            guard let aggregator else { return Pulse.Report() }
            return Pulse.Report(await aggregator.stats())
        }
    }

    /// Waits until this process owns every partition, or has taken none for `limit`: others may own some.
    func waitForOwnership(_ limit: Duration) async -> Int {
        var last = 0
        var end = loop.clock.now + limit
        while true {
            let owned = await aggregator?.stats().count { $0.isOwner } ?? 0
            if owned > last { end = loop.clock.now + limit }
            if owned == keyspace.partitions || loop.clock.now >= end { return owned }
            last = owned
            try? await loop.sleep(for: .milliseconds(5))
        }
    }

    // MARK: The end

    func close() async {
        await closeRooms()
        await embedded?.stop()
    }

    private func closeRooms() async {
        isEnding = true
        await pulse.stop()
        await door?.close(within: plan.grace)
        door = nil
        await aggregator?.stop()
        aggregator = nil
        await metricsDoor?.close()
        metricsDoor = nil
        for loop in workLoops { await loop.stop() }
    }

    /// For a second signal: nothing is waited for. Leases run out by themselves; Redis is asked to end.
    func abandon() async { await embedded?.abandon() }
}

extension Pulse.Report {
    /// Of an aggregator: each partition is a part, whoever owns it.
    fileprivate init(_ stats: [PartitionStats]) {
        for partition in stats { rounds["partition \(partition.partition)"] = partition.rounds }
        status = "\(stats.count { $0.isOwner }) of \(stats.count) partitions"
    }
}
