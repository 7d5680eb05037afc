/// How long a bulk will still take: the work that waits, over how fast work gets done, and then the last jobs to
/// their ends.
///
/// How fast is measured twice: by how many ended lately, and by how many run now over what such a job usually
/// takes; the two are weighed by how sure each is. What waits comes first; when the queue is empty the one that
/// began last still has a whole job before it, and the others what is left of theirs. A job that runs already
/// and will take longer than all that holds the bulk up.
public enum BulkEstimator {
    /// A member that runs now.
    public struct Member: Sendable {
        public var outlook: Outlook
        /// How much of a member is left, where an average one is 1.
        public var left: Double
        /// How much of its time is over.
        public var passed: Double

        public init(_ job: JobState, _ outlook: Outlook, in summary: BulkSummary, at now: Timestamp) {
            self.outlook = outlook
            let elapsed = job.startedAt.map { max((now - $0).inSeconds, 0) } ?? 0
            let rest = outlook.estimate?.remaining.inSeconds
            passed = rest.map { elapsed / max(elapsed + $0, 0.001) } ?? 0.5
            let share = 1 - Double(job.fraction.partsPerMillion) / 1_000_000
            left = summary.meanWeight > 0 ? share * Double(job.weight) / summary.meanWeight : share
        }
    }

    /// - Parameters:
    ///   - running: as many of the running members as were looked at.
    ///   - typical: of the pipeline that most members follow; nil when nobody knows.
    public static func outlook(
        of summary: BulkSummary, running: [Member], typical: Estimator?, at now: Timestamp
    ) -> Outlook {
        if summary.phase == .settled { return .none(.ended) }
        if summary.isCancelling { return .none(.cancelling) }
        guard summary.total != nil else { return .none(.open) }
        let stalled = summary.health[.stalled] ?? 0
        let active = summary.counts.running - stalled
        let hasQueue = summary.counts.queued + summary.unregistered > 0
        guard active > 0 else {
            return .none(stalled > 0 ? .stalled : hasQueue ? .queued : .ended)
        }
        let speed = Speed(summary, running, active: active, typical: typical, at: now)
        let ends = running.compactMap { Spread($0.outlook.estimate) }
        let unseen = max(active - ends.count, 0)
        guard hasQueue || unseen > 0 else {
            let isHistory = running.allSatisfy { $0.outlook.estimate.map { $0.basis == .history } ?? true }
            return .estimate(Estimate(Rehearsal.end(of: ends), basis: isHistory ? .history : .both))
        }
        guard let speed else { return .none(.warmingUp) }
        let waiting =
            hasQueue
            ? max(summary.membersLeft - left(of: running, summary), 0) + Double(summary.unregistered) : 0
        let rehearsal = Rehearsal(ends: ends, unseen: unseen, waiting: waiting, speed: speed)
        return .estimate(Estimate(rehearsal.end, basis: speed.basis))
    }

    private static func left(of running: [Member], _ summary: BulkSummary) -> Double {
        let known = running.reduce(0) { $0 + $1.left }
        let mean = running.isEmpty ? 0.5 : known / Double(running.count)
        return known + Double(max(summary.counts.running - running.count, 0)) * mean
    }
}

/// How fast a bulk's members get done.
struct Speed {
    /// Members a second.
    let rate: Double
    /// Of ``rate``, relative.
    let variance: Double
    /// Of one job.
    let job: Spread
    let table: DurationTable?
    let basis: Estimate.Basis

    /// Nil when too little was seen, and nothing is known.
    init?(
        _ summary: BulkSummary, _ running: [BulkEstimator.Member], active: Int, typical: Estimator?,
        at now: Timestamp
    ) {
        let table = typical?.history.job.flatMap { $0.count >= DurationTable.fewest ? $0 : nil }
        var measured: (rate: Double, variance: Double)?
        if let seen = FinishRate(summary.finishes, at: now, wanted: max(8, 2 * active)) {
            // From the very beginning, what runs is on its way and counts too; later it was so before as well.
            let unseen = Double(max(active - running.count, 0)) / 2
            let begun = seen.isWhole ? running.reduce(unseen) { $0 + $1.passed } : 0
            let done = seen.count + begun
            if done >= 2 {
                let even = (table?.whole.relativeVariance ?? 0.4) + 0.1
                measured = (done / max(seen.span.inSeconds, 1), even / done + 0.01)
            }
        }
        self.table = table
        guard let table, table.whole.mean > 0 else {
            guard let measured else { return nil }
            rate = measured.rate
            variance = measured.variance
            let usual = Double(active) / measured.rate
            job = Spread(mean: usual, variance: usual * usual / 4, gap: 0, reach: usual / 2)
            basis = .pace
            return
        }
        job = table.whole
        let expected = Double(active) / table.whole.mean
        let doubt = 0.01 + 0.05 / Double(active) + table.whole.relativeVariance / Double(table.count)
        guard let measured else {
            rate = expected
            variance = doubt
            basis = .history
            return
        }
        let share = doubt / (doubt + measured.variance)
        rate = Octaves.value(
            Octaves.of(expected) + share * (Octaves.of(measured.rate) - Octaves.of(expected)))
        variance = doubt * measured.variance / (doubt + measured.variance)
        basis = .both
    }
}

extension Spread {
    init?(_ estimate: Estimate?) {
        guard let estimate else { return nil }
        let median = estimate.remaining.inSeconds
        self.init(mean: median, variance: 0, gap: 0, reach: max(estimate.high.inSeconds - median, 0))
    }
}
