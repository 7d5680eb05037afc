/// What a webhook can tell: the `type` of its body.
package enum WebhookEventType: String, Sendable, CaseIterable {
    /// Every member of a sealed bulk is terminal: once per generation.
    case bulkSettled = "bulk.settled"
    /// The first member of a generation failed.
    case bulkFirstFailure = "bulk.first_failure"
    case jobCompleted = "job.completed"
    /// An attempt failed; also `worker_lost` and `abandoned`, which are our verdicts.
    case jobFailed = "job.failed"
    /// How often jobs of a pipeline were looked at in a period, by stage.
    case jobPolls = "job.polls"

    /// Those that are written with the state of which they tell: the words of `--webhook-events`. Polls change no
    /// state; who counts them says whether they are told.
    package static let ofCommits: [WebhookEventType] = [
        .bulkSettled, .bulkFirstFailure, .jobCompleted, .jobFailed,
    ]
}
