import HeadwayCore

/// One reason why a bulk has not settled, as a sentence. Pure.
struct BulkBlocker: Sendable, Equatable {
    enum Kind: String, Sendable, CaseIterable {
        case unsealed, unregistered, overrun, stalled, suspect, running, queued
    }

    let kind: Kind
    /// Members it is about; 0 when it is about the bulk itself.
    let count: Int
    let text: String

    /// Those that need somebody first; none for a settled bulk.
    static func all(of summary: BulkSummary) -> [BulkBlocker] {
        guard summary.phase != .settled else { return [] }
        let counts = summary.counts
        var blockers: [BulkBlocker] = []
        func add(_ kind: Kind, _ count: Int, _ text: String) {
            blockers.append(BulkBlocker(kind: kind, count: count, text: text))
        }
        if summary.phase == .open {
            add(.unsealed, 0, "not sealed yet: it may still grow; seal it when all its jobs are named")
        }
        if summary.unregistered > 0, let total = summary.total {
            add(.unregistered, summary.unregistered, "\(summary.unregistered) of \(total) not yet registered")
        }
        if summary.isOverrun, let total = summary.total {
            let over = counts.registered - total
            add(.overrun, over, "\(counts.registered) registered, \(over) more than the total of \(total)")
        }
        if let stalled = summary.health[.stalled], stalled > 0 {
            add(.stalled, stalled, "\(stalled) of \(counts.running) running \(stalled == 1 ? "is" : "are") stalled")
        }
        if let suspect = summary.health[.suspect], suspect > 0 {
            add(.suspect, suspect, "\(suspect) of \(counts.running) running without a sign of life")
        }
        if counts.running > 0 { add(.running, counts.running, "\(counts.running) running") }
        if counts.queued > 0 { add(.queued, counts.queued, "\(counts.queued) queued") }
        return blockers
    }
}
