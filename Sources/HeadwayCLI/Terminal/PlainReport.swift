/// Progress where no bar can move: a line whenever something worth a line has changed.
///
/// A bulk of ten thousand is not ten thousand lines: its count alone is news once a second, or when it makes another
/// percent. Pure; the caller brings the time.
struct PlainReport: Sendable {
    private var bulks: [String: (told: ProgressView.Bulk, at: Duration)] = [:]
    private var jobs: [String: ProgressView.Job] = [:]

    init() {}

    /// The lines that are new since the last view: counts of a bulk; status, stage and every tenth percent of a job.
    ///
    /// - Parameter now: monotonic.
    mutating func news(_ view: ProgressView, at now: Duration) -> [String] {
        var lines: [String] = []
        for bulk in view.bulks {
            if let (told, at) = bulks[bulk.id] {
                let isGrave =
                    told.failed != bulk.failed || told.cancelled != bulk.cancelled
                    || told.isSettled != bulk.isSettled || told.isStale != bulk.isStale
                let isCounted =
                    told.text != bulk.text && (told.percent != bulk.percent || now - at >= .seconds(1))
                guard isGrave || isCounted else { continue }
            }
            bulks[bulk.id] = (bulk, now)
            lines.append(Self.line(bulk))
        }
        for job in view.jobs {
            let before = jobs.updateValue(job, forKey: job.id)
            let isNews = before.map {
                $0.status != job.status || $0.stage != job.stage || $0.percent / 10 != job.percent / 10
                    || ($0.concern == nil) != (job.concern == nil)
            }
            if isNews ?? true { lines.append(Self.line(job)) }
        }
        return lines
    }

    private static func line(_ bulk: ProgressView.Bulk) -> String {
        var parts = ["\(bulk.text), \(bulk.percent) %"]
        if bulk.failed > 0 { parts.append("\(bulk.failed) failed") }
        if bulk.cancelled > 0 { parts.append("\(bulk.cancelled) cancelled") }
        if bulk.isSettled { parts.append("settled") }
        if !bulk.isSettled, let rate = bulk.perMinute, rate > 0 {
            parts.append("\(BarPainter.rate(rate))/min")
        }
        if !bulk.isSettled, let left = bulk.secondsLeft { parts.append(BarPainter.left(left)) }
        if bulk.isStale { parts.append("stale") }
        return Printable.line("\(bulk.id): \(parts.joined(separator: ", "))")
    }

    private static func line(_ job: ProgressView.Job) -> String {
        var parts = ["\(job.status.rawValue), \(job.percent) %"]
        if job.status == .running, let stage = job.stage {
            parts.append(job.done.flatMap { done in job.total.map { "\(stage) \(done)/\($0)" } } ?? stage)
        }
        if let concern = job.concern {
            parts.append(concern)
        } else if let message = job.message {
            parts.append(message)
        }
        return Printable.line("\(job.id): \(parts.joined(separator: ", "))")
    }
}
