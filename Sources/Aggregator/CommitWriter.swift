import HeadwayCore
import HeadwayWire
import Redis

/// Spells one commit as the commands of one transaction, and says afterwards what is now stored.
struct CommitWriter {
    let keyspace: Keyspace
    let partition: Int
    let options: AggregatorOptions
    let catalog: PipelineCatalog

    /// Entries kept of a job's timeline.
    static let timelineCap = 200
    /// Entries kept in `rejected`, about.
    static let rejectedCap = 10_000

    /// Where `XTRIM` of the outbox stands among the commands between `MULTI` and `EXEC`; nil without one.
    private(set) var outboxTrim: Int?

    private var fields = FieldBuffer()

    init(keyspace: Keyspace, partition: Int, options: AggregatorOptions, catalog: PipelineCatalog) {
        self.keyspace = keyspace
        self.partition = partition
        self.options = options
        self.catalog = catalog
    }

    /// - Parameter control: as it will stand after this commit.
    /// - Returns: `MULTI … EXEC`; the reply of `EXEC` is the last one.
    mutating func transaction(_ fold: PartitionFold, control: Control, memory: PartitionMemory)
        -> CommandBatch
    {
        var batch = CommandBatch()
        batch.reserveCapacity(2048 + fold.jobs.count * 700)
        batch.add("MULTI")
        for slot in fold.jobs { write(slot, at: memory.clock.now, into: &batch) }
        for slot in fold.rescored where slot.mustRescore { index(slot, into: &batch) }
        for slot in fold.shares { write(slot, into: &batch) }
        for rejection in fold.rejected { write(rejection, into: &batch) }
        write(fold.outbox, into: &batch)
        if !fold.sources.isEmpty {
            batch.begin("HSET", argumentCount: 1 + 2 * fold.sources.count)
            batch.append(keyspace.sources(partition))
            for source in fold.sources {
                batch.append(source)
                batch.append(memory.sources[source]?.text ?? "")
            }
        }
        write(fold.durations, of: memory.durations, into: &batch)
        write(fold.standings, of: memory, into: &batch)
        if !fold.forgotten.isEmpty { batch.add("HDEL", [keyspace.sources(partition)] + fold.forgotten) }
        fields.removeAll(keepingCapacity: true)
        control.encode(into: &fields)
        writeHash(keyspace.control(partition), into: &batch)
        // Also when nothing changed: a reader that saw every commit number knows that it missed nothing.
        batch.begin("PUBLISH", argumentCount: 2)
        batch.append(keyspace.changes(partition))
        batch.append(notice(fold, control: control).bytes)
        batch.add("EXEC")
        return batch
    }

    // MARK: Jobs

    private mutating func write(_ slot: JobSlot, at now: Timestamp, into batch: inout CommandBatch) {
        let key = keyspace.job(partition, slot.id)
        switch slot.record {
        case .job(let job): write(job, slot, key, at: now, into: &batch)
        case .placeholder:
            writeImage(of: slot, key, into: &batch)
            index(slot, into: &batch)
        case .unknown:
            batch.add("DEL", key)
            batch.add("ZREM", keyspace.active(partition), slot.id.description)
            slot.stored = nil
            slot.activeScore = nil
        case .expired: break
        }
        slot.transitions = []
        slot.isDirty = false
    }

    private mutating func write(
        _ job: JobState, _ slot: JobSlot, _ key: String, at now: Timestamp, into batch: inout CommandBatch
    ) {
        writeImage(of: slot, key, into: &batch)
        let timeline = keyspace.timeline(partition, slot.id)
        if !slot.transitions.isEmpty {
            batch.begin("RPUSH", argumentCount: 1 + slot.transitions.count)
            batch.append(timeline)
            for transition in slot.transitions { batch.append(TimelineEntry(transition).text) }
            batch.begin("LTRIM", argumentCount: 3)
            batch.append(timeline)
            batch.append(-Self.timelineCap)
            batch.append(-1)
        }
        if job.status.isTerminal {
            let finished = catalog[job.pipeline]?.retention.finished ?? Pipeline.Retention().finished
            let tombstone = JobRecord.Tombstone(of: job)
            // Also of one that is only written again (a label that came late): its keys may have expired
            // meanwhile, and would come back for ever. What is left is never more than it was.
            let isNew = slot.tombstone?.finishedAt != tombstone.finishedAt
            let left = isNew ? finished : finished - max(.zero, now - tombstone.finishedAt)
            expire(key, after: left, into: &batch)
            expire(timeline, after: left, into: &batch)
            if slot.tombstone != tombstone {
                batch.begin("SET", argumentCount: 4)
                batch.append(keyspace.tombstone(partition, slot.id))
                batch.append(tombstone.text)
                batch.append("PX")
                batch.append(Int((finished + options.tombstoneRetention).wholeMilliseconds))
            }
            slot.tombstone = tombstone
        } else if slot.tombstone != nil {
            batch.add("PERSIST", key)
            batch.add("PERSIST", timeline)
            slot.tombstone = nil
        }
        index(slot, into: &batch)
        if let bulk = job.bulk {
            let member = JobSlot.Member(bulk: bulk, status: job.status)
            if slot.storedMember != member {
                batch.begin("ZADD", argumentCount: 3)
                batch.append(keyspace.members(partition, bulk))
                batch.append(MemberScore(job.status, at: job.updatedAt).text)
                batch.append(slot.id.description)
                slot.storedMember = member
            }
        }
    }

    /// A full image: what the last one had and this one lacks must not linger.
    private mutating func writeImage(of slot: JobSlot, _ key: String, into batch: inout CommandBatch) {
        fields.removeAll(keepingCapacity: true)
        let present = slot.record.encode(into: &fields)
        writeHash(key, into: &batch)
        delete(slot.stored.map { present.vanished(since: $0) } ?? [], of: key, into: &batch)
        slot.stored = present
    }

    private func delete(_ names: [String], of key: String, into batch: inout CommandBatch) {
        if !names.isEmpty, !Sabotage.images.isOn { batch.add("HDEL", [key] + names) }
    }

    /// Keeps `active` true: an open job stands there at or before its next deadline. A tick only puts the
    /// deadline off, so it does not move the score; a due one is checked and moved then.
    private func index(_ slot: JobSlot, into batch: inout CommandBatch) {
        guard let deadline = slot.deadline else {
            guard slot.activeScore != nil || !slot.isActiveKnown || slot.mustRescore else { return }
            batch.add("ZREM", keyspace.active(partition), slot.id.description)
            slot.activeScore = nil
            slot.isActiveKnown = true
            slot.mustRescore = false
            return
        }
        if slot.isActiveKnown, let score = slot.activeScore, score <= deadline, !slot.mustRescore { return }
        batch.begin("ZADD", argumentCount: 3)
        batch.append(keyspace.active(partition))
        batch.append(deadline.milliseconds)
        batch.append(slot.id.description)
        slot.activeScore = deadline
        slot.isActiveKnown = true
        slot.mustRescore = false
    }

    // MARK: Bulks

    private mutating func write(_ slot: ShareSlot, into batch: inout CommandBatch) {
        let share = slot.share
        let key = keyspace.bulk(partition, share.id)
        let members = keyspace.members(partition, share.id)
        fields.removeAll(keepingCapacity: true)
        let present = share.encode(into: &fields)
        writeHash(key, into: &batch)
        delete(slot.stored.map { present.vanished(since: $0) } ?? [], of: key, into: &batch)
        slot.stored = present
        if !slot.isListed, let home = share.home {
            batch.begin("ZADD", argumentCount: 3)
            batch.append(keyspace.bulks(partition))
            batch.append(home.createdAt.milliseconds)
            batch.append(share.id.description)
        }
        slot.isListed = share.home != nil
        if share.hasWork != slot.isListedForWork {
            batch.add(share.hasWork ? "SADD" : "SREM", keyspace.errands(partition), share.id.description)
        }
        slot.isListedForWork = share.hasWork
        if share.settledGeneration != slot.expiringGeneration {
            if share.settledGeneration != nil {
                // Home goes first: an expiring share never shows a sinking count.
                let keep =
                    share.home == nil ? options.bulkRetention + .seconds(24 * 3600) : options.bulkRetention
                expire(key, after: keep, into: &batch)
                expire(members, after: keep, into: &batch)
            } else {
                batch.add("PERSIST", key)
                batch.add("PERSIST", members)
            }
            slot.expiringGeneration = share.settledGeneration
        }
        slot.isDirty = false
    }

    // MARK: The rest

    private mutating func write(_ rejection: Rejection, into batch: inout CommandBatch) {
        fields.removeAll(keepingCapacity: true)
        rejection.encode(into: &fields)
        batch.begin("XADD", argumentCount: 5 + 2 * fields.count)
        batch.append(keyspace.rejected(partition))
        batch.append("MAXLEN")
        batch.append("~")
        batch.append(Self.rejectedCap)
        batch.append("*")
        appendFields(into: &batch)
    }

    private mutating func write(_ outbox: [OutboxEntry], into batch: inout CommandBatch) {
        guard let limit = options.webhooks?.outboxLimit, !outbox.isEmpty else { return }
        for entry in outbox {
            fields.removeAll(keepingCapacity: true)
            entry.encode(into: &fields)
            batch.begin("XADD", argumentCount: 2 + 2 * fields.count)
            batch.append(keyspace.outbox(partition))
            batch.append("*")
            appendFields(into: &batch)
        }
        // A command of its own, because it answers how many it dropped.
        outboxTrim = batch.count - 1
        batch.begin("XTRIM", argumentCount: 4)
        batch.append(keyspace.outbox(partition))
        batch.append("MAXLEN")
        batch.append("~")
        batch.append(limit)
    }

    /// Absolute values, like everything else: a commit that is repeated counts nothing twice.
    private mutating func write(
        _ changed: Set<DurationBook.Key>, of book: DurationBook, into batch: inout CommandBatch
    ) {
        guard !changed.isEmpty else { return }
        fields.removeAll(keepingCapacity: true)
        book.encode(changed.sorted(), into: &fields)
        writeHash(keyspace.durations(partition), into: &batch)
    }

    /// Absolute values too; what nobody stands for any more has no field.
    private mutating func write(
        _ changed: Set<Census.Standing>, of memory: PartitionMemory, into batch: inout CommandBatch
    ) {
        let key = keyspace.census(partition)
        let standings = memory.mustRewriteCensus ? Set(memory.census.counts.keys) : changed
        if memory.mustRewriteCensus { batch.add("DEL", key) }
        guard !standings.isEmpty else { return }
        fields.removeAll(keepingCapacity: true)
        memory.census.encode(standings, into: &fields)
        if !fields.isEmpty { writeHash(key, into: &batch) }
        let vacant = standings.filter { memory.census[$0] == 0 }.map(\.field)
        if !vacant.isEmpty { batch.add("HDEL", [key] + vacant) }
    }

    private func notice(_ fold: PartitionFold, control: Control) -> ChangeNotice {
        var changes: [ChangeNotice.Change] = []
        changes.reserveCapacity(fold.jobs.count + fold.shares.count)
        for slot in fold.jobs {
            guard case .job(let job) = slot.record else { continue }
            changes.append(ChangeNotice.Change(.job(slot.id), version: job.version))
        }
        for slot in fold.shares {
            changes.append(ChangeNotice.Change(.bulk(slot.share.id), version: slot.share.version))
        }
        return ChangeNotice(epoch: control.epoch, commit: control.commit, changes: changes)
    }

    private func expire(_ key: String, after span: Duration, into batch: inout CommandBatch) {
        batch.begin("PEXPIRE", argumentCount: 2)
        batch.append(key)
        batch.append(Int(max(1, span.wholeMilliseconds)))
    }

    private func writeHash(_ key: String, into batch: inout CommandBatch) {
        batch.begin("HSET", argumentCount: 1 + 2 * fields.count)
        batch.append(key)
        appendFields(into: &batch)
    }

    private func appendFields(into batch: inout CommandBatch) { batch.append(fields) }
}

extension CommandBatch {
    /// The names and values of a buffer, as the arguments that `begin` announced.
    mutating func append(_ fields: FieldBuffer) {
        append(parts: fields.bytes, endingAt: fields.ends)
    }
}
