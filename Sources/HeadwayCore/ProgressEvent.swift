/// One thing that a producer says about a job or a bulk: an entry of a partition's stream.
///
/// Every event is absolute, never an increment, so hearing it again changes nothing.
public struct ProgressEvent: Sendable, Equatable {
    public enum Subject: Sendable, Hashable {
        case job(JobID)
        case bulk(BulkID)
    }

    public enum Body: Sendable, Equatable {
        case job(JobID, JobWord)
        case bulk(BulkID, BulkWord)
    }

    /// Who published it and as the how manieth: the key that duplicates are told by.
    ///
    /// Counted from 1, +1 each, per publisher process and partition.
    public struct Sequence: Sendable, Equatable {
        public let source: String
        public let id: Int64

        public init(source: String, id: Int64) {
            self.source = source
            self.id = id
        }
    }

    public var body: Body
    /// The job's attempt from 1; nil means the current one (raw producers).
    public var attempt: Int?
    /// Nil from raw producers: at-least-once, without a count of losses.
    public var sequence: Sequence?
    /// The producer's clock: for the record only.
    public var time: Timestamp?
    /// W3C trace context, kept on the job.
    public var traceparent: String?
    /// The CloudEvents `source` and `id` of an event that came over HTTP, for the record.
    public var origin: String?

    public init(
        _ body: Body, attempt: Int? = nil, sequence: Sequence? = nil, time: Timestamp? = nil,
        traceparent: String? = nil, origin: String? = nil
    ) {
        self.body = body
        self.attempt = attempt
        self.sequence = sequence
        self.time = time
        self.traceparent = traceparent
        self.origin = origin
    }

    public init(_ id: JobID, _ word: JobWord, attempt: Int? = nil, sequence: Sequence? = nil) {
        self.init(.job(id, word), attempt: attempt, sequence: sequence)
    }

    public init(_ id: BulkID, _ word: BulkWord, sequence: Sequence? = nil) {
        self.init(.bulk(id, word), sequence: sequence)
    }

    public var subject: Subject {
        switch body {
        case .job(let id, _): .job(id)
        case .bulk(let id, _): .bulk(id)
        }
    }
}

/// What can be said of a job.
public enum JobWord: Sendable, Equatable {
    case queued(Registration)
    case started(worker: String?, Registration?)
    case stageStarted(StageMention)
    case stageProgressed(StageMention, Progress, substep: String?)
    case stageCompleted(StageMention, checkpoint: String?)
    case completed(result: String?, message: String?)
    case failed(message: String, code: String?, stage: String?)
    case cancelRequested(message: String?)
    case cancelled(message: String?)
    case heartbeat(worker: String?)
}

/// Who a job is: what `job.queued` (or a `job.started` that comes first) carries.
public struct Registration: Sendable, Equatable {
    public var pipeline: PipelineName
    public var bulk: BulkID?
    public var label: String?
    /// 1…1,000,000; nil counts as 1.
    public var weight: Int?
    /// SHA-256 of the job's read token, in lower-case hex.
    public var token: String?
    /// At most 16, by name.
    public var attributes: [String: String]

    public init(
        pipeline: PipelineName, bulk: BulkID? = nil, label: String? = nil, weight: Int? = nil,
        token: String? = nil, attributes: [String: String] = [:]
    ) {
        self.pipeline = pipeline
        self.bulk = bulk
        self.label = label
        self.weight = weight
        self.token = token
        self.attributes = attributes
    }
}

/// Which stage is spoken of, and the sentence that goes with it.
public struct StageMention: Sendable, Equatable {
    public var stage: String
    /// From 1; with `of` for indexed stages.
    public var index: Int?
    public var of: Int?
    /// A try of this stage, from 1; nil means its current one.
    public var stageAttempt: Int?
    /// At most 1,000 characters.
    public var message: String?

    public init(
        _ stage: String, index: Int? = nil, of: Int? = nil, stageAttempt: Int? = nil, message: String? = nil
    ) {
        self.stage = stage
        self.index = index
        self.of = of
        self.stageAttempt = stageAttempt
        self.message = message
    }
}

/// How far a stage or substep is: an absolute value.
public enum Progress: Sendable, Equatable {
    /// 0 ≤ done ≤ total.
    case count(done: Int, total: Int)
    case fraction(Fraction)

    public var fraction: Fraction {
        switch self {
        case .count(let done, let total): Fraction(done, of: total)
        case .fraction(let fraction): fraction
        }
    }
}

/// What can be said of a bulk. The last six are said only inside: five by shares to one another, and `recount` by
/// whoever found that a share does not equal its members; see docs/wire.md.
public enum BulkWord: Sendable, Equatable {
    case opened(total: Int?, label: String?)
    case sealed(total: Int?)
    case cancelRequested

    /// To home: a share has seen its first member.
    case announced
    /// To every share: cancel what is queued here.
    case cancelling
    /// To every share: all members of this generation are terminal; home keeps the sums.
    case settled(generation: Int, BulkCounts)
    /// To every share: a member came back, do not expire.
    case reopened(generation: Int)
    /// To one share: count your members anew.
    case recount
    /// To home: a member failed, the first of this generation in its share.
    case failing(generation: Int, BulkShare.Failing)
}
