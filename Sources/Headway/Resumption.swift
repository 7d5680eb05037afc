import HeadwayCore

/// What is known of a job that another worker, or an earlier run of this one, has begun.
///
/// As the aggregator last wrote it: words that are still on their way are not in it.
public struct Resumption: Sendable, Equatable {
    public enum Status: String, Sendable, CaseIterable {
        case queued, running, completed, failed, cancelled
    }

    public let status: Status
    /// The try of the whole job, from 1.
    public let attempt: Int
    /// In pipeline order, of this attempt.
    public let completedStages: [String]
    /// The stage that was begun last.
    public let stage: String?
    /// Of an indexed stage, the index that was begun last.
    public let index: Int?
    /// What the last completed stage left with `checkpoint`.
    public let checkpoint: String?

    init(_ job: JobState) {
        status = Status(job.status)
        attempt = job.attempt
        completedStages = job.completedStages
        stage = job.position?.stage
        index = job.position?.index
        checkpoint = job.checkpoint
    }

    /// Whether a stage of a contract is done.
    public func hasCompleted(_ stage: some RawRepresentable<String>) -> Bool {
        completedStages.contains(stage.rawValue)
    }
}

extension Resumption.Status {
    init(_ status: JobState.Status) {
        switch status {
        case .queued: self = .queued
        case .running: self = .running
        case .completed: self = .completed
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }
}
