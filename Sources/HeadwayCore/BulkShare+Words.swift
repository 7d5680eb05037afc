extension BulkShare {
    /// Folds one word about the bulk into this share.
    ///
    /// Idempotent: what is said again, or is older than what is known, is `unchanged`.
    ///
    /// - Parameter isHome: whether this is the bulk's home partition. Words from outside count only there.
    public mutating func apply(_ word: BulkWord, isHome: Bool, at now: Timestamp) -> Verdict {
        guard isWithinBounds(word) else { return .refused(.malformed) }
        let verdict =
            switch word {
            case .opened, .sealed, .cancelRequested:
                isHome ? hearAtHome(word, at: now) : .refused(.malformed)
            case .announced: isHome ? hearAnnounced(at: now) : .unchanged
            case .cancelling: flagCancelling(isHome: isHome)
            case .settled(let generation, let sums): hearSettled(generation, sums, isHome: isHome, at: now)
            case .reopened(let generation): hearReopened(generation)
            // The owner reads the members and calls `recount`; the word itself says nothing.
            case .recount: Verdict.unchanged
            case .failing(let generation, _): isHome ? hearFailing(generation, at: now) : .unchanged
            }
        if verdict == .applied, isSeen(word, isHome: isHome) { countChange(at: now) }
        return verdict
    }

    /// What a share notes for itself and no reader is shown: the bulk's version must not rise by it, or a bulk
    /// that has settled would seem to change once more for each share that hears of it.
    private func isSeen(_ word: BulkWord, isHome: Bool) -> Bool {
        switch word {
        case .settled, .reopened: isHome
        case .failing: false
        case .opened, .sealed, .cancelRequested, .announced, .cancelling, .recount: true
        }
    }

    private mutating func hearAtHome(_ word: BulkWord, at now: Timestamp) -> Verdict {
        let isNew = home == nil
        var draft = home ?? Home(createdAt: now)
        var verdict: Verdict
        switch word {
        case .opened(let total, let label): verdict = draft.open(total: total, label: label)
        case .sealed(let total):
            verdict = draft.seal(total: total, at: now)
            if verdict == .applied { errands.insert(.settle) }
        case .cancelRequested: verdict = flagCancelling(isHome: true)
        case .announced, .cancelling, .settled, .reopened, .recount, .failing: verdict = .unchanged
        }
        if case .refused = verdict { return verdict }
        if isNew { verdict = .applied }
        home = draft
        return verdict
    }

    /// A share that comes late to a bulk which is being cancelled must be told.
    private mutating func hearAnnounced(at now: Timestamp) -> Verdict {
        let isNew = home == nil
        if isNew { home = Home(createdAt: now) }
        guard isCancelling, !errands.contains(.cancel) else { return isNew ? .applied : .unchanged }
        errands.insert(.cancel)
        return .applied
    }

    /// Home is the one that tells the others, however it came to know.
    private mutating func flagCancelling(isHome: Bool) -> Verdict {
        guard !isCancelling else { return .unchanged }
        isCancelling = true
        if isHome { errands.insert(.cancel) }
        return .applied
    }

    /// A settlement of a generation that is over, or that did not know this share's open members, is not the
    /// truth any more: it marks nothing.
    private mutating func hearSettled(
        _ generation: Int, _ sums: BulkCounts, isHome: Bool, at now: Timestamp
    ) -> Verdict {
        guard generation >= openGeneration, counts.open == 0 else { return .unchanged }
        var isNew = false
        if settledGeneration ?? 0 < generation {
            settledGeneration = generation
            isNew = true
        }
        if isHome {
            var draft = home ?? Home(createdAt: now)
            let known = draft.settlement
            if known.map({ ($0.generation, $0.counts.registered) < (generation, sums.registered) }) ?? true {
                draft.settlement = Settlement(generation: generation, counts: sums, at: now)
                home = draft
                isNew = true
            }
        }
        return isNew ? .applied : .unchanged
    }

    /// Applied once per generation: home is where it is decided which failure was the first.
    private mutating func hearFailing(_ generation: Int, at now: Timestamp) -> Verdict {
        var draft = home ?? Home(createdAt: now)
        guard draft.failureGeneration < generation else { return .unchanged }
        draft.failureGeneration = generation
        home = draft
        return .applied
    }

    private mutating func hearReopened(_ generation: Int) -> Verdict {
        let isStale = settledGeneration.map { $0 < generation } ?? false
        guard isStale || openGeneration < generation else { return .unchanged }
        if isStale { settledGeneration = nil }
        openGeneration = max(openGeneration, generation)
        return .applied
    }
}

extension BulkShare.Home {
    /// The total only rises while the bulk is open; a label is filled in once.
    fileprivate mutating func open(total: Int?, label: String?) -> Verdict {
        if isSealed, let total, total != self.total { return .refused(.sealed) }
        var isNew = false
        if let total, total > self.total ?? -1 {
            self.total = total
            isNew = true
        }
        if self.label == nil, label != nil {
            self.label = label
            isNew = true
        }
        return isNew ? .applied : .unchanged
    }

    fileprivate mutating func seal(total: Int?, at now: Timestamp) -> Verdict {
        guard !isSealed else {
            return total == nil || total == self.total ? .unchanged : .refused(.sealed)
        }
        guard let total = total ?? self.total else { return .refused(.missingTotal) }
        self.total = total
        isSealed = true
        sealedAt = now
        return .applied
    }
}

private func isWithinBounds(_ word: BulkWord) -> Bool {
    switch word {
    case .opened(let total, _), .sealed(let total): isCount(total ?? 0)
    case .settled(let generation, let sums):
        isGeneration(generation) && JobState.Status.allCases.allSatisfy { isCount(sums[$0]) }
    case .reopened(let generation), .failing(let generation, _): isGeneration(generation)
    case .cancelRequested, .announced, .cancelling, .recount: true
    }
}

private func isCount(_ number: Int) -> Bool { 0...ProgressEvent.largestNumber ~= number }
private func isGeneration(_ number: Int) -> Bool { 1...ProgressEvent.largestNumber ~= number }
