/// The line of commits of one partition as its messages tell it, and where that line broke. Pure.
///
/// A commit's number is one higher than the last one's, also across owners, and each is published with its
/// commit. So whoever heard every number missed nothing.
struct PartitionLine: Sendable, Equatable {
    enum Verdict: Sendable, Equatable {
        /// Nothing was missed.
        case unbroken
        /// Something may have been missed: what is believed of this partition must be read again.
        case broken
        /// Old news of this epoch: what it announces still counts, but it says nothing of the line.
        case late
        /// Of an epoch that was left behind.
        case over
    }

    /// Nil until anything was heard since the last ``reset()``.
    private(set) var epoch: String?
    private(set) var commit: Int64 = 0
    /// Epochs that were left behind; the oldest are forgotten.
    private var past: [String] = []
    /// The epoch before a ``reset()``.
    private var before: String?
    /// A commit that `control` showed and no message had told by then.
    private var awaited: Int64?
    /// An epoch that was left behind and that the last look showed all the same.
    private var returning: String?

    private static let memory = 16

    /// A message came.
    mutating func hear(epoch heard: String, commit heardCommit: Int64) -> Verdict {
        let heard = Sabotage.epochs.isOn ? epoch ?? heard : heard
        guard heard == epoch else { return enter(heard, heardCommit) }
        guard heardCommit > commit else { return .late }
        let isNext = heardCommit == commit + 1
        commit = heardCommit
        if let awaited, awaited <= commit { self.awaited = nil }
        return isNext || Sabotage.holes.isOn ? .unbroken : .broken
    }

    /// `control` was looked at. What it shows must have been heard by the next look: its message and this
    /// answer travel on two connections, so it may be on its way still.
    ///
    /// An epoch that was left behind is shown by a look that a message overtook. Shown twice in a row it is
    /// the truth, and the message was one of an earlier epoch that came too late.
    mutating func look(epoch seen: String, commit seenCommit: Int64) -> Verdict {
        if Sabotage.positions.isOn { return .unbroken }
        let seen = Sabotage.epochs.isOn ? epoch ?? seen : seen
        guard seen == epoch else {
            if past.contains(seen) {
                guard seen == returning else {
                    returning = seen
                    return .over
                }
                past.removeAll { $0 == seen }
            }
            return enter(seen, seenCommit)
        }
        returning = nil
        if let awaited, awaited > commit {
            commit = max(seenCommit, awaited)
            self.awaited = nil
            return .broken
        }
        awaited = seenCommit > commit ? seenCommit : nil
        return .unbroken
    }

    /// Whether what was read under this epoch can be believed: only messages and looks begin a new one.
    func isCurrent(_ epoch: String) -> Bool {
        if Sabotage.epochs.isOn { return true }
        if let current = self.epoch { return epoch == current }
        return !past.contains(epoch)
    }

    /// The subscription began anew: what was published before is not known.
    mutating func reset() {
        before = epoch ?? before
        epoch = nil
        commit = 0
        awaited = nil
    }

    private mutating func enter(_ new: String, _ newCommit: Int64) -> Verdict {
        if past.contains(new) { return .over }
        // A namespace that was flushed has no epoch, and may be flushed again.
        if let left = epoch ?? before, left != new, !left.isEmpty {
            past.append(left)
            if past.count > Self.memory { past.removeFirst() }
        }
        before = nil
        epoch = new
        commit = newCommit
        awaited = nil
        returning = nil
        return .broken
    }
}
