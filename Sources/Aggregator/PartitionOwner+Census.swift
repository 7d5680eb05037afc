import HeadwayCore
import HeadwayWire
import Redis

/// Whether the census of open jobs equals their index, and counting them anew where it does not: after an upgrade
/// from a version without one, and after somebody deleted a job by hand.
extension PartitionOwner {
    /// Open jobs read in one round trip.
    private static let censusSlice = 1000

    /// Compares the census with the length of `active`; two commands when they agree.
    ///
    /// Runs between a commit and the next one on the partition's own connection, so both are of one moment, as long
    /// as the partition is still this owner's, as ``audit(_:on:)`` does.
    func auditCensus(_ memory: inout PartitionMemory, on connection: RedisConnection) async throws(Loss) {
        var batch = CommandBatch()
        batch.add("ZCARD", keyspace.active(partition))
        // Last: whoever took it did so before this is answered, or after the counting.
        batch.add("HGET", keyspace.control(partition), Control.Field.nonce.name)
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        guard replies[1].string == memory.control.nonce else {
            stats.fenced += 1
            throw .taken
        }
        let indexed = replies[0].integer ?? 0
        let isDrift = indexed - memory.census.total != memory.uncounted
        guard isDrift || memory.isCensusDoubtful else { return }
        // No drift is what is known: a job that came back, or one that was never counted among too many.
        if isDrift, !memory.isCensusDoubtful, indexed <= Self.recountLimit { stats.censusDrift += 1 }
        try await countOpenJobs(&memory, on: connection)
    }

    /// Reads what every entry of `active` says of itself; the next commit writes the sum. The partition stands
    /// meanwhile: about half a second for 100,000 jobs, and more are not counted, or it would outlast the lease.
    func countOpenJobs(_ memory: inout PartitionMemory, on connection: RedisConnection) async throws(Loss) {
        let told = memory.census.total
        var size = CommandBatch()
        size.add("ZCARD", keyspace.active(partition))
        let sizes = try await exchange(size, on: connection)
        try refuseErrors(in: sizes, of: size)
        let indexed = sizes[0].integer ?? 0
        memory.isCensusDoubtful = false
        guard indexed <= Self.recountLimit else {
            memory.uncounted = indexed - told
            notify(.openJobsNotCounted(partition: partition, told: told, indexed: indexed))
            return
        }
        var census = Census()
        var leftOut: Set<JobID> = []
        for start in stride(from: 0, to: indexed, by: Self.censusSlice) {
            var list = CommandBatch()
            list.add("ZRANGE", keyspace.active(partition), "\(start)", "\(start + Self.censusSlice - 1)")
            let listed = try await exchange(list, on: connection)
            try refuseErrors(in: listed, of: list)
            let ids = listed[0].elements?.compactMap { $0.string.flatMap { JobID($0) } } ?? []
            guard !ids.isEmpty else { break }
            var batch = CommandBatch()
            for id in ids {
                batch.add("HMGET", [keyspace.job(partition, id)] + Census.Standing.jobFields)
            }
            let replies = try await exchange(batch, on: connection)
            // A key of another type is not counted, as one is not that is gone.
            try refuseErrorsButWrongType(in: replies, of: batch)
            for (id, reply) in zip(ids, replies) {
                let standing = Census.Standing(jobFields: reply.elements?.map(\.bytes) ?? [])
                census.move(from: nil, to: standing)
                if standing == nil, leftOut.count < Self.quarantineLimit { leftOut.insert(id) }
            }
        }
        memory.census = census
        memory.mustRewriteCensus = true
        memory.uncounted = indexed - census.total
        memory.leftOut = leftOut
        notify(.countedOpenJobs(partition: partition, told: told, indexed: indexed))
    }
}
