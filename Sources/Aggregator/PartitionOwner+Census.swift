import HeadwayCore
import HeadwayWire
import Redis

/// Whether the census of open jobs equals their index, and counting them anew where it does not: after an upgrade
/// from a version without one, and after somebody deleted a job by hand.
extension PartitionOwner {
    /// Open jobs read in one round trip.
    private static let censusSlice = 1000

    /// Compares the census with the length of `active`; one command when they agree.
    ///
    /// Runs between a commit and the next one on the partition's own connection, so both are of one moment.
    func auditCensus(_ memory: inout PartitionMemory, on connection: RedisConnection) async throws(Loss) {
        var batch = CommandBatch()
        batch.add("ZCARD", keyspace.active(partition))
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        guard (replies[0].integer ?? 0) - memory.census.total != memory.uncounted else { return }
        stats.censusDrift += 1
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
        guard indexed <= Self.recountLimit else {
            memory.uncounted = indexed - told
            notify(.openJobsNotCounted(partition: partition, told: told, indexed: indexed))
            return
        }
        var census = Census()
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
            try refuseErrors(in: replies, of: batch)
            for reply in replies {
                let values = reply.elements?.map(\.bytes) ?? []
                census.move(from: nil, to: Census.Standing(jobFields: values))
            }
        }
        memory.census = census
        memory.mustRewriteCensus = true
        memory.uncounted = indexed - census.total
        notify(.countedOpenJobs(partition: partition, told: told, indexed: indexed))
    }
}
