/// "X of Y": a bulk as the sum of its shares, which is what readers are shown.
public struct BulkSummary: Sendable, Equatable {
    public enum Phase: String, Sendable, CaseIterable {
        /// May grow.
        case open
        /// The total is fixed.
        case sealed
        /// Sealed, all registered, every member terminal.
        case settled
    }

    /// How a settled bulk came out.
    public enum Outcome: String, Sendable, CaseIterable {
        /// Every member completed (an empty bulk too).
        case succeeded
        /// Some completed, some did not.
        case partial
        /// None completed, and at least one failed.
        case failed
        /// None completed, and none failed.
        case cancelled
    }

    public let id: BulkID
    public let phase: Phase
    /// Of a settled bulk.
    public let outcome: Outcome?
    public let label: String?
    public let counts: BulkCounts
    /// Declared or sealed.
    public let total: Int?
    /// How much of the work is done; less than all while it is not settled.
    public let fraction: Fraction
    /// Of the running members.
    public let health: [Health: Int]
    /// Running members by stage.
    public let stages: [String: Int]
    public let failures: [BulkShare.FailureKind: Int]
    /// How often a member came back from an end.
    public let reopened: Int
    /// 1, and one more each time a member came back.
    public let generation: Int
    public let isCancelling: Bool
    /// Σ of the shares' versions.
    public let version: Int64
    /// When home heard of it, or a share first changed; nil when there is no share at all.
    public let createdAt: Timestamp?
    public let updatedAt: Timestamp?
    /// How many average members are still to be done, running ones in part; of those that are registered.
    public let membersLeft: Double
    /// Of a member.
    public let meanWeight: Double
    /// Of the shares that have begun.
    public let finishes: [FinishRing]
    /// Sealed, all registered, no member open: by the sums themselves, not by what was told.
    public let canSettle: Bool

    /// - Parameter shares: at most one per partition, in any order.
    public init(id: BulkID, shares: [BulkShare]) {
        self.id = id
        let sums = Sums(shares)
        let home = shares.lazy.compactMap(\.home).first
        label = home?.label
        total = home?.total
        health = sums.health
        stages = sums.stages
        failures = sums.failures
        reopened = sums.reopened
        isCancelling = shares.contains(where: \.isCancelling)
        version = sums.version
        // A share that was told something but counted nothing does not move the version, so it moves no time either.
        let changes = shares.filter { $0.version > 0 }.map(\.updatedAt)
        createdAt = home?.createdAt ?? changes.min() ?? shares.map(\.updatedAt).min()
        updatedAt = changes.max() ?? createdAt

        membersLeft = sums.membersLeft
        meanWeight = sums.counts.registered > 0 ? Double(sums.weight) / Double(sums.counts.registered) : 0
        finishes = shares.compactMap(\.finishes)

        // What was settled is read from home's sums: shares expire, and counts must not sink with them.
        let settlement = home?.settlement.flatMap { told in
            told.generation > sums.reopened && sums.counts.open == 0
                && told.counts.registered >= sums.counts.registered ? told : nil
        }
        counts = settlement?.counts ?? sums.counts
        generation = max(sums.reopened.successor, settlement?.generation ?? 1)
        let isSealed = home?.isSealed ?? false
        let isComplete = counts.registered >= home?.total ?? .max && counts.open == 0
        canSettle = isSealed && isComplete
        phase = canSettle ? .settled : isSealed ? .sealed : .open
        outcome = canSettle ? Outcome(counts) : nil
        fraction = canSettle ? .one : sums.openFraction(of: home?.total)
    }

    /// Floored; at most 99 while it is not settled.
    public var percent: Int { fraction.percent }
    /// Terminal members, however they ended.
    public var done: Int { counts.done }
    /// Members beyond the total: said, never clamped.
    public var isOverrun: Bool { total.map { counts.registered > $0 } ?? false }
    /// Members that the total promises and nobody has registered yet.
    public var unregistered: Int { total.map { max($0 &- counts.registered, 0) } ?? 0 }
    /// "7 of at least 20" while neither declared nor sealed, else "7 of 20". The first number is what
    /// completed, not what merely ended.
    public var text: String {
        total.map { "\(counts.completed) of \($0)" } ?? "\(counts.completed) of at least \(counts.registered)"
    }
}

extension BulkSummary.Outcome {
    /// - Parameter counts: of a settled bulk.
    public init(_ counts: BulkCounts) {
        if counts.completed == counts.registered {
            self = .succeeded
        } else if counts.completed > 0 {
            self = .partial
        } else {
            self = counts.failed > 0 ? .failed : .cancelled
        }
    }
}

/// The shares, added up.
private struct Sums {
    var counts = BulkCounts()
    var health: [Health: Int] = [:]
    var stages: [String: Int] = [:]
    var failures: [BulkShare.FailureKind: Int] = [:]
    var reopened = 0
    var version: Int64 = 0
    // Wider than one share's, so that many great shares cannot overflow.
    var weight: Int128 = 0
    var progress: Int128 = 0

    init(_ shares: [BulkShare]) {
        for share in shares {
            for status in JobState.Status.allCases { counts[status] &+= share.counts[status] }
            health.merge(share.health) { $0 &+ $1 }
            stages.merge(share.stages) { $0 &+ $1 }
            failures.merge(share.failures) { $0 &+ $1 }
            reopened &+= share.reopened
            version &+= share.version
            weight += Int128(share.weight)
            progress += Int128(share.progress)
        }
    }

    var membersLeft: Double {
        guard weight > 0 else { return 0 }
        let share = 1 - Double(progress) / (Double(weight) * 1_000_000)
        return Double(counts.registered) * min(max(share, 0), 1)
    }

    /// Of a bulk that is not settled: less than all. Members that are promised but not registered yet weigh as
    /// much as the others do on average.
    func openFraction(of total: Int?) -> Fraction {
        let members = Int128(max(total ?? 0, counts.registered))
        guard weight > 0, members > 0 else { return .zero }
        let (product, isTooMuch) = weight.multipliedReportingOverflow(by: members)
        let whole = isTooMuch ? .max : product / Int128(max(counts.registered, 1))
        return Fraction(partsPerMillion: Int(min(max(progress / max(whole, 1), 0), 999_999)))
    }
}
