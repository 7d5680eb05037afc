import HeadwayCore

/// What a view is filled from. A class, so that a path takes one thing out of a snapshot and copies nothing
/// else.
final class ViewSubject: Sendable {
    let job: JobSnapshot?
    let bulk: BulkSnapshot?
    let failure: ViewFailure?

    private init(job: JobSnapshot? = nil, bulk: BulkSnapshot? = nil, failure: ViewFailure? = nil) {
        self.job = job
        self.bulk = bulk
        self.failure = failure
    }

    convenience init(_ job: JobSnapshot) { self.init(job: job) }
    convenience init(_ bulk: BulkSnapshot) { self.init(bulk: bulk) }
    convenience init(_ failure: ViewFailure) { self.init(failure: failure) }
}

/// What is known when there is no snapshot to show.
struct ViewFailure: Sendable, Equatable {
    let kind: ViewErrorKind
    /// As it was asked for.
    let id: String
    var epoch: String?
    var version: Int64?
    var freshness: Freshness?
    /// Of an expired job.
    var tombstone: JobRecord.Tombstone?

    init(_ kind: ViewErrorKind, id: String) {
        self.kind = kind
        self.id = id
    }

    func scalar(_ path: ViewFailurePath) -> ViewScalar {
        switch path {
        case .id: .text(id)
        case .problem: .text(kind.rawValue)
        case .asOf: ViewScalar(freshness?.asOf)
        case .lagMs: ViewScalar(freshness?.lagMilliseconds)
        case .stale: freshness.map { .flag($0.isStale) } ?? .null
        case .epoch: ViewScalar(epoch)
        case .version: ViewScalar(version.map { Int($0) })
        case .rawStatus: ViewScalar(tombstone?.status.rawValue)
        case .pipeline: ViewScalar(tombstone?.pipeline.name)
        case .bulk: ViewScalar(tombstone?.bulk?.description)
        case .attempt: ViewScalar(tombstone?.attempt)
        case .finishedAt: ViewScalar(tombstone?.finishedAt)
        }
    }
}

/// Why a view has nothing to show. The raw values are the words of `errors`.
enum ViewErrorKind: String, Sendable, CaseIterable {
    case absent, expired, unauthorized, unavailable

    /// What its body may name.
    func paths(isJob: Bool) -> [ViewFailurePath] {
        switch self {
        case .absent: [.id, .problem, .asOf, .lagMs, .stale]
        case .expired where isJob: ViewFailurePath.allCases
        case .expired: [.id, .problem, .asOf, .lagMs, .stale, .epoch, .version]
        case .unauthorized, .unavailable: [.id, .problem]
        }
    }
}
