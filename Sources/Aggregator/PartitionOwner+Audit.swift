import HeadwayCore
import HeadwayWire
import Redis

/// Whether shares equal their members: asked now and then of what is in memory, and on request counted anew.
extension PartitionOwner {
    /// How many shares are looked at in one look.
    private static let auditSlice = 20
    /// Most members of one share that are counted anew.
    static let recountLimit = 100_000

    /// Compares the counts of some shares with the index of their members, five counts by Redis each.
    ///
    /// Runs between a commit and the next one on the partition's own connection, so both are of one moment, as
    /// long as the partition is still this owner's: one that was frozen counts what its heir has moved.
    /// A share that expired with its settled bulk is let go: what memory holds of it is nobody's any more.
    func audit(_ memory: inout PartitionMemory, on connection: RedisConnection) async throws(Loss) {
        let shares = memory.shares.values.filter { !$0.isDirty && $0.stored != nil }
            .sorted { $0.share.id < $1.share.id }
        let slice = shares.filter { $0.share.id > auditedUpTo ?? $0.share.id }.prefix(Self.auditSlice)
        // Round and round: from the first again once the last was looked at.
        let chosen = slice.isEmpty ? shares.prefix(Self.auditSlice) : slice
        auditedUpTo = chosen.last?.share.id
        guard !chosen.isEmpty else { return }
        var batch = CommandBatch()
        for slot in chosen {
            for status in JobState.Status.allCases {
                let range = MemberScore.range(of: status)
                batch.add("ZCOUNT", keyspace.members(partition, slot.share.id), range.min, range.max)
            }
            batch.add("EXISTS", keyspace.bulk(partition, slot.share.id))
        }
        // Last: whoever took it did so before this is answered, or after all of the counting.
        batch.add("HGET", keyspace.control(partition), Control.Field.nonce.name)
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        guard replies.last?.string == memory.control.nonce else {
            stats.fenced += 1
            throw .taken
        }
        let width = JobState.Status.allCases.count + 1
        for (place, slot) in chosen.enumerated() {
            var counted = BulkCounts()
            for (status, reply) in zip(JobState.Status.allCases, replies[(place * width)...]) {
                counted[status] = reply.number ?? 0
            }
            let isGone = replies[(place + 1) * width - 1].integer == 0
            if slot.share.settledGeneration != nil, isGone || counted.registered == 0 {
                // What it still has to tell it tells, though its keys are gone.
                if !slot.share.hasWork { memory.shares[slot.share.id] = nil }
                continue
            }
            stats.audited += 1
            guard counted != slot.share.counts else { continue }
            stats.drift += 1
            notify(
                .drift(
                    partition: partition, bulk: slot.share.id, told: slot.share.counts, counted: counted))
        }
    }

    /// Reads what every member of the share says of itself. The partition stands meanwhile: about a second for
    /// 100,000 members.
    ///
    /// A member of which nothing that can be read is left but its place in the index counts by that, with weight 1.
    ///
    /// - Returns: nil for a share of more than ``recountLimit`` members: reading them would outlast the lease.
    func recount(_ bulk: BulkID, on connection: RedisConnection) async throws(Loss) -> [BulkContribution]? {
        var size = CommandBatch()
        size.add("ZCARD", keyspace.members(partition, bulk))
        let sizes = try await exchange(size, on: connection)
        try refuseErrors(in: sizes, of: size)
        guard sizes[0].integer ?? 0 <= Self.recountLimit else { return nil }
        var list = CommandBatch()
        list.add("ZRANGE", keyspace.members(partition, bulk), "0", "-1", "WITHSCORES")
        let listed = try await exchange(list, on: connection)
        try refuseErrors(in: listed, of: list)
        var members: [(id: JobID, status: JobState.Status)] = []
        for (name, text) in listed[0].pairs {
            guard let id = JobID(bytes: name), let score = MemberScore(text) else { continue }
            members.append((id, score.status))
        }
        var contributions: [BulkContribution] = []
        contributions.reserveCapacity(members.count)
        for start in stride(from: 0, to: members.count, by: 500) {
            let slice = members[start..<min(start + 500, members.count)]
            var batch = CommandBatch()
            for member in slice {
                batch.add("HGETALL", keyspace.job(partition, member.id))
                batch.add("GET", keyspace.tombstone(partition, member.id))
            }
            let replies = try await exchange(batch, on: connection)
            try refuseErrorsButWrongType(in: replies, of: batch)
            for (place, member) in slice.enumerated() {
                let (hash, tombstone) = (replies[2 * place], replies[2 * place + 1])
                let record =
                    hash.isWrongType || tombstone.isWrongType
                    ? nil : try? JobRecord(id: member.id, job: hash.pairs, tombstone: tombstone.bytes)
                let known = record?.contribution.flatMap { $0.bulk == bulk ? $0.1 : nil }
                contributions.append(known ?? BulkContribution(forgotten: member.status))
            }
        }
        return contributions
    }
}
