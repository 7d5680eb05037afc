import HeadwayCore

/// What bulks count, and what they tell their members.
extension MemoryState {
    /// A member's part of its bulk becomes `after`.
    mutating func count(_ id: JobID, in bulk: BulkID, as after: BulkContribution, at time: Timestamp) {
        let before = lines[id]?.contribution
        guard before != after else { return }
        lines[id]?.contribution = after
        // Taken out, so that its sets are changed in place. One that had expired begins anew.
        var line =
            bulks.removeValue(forKey: bulk).flatMap { $0.expired == nil ? $0 : nil }
            ?? BulkLine(share: BulkShare(id: bulk, at: time))
        // A share that expired with its settled bulk counts this member no more: it registers anew.
        let counted = before.flatMap { line.share.counts[$0.status] > 0 ? $0 : nil }
        line.share.move(from: counted, to: after, isHome: true, at: time)
        line.members.insert(id)
        if after.status == .running { line.running.insert(id) } else { line.running.remove(id) }
        bulks[bulk] = line
        touch(bulk)
    }

    /// The share changed: who looks hears of it, and what it has to tell is told before anything else is heard.
    mutating func touch(_ id: BulkID) {
        changed.insert(.bulk(id))
        guard let share = bulks[id]?.share else { return }
        if !share.errands.isEmpty || share.isCancelling { errands.insert(id) }
    }

    mutating func runErrands() {
        while let id = errands.min() {
            errands.remove(id)
            run(errandsOf: id)
        }
    }

    private mutating func run(errandsOf id: BulkID) {
        cancelWaiting(in: id)
        guard var share = bulks[id]?.share else { return }
        let told = share.errands
        let before = share.settledGeneration
        if told.contains(.reopen) {
            let generation = BulkSummary(id: id, shares: [share]).generation
            _ = share.apply(.reopened(generation: generation), isHome: true, at: now)
        }
        if told.contains(.settle) {
            let summary = BulkSummary(id: id, shares: [share])
            if summary.canSettle {
                let word = BulkWord.settled(generation: summary.generation, summary.counts)
                _ = share.apply(word, isHome: true, at: now)
            }
        }
        share.finishErrands(told)
        bulks[id]?.share = share
        // A member that came back has taken the settlement away before this: then nothing expires any more.
        let isReopened = share.settledGeneration == nil && bulks[id]?.due != nil
        if share.settledGeneration != before || isReopened {
            bulks[id]?.due = share.settledGeneration.map { _ in now + limits.bulkRetention }
            look(ahead: id)
        }
    }

    /// Whoever began to work for the bulk is told to stop.
    mutating func warnWorkers(of id: BulkID) {
        for job in open.values where job.bulk == id { job.cancellation.set() }
    }

    /// Members of a cancelled bulk that wait are cancelled; those that run are asked, so that a worker that does
    /// not answer meets its deadline.
    private mutating func cancelWaiting(in id: BulkID) {
        guard let line = bulks[id], line.share.isCancelling, line.share.counts.open > 0 else { return }
        let waiting = line.members.filter { member in
            if case .job(let job)? = lines[member]?.record {
                job.status == .queued || (job.status == .running && !job.isCancelRequested)
            } else {
                false
            }
        }
        for member in waiting.sorted() { fold(member, ProgressEvent(member, .cancelRequested(message: nil))) }
    }

    // MARK: Their end

    private mutating func look(ahead id: BulkID) {
        guard let line = bulks[id], let due = line.due, line.queued.map({ due < $0 }) ?? true else { return }
        bulks[id]?.queued = due
        deadlines.add(.bulk(id), at: due)
        tidyDeadlines()
    }

    /// A settled bulk is remembered as such for a day after its counts are gone.
    mutating func expire(_ id: BulkID, upTo time: Timestamp) {
        guard let line = bulks[id], let due = line.due else { return }
        guard due <= time else { return look(ahead: id) }
        if line.expired == nil {
            bulks[id]?.expired = max(line.share.version, 1)
            bulks[id]?.members = []
            bulks[id]?.running = []
            bulks[id]?.due = due + .seconds(24 * 3600)
            look(ahead: id)
            expire(id, upTo: time)
        } else {
            bulks[id] = nil
        }
        changed.insert(.bulk(id))
    }

    /// Lets go of the bulks that settled first; one that is open stays.
    mutating func makeRoomForBulk() throws(HeadwayError) {
        guard bulks.count >= limits.bulks else { return }
        let settled = bulks.filter { $0.value.due != nil }
        guard !settled.isEmpty else {
            throw HeadwayError(
                .full,
                "\(limits.bulks) bulks are open, as many as this InMemoryHeadway holds: settle some, or raise "
                    + "Options.mostBulks.")
        }
        let oldest = settled.sorted {
            ($0.value.due ?? now, $0.key) < ($1.value.due ?? now, $1.key)
        }
        for (id, _) in oldest.prefix(max(1, limits.bulks / 16)) {
            bulks[id] = nil
            counters.evicted += 1
            changed.insert(.bulk(id))
        }
    }
}
