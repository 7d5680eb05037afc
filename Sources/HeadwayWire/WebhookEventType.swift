/// What a webhook can tell: the `type` of its body, and the words of `--webhook-events`.
package enum WebhookEventType: String, Sendable, CaseIterable {
    /// Every member of a sealed bulk is terminal: once per generation.
    case bulkSettled = "bulk.settled"
    /// The first member of a generation failed.
    case bulkFirstFailure = "bulk.first_failure"
    case jobCompleted = "job.completed"
    /// An attempt failed; also `worker_lost` and `abandoned`, which are our verdicts.
    case jobFailed = "job.failed"
}
