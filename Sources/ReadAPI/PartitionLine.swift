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
        /// Old news.
        case late
    }

    /// Nil until anything was heard since the last ``reset()``.
    private(set) var epoch: String?
    private(set) var commit: Int64 = 0
    /// Epochs that were left behind; the oldest are forgotten.
    private var past: [String] = []
    /// A commit that `control` showed and no message had told by then.
    private var awaited: Int64?

    /// The epoch before a ``reset()``.
    private var before: String?

    private static let memory = 16

    /// A message came.
    mutating func hear(epoch heard: String, commit heardCommit: Int64) -> Verdict {
        guard heard == epoch else { return enter(heard, heardCommit) }
        guard heardCommit > commit else { return .late }
        let isNext = heardCommit == commit + 1
        commit = heardCommit
        if let awaited, awaited <= commit { self.awaited = nil }
        return isNext ? .unbroken : .broken
    }

    /// `control` was looked at. What it shows must have been heard by the next look: its message and this
    /// answer travel on two connections, so it may be on its way still.
    mutating func look(epoch seen: String, commit seenCommit: Int64) -> Verdict {
        guard seen == epoch else { return enter(seen, seenCommit) }
        if let awaited, awaited > commit {
            commit = max(seenCommit, awaited)
            self.awaited = nil
            return .broken
        }
        awaited = seenCommit > commit ? seenCommit : nil
        return .unbroken
    }

    /// An answer was read under this epoch.
    mutating func meet(epoch met: String) -> Verdict {
        if met == epoch || epoch == nil { return .unbroken }
        return enter(met, 0)
    }

    /// Whether it is an epoch that was left behind.
    func hasLeft(_ epoch: String) -> Bool { past.contains(epoch) }

    /// The subscription began anew: what was published before is not known.
    mutating func reset() {
        before = epoch ?? before
        epoch = nil
        commit = 0
        awaited = nil
    }

    private mutating func enter(_ new: String, _ newCommit: Int64) -> Verdict {
        if past.contains(new) { return .late }
        // A namespace that was flushed has no epoch, and may be flushed again.
        if let left = epoch ?? before, left != new, !left.isEmpty {
            past.append(left)
            if past.count > Self.memory { past.removeFirst() }
        }
        before = nil
        epoch = new
        commit = newCommit
        awaited = nil
        return .broken
    }
}
