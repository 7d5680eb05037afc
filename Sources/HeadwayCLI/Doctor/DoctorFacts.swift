/// What `headway doctor` has seen. Nil is what it was not let see.
struct DoctorFacts: Sendable, Equatable {
    /// One partition, after it was looked at twice.
    struct Partition: Sendable, Equatable {
        var number: Int
        /// Nil when nobody owns it now, or ever did.
        var owner: String?
        var wasEverOwned = true
        var isStale = false
        var isHalted = false
        var lagEvents: Int64 = 0
        var lag: Duration?
        /// Events that never came or were removed unread, since the namespace was first used.
        var lost: Int64 = 0
        /// What the owner takes off Redis' clock.
        var skew = Duration.zero
        /// Entries of `rejected`.
        var rejected = 0
        /// The newest one's reason and age.
        var lastRejection: (reason: String, age: Duration)?

        static func == (a: Self, b: Self) -> Bool {
            a.number == b.number && a.owner == b.owner && a.isStale == b.isStale && a.lost == b.lost
                && a.rejected == b.rejected && a.lagEvents == b.lagEvents && a.isHalted == b.isHalted
        }
    }

    struct Spool: Sendable, Equatable {
        var name: String
        var events: Int
        /// Numbers that no aggregator is known to have applied.
        var unapplied: Int64
        var isHeld = false
        var isForeign = false
        var isPutAside = false
        var damages = 0
        var problem: String?
    }

    struct API: Sendable, Equatable {
        /// Nil when it answered.
        var problem: String?
        /// Of `/readyz`.
        var readiness = 200
        /// Sums of `/metrics` by the family's name, without labels.
        var metrics: [String: Double] = [:]
    }

    var namespace = "hw"
    /// False when nobody has used the namespace yet.
    var isUsed = true
    /// `INFO`, by field.
    var info: [String: String]?
    /// `CONFIG GET`, by name.
    var config: [String: String]?
    /// Redis' clock ahead of this machine's.
    var clockAhead: Duration?
    /// Round trips, shortest first.
    var roundTrips: [Duration] = []
    var user: String?
    /// What the user lacks, by role, as `XADD hw:{0}:events`; a role that lacks nothing has none.
    var missingRights: [String: [String]]?
    /// The roles that were asked about.
    var roles: [String] = []
    var partitions: [Partition] = []
    /// Of living aggregators.
    var fenced: Int64 = 0
    /// What the counts of the newest bulks and the index of their members differ in.
    var drift: [String] = []
    var pipelines: Int?
    var pipelineProblems: [String] = []
    /// Open jobs whose hash would expire, and finished ones whose hash never does; of those that were looked at.
    var expiringJobs: [String] = []
    var lastingJobs: [String] = []
    var spools: [Spool] = []
    var spoolDirectory: String?
    var spoolProblem: String?
    var api: API?
    /// What could not be asked for: a right that is missing.
    var refusals: [String] = []
}
