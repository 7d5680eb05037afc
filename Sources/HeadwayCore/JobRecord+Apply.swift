extension JobRecord {
    /// Folds one word into the record.
    public mutating func apply(
        _ id: JobID, _ event: ProgressEvent, at now: Timestamp, catalog: PipelineCatalog
    ) -> JobOutcome {
        JobOutcome(.refused(.malformed))
    }
}
