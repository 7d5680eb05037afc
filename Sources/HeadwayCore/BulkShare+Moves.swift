extension BulkShare {
    /// The most kinds of failure that are told apart; the rest count as ``FailureKind/other``.
    public static let mostFailureKinds = 100

    /// Moves one member: takes out what it added before, puts in what it adds now.
    ///
    /// Nil to something registers a member. Coming back from an end counts as ``reopened``, and so does any
    /// other change of a share that was settled: either way what was told of the bulk is no longer true, and
    /// its next settlement is of a higher generation.
    ///
    /// Sums wrap instead of trapping: what goes in comes out exactly, whatever the order.
    public mutating func move(
        from old: BulkContribution?, to new: BulkContribution?, isHome: Bool, at now: Timestamp
    ) {
        guard old != new else { return }
        if let old, let new, old.stands(as: new) {
            // A tick: only the fraction moved.
            progress &+= new.progress &- old.progress
            return countChange(at: now)
        }
        let before = counts
        if let old { add(old, -1) }
        if let new { add(new, 1) }
        time(from: old, to: new, at: now)
        if isHome, home == nil { home = Home(createdAt: now) }
        if before.registered == 0, !isHome { errands.insert(.announce) }

        if before != counts {
            let isBack =
                if let old, let new { old.status.isTerminal && old.status != new.status } else { false }
            if isBack || settledGeneration != nil { reopened = reopened.successor }
            forgetSettlement()
        }
        countChange(at: now)
    }

    /// Puts what the members themselves say in the place of what was summed up.
    ///
    /// For a share that does not equal its members, which only a defect or somebody else's hand can bring
    /// about. A share that was settled settles anew, as a higher generation.
    ///
    /// - Parameter members: every member's contribution, in any order.
    /// - Returns: whether anything differed.
    public mutating func recount(_ members: some Sequence<BulkContribution>, at now: Timestamp) -> Bool {
        var fresh = BulkShare(id: id, at: now)
        for member in members { fresh.add(member, 1) }
        // Beyond the most kinds it depends on the order which are told apart: then the told kinds stay.
        if failures[.other] != nil, failures.values.reduce(0, +) == fresh.counts.failed {
            fresh.failures = failures
        }
        guard !hasSums(of: fresh) else { return false }
        let areCountsChanged = counts != fresh.counts
        counts = fresh.counts
        weight = fresh.weight
        progress = fresh.progress
        health = fresh.health
        stages = fresh.stages
        failures = fresh.failures
        if areCountsChanged {
            if settledGeneration != nil { reopened = reopened.successor }
            forgetSettlement()
        }
        countChange(at: now)
        return true
    }

    private func hasSums(of other: BulkShare) -> Bool {
        counts == other.counts && weight == other.weight && progress == other.progress
            && health == other.health && stages == other.stages && failures == other.failures
    }

    /// The counts changed: what was told of the bulk is no longer true, and when nothing is open it is asked
    /// anew whether all is done.
    private mutating func forgetSettlement() {
        if let settled = settledGeneration {
            settledGeneration = nil
            openGeneration = max(openGeneration, settled.successor)
            errands.insert(.reopen)
        }
        if counts.open == 0 { errands.insert(.settle) }
    }

    /// Notes a member's first failure of this generation for home, and that a member came back: only asked where
    /// somebody wants to hear of first failures, since it costs words between shares.
    ///
    /// - Parameter wasReopened: whether the move that came before raised ``reopened``: then the others must learn
    ///   of the new generation, or they would keep silent about its first failure.
    public mutating func watchFailures(
        from old: BulkContribution?, to new: BulkContribution, of job: JobID, wasReopened: Bool
    ) {
        if wasReopened { errands.insert(.reopen) }
        guard let kind = new.failure, old?.failure == nil, failureGeneration < knownGeneration,
            !errands.contains(.failing)
        else { return }
        failing = Failing(job: job, kind: kind)
        errands.insert(.failing)
    }

    /// The bulk's generation as far as this share can know: never more than it is.
    public var knownGeneration: Int { max(openGeneration, reopened.successor) }

    /// These errands are done: others have been told.
    ///
    /// - Parameter generation: ``knownGeneration`` when the telling began.
    public mutating func finishErrands(_ done: Errands, knowing generation: Int = 1) {
        errands.subtract(done)
        guard done.contains(.failing) else { return }
        failing = nil
        failureGeneration = max(failureGeneration, generation)
    }

    mutating func countChange(at now: Timestamp) {
        version = version.successor
        updatedAt = max(updatedAt, now)
    }

    private mutating func add(_ member: BulkContribution, _ sign: Int) {
        counts[member.status] &+= sign
        weight &+= Int64(sign) &* Int64(member.weight)
        progress &+= Int64(sign) &* member.progress
        if let value = member.health { tally(value, sign, in: &health) }
        if let value = member.stage { tally(value, sign, in: &stages) }
        if let value = member.failure { tally(kindToCount(value, sign), sign, in: &failures) }
    }

    private mutating func time(from old: BulkContribution?, to new: BulkContribution?, at now: Timestamp) {
        guard let new, old?.status != new.status else { return }
        switch new.status {
        case .queued, .cancelled: return
        case .running: if finishes == nil { finishes = FinishRing(since: now) }
        case .completed, .failed:
            if finishes == nil { finishes = FinishRing(since: now) }
            finishes?.add(at: now)
        }
    }

    /// Entries that come to zero go, so that equal members make equal shares.
    private func tally<Key: Hashable>(_ key: Key, _ sign: Int, in table: inout [Key: Int]) {
        let count = table[key, default: 0] &+ sign
        table[key] = count == 0 ? nil : count
    }

    /// A kind that has an entry counts there, going in and going out; one without counts as `other`, unless
    /// it goes in and there is room.
    ///
    /// So the sum always equals the failed members, and no entry falls below zero: a member counted as `other`
    /// whose kind got an entry later is taken from that entry first, and the last of its kind from `other`.
    private func kindToCount(_ kind: FailureKind, _ sign: Int) -> FailureKind {
        if failures[kind] != nil { return kind }
        let named = failures.count - (failures[.other] == nil ? 0 : 1)
        return sign > 0 && named < Self.mostFailureKinds ? kind : .other
    }
}

extension BulkShare.FailureKind {
    /// Where kinds beyond ``BulkShare/mostFailureKinds`` are counted.
    public static let other = BulkShare.FailureKind(code: "other", stage: "")
}
