/// How long jobs of one pipeline will still take: by the stage durations of finished jobs, pulled towards the
/// job's own pace as evidence of that grows.
///
///     stage that runs     what is left of those that took at least as long   ⟷   its own done of total
///     stages to come      what they usually take, as often as they happen    ×   how fast this job is
///
/// How much a job's first stages tell of the later ones is itself read from history. Percent ranges are not
/// used: they say how a bar should look, not how long things take. Pure; the same history, job and moment give
/// the same answer. Making one costs O(samples' buckets), asking it about the same for one stage.
public struct Estimator: Sendable {
    public let pipeline: Pipeline
    let history: PipelineHistory

    public init(_ pipeline: Pipeline, _ book: DurationBook) {
        self.pipeline = pipeline
        history = PipelineHistory(pipeline, book)
    }

    /// - Parameter now: the time of the job's partition.
    public func outlook(of job: JobState, at now: Timestamp) -> Outlook {
        if job.status.isTerminal { return .none(.ended) }
        if job.isCancelRequested { return .none(.cancelling) }
        if job.status == .queued { return .none(.queued) }
        if job.health == .stalled || job.health == .lost { return .none(.stalled) }
        let place = job.position.flatMap { pipeline.position(of: $0.stage) }
        let later = ((place ?? -1) + 1)..<pipeline.stages.count
        guard history.isKnown(later) else { return .none(.noHistory) }

        var pace = JobPace(prior: history.common)
        if let lead = lead(of: job, before: place, at: now) {
            pace.learn(lead.ratio, variance: lead.variance)
        }
        var left = Spread.zero
        var basis = Estimate.Basis.history
        if let place, let position = job.position, job.phase(of: position.stage) == .running {
            guard let stage = StageRest(job, position, place, self, speed: pace.factor, at: now) else {
                return .none(.warmingUp)
            }
            if let total = stage.paceRatio { pace.learn(total.ratio, variance: total.variance) }
            left = stage.left
            basis = stage.basis
        } else if later.isEmpty {
            // The last stage is over; only the end is still to be told.
            return .estimate(Estimate(.zero, basis: .history))
        }
        if !later.isEmpty {
            left = left + history.sum(of: later, common: pace.variance) * pace.factor
            if basis == .pace || pace.isOwn { basis = .both }
        }
        return .estimate(Estimate(left, basis: basis))
    }

    /// How long the finished stages took, against what is usual.
    private func lead(
        of job: JobState, before place: Int?, at now: Timestamp
    ) -> (ratio: Double, variance: Double)? {
        guard let place, let position = job.position, let startedAt = job.startedAt, position.attempt == 1,
            !job.stages.contains(where: { $0.attempt > 1 || $0.phase == .withdrawn })
        else { return nil }
        let isOver = job.phase(of: position.stage) == .completed
        let end = isOver ? job.movedAt : position.startedAt
        let done = (0..<(isOver ? place + 1 : place)).filter {
            job.phase(of: pipeline.stages[$0].id) == .completed
        }
        guard !done.isEmpty, history.isKnown(done) else { return nil }
        var usual = Spread.zero
        for place in done {
            guard let stage = history.stages[place].table else { return nil }
            // It did happen, so it counts whole.
            let known = history.stages[place]
            usual = usual + (known.runs < 1 ? stage.whole : known.whole)
            usual.mean += history.pause
        }
        let took = (end - startedAt).inSeconds
        guard usual.mean > 0.1, took > 0 else { return nil }
        let own = max(usual.relativeVariance - history.common, 0.01)
        return (took / max(usual.median, usual.mean / 4), own)
    }
}

/// How fast one job is, against others of its kind: a factor on how long things take.
struct JobPace {
    /// How sure: relative variance. Falls with each thing learned.
    private(set) var variance: Double
    private var octaves = 0.0
    private(set) var isOwn = false

    init(prior: Double) { variance = prior }

    var factor: Double { Octaves.value(octaves) }

    mutating func learn(_ ratio: Double, variance evidence: Double) {
        guard variance > 0, evidence.isFinite else { return }
        let weight = variance / (variance + evidence)
        // What is far out of all that history knows happened to that stage, not to the job.
        let most = 4 * 1.44 * (variance + evidence).squareRoot()
        octaves += weight * min(max(Octaves.of(ratio) - octaves, -most), most)
        variance *= 1 - weight
        if weight > 0.05 { isOwn = true }
    }
}
