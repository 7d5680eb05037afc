import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

extension PartitionOwner {
    /// Reads, folds and commits until the partition is lost (throws) or given back (returns).
    ///
    /// A cycle is one round trip: the commit of one batch and the read of the next leave together, the read
    /// under a `WATCH` that is checked (nonce, checkpoint, commit) before the next `MULTI` is sent. So
    /// nothing is committed on top of anybody else's write, and the network is crossed once per batch.
    func serve(_ taken: PartitionMemory, on connection: RedisConnection) async throws(Loss) {
        var memory = taken
        #if FAULT_INJECTION
            if Sabotage.cache.isOn, let believed { (memory.jobs, memory.shares) = believed }
            defer { believed = (memory.jobs, memory.shares) }
        #endif
        var lastCommitAt = loop.clock.now
        // At once, so that the stream bears our mark.
        var lastTrimAt = loop.clock.now - .seconds(1)
        var nextForgetting = loop.clock.now
        var nextAudit = loop.clock.now + options.auditPause
        var mayMark = true
        var isMarkRefused = false
        defer { turn.leave(partition) }
        dueCheck = DueCheck()
        finishedErrands = []
        retryErrands = []
        askRound = AskRound()
        sweptLast = nil
        quarantined = []
        unreadable = []
        stats.quarantined = 0
        startErrands(of: memory)
        var reading = try await receive(
            await sendRead(after: memory, counts: true, on: connection), after: memory.control)

        while true {
            noteRound()
            // What memory holds here is what was committed.
            if loop.clock.now >= nextAudit {
                nextAudit = loop.clock.now + options.auditPause
                try await audit(&memory, on: connection)
                try await auditCensus(&memory, on: connection)
            }
            let timeBreak = memory.hear(
                reading.redisTime, until: reading.endTime, sentAt: reading.sentAt,
                receivedAt: reading.receivedAt, patience: options.block, longestSilence: longestSilence)
            if case .jump(let jump)? = timeBreak { notify(.clockJumped(partition: partition, by: jump)) }
            if isAnotherStream(reading.count, reading.trim, memory) {
                startOver(&memory, reading.count)
                // Behind the very next commit, so that this one bears our mark, too.
                lastTrimAt = loop.clock.now - .seconds(1)
                reading.batch = PartitionBatch(from: .zero)
                reading.trim = nil
            } else {
                if case .trimmed(_, let isMarked)? = reading.trim { memory.isStreamMarked = isMarked }
                noteRemoved(reading.count, &memory)
            }
            let watermark = memory.watermark(of: reading.batch)
            let watermarkNow = max(watermark, memory.control.watermark)
            let due = try await dueJobs(
                atMost: max(options.batch - reading.batch.entries.count, 50), before: watermark, memory,
                on: connection)
            try await load(for: reading.batch, due: due, into: &memory, on: connection)
            let room = options.batch - reading.batch.entries.count - due.count
            let sweep = try await nextSweep(atMost: room, &memory, on: connection)

            var fold = PartitionFold(
                keyspace: keyspace, partition: partition, catalog: catalogs.known,
                webhooks: options.webhooks?.events ?? [])
            // Before the batch is folded: what Redis holds is what memory holds.
            for bulk in reading.batch.recounts {
                guard let members = try await recount(bulk, on: connection) else {
                    notify(.recountRefused(partition: partition, bulk: bulk))
                    continue
                }
                let isChanged = fold.recount(bulk, members, at: memory.clock.now, to: &memory)
                notify(.recounted(partition: partition, bulk: bulk, changed: isChanged))
            }
            fold.apply(reading.batch, to: &memory)
            for id in sweep.ids {
                // Never before a word that was just heard of it.
                fold.apply(
                    ProgressEvent(id, .cancelRequested(message: nil)),
                    at: max(watermarkNow, memory.clock.lastEntry), to: &memory)
            }
            fold.fire(due, before: watermarkNow, &memory)
            if Sabotage.alarms.isOn { tellGap(fold) }
            finishErrands(&fold, &memory)

            let now = loop.clock.now
            let heir = heir
            let isLeaving = isStopping || heir != nil
            let isIdle =
                reading.batch.checkpoint == memory.control.checkpoint && !fold.hasChanges
            if isIdle, !isLeaving, now - lastCommitAt < min(options.lease / 5, .seconds(1)) {
                reading = try await receive(
                    await sendRead(after: memory, counts: true, atMost: sweep.pause, on: connection),
                    after: memory.control)
                continue
            }

            // Not while there is a backlog: what a source said before it fell silent may wait in it.
            if now >= nextForgetting, !reading.batch.isFull {
                nextForgetting = now + .seconds(600)
                fold.forgetSources(idleFor: options.sourceRetention, &memory)
            }
            // Before it is stored that anything was read: the next owner takes a stream without our mark for another.
            let isRead = memory.control.consumed + Int64(reading.batch.entries.count) > 0
            if !memory.isStreamMarked, isLeaving || mayMark && isRead {
                mayMark = false
                let outcome = try await markStream(memory, on: connection)
                if case .trimmed(_, let isMarked)? = outcome {
                    memory.isStreamMarked = isMarked
                    isMarkRefused = !isMarked
                }
            }
            memory.control.checkpoint = reading.batch.checkpoint
            memory.control.consumed += Int64(reading.batch.entries.count)
            memory.control.commit += 1
            memory.control.beat += 1
            memory.control.watermark = watermarkNow
            memory.control.skew = memory.clock.skew
            memory.control.lost = min(
                memory.control.lost + fold.missing, Int64(ProgressEvent.largestNumber))
            if isLeaving {
                memory.control.owner = nil
                memory.control.next = heir
            }

            var writer = CommitWriter(
                keyspace: keyspace, partition: partition, options: options, catalog: fold.catalog)
            let transaction = writer.transaction(fold, control: memory.control, memory: memory)
            memory.mustRewriteCensus = false
            let isTrimming = now - lastTrimAt >= .seconds(1) || reading.batch.isFull
            lastCommitAt = now
            if isTrimming { lastTrimAt = now }

            if isLeaving {
                let replies = try await exchange(transaction, on: connection)
                try accept(replies, of: transaction, sentAt: now)
                watch.ownNonce = nil
                record(fold, reading.batch, &memory)
                noteOutbox(replies, trim: writer.outboxTrim)
                notify(.released(partition: partition, to: heir))
                return
            }
            // Both leave in one write; the commit's outcome is known while the read still waits for news.
            let commit = await connection.submit(transaction, deadline: .seconds(5))
            let next = await sendRead(
                after: memory, trims: isTrimming, atMost: sweep.ids.isEmpty ? sweep.pause : .zero,
                on: connection)
            let committed = try await replies(of: commit)
            try accept(committed, of: transaction, sentAt: now)
            record(fold, reading.batch, &memory)
            // Redis takes the commit: it is not full, so what it refuses the mark for stays.
            if isMarkRefused { notify(.notMarked(partition: partition)) }
            isMarkRefused = false
            noteOutbox(committed, trim: writer.outboxTrim)
            turn.pass(partition)
            for slot in fold.shares { startErrands(of: slot.share) }
            memory.jobs.age()
            forgetQuarantined(&memory)
            memory.noteSweeps(of: fold.shares)
            memory.trimShares(to: 10_000)
            reading = try await receive(next, after: memory.control)
        }
    }

    /// Trims by what is stored before this commit, for the sake of the mark: whoever comes next must know the stream
    /// again, however soon this owner ends.
    private func markStream(
        _ memory: PartitionMemory, on connection: RedisConnection
    ) async throws(Loss) -> StreamTrim.Outcome? {
        var batch = CommandBatch()
        addTrim(by: memory.control, isMarked: false, to: &batch)
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        return StreamTrim.Outcome(replies[0])
    }

    // MARK: Committing

    /// Looks at every element of the reply: an error inside an accepted `EXEC` is never "committed".
    private func accept(
        _ replies: [RESPValue], of transaction: CommandBatch, sentAt: Duration
    ) throws(Loss) {
        guard let result = replies.last else { return }
        if result.isNull {
            stats.fenced += 1
            throw .taken
        }
        if let error = transaction.firstError(in: replies) {
            switch error.outcome {
            case .refused, .unknown: throw .refused(error)
            case .fatal: throw .halted("\(error)")
            }
        }
        guard let elements = result.elements else {
            throw .halted("EXEC answered something else than a list")
        }
        for element in elements {
            if let text = element.error { throw .halted(text) }
        }
        stats.commits += 1
        stats.commitSeconds.add((loop.clock.now - sentAt) / .seconds(1))
    }

    /// Rings for what was added to the outbox, and says what had to go.
    private func noteOutbox(_ replies: [RESPValue], trim place: Int?) {
        guard let place else { return }
        courier?.ring(partition)
        let elements = replies.last?.elements.map(Array.init) ?? []
        guard place < elements.count, let dropped = elements[place].number, dropped > 0 else { return }
        stats.webhooksDropped += Int64(dropped)
        notify(.outboxFull(partition: partition, dropped: dropped))
        courier?.dropped(dropped, of: partition)
    }

    private func record(_ fold: PartitionFold, _ batch: PartitionBatch, _ memory: inout PartitionMemory) {
        stats.entries += Int64(batch.entries.count)
        stats.applied += Int64(fold.applied)
        stats.duplicates += Int64(fold.duplicates)
        outcomes.count(fold.outcomes)
        for rejection in fold.rejected { stats.rejected[rejection.reason, default: 0] += 1 }
        stats.missing += fold.missing
        if !Sabotage.alarms.isOn { tellGap(fold) }
        if memory.removedUnread > 0 {
            notify(.trimmedUnread(partition: partition, entries: memory.removedUnread))
        }
        memory.removedUnread = 0
    }

    /// Only once it is committed: an owner that is none any more sees gaps where nothing is missing.
    private func tellGap(_ fold: PartitionFold) {
        if fold.missing > 0 { notify(.gap(partition: partition, missing: fold.missing)) }
    }

    // MARK: Deadlines

    /// After a take-over, an outage or a jump nobody is judged by silence before everybody could speak again.
    var longestSilence: Duration {
        (catalogs.known.latest.map(\.heartbeat).max() ?? .seconds(15)) + options.publisherBackoff
    }

    private func dueJobs(
        atMost limit: Int, before watermark: Timestamp, _ memory: PartitionMemory,
        on connection: RedisConnection
    ) async throws(Loss) -> [JobID] {
        guard memory.judgeFrom < watermark else { return [] }
        if let next = dueCheck.nextDeadline, next >= watermark, loop.clock.now - dueCheck.at < .seconds(1) {
            return []
        }
        var batch = CommandBatch()
        batch.add(
            "ZRANGE", keyspace.active(partition), "-inf", "(\(watermark.milliseconds)", "BYSCORE", "LIMIT",
            "0",
            "\(limit)")
        batch.add("ZRANGE", keyspace.active(partition), "0", "0", "WITHSCORES")
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        let first = replies[1].elements.map(Array.init) ?? []
        let earliest = first.count == 2 ? first[1].string.flatMap(Double.init) : nil
        dueCheck = DueCheck(
            at: loop.clock.now,
            nextDeadline: Timestamp(milliseconds: earliest.flatMap { Int64(exactly: $0) } ?? .max))
        return replies[0].elements?.compactMap { $0.string.flatMap { JobID($0) } } ?? []
    }
}
