import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

/// Tells other shares what one share has committed to tell: appends to their streams, idempotent by
/// (bulk, generation), so telling twice is harmless.
///
/// It has a connection of its own, and while Redis fails over that may lead to a server which is none any more.
/// What is read there is not so and what is said there is lost, so each answer must show the nonce with which the
/// teller owns its partition: whoever knows it has all of the teller's history.
actor ErrandRunner {
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let loop: EventLoop
    private let keyspace: Keyspace
    private let client: RedisClient

    /// How often the shares are read again when they moved between two reads.
    private static let settleTries = 20

    init(keyspace: Keyspace, client: RedisClient, on loop: EventLoop) {
        self.loop = loop
        self.keyspace = keyspace
        self.client = client
    }

    /// Who tells: the partition of the share, as its owner took it.
    struct Teller: Sendable {
        let partition: Int
        let nonce: String
    }

    /// - Returns: the errands that are done; the others are worth another try.
    ///
    /// - Parameter share: as committed.
    func run(
        _ errands: BulkShare.Errands, of share: BulkShare, by teller: Teller
    ) async -> BulkShare.Errands {
        let bulk = share.id
        var done: BulkShare.Errands = []
        if errands.contains(.announce),
            await tell(.announced, of: bulk, to: [keyspace.partition(of: bulk)], by: teller)
        {
            done.insert(.announce)
        }
        if errands.contains(.cancel), await tell(.cancelling, of: bulk, to: everybody, by: teller) {
            done.insert(.cancel)
        }
        if errands.contains(.reopen), let shares = await shares(of: bulk, for: teller),
            await tell(
                .reopened(generation: BulkSummary(id: bulk, shares: shares).generation), of: bulk,
                to: everybody, by: teller)
        {
            done.insert(.reopen)
        }
        if errands.contains(.failing), await tellFailing(share, by: teller) { done.insert(.failing) }
        if errands.contains(.settle), await settle(bulk, by: teller) { done.insert(.settle) }
        if done != errands { try? await loop.sleep(for: .milliseconds(200)) }
        return done
    }

    private var everybody: [Int] { Array(0..<keyspace.partitions) }

    /// Reads all shares twice; when neither moved in between and all is done, everybody is told.
    private func settle(_ bulk: BulkID, by teller: Teller) async -> Bool {
        for attempt in 0..<Self.settleTries {
            guard let first = await shares(of: bulk, for: teller) else { return false }
            let summary = BulkSummary(id: bulk, shares: first)
            // Somebody else empties later and asks then.
            guard summary.canSettle else { return true }
            guard let second = await shares(of: bulk, for: teller) else { return false }
            if first.map(\.version) == second.map(\.version) {
                return await tell(
                    .settled(generation: summary.generation, summary.counts), of: bulk, to: everybody,
                    by: teller)
            }
            try? await loop.sleep(for: .milliseconds(10 * (attempt + 1)))
        }
        return false
    }

    /// Home decides whether it was the first of its generation.
    private func tellFailing(_ share: BulkShare, by teller: Teller) async -> Bool {
        guard let failing = share.failing else { return true }
        guard let shares = await shares(of: share.id, for: teller) else { return false }
        let generation = BulkSummary(id: share.id, shares: shares).generation
        return await tell(
            .failing(generation: generation, failing), of: share.id, to: [keyspace.partition(of: share.id)],
            by: teller)
    }

    private func shares(of bulk: BulkID, for teller: Teller) async -> [BulkShare]? {
        var batch = CommandBatch()
        for partition in everybody { batch.add("HGETALL", keyspace.bulk(partition, bulk)) }
        guard let replies = await ask(batch, for: teller) else { return nil }
        var shares: [BulkShare] = []
        for reply in replies {
            guard let elements = reply.elements, elements.count > 0 else { continue }
            guard let share = try? BulkShare(id: bulk, fields: elements.pairs) else { return nil }
            shares.append(share)
        }
        return shares
    }

    private func tell(
        _ word: BulkWord, of bulk: BulkID, to partitions: [Int], by teller: Teller
    ) async -> Bool {
        var fields = FieldBuffer()
        ProgressEvent(bulk, word).encode(into: &fields)
        var batch = CommandBatch()
        for partition in partitions {
            batch.begin("XADD", argumentCount: 2 + 2 * fields.count)
            batch.append(keyspace.events(partition))
            batch.append("*")
            batch.append(fields)
        }
        return await ask(batch, for: teller) != nil
    }

    /// - Returns: nil when something was refused, or the server is not the teller's.
    private func ask(_ batch: CommandBatch, for teller: Teller) async -> [RESPValue]? {
        var batch = batch
        batch.add("HGET", keyspace.control(teller.partition), Control.Field.nonce.name)
        guard var replies = try? await client.send(batch), batch.firstError(in: replies) == nil,
            replies.popLast()?.string == teller.nonce
        else { return nil }
        return replies
    }
}
