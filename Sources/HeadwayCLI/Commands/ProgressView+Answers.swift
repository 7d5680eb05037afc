import HeadwayCore
import ReadAPI

extension ProgressView.Bulk {
    init(_ snapshot: BulkSnapshot) {
        let summary = snapshot.summary
        self.init(
            id: summary.id.description, text: summary.text, percent: summary.percent,
            fill: summary.fraction.partsPerMillion,
            failed: summary.counts.failed,
            cancelled: summary.counts.cancelled, stalled: summary.health[.stalled] ?? 0,
            isSettled: summary.phase == .settled, perMinute: snapshot.rate?.perMinute,
            secondsLeft: snapshot.outlook.secondsLeft,
            isStale: snapshot.freshness.isStale && summary.phase != .settled)
    }
}

extension Outlook {
    /// Nil when nobody can say, and when it is due any moment.
    fileprivate var secondsLeft: Int? {
        guard let left = estimate?.remaining.wholeMilliseconds, left > 0 else { return nil }
        return Int(clamping: (left + 999) / 1000)
    }
}

extension ProgressView.Job {
    init(_ snapshot: JobSnapshot) {
        let state = snapshot.state
        let position = state.position
        var stage = snapshot.stage?.label ?? position?.stage
        if let name = stage, let index = position?.index {
            stage = "\(name) \(index)\(position?.of.map { " of \($0)" } ?? "")"
        }
        self.init(
            id: state.id.description, label: state.label, status: Status(state.status),
            percent: state.percent,
            fill: state.status == .completed ? nil : state.fraction.partsPerMillion, stage: stage,
            message: state.failure?.message ?? snapshot.message, concern: snapshot.reason,
            secondsLeft: snapshot.outlook.secondsLeft)
        if case .count(let done, let total) = position?.progress {
            self.done = done
            self.total = total
        }
    }

    init(_ answer: JobAnswer) {
        switch answer {
        case .job(let snapshot): self.init(snapshot)
        case .expired(let id, let tombstone, _, _):
            self.init(
                id: id.description, status: Status(tombstone.status),
                percent: tombstone.status == .completed ? 100 : 0,
                message: "its details have expired")
        case .unknown(let id, _, _): self.init(id: id.description, status: .unknown, percent: 0)
        }
    }
}

extension ProgressView.Job.Status {
    init(_ status: JobState.Status) {
        switch status {
        case .queued: self = .queued
        case .running: self = .running
        case .completed: self = .completed
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }
}
