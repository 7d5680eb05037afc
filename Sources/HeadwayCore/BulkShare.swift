/// How many members stand where.
public struct BulkCounts: Sendable, Hashable {
    public var queued = 0
    public var running = 0
    public var completed = 0
    public var failed = 0
    public var cancelled = 0

    public init(queued: Int = 0, running: Int = 0, completed: Int = 0, failed: Int = 0, cancelled: Int = 0) {
        self.queued = queued
        self.running = running
        self.completed = completed
        self.failed = failed
        self.cancelled = cancelled
    }

    /// By construction the sum of the five; never a count of its own that could disagree.
    public var registered: Int { queued &+ running &+ done }
    public var open: Int { queued &+ running }
    /// Terminal, however it ended.
    public var done: Int { completed &+ failed &+ cancelled }

    public subscript(status: JobState.Status) -> Int {
        get {
            switch status {
            case .queued: queued
            case .running: running
            case .completed: completed
            case .failed: failed
            case .cancelled: cancelled
            }
        }
        set {
            switch status {
            case .queued: queued = newValue
            case .running: running = newValue
            case .completed: completed = newValue
            case .failed: failed = newValue
            case .cancelled: cancelled = newValue
            }
        }
    }

    public static func + (a: Self, b: Self) -> Self {
        var sum = a
        for status in JobState.Status.allCases { sum[status] &+= b[status] }
        return sum
    }
}

/// One partition's exact share of a bulk's tally, committed together with the jobs it counts.
public struct BulkShare: Sendable, Equatable {
    /// Failures of one kind.
    public struct FailureKind: Sendable, Hashable, Comparable {
        public var code: String
        public var stage: String

        public init(code: String, stage: String) {
            self.code = code
            self.stage = stage
        }

        public static func < (a: Self, b: Self) -> Bool { (a.code, a.stage) < (b.code, b.stage) }
    }

    /// What only the bulk's home partition keeps.
    public struct Home: Sendable, Equatable {
        public var label: String?
        /// Declared or sealed.
        public var total: Int?
        public var isSealed = false
        public var createdAt: Timestamp
        public var sealedAt: Timestamp?
        /// The sums of the last settlement: what is served once shares expire.
        public var settlement: Settlement?
        /// The last generation whose first failure was told; 0 before the first.
        public var failureGeneration = 0

        public init(createdAt: Timestamp) { self.createdAt = createdAt }
    }

    public struct Settlement: Sendable, Equatable {
        public var generation: Int
        public var counts: BulkCounts
        public var at: Timestamp

        public init(generation: Int, counts: BulkCounts, at: Timestamp) {
            self.generation = generation
            self.counts = counts
            self.at = at
        }
    }

    /// The member whose failure home is to be told of.
    public struct Failing: Sendable, Hashable {
        public var job: JobID
        public var kind: FailureKind

        public init(job: JobID, kind: FailureKind) {
            self.job = job
            self.kind = kind
        }
    }

    /// What this share has committed to tell others, until it is told.
    public struct Errands: OptionSet, Sendable, Hashable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// Tell home that the bulk exists.
        public static let announce = Errands(rawValue: 1)
        /// See whether the whole bulk has settled, and tell everybody if so.
        public static let settle = Errands(rawValue: 2)
        /// Tell everybody that a settled bulk is open again.
        public static let reopen = Errands(rawValue: 4)
        /// Home: tell every share to cancel.
        public static let cancel = Errands(rawValue: 8)
        /// Tell home that a member failed, the first of its generation as far as this share knows.
        public static let failing = Errands(rawValue: 16)
    }

    public let id: BulkID
    public var counts = BulkCounts()
    /// Σ of the members' weights.
    public var weight: Int64 = 0
    /// Σ of weight × parts per million of each member's own fraction; terminal members count whole.
    public var progress: Int64 = 0
    /// Of the running members.
    public var health: [Health: Int] = [:]
    /// Running members by the stage they are in.
    public var stages: [String: Int] = [:]
    public var failures: [FailureKind: Int] = [:]
    /// When members ended by themselves (not those that were cancelled); nil before one began. One that came
    /// back and ended again ended twice.
    public var finishes: FinishRing?
    /// How often a member came back from an end.
    public var reopened = 0
    public var isCancelling = false
    /// The generation that this share knows as settled; shares expire only then.
    public var settledGeneration: Int?
    /// The lowest generation that may still settle here, from 1: what a late `settled` is told by, and what
    /// the errand ``Errands/reopen`` tells others.
    public var openGeneration = 1
    /// Whom the errand ``Errands/failing`` is about, until it is told.
    public var failing: Failing?
    /// The generation of which home has been told that a member failed here; 0 before the first. Only where
    /// somebody wants to know: see ``watchFailures(from:to:of:wasReopened:)``.
    public var failureGeneration = 0
    public var home: Home?
    public var errands: Errands = []
    public var updatedAt: Timestamp
    /// Counts applied changes, from 1.
    public var version: Int64 = 0

    public init(id: BulkID, at now: Timestamp) {
        self.id = id
        updatedAt = now
    }
}
