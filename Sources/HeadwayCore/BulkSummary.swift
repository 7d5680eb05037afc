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
    /// Floored, weighted, running members count in part; 100 only when settled.
    public let percent: Int
    public let health: [Health: Int]
    public let stages: [String: Int]
    public let failures: [BulkShare.FailureKind: Int]
    /// How often a member came back from an end.
    public let reopened: Int
    /// 1, and one more each time a member came back.
    public let generation: Int
    public let isCancelling: Bool
    /// Σ of the shares' versions.
    public let version: Int64
    /// Nil when there is no share at all.
    public let createdAt: Timestamp?
    public let updatedAt: Timestamp?
    /// Sealed, all registered, no member open.
    public let canSettle: Bool

    /// - Parameter shares: at most one per partition, in any order.
    public init(id: BulkID, shares: [BulkShare]) {
        self.id = id
        phase = .open
        outcome = nil
        label = nil
        counts = BulkCounts()
        total = nil
        percent = 0
        health = [:]
        stages = [:]
        failures = [:]
        reopened = 0
        generation = 1
        isCancelling = false
        version = 0
        createdAt = nil
        updatedAt = nil
        canSettle = false
    }

    /// Terminal members, however they ended.
    public var done: Int { counts.done }
    /// Members beyond the total: said, never clamped.
    public var isOverrun: Bool { total.map { counts.registered > $0 } ?? false }
    /// Members that the total promises and nobody has registered yet.
    public var unregistered: Int { total.map { max($0 - counts.registered, 0) } ?? 0 }
    /// "7 of at least 20" while neither declared nor sealed, else "7 of 20".
    public var text: String {
        total.map { "\(counts.completed) of \($0)" } ?? "\(counts.completed) of at least \(counts.registered)"
    }
}
