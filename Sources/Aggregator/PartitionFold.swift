import HeadwayCore
import HeadwayWire
import Redis

/// Folds a batch into an owner's memory and collects what the commit must write.
///
/// Decides nothing itself about jobs and bulks: that is `HeadwayCore`. Here are the order of things, the
/// dedupe by source, the deadlines between entries, and the bookkeeping of what changed.
struct PartitionFold {
    let keyspace: Keyspace
    let partition: Int
    let catalog: PipelineCatalog
    /// What somebody wants to be told of.
    let webhooks: Set<WebhookEventType>

    private(set) var jobs: [JobSlot] = []
    /// Jobs whose score in `active` came due and must follow their deadline.
    private(set) var rescored: [JobSlot] = []
    private(set) var shares: [ShareSlot] = []
    private(set) var sources: Set<String> = []
    /// Sources that were silent for so long that they come back under another name, if at all.
    private(set) var forgotten: [String] = []
    private(set) var rejected: [Rejection] = []
    /// Webhooks, to be written in the commit of which they tell.
    private(set) var outbox: [OutboxEntry] = []
    /// Stages of which more is known than was.
    private(set) var durations: Set<DurationBook.Key> = []
    /// What open jobs count as, of which there are more or fewer than before.
    private(set) var standings: Set<Census.Standing> = []
    private(set) var duplicates = 0
    private(set) var applied = 0
    /// Jobs that ended, or whose end was taken back, each as it then was.
    private(set) var outcomes: [Outcome] = []
    /// Numbers that sources left out; no more than the wire can say.
    private(set) var missing: Int64 = 0

    enum Outcome: Sendable {
        case ended(JobState)
        case recovered(JobState)
    }

    init(
        keyspace: Keyspace, partition: Int, catalog: PipelineCatalog, webhooks: Set<WebhookEventType> = []
    ) {
        self.webhooks = webhooks
        self.keyspace = keyspace
        self.partition = partition
        self.catalog = catalog
    }

    var hasChanges: Bool {
        !(jobs.isEmpty && rescored.isEmpty && shares.isEmpty && rejected.isEmpty && sources.isEmpty)
    }

    mutating func apply(_ batch: PartitionBatch, to memory: inout PartitionMemory) {
        for entry in batch.entries {
            let now = memory.clock.time(of: entry.id)
            guard isNew(entry.sequence, &memory) else { continue }
            switch entry.event {
            case .failure(let error):
                rejected.append(Rejection(error, entry: entry.id, at: now, event: entry.fields))
            case .success(let event):
                apply(event, from: entry, at: now, &memory)
            }
        }
    }

    /// One word that this partition says to itself (a sweep), not an entry of the stream.
    mutating func apply(_ event: ProgressEvent, at now: Timestamp, to memory: inout PartitionMemory) {
        apply(event, from: nil, at: now, &memory)
    }

    /// Fires every deadline of `slot` that passed before `now`, each at its own time, so that the outcome
    /// does not depend on how entries were batched.
    mutating func fireDeadlines(of slot: JobSlot, before now: Timestamp, _ memory: inout PartitionMemory) {
        guard memory.judgeFrom < now else { return }
        if slot.deadline == nil { lookAhead(slot, memory) }
        // One by one, since each is a change of its own to the bulk. Each leads to a graver one or to a later
        // deadline, so this ends.
        while let deadline = slot.deadline, deadline < now {
            let outcome = slot.record.fire(
                slot.id, at: deadline, catalog: catalog, countingFrom: memory.silenceFloor)
            for (held, reason) in outcome.refusedHeld {
                rejected.append(
                    Rejection(
                        reason, entry: nil, at: deadline, event: held, detail: "held until the job was known")
                )
            }
            if outcome.isRecordChanged {
                note(outcome, slot, at: deadline, &memory)
            } else {
                lookAhead(slot, memory)
                guard slot.deadline != deadline else { return }
            }
        }
    }

    /// At the end of a batch: fires what is due of the jobs that an index of deadlines named, and of those that
    /// this batch changed.
    mutating func fire(_ due: [JobID], before watermark: Timestamp, _ memory: inout PartitionMemory) {
        for id in due {
            guard let slot = memory.jobs.find(id) else { continue }
            if slot.unreadable != nil {
                postpone(slot, to: watermark + Self.quarantinePause)
                continue
            }
            fireDeadlines(of: slot, before: watermark, &memory)
            // Its score came due; wherever the deadline is now, the score must follow.
            rescore(slot)
        }
        for slot in jobs { fireDeadlines(of: slot, before: watermark, &memory) }
    }

    private func lookAhead(_ slot: JobSlot, _ memory: PartitionMemory) {
        slot.deadline = slot.record.nextDeadline(catalog: catalog, countingFrom: memory.silenceFloor)
    }

    /// The dedupe: each number of a source counts once, in order; what was left out is counted as missing.
    private mutating func isNew(_ sequence: ProgressEvent.Sequence?, _ memory: inout PartitionMemory) -> Bool
    {
        guard let sequence else { return true }
        let last = memory.sources[sequence.source]?.id ?? 0
        guard sequence.id > last else {
            duplicates += 1
            return Sabotage.dedupe.isOn
        }
        missing = min(missing + (sequence.id - last - 1), Int64(ProgressEvent.largestNumber))
        memory.sources[sequence.source] = SourceMark(id: sequence.id, at: memory.clock.now)
        sources.insert(sequence.source)
        return true
    }

    /// Lets go of the sources of processes that ended without a word; a living one takes a new name long before.
    mutating func forgetSources(idleFor span: Duration, _ memory: inout PartitionMemory) {
        let now = memory.clock.now
        forgotten = memory.sources.filter { now - $0.value.at > span && !sources.contains($0.key) }.map(\.key)
        for source in forgotten { memory.sources[source] = nil }
    }

    private mutating func apply(
        _ event: ProgressEvent, from entry: PartitionBatch.Entry?, at now: Timestamp,
        _ memory: inout PartitionMemory
    ) {
        switch event.body {
        case .job(let id, _):
            guard keyspace.partition(of: id) == partition else {
                return refuse(
                    .malformed, entry, event, at: now, "the subject belongs to another partition's stream")
            }
            guard let slot = memory.jobs.find(id) else {
                preconditionFailure("a job was folded before it was read")
            }
            if let reason = slot.unreadable { return refuse(.unreadableState, entry, event, at: now, reason) }
            // When it was added is not known if its id is ahead of time: what it puts off must not fire.
            if entry.map({ memory.clock.isCertain($0.id) }) ?? true {
                fireDeadlines(of: slot, before: min(now, memory.clock.judged), &memory)
            }
            let outcome = slot.record.apply(
                id, event, at: now, catalog: catalog, book: memory.durations,
                countingFrom: memory.silenceFloor)
            switch outcome.verdict {
            case .applied: applied += 1
            case .unchanged, .held: break
            case .refused(let reason): refuse(reason, entry, event, at: now)
            }
            for (held, reason) in outcome.refusedHeld {
                rejected.append(
                    Rejection(
                        reason, entry: nil, at: now, event: held, detail: "held until the job was known"))
            }
            if outcome.isRecordChanged { note(outcome, slot, at: now, &memory) }
        case .bulk(let id, let word):
            let isHome = keyspace.partition(of: id) == partition
            let slot = share(id, at: now, &memory)
            let settled = slot.share.home?.settlement?.generation ?? 0
            switch slot.share.apply(word, isHome: isHome, at: now) {
            case .applied:
                applied += 1
                markDirty(slot)
                tell(of: slot.share, word, settledBefore: settled, at: now)
            case .unchanged, .held: break
            case .refused(let reason): refuse(reason, entry, event, at: now)
            }
        }
    }

    private mutating func note(
        _ outcome: JobOutcome, _ slot: JobSlot, at now: Timestamp, _ memory: inout PartitionMemory
    ) {
        lookAhead(slot, memory)
        if !slot.isDirty {
            slot.isDirty = true
            jobs.append(slot)
        }
        slot.transitions.append(contentsOf: outcome.transitions)
        noteOutcome(outcome.transitions, slot)
        if !webhooks.isEmpty { tell(of: slot, outcome.transitions, at: now) }
        measure(outcome.durations, slot, &memory)
        count(slot, &memory)
        let before = slot.contribution
        let after = slot.record.contribution
        slot.contribution = after
        guard let after, before?.1 != after.1 || before?.bulk != after.bulk else { return }
        let share = share(after.bulk, at: now, &memory)
        // A share that expired with its settled bulk counts this member no more: it registers anew.
        let reopened = share.share.reopened
        let counted = before.flatMap { share.share.counts[$0.1.status] > 0 ? $0.1 : nil }
        share.share.move(
            from: counted, to: after.1,
            isHome: keyspace.partition(of: after.bulk) == partition, at: now)
        if webhooks.contains(.bulkFirstFailure) {
            share.share.watchFailures(
                from: counted, to: after.1, of: slot.id, wasReopened: share.share.reopened != reopened)
        }
        markDirty(share)
    }

    private mutating func count(_ slot: JobSlot, _ memory: inout PartitionMemory) {
        let standing = slot.record.standing
        guard standing != slot.standing else { return }
        memory.census.move(from: slot.standing, to: standing)
        for changed in [slot.standing, standing] { if let changed { standings.insert(changed) } }
        slot.standing = standing
    }

    private mutating func noteOutcome(_ transitions: [Transition], _ slot: JobSlot) {
        guard case .job(let job) = slot.record else { return }
        for transition in transitions {
            switch transition.kind {
            case .completed, .failed, .cancelled: outcomes.append(.ended(job))
            case .recovered: outcomes.append(.recovered(job))
            default: continue
            }
        }
    }

    // MARK: Webhooks

    /// A job's end, as it stands after the word that ended it: a later word of the same batch may begin it anew.
    private mutating func tell(of slot: JobSlot, _ transitions: [Transition], at now: Timestamp) {
        guard case .job(let job) = slot.record else { return }
        for transition in transitions where transition.attempt == job.attempt {
            let isTold =
                switch transition.kind {
                case .completed: job.status == .completed && webhooks.contains(.jobCompleted)
                case .failed: job.status == .failed && webhooks.contains(.jobFailed)
                default: false
                }
            guard isTold, let entry = OutboxEntry.ended(job, catalog[job.pipeline], at: now) else { continue }
            outbox.append(entry)
        }
    }

    /// What only home knows, once per generation.
    private mutating func tell(
        of share: BulkShare, _ word: BulkWord, settledBefore: Int, at now: Timestamp
    ) {
        switch word {
        case .settled:
            guard webhooks.contains(.bulkSettled), let settlement = share.home?.settlement,
                settlement.generation > settledBefore
            else { return }
            outbox.append(.settled(share, settlement))
        case .failing(let generation, let failing):
            guard webhooks.contains(.bulkFirstFailure) else { return }
            outbox.append(.firstFailure(share, generation: generation, failing, at: now))
        case .opened, .sealed, .cancelRequested, .announced, .cancelling, .reopened, .recount: return
        }
    }

    /// Word by word, not at the end of the batch: what is usual may not depend on how entries were batched.
    private mutating func measure(
        _ samples: [DurationSample], _ slot: JobSlot, _ memory: inout PartitionMemory
    ) {
        guard !samples.isEmpty, case .job(let job) = slot.record else { return }
        for sample in samples {
            durations.formUnion(
                memory.durations.add(
                    sample.duration, pipeline: job.pipeline.name, stage: sample.stage, isHalf: sample.isHalf))
        }
    }

    private mutating func share(_ id: BulkID, at now: Timestamp, _ memory: inout PartitionMemory) -> ShareSlot
    {
        if let slot = memory.shares[id] { return slot }
        let slot = ShareSlot(share: BulkShare(id: id, at: now), isStored: false)
        memory.shares[id] = slot
        return slot
    }

    /// - Parameter members: what every member of the share says of itself, of the last commit.
    /// - Returns: whether the share had been wrong.
    mutating func recount(
        _ bulk: BulkID, _ members: [BulkContribution], at now: Timestamp, to memory: inout PartitionMemory
    ) -> Bool {
        guard memory.shares[bulk] != nil || !members.isEmpty else { return false }
        let slot = share(bulk, at: now, &memory)
        guard slot.share.recount(members, at: now) else { return false }
        markDirty(slot)
        return true
    }

    /// How long the deadline of a job that cannot be read is put off: it stays known, and keeps nobody waiting.
    static let quarantinePause = Duration.seconds(600)

    /// Moves the score of a job that cannot be read: the one thing that is written of it.
    private mutating func postpone(_ slot: JobSlot, to time: Timestamp) {
        slot.deadline = time
        rescore(slot)
    }

    mutating func rescore(_ slot: JobSlot) {
        slot.mustRescore = true
        if !slot.isDirty { rescored.append(slot) }
    }

    mutating func markDirty(_ slot: ShareSlot) {
        guard !slot.isDirty else { return }
        slot.isDirty = true
        shares.append(slot)
    }

    private mutating func refuse(
        _ reason: Refusal, _ entry: PartitionBatch.Entry?, _ event: ProgressEvent, at now: Timestamp,
        _ detail: String? = nil
    ) {
        if let entry {
            rejected.append(
                Rejection(reason, entry: entry.id, at: now, detail: detail, event: entry.fields))
        } else {
            rejected.append(Rejection(reason, entry: nil, at: now, event: event, detail: detail))
        }
    }
}
