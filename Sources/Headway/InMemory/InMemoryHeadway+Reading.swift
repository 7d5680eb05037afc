import HeadwayCore

/// Looking at what is known. Nothing here throws: an id that nobody ever named is simply not known.
extension InMemoryHeadway {
    /// What can be said of a job's id.
    public enum Answer: Sendable, Equatable {
        /// How it stands.
        case job(JobSnapshot)
        /// It finished, and its snapshot has expired; how it ended is remembered for a while.
        case expired(Status, attempt: Int)
        /// Never heard of, or nobody said yet what it is.
        case unknown
    }

    /// How a job stands; nil when it is unknown or has expired.
    public func snapshot(of id: String) -> JobSnapshot? {
        if case .job(let snapshot) = answer(of: id) { snapshot } else { nil }
    }

    /// As ``snapshot(of:)``, and tells what has expired from what was never there.
    public func answer(of id: String) -> Answer {
        guard let id = JobID(id) else { return .unknown }
        return store.withState { state in
            state.breathe(id)
            if let snapshot = state.snapshot(of: id) { return .job(snapshot) }
            guard case .expired(let tombstone)? = state.lines[id]?.record else { return .unknown }
            return .expired(Status(tombstone.status), attempt: tombstone.attempt)
        }
    }

    /// The job's state now, if it is known, and each time that it changes; ends when the job has.
    ///
    /// State, not log: whoever is slow gets the newest and misses what was in between. A job that fails and is
    /// tried again needs a new call.
    public func snapshots(of id: String) -> AsyncStream<JobSnapshot> {
        guard let id = JobID(id) else { return AsyncStream { $0.finish() } }
        return store.watch(id)
    }

    /// "X of Y"; nil when no such bulk is known, or it has settled and expired.
    public func bulkSnapshot(of id: String) -> BulkSnapshot? {
        guard let id = BulkID(id) else { return nil }
        return store.withState { $0.snapshot(of: id) }
    }

    /// As ``snapshots(of:)``, of a bulk; ends when it has settled.
    public func bulkSnapshots(of id: String) -> AsyncStream<BulkSnapshot> {
        guard let id = BulkID(id) else { return AsyncStream { $0.finish() } }
        return store.watch(id)
    }

    /// The members of a bulk that are still readable, by id. O(members).
    public func jobs(in bulk: String, status: Status? = nil) -> [JobSnapshot] {
        guard let bulk = BulkID(bulk) else { return [] }
        return store.withState { state in
            let members = (state.bulks[bulk]?.members ?? []).sorted()
            for member in members { state.breathe(member) }
            return members.compactMap { state.snapshot(of: $0) }
        }.filter { status == nil || $0.status == status }
    }
}

extension MemoryState {
    mutating func snapshot(of id: JobID) -> InMemoryHeadway.JobSnapshot? {
        guard case .job(let job)? = lines[id]?.record else { return nil }
        return InMemoryHeadway.JobSnapshot(job, catalog[job.pipeline], outlook(of: job), at: now)
    }

    mutating func snapshot(of id: BulkID) -> InMemoryHeadway.BulkSnapshot? {
        guard let line = bulks[id], line.expired == nil else { return nil }
        let summary = BulkSummary(id: id, shares: [line.share])
        return InMemoryHeadway.BulkSnapshot(summary, outlook(of: summary), at: now)
    }

    func hasEnded(_ id: JobID) -> Bool {
        switch lines[id]?.record {
        case .job(let job): job.status.isTerminal
        case .expired: true
        case .placeholder, .unknown, nil: false
        }
    }

    func hasEnded(_ id: BulkID) -> Bool {
        guard let line = bulks[id] else { return false }
        return line.expired != nil || BulkSummary(id: id, shares: [line.share]).phase == .settled
    }
}
