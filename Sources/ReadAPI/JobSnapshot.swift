package import HeadwayCore

/// One job as served: its state, where that state stands in history, and how recent it is.
package struct JobSnapshot: Sendable, Equatable {
    package let state: JobState
    /// The revision that the job was created with; nil while it cannot be found.
    package let pipeline: Pipeline?
    package let epoch: String
    package var freshness: Freshness
    /// The partition's time when it was read: what elapsed times count to.
    package let readAt: Timestamp
    /// How long it will still take, as damped for those who look.
    package var outlook: Outlook

    package init(
        state: JobState, pipeline: Pipeline?, epoch: String, freshness: Freshness, readAt: Timestamp,
        outlook: Outlook? = nil
    ) {
        self.outlook = outlook ?? .none(state.status.isTerminal ? .ended : .noHistory)
        self.state = state
        self.pipeline = pipeline
        self.epoch = epoch
        self.freshness = freshness
        self.readAt = readAt
    }

    package var id: JobID { state.id }
    package var token: VersionToken {
        VersionToken(epoch: epoch, version: state.version, isStale: freshness.isStale)
    }

    package var stage: Pipeline.Stage? {
        guard let pipeline, let position = state.position else { return nil }
        return pipeline.position(of: position.stage).map { pipeline.stages[$0] }
    }

    /// From the start of the attempt to its end, or to now; nil before the start.
    package var elapsed: Duration? {
        state.startedAt.map { max(.zero, (state.finishedAt ?? readAt) - $0) }
    }

    /// The worker's words, or else what the pipeline says while it is in this stage.
    package var message: String? { state.sentence(under: pipeline) }

    /// Why the health is what it is, as a sentence; nil when all is well.
    package var reason: String? {
        let place = (stage?.label ?? state.position?.stage).map { " in \($0)" } ?? ""
        let worker = state.worker.map { "worker \($0)" } ?? "its worker"
        let silence = max(.zero, readAt - state.aliveAt).inWords
        switch state.health {
        case .ok: return nil
        case .slow: return slowness
        case .suspect: return "No sign of life for \(silence)\(place) from \(worker)."
        case .stalled:
            let usual = state.position?.usual.map { "usually \($0.median.inWords)" }
            let limit = (stage?.stallAfter ?? pipeline?.stallAfter).map { "limit \($0.inWords)" }
            let known = [usual, limit].compactMap(\.self).joined(separator: ", ")
            let bounds = known.isEmpty ? "" : " (\(known))"
            let still = max(.zero, readAt - state.movedAt).inWords
            return "No progress for \(still)\(place)\(bounds); \(worker) last seen \(silence) ago."
        case .lost: return state.failure?.message ?? "Its worker went silent for good."
        }
    }

    /// What the stage takes beside what it usually takes.
    private var slowness: String {
        guard let position = state.position, let usual = position.usual else {
            return "It takes longer than usual."
        }
        var subject = stage?.label ?? position.stage
        if let index = position.index {
            subject += " \(index)" + (position.of.map { " of \($0)" } ?? "")
        }
        let taken = max(.zero, readAt - (position.indexStartedAt ?? position.startedAt)).inWords
        return "\(subject) takes \(taken) so far (usually \(usual.median.inWords), "
            + "95 % within \(usual.p95.inWords))."
    }
}

/// What can be said of a job's id.
package enum JobAnswer: Sendable, Equatable {
    case job(JobSnapshot)
    /// It finished, and its snapshot has expired; the tombstone remembers how.
    case expired(JobID, JobRecord.Tombstone, epoch: String, Freshness)
    /// Never heard of, or nobody said yet what it is.
    case unknown(JobID, epoch: String, Freshness)

    package var id: JobID {
        switch self {
        case .job(let snapshot): snapshot.id
        case .expired(let id, _, _, _), .unknown(let id, _, _): id
        }
    }

    package var freshness: Freshness {
        switch self {
        case .job(let snapshot): snapshot.freshness
        case .expired(_, _, _, let freshness), .unknown(_, _, let freshness): freshness
        }
    }

    /// Version 0 is an id that is not known.
    package var token: VersionToken {
        switch self {
        case .job(let snapshot): snapshot.token
        case .expired(_, let tombstone, let epoch, let freshness):
            VersionToken(epoch: epoch, version: tombstone.version, isStale: freshness.isStale)
        case .unknown(_, let epoch, let freshness):
            VersionToken(epoch: epoch, version: 0, isStale: freshness.isStale)
        }
    }

    /// Nil while it is not known.
    package var status: JobState.Status? {
        switch self {
        case .job(let snapshot): snapshot.state.status
        case .expired(_, let tombstone, _, _): tombstone.status
        case .unknown: nil
        }
    }
}
