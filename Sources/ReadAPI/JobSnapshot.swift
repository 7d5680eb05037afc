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
    package var reason: String? { state.reason(under: pipeline, at: readAt) }
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
