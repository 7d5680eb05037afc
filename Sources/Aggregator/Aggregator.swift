package import EventLoop
package import HeadwayCore
package import HeadwayWire
import Redis

/// One aggregator instance: an owner per partition, sharing loops, pipelines and the errands' connection.
///
/// Any number of instances may run on one namespace; each partition is served by the one that holds its
/// lease, whoever is left takes over from whoever is gone, and whoever comes gets an even share.
package actor Aggregator {
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let loop: EventLoop
    private let keyspace: Keyspace
    private let client: RedisClient
    private let catalogs: CatalogReader
    private let owners: [PartitionOwner]
    private let fleet: Fleet
    private let farewell: Duration
    private let ledger: OutcomeLedger
    private let courier: WebhookCourier?
    private var refreshing: Task<Void, Never>?

    /// - Parameters:
    ///   - keyspace: as agreed with Redis; see ``Namespace``.
    ///   - loops: the partitions are dealt out over them; the first also carries what is shared.
    package init(
        keyspace: Keyspace, options: AggregatorOptions, on loops: [EventLoop],
        notify: @escaping @Sendable (AggregatorNotice) -> Void = { _ in }
    ) {
        loop = loops[0]
        self.keyspace = keyspace
        farewell = options.farewell
        client = RedisClient(options.endpoint, on: loop, name: "headway-aggregator")
        catalogs = CatalogReader(keyspace: keyspace)
        let errands = ErrandRunner(keyspace: keyspace, client: client, on: loop)
        let ledger = OutcomeLedger()
        self.ledger = ledger
        let courier = options.webhooks.map { [client, loop] in
            WebhookCourier(keyspace: keyspace, options: $0, client: client, on: loop, notify: notify)
        }
        self.courier = courier
        let turn = SweepTurn()
        owners = (0..<keyspace.partitions).map { [catalogs] in
            PartitionOwner(
                partition: $0, keyspace: keyspace, options: options, catalogs: catalogs, errands: errands,
                outcomes: ledger, courier: courier, turn: turn, on: loops[$0 % loops.count], notify: notify)
        }
        fleet = Fleet(keyspace: keyspace, options: options, client: client, owners: owners, on: loop)
    }

    package func start() async {
        for owner in owners { await owner.start() }
        await fleet.start()
        refreshing = Task(executorPreference: loop) { [catalogs, client, keyspace, ledger, loop] in
            while !Task.isCancelled {
                try? await catalogs.refresh { try await client.send($0) }
                ledger.expect(catalogs.known.latest.map(\.name))
                // Fixed at first use; put back if somebody emptied Redis under us.
                _ = try? await client.send("HSETNX", keyspace.config, "partitions", "\(keyspace.partitions)")
                _ = try? await client.send("HSETNX", keyspace.config, "wire", "\(NamespaceConfig.wire)")
                try? await loop.sleep(for: .seconds(1))
            }
        }
    }

    /// Commits what was read, hands every lease back so that others take over at once, and closes: within half a
    /// second also when Redis is away, whose leases then run out.
    package func stop() async {
        refreshing?.cancel()
        let (loop, client, fleet, farewell) = (loop, client, fleet, farewell)
        await withTaskGroup(of: Void.self) { group in
            // Said first, so that nothing is handed to us any more; but not waited for when nobody hears it.
            group.addTask { await fleet.leave() }
            group.addTask { try? await loop.sleep(for: .milliseconds(100)) }
            _ = await group.next()
            await withTaskGroup(of: Void.self) { group in
                for owner in owners { group.addTask { await owner.stop(givingUpAfter: farewell) } }
            }
            let last = loop.schedule(after: .milliseconds(50)) { client.assumeIsolated { $0.close() } }
            await fleet.end()
            last.cancel()
            await courier?.stop()
            await client.close()
            group.cancelAll()
        }
    }

    /// How jobs ended since this process started, as far as commits were accepted.
    package nonisolated var outcomes: OutcomeTally { ledger.current }

    /// Whether Redis answers: some partition was read or looked at within the last ten seconds.
    package var hearsRedis: Bool {
        get async {
            await stats().contains { $0.silence.map { $0 < .seconds(10) } ?? false }
        }
    }

    package func stats() async -> [PartitionStats] {
        var all: [PartitionStats] = []
        for owner in owners { all.append(await owner.currentStats()) }
        return all
    }
}
