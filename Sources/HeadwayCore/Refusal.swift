/// Why an event was not applied. Stable words: they are the `reason` in `rejected` and a metric's label.
public enum Refusal: String, Sendable, CaseIterable, Error {
    /// A field is missing, unreadable, or breaks its bounds.
    case malformed
    /// The type is not one that this version knows.
    case unknownType = "unknown_type"
    /// The subject never existed, or nobody named its pipeline in time.
    case unknownJob = "unknown_job"
    case unknownPipeline = "unknown_pipeline"
    case unknownStage = "unknown_stage"
    /// The job is finished, and this may not start it again.
    case late
    /// Behind what is already known of this stage.
    case backwards
    /// Of an attempt that a higher one replaced.
    case superseded
    /// A strict pipeline: a mandatory stage would be skipped.
    case skippedStage = "skipped_stage"
    /// The job already belongs to another bulk.
    case bulkConflict = "bulk_conflict"
    /// The bulk's total is fixed.
    case sealed
    /// A seal without a total, when none was declared.
    case missingTotal = "missing_total"
    /// What is stored of the job cannot be read: it is left as it is until a person has mended it.
    case unreadableState = "unreadable_state"
    /// Over a limit of size.
    case tooLarge = "too_large"
}
