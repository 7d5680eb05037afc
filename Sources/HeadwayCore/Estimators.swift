/// The history of durations, laid out per pipeline when somebody first asks, and what was shown of whom: all that
/// stands between the estimator and those who look, behind Redis and in memory alike. Bounded. Pure.
public struct Estimators: Sendable {
    /// Subjects whose last estimate is remembered, so that it does not jump.
    public static let mostShown = 50_000

    private var book = DurationBook()
    private var laidOut: [Pipeline.Reference: Estimator] = [:]
    private var memory = EstimateMemory<ProgressEvent.Subject>(capacity: mostShown)

    public init() {}

    public mutating func take(_ book: DurationBook) {
        guard book != self.book else { return }
        self.book = book
        laidOut = [:]
    }

    /// Nil while the pipeline is not known.
    public mutating func estimator(of pipeline: Pipeline?) -> Estimator? {
        guard let pipeline else { return nil }
        if let known = laidOut[pipeline.reference] { return known }
        let estimator = Estimator(pipeline, book)
        if laidOut.count < 1000 { laidOut[pipeline.reference] = estimator }
        return estimator
    }

    /// Undamped.
    public mutating func outlook(of job: JobState, _ pipeline: Pipeline?, at now: Timestamp) -> Outlook {
        if job.status.isTerminal { return .none(.ended) }
        return estimator(of: pipeline)?.outlook(of: job, at: now) ?? .none(.noHistory)
    }

    /// Damped.
    ///
    /// - Parameter isStale: whether nobody is at work, so that what is known may be long out of date.
    public mutating func shown(
        _ job: JobState, _ pipeline: Pipeline?, at now: Timestamp, isStale: Bool = false
    ) -> Outlook {
        let outlook = self.outlook(of: job, pipeline, at: now)
        let honest = isStale && outlook.estimate != nil ? Outlook.none(.stale) : outlook
        return memory.show(honest, of: .job(job.id), life: job.attempt, at: now)
    }

    /// - Parameter running: the running members that were read, with their pipelines; nil when none were asked
    ///   for.
    public mutating func shown(
        _ summary: BulkSummary, running: [(job: JobState, pipeline: Pipeline?)]?, at now: Timestamp,
        isStale: Bool = false
    ) -> Outlook {
        let members = (running ?? []).map { job, pipeline in
            BulkEstimator.Member(job, self.outlook(of: job, pipeline, at: now), in: summary, at: now)
        }
        let outlook = BulkEstimator.outlook(
            of: summary, running: members, typical: estimator(of: Self.mostCommon(running ?? [])), at: now)
        let honest = isStale && outlook.estimate != nil ? Outlook.none(.stale) : outlook
        guard running == nil, honest.estimate != nil else {
            return memory.show(honest, of: .bulk(summary.id), life: summary.generation, at: now)
        }
        // Only the rate is known, so what was said to somebody who looked closer goes first.
        let said = memory.shown(of: .bulk(summary.id), life: summary.generation, at: now)
        return said.map { .estimate($0) } ?? honest
    }

    private static func mostCommon(_ running: [(job: JobState, pipeline: Pipeline?)]) -> Pipeline? {
        var counts: [Pipeline.Reference: Int] = [:]
        for (_, pipeline) in running { if let pipeline { counts[pipeline.reference, default: 0] += 1 } }
        let most = counts.max { ($0.value, $1.key.description) < ($1.value, $0.key.description) }?.key
        return running.first { $0.pipeline?.reference == most }?.pipeline
    }
}
