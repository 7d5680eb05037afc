/// The truth about one job, as the fold left it.
public struct JobState: Sendable, Equatable {
    public enum Status: String, Sendable, CaseIterable {
        case queued, running, completed, failed, cancelled

        public var isTerminal: Bool {
            switch self {
            case .queued, .running: false
            case .completed, .failed, .cancelled: true
            }
        }
    }

    /// A stage that this attempt touched or passed by.
    public struct StageRecord: Sendable, Equatable {
        public enum Phase: String, Sendable, CaseIterable {
            case running, completed
            /// Passed by though mandatory.
            case skipped
            /// Taken back: an earlier stage began again. Waits for a higher stage attempt.
            case withdrawn
        }

        public var stage: String
        public var attempt: Int
        public var phase: Phase

        public init(stage: String, attempt: Int, phase: Phase) {
            self.stage = stage
            self.attempt = attempt
            self.phase = phase
        }
    }

    /// Where the job is: the latest stage that began.
    public struct Position: Sendable, Equatable {
        public var stage: String
        /// The try of this stage, from 1.
        public var attempt: Int
        public var index: Int?
        public var of: Int?
        /// The last value told for this stage (for this index, when indexed).
        public var progress: Progress?
        public var startedAt: Timestamp
        /// When the index began that is being worked on; nil unless the stage is indexed, and between two.
        public var indexStartedAt: Timestamp?
        /// What was usual for the stage (for one index) when it began; nil while nobody knows.
        public var usual: UsualDuration?
        /// When half of the stage's progress was told; nil before, and when it came in one leap.
        public var halfAt: Timestamp?

        public init(
            stage: String, attempt: Int = 1, index: Int? = nil, of: Int? = nil, progress: Progress? = nil,
            startedAt: Timestamp, indexStartedAt: Timestamp? = nil, usual: UsualDuration? = nil,
            halfAt: Timestamp? = nil
        ) {
            self.stage = stage
            self.attempt = attempt
            self.index = index
            self.of = of
            self.progress = progress
            self.startedAt = startedAt
            self.indexStartedAt = indexStartedAt
            self.usual = usual
            self.halfAt = halfAt
        }
    }

    public struct Substep: Sendable, Equatable {
        public var id: String
        public var progress: Progress

        public init(id: String, progress: Progress) {
            self.id = id
            self.progress = progress
        }
    }

    public struct Failure: Sendable, Equatable {
        /// Public: shown to end users.
        public var message: String
        public var code: String?
        public var stage: String?

        /// Our verdict on a worker that went silent, taken back when it speaks again.
        public static let workerLost = "worker_lost"
        /// Our verdict on an open job that nobody fed.
        public static let abandoned = "abandoned"

        public init(message: String, code: String? = nil, stage: String? = nil) {
            self.message = message
            self.code = code
            self.stage = stage
        }
    }

    // Who it is.
    public let id: JobID
    public var pipeline: Pipeline.Reference
    public var bulk: BulkID?
    public var label: String?
    /// 1…1,000,000.
    public var weight: Int
    public var token: String?
    public var attributes: [String: String]
    public var traceparent: String?

    // How it stands.
    public var status: Status
    public var health: Health
    /// From 1.
    public var attempt: Int
    public var worker: String?
    /// The latest stage that began in this attempt.
    public var position: Position?
    /// In pipeline order; only stages that this attempt touched or passed by.
    public var stages: [StageRecord]
    /// Of the current stage, in the order they were first named.
    public var substeps: [Substep]
    /// Of the whole job; never falls within an attempt.
    public var fraction: Fraction
    public var message: String?
    public var result: String?
    public var failure: Failure?
    public var checkpoint: String?
    /// When somebody asked this attempt to end; nil while nobody has.
    public var cancelRequestedAt: Timestamp?
    /// How often `worker_lost` or a stall was taken back.
    public var recoveries: Int

    // When.
    public var createdAt: Timestamp
    public var startedAt: Timestamp?
    public var updatedAt: Timestamp
    public var finishedAt: Timestamp?
    /// The last sign of life of this attempt.
    public var aliveAt: Timestamp
    /// The last progress or stage change of this attempt.
    public var movedAt: Timestamp

    /// Counts applied changes, from 1; what readers see as part of the version token. A heartbeat that
    /// changes nothing visible does not count.
    public var version: Int64

    public init(id: JobID, registration: Registration, pipeline: Pipeline.Reference, at now: Timestamp) {
        self.id = id
        self.pipeline = pipeline
        bulk = registration.bulk
        label = registration.label
        weight = registration.weight ?? 1
        token = registration.token
        attributes = registration.attributes
        status = .queued
        health = .ok
        attempt = 1
        stages = []
        substeps = []
        fraction = .zero
        recoveries = 0
        createdAt = now
        updatedAt = now
        aliveAt = now
        movedAt = now
        version = 1
    }

    public var isCancelRequested: Bool { cancelRequestedAt != nil }
    public var completedStages: [String] { stages.filter { $0.phase == .completed }.map(\.stage) }
    public var skippedStages: [String] { stages.filter { $0.phase == .skipped }.map(\.stage) }

    /// Floored; at most 99 while open, 100 only when completed.
    public var percent: Int {
        status == .completed ? 100 : min(fraction.percent, 99)
    }
}

/// A judgement on a running job, never mixed into its status.
public enum Health: String, Sendable, CaseIterable {
    case ok, slow, suspect, stalled, lost
}

/// All that is known of an id in its partition.
public enum JobRecord: Sendable, Equatable {
    /// Never heard of, or so long ago that even the tombstone is gone.
    case unknown
    /// Heard of, but nobody said yet which pipeline it follows: readable nowhere.
    case placeholder(Placeholder)
    case job(JobState)
    /// Finished and expired; the tombstone remembers how.
    case expired(Tombstone)

    /// Words that came before the job's pipeline was known, in order.
    public struct Placeholder: Sendable, Equatable {
        public struct Held: Sendable, Equatable {
            public var event: ProgressEvent
            public var at: Timestamp

            public init(event: ProgressEvent, at: Timestamp) {
                self.event = event
                self.at = at
            }
        }

        /// At most ``capacity``.
        public var held: [Held]
        public var since: Timestamp

        public static let capacity = 64
        /// After this the held words are refused as `unknown_job`.
        public static let patience = Duration.seconds(3600)

        public init(held: [Held] = [], since: Timestamp) {
            self.held = held
            self.since = since
        }
    }

    /// What outlives a finished job's hash.
    public struct Tombstone: Sendable, Equatable {
        public var status: JobState.Status
        public var attempt: Int
        public var version: Int64
        public var pipeline: Pipeline.Reference
        public var bulk: BulkID?
        public var weight: Int
        public var finishedAt: Timestamp
        public var token: String?
        /// The job's failure code, so that a later life can be taken out of the failures it was counted in.
        public var failureCode: String?
        public var failureStage: String?

        public init(of job: JobState) {
            status = job.status
            attempt = job.attempt
            version = job.version
            pipeline = job.pipeline
            bulk = job.bulk
            weight = job.weight
            finishedAt = job.finishedAt ?? job.updatedAt
            token = job.token
            failureCode = job.failure?.code
            failureStage = job.failure?.stage
        }

        public init(
            status: JobState.Status, attempt: Int, version: Int64, pipeline: Pipeline.Reference,
            bulk: BulkID?,
            weight: Int, finishedAt: Timestamp, token: String? = nil, failureCode: String? = nil,
            failureStage: String? = nil
        ) {
            self.status = status
            self.attempt = attempt
            self.version = version
            self.pipeline = pipeline
            self.bulk = bulk
            self.weight = weight
            self.finishedAt = finishedAt
            self.token = token
            self.failureCode = failureCode
            self.failureStage = failureStage
        }
    }
}
