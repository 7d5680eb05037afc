/// Progress where no bar can move: a line whenever something worth a line has changed.
struct PlainReport: Sendable {
    private var bulks: [String: ProgressView.Bulk] = [:]
    private var jobs: [String: ProgressView.Job] = [:]

    init() {}

    /// The lines that are new since the last view: counts of a bulk; status, stage and every tenth percent of a job.
    mutating func news(_ view: ProgressView) -> [String] {
        var lines: [String] = []
        for bulk in view.bulks {
            let before = bulks.updateValue(bulk, forKey: bulk.id)
            let isNews = before.map {
                $0.text != bulk.text || $0.failed != bulk.failed || $0.cancelled != bulk.cancelled
                    || $0.isSettled != bulk.isSettled || $0.isStale != bulk.isStale
            }
            if isNews ?? true { lines.append(Self.line(bulk)) }
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
