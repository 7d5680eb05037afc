/// One line of a job's timeline: a step, never a tick.
public struct Transition: Sendable, Equatable {
    /// Stable words: they are written to the timeline and served.
    public enum Kind: String, Sendable, CaseIterable {
        case created, started, completed, failed, cancelled
        /// A higher attempt waits for a worker.
        case requeued
        /// Another worker goes on with the same attempt.
        case workerReplaced = "worker_replaced"
        case stageStarted = "stage_started"
        case stageCompleted = "stage_completed"
        /// Passed by though mandatory.
        case stageSkipped = "stage_skipped"
        /// Taken back, because an earlier stage began again.
        case stageWithdrawn = "stage_withdrawn"
        case cancelRequested = "cancel_requested"
        /// The judgement on the running job changed; `detail` is the new ``Health``.
        case health
        /// `worker_lost` was taken back.
        case recovered
    }

    public var at: Timestamp
    public var kind: Kind
    public var attempt: Int
    public var stage: String?
    public var index: Int?
    /// A worker, a message, a failure's code or a ``Health``, by ``kind``.
    public var detail: String?

    public init(
        at: Timestamp, kind: Kind, attempt: Int, stage: String? = nil, index: Int? = nil,
        detail: String? = nil
    ) {
        self.at = at
        self.kind = kind
        self.attempt = attempt
        self.stage = stage
        self.index = index
        self.detail = detail
    }
}
