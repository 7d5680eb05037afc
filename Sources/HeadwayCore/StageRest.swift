/// What is left of the stage that a job is in.
struct StageRest {
    var left: Spread
    var basis: Estimate.Basis
    /// How long the whole stage will have taken by the job's own pace, against what is usual.
    var paceRatio: (ratio: Double, variance: Double)?

    /// - Parameter speed: how fast the job was so far.
    /// - Returns: nil when too little is known of it.
    init?(
        _ job: JobState, _ position: JobState.Position, _ place: Int, _ estimator: Estimator, speed: Double,
        at now: Timestamp
    ) {
        let known = estimator.history.stages[place]
        let elapsed = max((now - position.startedAt).inSeconds, 0)
        let pace = StagePace(job, position, estimator.pipeline, known.bend, at: now)
        let usual = Self.usual(job, position, known, elapsed: elapsed, speed: speed, at: now)
        guard let usual else {
            guard let pace, pace.isEnough else { return nil }
            left = Spread(median: pace.left, octaves: pace.octaves)
            basis = .pace
            return
        }
        guard let pace else {
            left = usual
            basis = .history
            return
        }
        let share: Double
        (left, share) = Self.blend(usual, pace)
        basis = share < 0.05 ? .history : share > 0.95 ? .pace : .both
        let whole = known.whole.mean
        if whole > 0 {
            let total = elapsed + pace.left
            let own = pace.octaves * 0.69 * pace.left / max(total, 0.001)
            let residual = max(known.whole.relativeVariance - estimator.history.common, 0.01)
            paceRatio = (total / max(known.whole.median, whole / 4), own * own + residual)
        }
    }

    /// By history; nil without.
    private static func usual(
        _ job: JobState, _ position: JobState.Position, _ known: PipelineHistory.Stage, elapsed: Double,
        speed: Double, at now: Timestamp
    ) -> Spread? {
        guard let table = known.table, table.count >= DurationTable.fewest else { return nil }
        guard let index = position.index else { return table.remaining(after: elapsed / speed) * speed }
        let more = max(position.of.map { Double($0) } ?? known.runs, Double(index)) - Double(index)
        let begun = position.indexStartedAt.map { max((now - $0).inSeconds, 0) }
        let this = begun.map { table.remaining(after: $0 / speed) } ?? .zero
        return (this + table.whole.repeated(more)) * speed
    }

    /// The two together, each by how sure it is. A job that is unlike all before it counts for more the further
    /// it is.
    private static func blend(_ usual: Spread, _ pace: StagePace) -> (left: Spread, share: Double) {
        let own = Octaves.of(max(pace.left, 0.001))
        let past = Octaves.of(max(usual.median, 0.001))
        let ownVariance = pace.octaves * pace.octaves
        var pastVariance = max(usual.octaves * usual.octaves, 0.0025)
        let apart = (own - past) * (own - past) / (ownVariance + pastVariance)
        if apart > 1 { pastVariance *= 1 + pace.fraction * (apart - 1) }
        let share = pastVariance / (pastVariance + ownVariance)
        let together = pastVariance * ownVariance / (pastVariance + ownVariance)
        let stretch = max(1, min(apart, 4))
        // Without evidence exactly the history, with all its skewness.
        var left = usual * Octaves.value(share * (own - past))
        let octaves = (together * stretch).squareRoot()
        left.reach *= usual.octaves > 0 ? min(octaves / usual.octaves, 4) : 1
        let median = left.median
        left.gap *= 1 - share
        left.mean = median + left.gap
        return (left, share)
    }
}

/// What a stage's own done of total says of what is left of it.
struct StagePace {
    /// Seconds.
    let left: Double
    /// How unsure that is.
    let octaves: Double
    /// Of the stage.
    let fraction: Double
    let isEnough: Bool

    /// Nil before it has told of any progress.
    init?(
        _ job: JobState, _ position: JobState.Position, _ pipeline: Pipeline, _ bend: ProgressBend,
        at now: Timestamp
    ) {
        let fraction = Double(job.stageFraction(under: pipeline).partsPerMillion) / 1_000_000
        let moved = (job.movedAt - position.startedAt).inSeconds
        guard fraction > 0, moved > 0 else { return nil }
        var units = 20.0
        if case .count(_, let total) = position.progress { units = Double(max(total, 1)) }
        if let of = position.of { units *= Double(max(of, 1)) }
        // While the next unit is awaited no longer than it should take, the wait counts as done; after that it
        // shows that all takes longer.
        let since = max((now - job.movedAt).inSeconds, 0)
        let passed = bend.time(at: fraction)
        let next = bend.time(at: min(fraction + 1 / units, 1))
        let whole = max(moved / passed, (moved + since) / next)
        let unit = whole * (next - passed)
        left = max(whole * (1 - passed) - min(since, unit), unit / 8, 0.05)
        self.fraction = fraction
        octaves = bend.octaves(at: fraction, units: min(units, 50))
        isEnough = fraction * units >= 2 && fraction >= 0.02
    }
}

/// How the time that a stage takes is spread over its progress, as finished jobs went: only the time at half is
/// known of them. Between that and the ends the truth lies between two shapes, a power of the fraction, and a
/// dead time at one end and an even pace besides.
struct ProgressBend {
    /// Of the stage's time, when half of its progress is told.
    private let half: Double
    /// How much ``half`` differs from job to job; nil while nobody knows.
    private let deviation: Double?

    static let fewest = 10

    init(_ halves: DurationSketch?) {
        guard let halves, halves.count >= Self.fewest, let low = halves.quantile(0.16),
            let middle = halves.mean, let high = halves.quantile(0.84)
        else {
            half = 0.5
            deviation = nil
            return
        }
        half = min(max(middle.inSeconds, 0.02), 0.98)
        // Less what the width of a bucket makes of it.
        let width = half / 28
        let seen = (high - low).inSeconds / 2
        deviation = max(seen * seen - width * width, 0.0001).squareRoot()
    }

    /// The share of the stage's time that has passed at a fraction; more than 0.
    func time(at fraction: Double) -> Double {
        guard fraction < 1 else { return 1 }
        let (a, b) = shapes(at: fraction)
        return max((a + b) / 2, 0.001)
    }

    private func shapes(at fraction: Double) -> (Double, Double) {
        let slow = max(half, 1 - half)
        // As seen from the end where it is slow.
        let place = half >= 0.5 ? fraction : 1 - fraction
        let power = Octaves.value(-Octaves.of(slow) * Octaves.of(place))
        let dead = 2 * slow - 1 + 2 * (1 - slow) * place
        return half >= 0.5 ? (power, dead) : (1 - power, 1 - dead)
    }

    /// How unsure what is left is at a fraction, when `units` of progress are told one by one.
    func octaves(at fraction: Double, units: Double) -> Double {
        let fraction = min(max(fraction, 0.001), 1 - 0.5 / units)
        let parts = 1 / (fraction * units) + 1 / ((1 - fraction) * units)
        guard let deviation else {
            let bend = 0.15 + 0.5 * (1 - fraction)
            return (0.15 * parts + bend * bend).squareRoot()
        }
        // Half of what differs is put down to the job, half to units that are not even.
        let passed = time(at: fraction)
        let (a, b) = shapes(at: fraction)
        let swing = deviation * 1.4 * min(fraction, 1 - fraction)
        let guess = (a - b) / 2
        let uneven = min(0.5, 1.4 * deviation * units.squareRoot())
        let bent = (swing * swing + guess * guess) / (passed * passed * (1 - passed) * (1 - passed))
        return 1.44 * (bent + uneven * uneven * parts).squareRoot() + 0.02
    }
}
