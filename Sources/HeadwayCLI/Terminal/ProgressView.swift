/// What the bars show: a value, so that the same picture can be painted, compared and tested.
struct ProgressView: Sendable, Equatable {
    /// A bulk's bar, above its jobs'.
    struct Bulk: Sendable, Equatable {
        var id: String
        /// As the API says it: `12 of 40`, `7 of at least 20`.
        var text: String
        var percent: Int
        /// How far the bar reaches, in parts per million; nil for as far as the percent says.
        var fill: Int?
        var failed = 0
        var cancelled = 0
        var stalled = 0
        var isSettled = false
        var perMinute: Double?
        var secondsLeft: Int?
        var isStale = false
    }

    struct Job: Sendable, Equatable {
        enum Status: String, Sendable { case queued, running, completed, failed, cancelled, unknown, expired }

        var id: String
        var label: String?
        var status: Status
        var percent: Int
        /// How far the bar reaches, in parts per million; nil for as far as the percent says.
        var fill: Int?
        var stage: String?
        var done: Int?
        var total: Int?
        var message: String?
        /// A sentence, when it is not well: why it counts as slow, stalled or lost.
        var concern: String?
        var secondsLeft: Int?

        var name: String { label ?? id }
        var isOver: Bool {
            switch status {
            case .queued, .running: false
            case .completed, .failed, .cancelled, .unknown, .expired: true
            }
        }
    }

    var bulks: [Bulk] = []
    var jobs: [Job] = []
    /// Running jobs that are not among ``jobs``.
    var hidden = 0

    /// Nothing more will change.
    var isOver: Bool { bulks.allSatisfy(\.isSettled) && jobs.allSatisfy(\.isOver) }

    /// Everything that was watched ended well.
    var isGood: Bool {
        bulks.allSatisfy { $0.isSettled && $0.failed == 0 && $0.cancelled == 0 }
            && jobs.allSatisfy { $0.status == .completed }
    }
}
