import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

extension PartitionOwner {
    /// What shares have committed to tell others; see `ErrandRunner`. Repeated after a take-over, so a crash
    /// between the commit and the telling loses nothing.
    func startErrands(of memory: PartitionMemory) {
        for slot in memory.shares.values { startErrands(of: slot.share) }
    }

    /// - Parameter share: as committed; the errand runs on what Redis holds.
    func startErrands(of share: BulkShare) {
        let errands = share.errands.subtracting(runningErrands[share.id] ?? [])
        guard !errands.isEmpty else { return }
        runningErrands[share.id, default: []].formUnion(errands)
        let fence = stats.fence
        let teller = ErrandRunner.Teller(partition: partition, nonce: watch.ownNonce ?? "")
        Task(executorPreference: loop) {
            let told = await self.errands.run(errands, of: share, by: teller)
            let finished = FinishedErrands(
                bulk: share.id, told: told, version: share.version, reopened: share.reopened,
                generation: share.knownGeneration)
            await self.finish(finished, of: errands, fence: fence)
        }
    }

    private func finish(_ finished: FinishedErrands, of asked: BulkShare.Errands, fence: Int64) {
        runningErrands[finished.bulk]?.subtract(asked)
        if runningErrands[finished.bulk]?.isEmpty == true { runningErrands[finished.bulk] = nil }
        if fence == stats.fence { finishedErrands.append(finished) }
        retryErrands.insert(finished.bulk)
    }

    /// Takes what was told since the last cycle off the shares, so that this commit forgets it, and starts
    /// again what was not told or is not true any more.
    func finishErrands(_ fold: inout PartitionFold, _ memory: inout PartitionMemory) {
        for finished in finishedErrands {
            guard let slot = memory.shares[finished.bulk] else { continue }
            let done = slot.share.errands.intersection(finished.settled(in: slot.share))
            guard !done.isEmpty else { continue }
            slot.share.finishErrands(done, knowing: finished.generation)
            fold.markDirty(slot)
        }
        finishedErrands = []
        // A share that changed has its errands started behind the commit, when Redis holds what they read.
        for bulk in retryErrands {
            if let slot = memory.shares[bulk], !slot.isDirty { startErrands(of: slot.share) }
        }
        retryErrands = []
    }

    // MARK: Sweeping a cancelled bulk

    /// What a cycle does of a sweep.
    struct Sweep {
        /// Queued members, loaded and ready to fold.
        var ids: [JobID] = []
        /// How long to wait for news before the sweep goes on; nil when there is none.
        var pause: Duration?
    }

    /// Members that are cancelled in one commit. Small, because what others have just published waits for it; a
    /// sweep of a great bulk is many commits, one behind the other.
    static let sweepSlice = 50
    /// So many even when the stream alone would fill every commit.
    private static let sweepFloor = 20

    /// Up to one slice of queued members of bulks that are being cancelled, when it is this partition's turn.
    ///
    /// - Parameter room: what this commit has left.
    func nextSweep(
        atMost room: Int, _ memory: inout PartitionMemory, on connection: RedisConnection
    ) async throws(Loss) -> Sweep {
        guard let bulk = memory.nextToSweep(after: sweptLast) else {
            turn.leave(partition)
            return Sweep(ids: try await nextToAsk(atMost: room, &memory, on: connection))
        }
        guard turn.take(partition) else { return Sweep(pause: .milliseconds(5)) }
        sweptLast = bulk
        let limit = min(max(room, Self.sweepFloor), Self.sweepSlice, options.batch)
        let range = MemberScore.range(of: .queued)
        var batch = CommandBatch()
        batch.add(
            "ZRANGE", keyspace.members(partition, bulk), range.min, range.max, "BYSCORE", "LIMIT", "0",
            "\(limit)")
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        let ids = replies[0].elements?.compactMap { $0.string.flatMap { JobID($0) } } ?? []
        try await load(jobs: ids.filter { memory.jobs.find($0) == nil }, into: &memory, on: connection)
        let queued = ids.filter { id in
            guard case .job(let job)? = memory.jobs.find(id)?.record else { return false }
            return job.status == .queued
        }
        // None: what the index says is not so. Nothing to hurry for, and nobody to keep waiting.
        guard !queued.isEmpty else {
            turn.leave(partition)
            return Sweep()
        }
        return Sweep(ids: queued, pause: .zero)
    }
}

extension PartitionOwner {
    /// How far the round of asking workers is.
    struct AskRound {
        var bulk: BulkID?
        /// Members of it that were looked at.
        var offset = 0
        var isFruitful = false
        var next: Duration = .zero
    }

    /// Running members of cancelled bulks that nobody has asked to cancel yet: one slice, each tenth of a second
    /// while there are some, then a round each second for those who started since.
    private func nextToAsk(
        atMost room: Int, _ memory: inout PartitionMemory, on connection: RedisConnection
    ) async throws(Loss) -> [JobID] {
        let now = loop.clock.now
        guard now >= askRound.next else { return [] }
        if askRound.bulk.flatMap({ memory.shares[$0] })?.share.isAskingWorkers != true {
            let waiting = memory.asking.min()
            askRound = AskRound(bulk: waiting)
        }
        guard let bulk = askRound.bulk else {
            askRound.next = now + .milliseconds(200)
            return []
        }
        let limit = min(max(room, Self.sweepFloor), Self.sweepSlice, options.batch)
        let range = MemberScore.range(of: .running)
        var batch = CommandBatch()
        batch.add(
            "ZRANGE", keyspace.members(partition, bulk), range.min, range.max, "BYSCORE", "LIMIT",
            "\(askRound.offset)", "\(limit)")
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        let ids = replies[0].elements?.compactMap { $0.string.flatMap { JobID($0) } } ?? []
        try await load(jobs: ids.filter { memory.jobs.find($0) == nil }, into: &memory, on: connection)
        let unasked = ids.filter { id in
            guard case .job(let job)? = memory.jobs.find(id)?.record else { return false }
            return job.status == .running && !job.isCancelRequested
        }
        askRound.isFruitful = askRound.isFruitful || !unasked.isEmpty
        askRound.offset += ids.count
        askRound.next = now + .milliseconds(100)
        if ids.count < limit {
            // The round is over; the next bulk's turn, or this one's again.
            let others = memory.asking
            let following = others.filter { $0 > bulk }.min()
            let pause: Duration = following != nil || askRound.isFruitful ? .milliseconds(100) : .seconds(1)
            askRound = AskRound(bulk: following ?? others.min(), next: now + pause)
        }
        return unasked
    }
}

extension PartitionOwner.FinishedErrands {
    /// Which of the errands that were told need no repetition for the share as it stands now.
    ///
    /// A share that emptied once more while others were asked whether all is done must ask again: what was
    /// read before its last commit may be just what the last of the others waited for. A share that is open
    /// asks when it empties, and one that heard the answer has it.
    func settled(in share: BulkShare) -> BulkShare.Errands {
        var done = told
        if share.version != version, share.counts.open == 0, share.settledGeneration == nil {
            done.remove(.settle)
        }
        if share.reopened != reopened { done.remove(.reopen) }
        return done
    }
}
