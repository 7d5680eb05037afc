/// How many jobs of a partition are open, by pipeline, status and health: committed with the jobs that it counts.
///
/// Kept by moves, as a bulk's share is, so it costs nothing per tick. What has ended is counted elsewhere
/// (``OutcomeTally``): it expires by itself, and nobody would say so.
public struct Census: Sendable, Equatable {
    /// What one open job counts as.
    public enum Standing: Sendable, Hashable, Comparable {
        /// Heard of, but nobody said yet which pipeline it follows.
        case held
        case queued(pipeline: String)
        case running(pipeline: String, Health)

        /// Empty for ``held``.
        public var pipeline: String {
            switch self {
            case .held: ""
            case .queued(let pipeline), .running(let pipeline, _): pipeline
            }
        }

        private var order: (String, Int, String) {
            switch self {
            case .held: ("", 0, "")
            case .queued(let pipeline): (pipeline, 1, "")
            case .running(let pipeline, let health): (pipeline, 2, health.rawValue)
            }
        }

        public static func < (a: Self, b: Self) -> Bool { a.order < b.order }
    }

    /// Never negative, and without zeros.
    public private(set) var counts: [Standing: Int]

    public init(_ counts: [Standing: Int] = [:]) { self.counts = counts.filter { $0.value > 0 } }

    /// All open jobs, those held included.
    public var total: Int { counts.values.reduce(0, +) }

    public subscript(standing: Standing) -> Int { counts[standing] ?? 0 }

    /// One job left `old` and came to `new`; nil is neither open nor held.
    ///
    /// A count never falls below 0: what cannot be taken away was never counted, and the next comparison with the
    /// index of open jobs shows it.
    public mutating func move(from old: Standing?, to new: Standing?) {
        guard old != new else { return }
        if let old, let count = counts[old] { counts[old] = count > 1 ? count - 1 : nil }
        if let new { counts[new, default: 0] += 1 }
    }

    /// Partitions add up.
    public static func + (a: Self, b: Self) -> Self {
        var sum = a
        sum.counts.merge(b.counts, uniquingKeysWith: +)
        return sum
    }
}

extension JobRecord {
    /// What it counts as in a ``Census``; nil when it is not open.
    public var standing: Census.Standing? {
        switch self {
        case .unknown, .expired: nil
        case .placeholder: .held
        case .job(let job): job.standing
        }
    }
}

extension JobState {
    /// What it counts as in a ``Census``; nil when it has ended.
    public var standing: Census.Standing? {
        switch status {
        case .queued: .queued(pipeline: pipeline.name)
        case .running: .running(pipeline: pipeline.name, health)
        case .completed, .failed, .cancelled: nil
        }
    }
}
