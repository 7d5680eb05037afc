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
    /// The member that it names, where it names one.
    var job: JobID?
    /// Since when that member is as it is.
    var since: Timestamp?

    /// The member that has waited longest for a worker.
    struct Waiting: Sendable, Equatable {
        let id: JobID
        let since: Timestamp
    }

    /// One of the running members, as far as it may be told.
    struct Member {
        let id: JobID
        let health: Health
        let reason: String?
        let elapsed: Duration?
        var startedAt: Timestamp?
    }

    /// Those that need somebody first; none for a settled bulk.
    ///
    /// - Parameters:
    ///   - running: some of the running members, the longest running first.
    ///   - waiting: the queued member that came first, if there is one.
    ///   - unchangedFor: how long ago anything about the bulk changed.
    ///   - now: the partitions' time, which the wait counts to.
    static func all(
        of summary: BulkSummary, running: [Member] = [], waiting: Waiting? = nil,
        unchangedFor silence: Duration? = nil, at now: Timestamp? = nil
    ) -> [BulkBlocker] {
        guard summary.phase != .settled else { return [] }
        let counts = summary.counts
        var blockers: [BulkBlocker] = []
        func add(
            _ kind: Kind, _ count: Int, _ text: String, _ job: JobID? = nil, since: Timestamp? = nil
        ) {
            blockers.append(BulkBlocker(kind: kind, count: count, text: text, job: job, since: since))
        }
        if summary.phase == .open {
            if counts.open == 0, let silence {
                // All that is known has ended: its producer may be gone.
                add(
                    .unsealed, 0,
                    "nobody sealed it, so it may still grow; last change \(silence.inWords) ago; seal it to settle it"
                )
            } else {
                add(.unsealed, 0, "not sealed yet: it may still grow; seal it when all its jobs are named")
            }
        }
        if summary.unregistered > 0, let total = summary.total {
            add(.unregistered, summary.unregistered, "\(summary.unregistered) of \(total) not yet registered")
        }
        if summary.isOverrun, let total = summary.total {
            let over = counts.registered - total
            add(.overrun, over, "\(counts.registered) registered, \(over) more than the total of \(total)")
        }
        for member in running where member.health == .stalled || member.health == .suspect {
            let why = member.reason.map { ": \($0)" } ?? ""
            let word = member.health == .stalled ? "is stalled" : "gives no sign of life"
            add(
                member.health == .stalled ? .stalled : .suspect, 1, "\(member.id) \(word)\(why)", member.id,
                since: member.startedAt)
        }
        func unnamed(_ health: Health) -> Int? {
            summary.health[health].map { $0 - running.count { $0.health == health } }
        }
        if let stalled = unnamed(.stalled), stalled > 0 {
            add(
                .stalled, stalled,
                "\(stalled) of \(counts.running) running \(stalled == 1 ? "is" : "are") stalled")
        }
        if let suspect = unnamed(.suspect), suspect > 0 {
            add(.suspect, suspect, "\(suspect) of \(counts.running) running without a sign of life")
        }
        if counts.running > 0 {
            let longest = running.first.flatMap { member in
                member.elapsed.map { "; the longest: \(member.id), for \($0.inWords)" }
            }
            add(
                .running, counts.running, "\(counts.running) running\(longest ?? "")", running.first?.id,
                since: running.first?.startedAt)
        }
        if counts.queued > 0 {
            let oldest = waiting.map { first in
                let wait = now.map { ", for \(max(.zero, $0 - first.since).inWords)" } ?? ""
                return "; waiting longest: \(first.id)\(wait)"
            }
            add(
                .queued, counts.queued, "\(counts.queued) queued\(oldest ?? "")", waiting?.id,
                since: waiting?.since)
        }
        return blockers
    }
}
