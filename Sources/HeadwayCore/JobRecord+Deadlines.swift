/// What silence does.
extension JobRecord {
    /// When silence will change something; nil for what is neither open nor a placeholder.
    ///
    /// - Parameter floor: silence before this does not count, because nobody could have heard: the partition
    ///   had no owner, or Redis was away.
    public func nextDeadline(catalog: PipelineCatalog, countingFrom floor: Timestamp? = nil) -> Timestamp? {
        switch self {
        case .unknown, .expired: nil
        case .placeholder(let placeholder): placeholder.since + Placeholder.patience
        case .job(let job):
            catalog[job.pipeline].flatMap { job.nextJudgement(under: $0, countingFrom: floor)?.at }
        }
    }

    /// Applies whatever is due at `now`; `unchanged` when nothing is, since an index of deadlines may be stale.
    ///
    /// Each thing happens at its own due time, not at `now`: how late it is asked makes no difference.
    public mutating func fire(
        _ id: JobID, at now: Timestamp, catalog: PipelineCatalog, countingFrom floor: Timestamp? = nil
    ) -> JobOutcome {
        switch self {
        case .unknown, .expired: return JobOutcome(.unchanged)
        case .placeholder(let placeholder):
            guard now >= placeholder.since + Placeholder.patience else { return JobOutcome(.unchanged) }
            self = .unknown
            return JobOutcome(
                .applied, refusedHeld: placeholder.held.map { ($0.event, .unknownJob) }, isRecordChanged: true
            )
        case .job(var job):
            guard let pipeline = catalog[job.pipeline] else { return JobOutcome(.unchanged) }
            var outcome = JobOutcome(.unchanged)
            // Each judgement leads to a graver one, so this ends.
            while let next = job.nextJudgement(under: pipeline, countingFrom: floor), next.at <= now {
                job.judge(next.verdict, at: next.at, under: pipeline, into: &outcome)
                outcome.verdict = .applied
            }
            if outcome.isRecordChanged { self = .job(job) }
            return outcome
        }
    }
}
