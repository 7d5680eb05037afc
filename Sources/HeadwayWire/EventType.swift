/// The value of `type`: which word an event says.
enum EventType: String, CaseIterable, Sendable {
    case jobQueued = "job.queued"
    case jobStarted = "job.started"
    case stageStarted = "stage.started"
    case stageProgressed = "stage.progressed"
    case stageCompleted = "stage.completed"
    case jobCompleted = "job.completed"
    case jobFailed = "job.failed"
    case jobCancelRequested = "job.cancelRequested"
    case jobCancelled = "job.cancelled"
    case jobHeartbeat = "job.heartbeat"
    case bulkOpened = "bulk.opened"
    case bulkSealed = "bulk.sealed"
    case bulkCancelRequested = "bulk.cancelRequested"
    // What shares tell one another, and what is told to one that miscounted; refused from outside.
    case bulkAnnounced = "bulk.announced"
    case bulkCancelling = "bulk.cancelling"
    case bulkSettled = "bulk.settled"
    case bulkReopened = "bulk.reopened"
    case bulkRecount = "bulk.recount"
    case bulkFailing = "bulk.failing"

    static let table = NameTable(allCases, spelled: \.rawValue)

    /// Said only by shares to one another, never by a producer.
    var isInternal: Bool {
        switch self {
        case .bulkAnnounced, .bulkCancelling, .bulkSettled, .bulkReopened, .bulkRecount, .bulkFailing: true
        case .jobQueued, .jobStarted, .stageStarted, .stageProgressed, .stageCompleted, .jobCompleted,
            .jobFailed,
            .jobCancelRequested, .jobCancelled, .jobHeartbeat, .bulkOpened, .bulkSealed, .bulkCancelRequested:
            false
        }
    }
}
