package import HeadwayCore

/// What a webhook says, as JSON: `{"type": …, "timestamp": …, "data": {…}}`. Only what is named here leaves.
extension OutboxEntry {
    /// A bulk settled: the counts are the settlement's.
    package static func settled(_ share: BulkShare, _ settlement: BulkShare.Settlement) -> OutboxEntry {
        let counts = settlement.counts
        let members = JobState.Status.allCases.map { JSON.Member($0.rawValue, .number(counts[$0])) }
        let data: [JSON.Member] = [
            JSON.Member("id", .string(share.id.description)), JSON.Member("label", .text(share.home?.label)),
            JSON.Member("generation", .number(settlement.generation)),
            JSON.Member("outcome", .string(BulkSummary.Outcome(counts).rawValue)),
            JSON.Member("total", .number(share.home?.total)),
            JSON.Member(
                "counts", .object([JSON.Member("registered", .number(counts.registered))] + members)),
            JSON.Member("createdAt", .time(share.home?.createdAt)),
            JSON.Member("sealedAt", .time(share.home?.sealedAt)),
            JSON.Member("settledAt", .time(settlement.at)),
        ]
        return OutboxEntry(.bulkSettled, at: settlement.at, data)
    }

    /// The first failure of a generation; of several that came at once, the one that home heard of first.
    package static func firstFailure(
        _ share: BulkShare, generation: Int, _ failing: BulkShare.Failing, at now: Timestamp
    ) -> OutboxEntry {
        let kind = failing.kind
        return OutboxEntry(
            .bulkFirstFailure, at: now,
            [
                JSON.Member("id", .string(share.id.description)),
                JSON.Member("label", .text(share.home?.label)),
                JSON.Member("generation", .number(generation)),
                JSON.Member("job", .string(failing.job.description)),
                JSON.Member("code", .text(kind.code.isEmpty ? nil : kind.code)),
                JSON.Member("stage", .text(kind.stage.isEmpty ? nil : kind.stage)),
            ])
    }

    /// A job's end, as it stood then.
    ///
    /// - Parameter pipeline: the job's; nil while it is not known.
    package static func ended(_ job: JobState, _ pipeline: Pipeline?, at now: Timestamp) -> OutboxEntry? {
        let type: WebhookEventType
        switch job.status {
        case .completed: type = .jobCompleted
        case .failed: type = .jobFailed
        case .queued, .running, .cancelled: return nil
        }
        let stage = job.failure?.stage ?? job.position?.stage
        let label = stage.flatMap { stage in
            guard let pipeline, let place = pipeline.position(of: stage) else { return nil as String? }
            return pipeline.stages[place].label ?? stage
        }
        let attributes = job.attributes.sorted { $0.key < $1.key }
        return OutboxEntry(
            type, at: now,
            [
                JSON.Member("id", .string(job.id.description)), JSON.Member("label", .text(job.label)),
                JSON.Member("pipeline", .string(job.pipeline.name)),
                JSON.Member("bulk", .text(job.bulk?.description)),
                JSON.Member("status", .string(job.status.rawValue)),
                JSON.Member("attempt", .number(job.attempt)),
                JSON.Member("maxAttempts", .number(pipeline?.maxAttempts)),
                JSON.Member("stage", .text(stage)), JSON.Member("stageLabel", .text(label)),
                JSON.Member("percent", .number(job.percent)),
                JSON.Member("durationSeconds", .seconds(job.duration(to: now))),
                JSON.Member("message", .text(job.message)), JSON.Member("worker", .text(job.worker)),
                JSON.Member("result", .text(job.result)),
                JSON.Member("error", job.failure.map(JSON.failure) ?? .null),
                JSON.Member(
                    "attributes", .object(attributes.map { JSON.Member($0.key, .string($0.value)) })),
                JSON.Member("createdAt", .time(job.createdAt)),
                JSON.Member("startedAt", .time(job.startedAt)),
                JSON.Member("finishedAt", .time(job.finishedAt ?? now)),
                JSON.Member("version", .number(Int(job.version))),
            ])
    }

    /// How often jobs of a pipeline were looked at from `from` to `to`.
    ///
    /// - Parameters:
    ///   - summary: the same for what is told twice.
    ///   - stages: where the jobs were then, nil before their first stage; the latest that began.
    package static func polls(
        pipeline: String, summary: String, from: Timestamp, to: Timestamp,
        stages: [(stage: String?, polls: Int)]
    ) -> OutboxEntry {
        let rows = stages.map { row in
            JSON.object([JSON.Member("stage", .text(row.stage)), JSON.Member("polls", .number(row.polls))])
        }
        return OutboxEntry(
            .jobPolls, at: to,
            [
                JSON.Member("pipeline", .string(pipeline)), JSON.Member("summary", .string(summary)),
                JSON.Member("from", .time(from)), JSON.Member("to", .time(to)),
                JSON.Member("polls", .number(stages.reduce(0) { $0 + $1.polls })),
                JSON.Member("stages", .array(rows)),
            ])
    }

    private init(_ type: WebhookEventType, at now: Timestamp, _ data: [JSON.Member]) {
        self.init(type, body: [])
        JSON.object([
            JSON.Member("type", .string(type.rawValue)), JSON.Member("timestamp", .time(now)),
            JSON.Member("data", .object(data)),
        ]).encode(into: &body)
    }
}

extension JobState {
    /// Of this attempt; nil when it never started.
    fileprivate func duration(to now: Timestamp) -> Duration? {
        startedAt.map { max(.zero, (finishedAt ?? now) - $0) }
    }
}

extension JSON {
    fileprivate static func text(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }
    fileprivate static func number(_ number: Int?) -> JSON { number.map { .number(String($0)) } ?? .null }
    fileprivate static func time(_ time: Timestamp?) -> JSON {
        time.map { .string(RFC3339.text($0)) } ?? .null
    }

    /// With three decimals.
    fileprivate static func seconds(_ span: Duration?) -> JSON {
        guard let milliseconds = span?.wholeMilliseconds else { return .null }
        let decimals = String(milliseconds % 1000)
        return .number(
            "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - decimals.count) + decimals)
    }

    fileprivate static func failure(_ failure: JobState.Failure) -> JSON {
        .object([
            Member("message", .string(failure.message)), Member("code", .text(failure.code)),
            Member("stage", .text(failure.stage)),
        ])
    }
}
