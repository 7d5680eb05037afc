import HeadwayCore

/// What is known of a job that another worker, or an earlier run of this one, has begun.
///
/// As the aggregator last wrote it: words that are still on their way are not in it.
public struct Resumption: Sendable, Equatable {
    /// Where a job is in its life.
    public enum Status: String, Sendable, CaseIterable {
        /// Announced, and not begun.
        case queued
        /// A worker has it.
        case running
        /// Done.
        case completed
        /// Ended by an error, or because nobody heard of its worker any more.
        case failed
        /// Ended because somebody asked for it.
        case cancelled
    }

    /// Where it is in its life.
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
    /// Of the stage that was begun last (of its index, when indexed), as far as its worker's words had arrived.
    public let substeps: [Substep]

    /// A named counter inside the stage, as last reported.
    public struct Substep: Sendable, Equatable {
        /// As the worker named it.
        public let name: String
        /// 0 ≤ done ≤ total; one that was told as a percentage has parts per million.
        public let done: Int
        /// How many there are in all.
        public let total: Int
    }

    init(_ job: JobState) {
        status = Status(job.status)
        attempt = job.attempt
        completedStages = job.completedStages
        stage = job.position?.stage
        index = job.position?.index
        checkpoint = job.checkpoint
        substeps = job.substeps.map { substep in
            switch substep.progress {
            case .count(let done, let total): Substep(name: substep.id, done: done, total: total)
            case .fraction(let fraction):
                Substep(name: substep.id, done: fraction.partsPerMillion, total: 1_000_000)
            }
        }
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
