import HeadwayCore
import HeadwayWire
import Redis

extension PartitionOwner {
    /// What shares have committed to tell others; see `ErrandRunner`. Repeated after a take-over, so a crash
    /// between the commit and the telling loses nothing.
    func startErrands(of memory: PartitionMemory) {
        for slot in memory.shares.values { startErrands(of: slot.share) }
    }

    func startErrands(of share: BulkShare) {
        let errands = share.errands.subtracting(runningErrands[share.id] ?? [])
        guard !errands.isEmpty else { return }
        runningErrands[share.id, default: []].formUnion(errands)
        let id = share.id
        let generation = share.reopened
        Task(executorPreference: loop) {
            let told = await self.errands.run(errands, of: id, from: self.partition)
            await self.finish(told, of: errands, bulk: id, generation: generation)
        }
    }

    private func finish(
        _ told: BulkShare.Errands, of asked: BulkShare.Errands, bulk: BulkID, generation: Int
    ) {
        runningErrands[bulk]?.subtract(asked)
        if runningErrands[bulk]?.isEmpty == true { runningErrands[bulk] = nil }
        finishedErrands[bulk, default: []].formUnion(told)
        if told != asked { retryErrands.insert(bulk) }
    }

    /// Takes what was told since the last cycle off the shares, so that this commit forgets it.
    func finishErrands(_ fold: inout PartitionFold, _ memory: inout PartitionMemory) {
        for (bulk, told) in finishedErrands {
            guard let slot = memory.shares[bulk] else { continue }
            // A share that changed in this very batch may have the same thing to say anew.
            guard !slot.isDirty else { continue }
            slot.share.finishErrands(told)
            fold.markDirty(slot)
            finishedErrands[bulk] = nil
        }
        for bulk in retryErrands {
            if let slot = memory.shares[bulk] { startErrands(of: slot.share) }
        }
        retryErrands = []
    }

    // MARK: Sweeping a cancelled bulk

    /// Up to one batch of queued members of bulks that are being cancelled, loaded and ready to fold.
    func nextSweep(_ memory: inout PartitionMemory, on connection: RedisConnection) async throws(Loss)
        -> [JobID]
    {
        guard
            let bulk = memory.shares.values.first(where: {
                $0.share.isCancelling && $0.share.counts.queued > 0
            })?
            .share.id
        else { return [] }
        let range = MemberScore.range(of: .queued)
        var batch = CommandBatch()
        batch.add(
            "ZRANGE", keyspace.members(partition, bulk), range.min, range.max, "BYSCORE", "LIMIT", "0",
            "\(options.batch)")
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        let ids = replies[0].elements?.compactMap { $0.string.flatMap { JobID($0) } } ?? []
        try await load(jobs: ids.filter { memory.jobs.find($0) == nil }, into: &memory, on: connection)
        return ids
    }
}
