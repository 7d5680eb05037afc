/// What became of one word.
public enum Verdict: Sendable, Equatable {
    /// Something that readers see changed; the version rose by one.
    case applied
    /// Known already, or a mere sign of life.
    case unchanged
    /// Kept until somebody names the job's pipeline.
    case held
    /// Broke a rule, and left no trace.
    case refused(Refusal)
}

/// What the fold answers to one word or deadline of a job. The arrays are empty for a tick.
public struct JobOutcome: Sendable {
    public var verdict: Verdict
    /// Timeline entries, in order.
    public var transitions: [Transition]
    /// Held words that turned out wrong when their placeholder was folded or ran out of patience.
    public var refusedHeld: [(event: ProgressEvent, reason: Refusal)]
    /// Whether the record must be written: also for a mere sign of life or a held word, though the version
    /// is the same.
    public var isRecordChanged: Bool
    /// What was completed, and how long it took.
    public var durations: [DurationSample] = []

    public init(
        _ verdict: Verdict = .unchanged, transitions: [Transition] = [],
        refusedHeld: [(event: ProgressEvent, reason: Refusal)] = [], isRecordChanged: Bool = false
    ) {
        self.verdict = verdict
        self.transitions = transitions
        self.refusedHeld = refusedHeld
        self.isRecordChanged = isRecordChanged
    }
}
