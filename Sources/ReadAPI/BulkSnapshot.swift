package import HeadwayCore

/// One bulk as served: the sums of its shares, what runs now, and how recent that is.
package struct BulkSnapshot: Sendable, Equatable {
    package let summary: BulkSummary
    /// Up to ten running members, the longest running first; nil where nobody asked.
    package let current: [JobSnapshot]?
    /// Of all partitions together: it changes when any of theirs does.
    package let epoch: String
    package var freshness: Freshness
    package let readAt: Timestamp
    /// How long it will still take, as damped for those who look.
    package var outlook: Outlook

    package init(
        summary: BulkSummary, current: [JobSnapshot]?, epoch: String, freshness: Freshness, readAt: Timestamp,
        outlook: Outlook? = nil
    ) {
        self.outlook = outlook ?? .none(summary.phase == .settled ? .ended : .noHistory)
        self.summary = summary
        self.current = current
        self.epoch = epoch
        self.freshness = freshness
        self.readAt = readAt
    }

    package var id: BulkID { summary.id }
    package var token: VersionToken {
        VersionToken(epoch: epoch, version: summary.version, isStale: freshness.isStale)
    }

    /// How fast members end, as measured lately; nil when all have ended, and before the first has.
    package var rate: FinishRate? {
        guard summary.phase != .settled else { return nil }
        let wanted = max(8, 2 * summary.counts.running)
        return FinishRate(summary.finishes, at: readAt, wanted: wanted)
    }

    /// By how often, then by name.
    package var failures: [(kind: BulkShare.FailureKind, count: Int)] {
        summary.failures.map { (kind: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.kind) < ($0.count, $1.kind) }
    }
}

/// What can be said of a bulk's id.
package enum BulkAnswer: Sendable, Equatable {
    case bulk(BulkSnapshot)
    /// It settled, and its home has expired: what is left of its shares would show a sinking count.
    case expired(BulkID, epoch: String, version: Int64, Freshness)
    case unknown(BulkID, epoch: String, Freshness)

    package var id: BulkID {
        switch self {
        case .bulk(let snapshot): snapshot.id
        case .expired(let id, _, _, _), .unknown(let id, _, _): id
        }
    }

    package var freshness: Freshness {
        switch self {
        case .bulk(let snapshot): snapshot.freshness
        case .expired(_, _, _, let freshness), .unknown(_, _, let freshness): freshness
        }
    }

    package var token: VersionToken {
        switch self {
        case .bulk(let snapshot): snapshot.token
        case .expired(_, let epoch, let version, let freshness):
            VersionToken(epoch: epoch, version: version, isStale: freshness.isStale)
        case .unknown(_, let epoch, let freshness):
            VersionToken(epoch: epoch, version: 0, isStale: freshness.isStale)
        }
    }
}
