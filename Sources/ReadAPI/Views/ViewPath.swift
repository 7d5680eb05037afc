import HeadwayCore

/// Where a view finds one thing: compiled from `$stage.index` once, when the pipeline is read.
enum ViewPath: Sendable, Hashable {
    /// As the view's own map says it.
    case status
    case job(JobPath)
    case bulk(BulkPath)
    /// Of a bulk's nth running member.
    case current(Int, JobPath)
    case failure(ViewFailurePath)
    /// Of the element that `$each` stands at.
    case item(ViewItemPath)

    /// What filters may be put behind it.
    enum Kind: Sendable, Equatable {
        case text, number, flag, moment, list, object
        /// Whatever the status map gives: a text, a number or null.
        case mapped
    }

    var kind: Kind {
        switch self {
        case .status: .mapped
        case .job(let path), .current(_, let path), .item(.job(let path)): path.kind
        case .bulk(let path): path.kind
        case .failure(let path): path.kind
        case .item(.stage), .item(.stageLabel): .text
        case .item(.substep(let path)): path.kind
        case .item(.failure(let path)): path.kind
        }
    }
}

/// One thing of a job's snapshot. The raw values are the paths as they are written.
enum JobPath: Sendable, Hashable {
    enum Plain: String, Sendable, CaseIterable {
        case id, pipeline, revision, bulk, label, rawStatus, health, reason, percent, exactPercent, message
        case attempt, worker, stage, activeStage, completedStages, skippedStages, substeps, result, error
        case createdAt, startedAt, updatedAt, finishedAt, elapsedSeconds, eta, epoch, version, now
        case asOf, lagMs, stale
        case stageID = "stage.id"
        case stageLabel = "stage.label"
        case stagePercent = "stage.percent"
        case stageDone = "stage.done"
        case stageTotal = "stage.total"
        case stageIndex = "stage.index"
        case stageOf = "stage.of"
        case stageAttempt = "stage.attempt"
        case stageStartedAt = "stage.startedAt"
        case errorMessage = "error.message"
        case errorCode = "error.code"
        case errorStage = "error.stage"
        case etaSeconds = "eta.seconds"
        case etaHigh = "eta.high"
        case etaBasis = "eta.basis"
        case etaReason = "eta.reason"
        case etaAt = "eta.at"
    }

    case plain(Plain)
    case attribute(String)
    case completedStage(Int)
    case skippedStage(Int)
    case substep(Int, SubstepPath)

    var kind: ViewPath.Kind {
        switch self {
        case .attribute, .completedStage, .skippedStage: .text
        case .substep(_, let path): path.kind
        case .plain(let plain): plain.kind
        }
    }
}

extension JobPath.Plain {
    var kind: ViewPath.Kind {
        switch self {
        case .id, .pipeline, .bulk, .label, .rawStatus, .health, .reason, .message, .worker, .stage,
            .activeStage, .result, .epoch, .stageID, .stageLabel, .errorMessage, .errorCode, .errorStage,
            .etaBasis, .etaReason:
            .text
        case .revision, .percent, .exactPercent, .attempt, .elapsedSeconds, .version, .lagMs, .stagePercent,
            .stageDone, .stageTotal, .stageIndex, .stageOf, .stageAttempt, .etaSeconds, .etaHigh:
            .number
        case .createdAt, .startedAt, .updatedAt, .finishedAt, .now, .asOf, .stageStartedAt, .etaAt: .moment
        case .completedStages, .skippedStages, .substeps: .list
        case .error, .eta: .object
        case .stale: .flag
        }
    }
}

enum SubstepPath: String, Sendable, CaseIterable {
    case id, done, total, percent

    var kind: ViewPath.Kind { self == .id ? .text : .number }
}

/// One thing of a bulk's snapshot.
enum BulkPath: Sendable, Hashable {
    enum Plain: String, Sendable, CaseIterable {
        case id, text, epoch, phase, label, outcome, completed, total, done, percent, generation, version
        case counts, health, stages, current, failures, rate, eta, createdAt, updatedAt, now, asOf, lagMs
        case stale
        case ratePerMinute = "rate.perMinute"
        case etaSeconds = "eta.seconds"
        case etaHigh = "eta.high"
        case etaBasis = "eta.basis"
        case etaReason = "eta.reason"
        case etaAt = "eta.at"
    }

    /// A count: `registered`, or one status'.
    enum Count: Sendable, Hashable {
        case registered
        case status(JobState.Status)
    }

    case plain(Plain)
    case count(Count)
    case health(Health)
    case stage(String)
    case failure(Int, FailureKindPath)

    var kind: ViewPath.Kind {
        switch self {
        case .count, .health, .stage: .number
        case .failure(_, let path): path.kind
        case .plain(let plain): plain.kind
        }
    }
}

extension BulkPath.Plain {
    var kind: ViewPath.Kind {
        switch self {
        case .id, .text, .epoch, .phase, .label, .outcome, .etaBasis, .etaReason: .text
        case .completed, .total, .done, .percent, .generation, .version, .lagMs, .ratePerMinute, .etaSeconds,
            .etaHigh:
            .number
        case .counts, .health, .stages, .rate, .eta: .object
        case .current, .failures: .list
        case .createdAt, .updatedAt, .now, .asOf, .etaAt: .moment
        case .stale: .flag
        }
    }
}

enum FailureKindPath: String, Sendable, CaseIterable {
    case code, stage, count

    var kind: ViewPath.Kind { self == .count ? .number : .text }
}

/// One thing of what is left when there is no snapshot.
enum ViewFailurePath: String, Sendable, CaseIterable {
    case id, problem, asOf, lagMs, stale, epoch, version, rawStatus, pipeline, bulk, attempt, finishedAt

    var kind: ViewPath.Kind {
        switch self {
        case .id, .problem, .epoch, .rawStatus, .pipeline, .bulk: .text
        case .lagMs, .version, .attempt: .number
        case .asOf, .finishedAt: .moment
        case .stale: .flag
        }
    }
}

/// One thing of an element of a list.
enum ViewItemPath: Sendable, Hashable {
    case job(JobPath)
    case stage
    case stageLabel
    case substep(SubstepPath)
    case failure(FailureKindPath)
}

/// What `$each` goes over.
enum ViewList: Sendable, Hashable {
    case completedStages(ViewOwner)
    case skippedStages(ViewOwner)
    case substeps(ViewOwner)
    case current
    case failures
}

/// Whose list it is.
enum ViewOwner: Sendable, Hashable {
    case subject
    case current(Int)
}
