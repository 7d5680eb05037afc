extension JobRecord {
    /// When silence will change something; nil for what is neither open nor a placeholder.
    ///
    /// - Parameter floor: silence before this does not count (the partition had no owner, or Redis was away).
    public func nextDeadline(catalog: PipelineCatalog, countingFrom floor: Timestamp? = nil) -> Timestamp? {
        nil
    }

    /// Applies whatever is due at `now`, each at its own due time, so that it does not matter when it is asked.
    public mutating func fire(
        _ id: JobID, at now: Timestamp, catalog: PipelineCatalog, countingFrom floor: Timestamp? = nil
    ) -> JobOutcome {
        JobOutcome(.unchanged)
    }
}
