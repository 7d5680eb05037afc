/// What one member adds to its bulk: all that the bulk knows of it.
public struct BulkContribution: Sendable, Equatable {
    public let status: JobState.Status
    public let weight: Int
    /// Of the member's own work; a terminal member counts whole, however it ended.
    public let fraction: Fraction
    /// Only of a running member.
    public let health: Health?
    /// The stage that a running member is in.
    public let stage: String?
    /// Only of a failed member.
    public let failure: BulkShare.FailureKind?

    public init(_ job: JobState) {
        let isRunning = job.status == .running
        status = job.status
        weight = job.weight
        fraction = job.status.isTerminal ? .one : job.fraction
        health = isRunning ? job.health : nil
        stage = isRunning ? job.position?.stage : nil
        failure =
            job.status == .failed
            ? BulkShare.FailureKind(code: job.failure?.code ?? "", stage: job.failure?.stage ?? "") : nil
    }

    /// Of a member of which only the outcome is left.
    public init(forgotten status: JobState.Status) {
        self.status = status
        weight = 1
        fraction = status.isTerminal ? .one : .zero
        health = status == .running ? .ok : nil
        stage = nil
        failure = status == .failed ? BulkShare.FailureKind(code: "", stage: "") : nil
    }

    /// The same as of the job that it remembers.
    public init(_ tombstone: JobRecord.Tombstone) {
        status = tombstone.status
        weight = tombstone.weight
        fraction = .one
        health = nil
        stage = nil
        failure =
            tombstone.status == .failed
            ? BulkShare.FailureKind(code: tombstone.failureCode ?? "", stage: tombstone.failureStage ?? "")
            : nil
    }
}

extension BulkContribution {
    /// Weight × parts per million.
    var progress: Int64 { Int64(weight) &* Int64(fraction.partsPerMillion) }

    /// Equal in all but the fraction.
    func stands(as other: BulkContribution) -> Bool {
        status == other.status && weight == other.weight && health == other.health && stage == other.stage
            && failure == other.failure
    }
}

extension JobRecord {
    /// What the job adds to its bulk; nil when it has none, or is not known yet.
    public var contribution: (bulk: BulkID, BulkContribution)? {
        switch self {
        case .unknown, .placeholder: nil
        case .job(let job): job.bulk.map { ($0, BulkContribution(job)) }
        case .expired(let tombstone): tombstone.bulk.map { ($0, BulkContribution(tombstone)) }
        }
    }
}
