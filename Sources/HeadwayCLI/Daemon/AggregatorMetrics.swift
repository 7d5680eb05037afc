import Aggregator
import HTTPServer
import HeadwayCore

/// What an aggregator counts, as metrics.
enum AggregatorMetrics {
    static func families(_ aggregator: Aggregator) async -> [MetricFamily] {
        families(await aggregator.stats()) + families(aggregator.outcomes)
    }

    static func families(_ stats: [PartitionStats]) -> [MetricFamily] {
        func sum(_ path: KeyPath<PartitionStats, Int64>) -> Int64 {
            stats.reduce(0) { $0 + $1[keyPath: path] }
        }
        var rejected = MetricFamily(
            "headway_events_rejected", .counter, "Events that were refused, by reason.")
        let reasons = stats.reduce(into: [:]) { $0.merge($1.rejected, uniquingKeysWith: +) }
        // All reasons from the beginning: a counter that appears at 1 has not risen for whoever looks.
        let silent = Refusal.allCases.map { ($0.rawValue, Int64(0)) }
        let all = reasons.merging(silent) { counted, _ in counted }
        for (reason, count) in all.sorted(by: { $0.key < $1.key }) {
            rejected.add(count, ["reason": reason])
        }
        var latency = Histogram(bounds: PartitionStats.commitBounds)
        for one in stats { latency.add(one.commitSeconds) }
        var commitSeconds = MetricFamily(
            "headway_commit_seconds", .histogram,
            "From sending a commit until Redis had accepted it.")
        commitSeconds.add(.histogram(bounds: latency.bounds, counts: latency.counts, sum: latency.sum))
        return [
            .of(
                "headway_partitions_owned", .gauge, stats.count { $0.isOwner },
                "Partitions whose lease this process holds."),
            .of(
                "headway_partitions_halted", .gauge, stats.count { $0.haltedReason != nil },
                "Partitions that wait for a person."),
            .of(
                "headway_jobs_quarantined", .gauge, sum(\.quarantined),
                "Jobs of which what is stored cannot be read, as seen since their partition was taken."),
            .of("headway_commits", .counter, sum(\.commits), "Commits that Redis accepted."),
            commitSeconds,
            .of(
                "headway_commits_fenced", .counter, sum(\.fenced),
                "Commits refused because another owner had taken the partition."),
            .of(
                "headway_shares_audited", .counter, sum(\.audited),
                "Shares of bulks compared with the index of their members."),
            .of(
                "headway_shares_drift", .counter, sum(\.drift),
                "Shares that differed from it: must stay 0."),
            .of(
                "headway_census_drift", .counter, sum(\.censusDrift),
                "Times that the count of open jobs differed from their index: must stay 0."),
            .of(
                "headway_webhooks_dropped", .counter, sum(\.webhooksDropped),
                "Webhooks dropped unsent because the outbox was full."),
            .of("headway_takeovers", .counter, sum(\.takeovers), "Times that a partition was taken."),
            .of("headway_stream_entries", .counter, sum(\.entries), "Entries read from the event streams."),
            .of("headway_events_applied", .counter, sum(\.applied), "Events that changed something."),
            .of(
                "headway_events_duplicate", .counter, sum(\.duplicates),
                "Events that came again and were left out."),
            .of(
                "headway_events_missing", .counter, sum(\.missing),
                "Events that were lost before they reached the stream."),
            rejected,
        ]
    }

    static func families(_ outcomes: OutcomeTally) -> [MetricFamily] {
        var finished = MetricFamily(
            "headway_jobs_finished", .counter, "Jobs that ended, by pipeline and status.")
        for (ending, count) in outcomes.finished.sorted(by: {
            ($0.key.pipeline, $0.key.status.rawValue) < ($1.key.pipeline, $1.key.status.rawValue)
        }) {
            finished.add(count, ["pipeline": ending.pipeline, "status": ending.status.rawValue])
        }
        var failures = MetricFamily(
            "headway_job_failures", .counter,
            "Jobs that failed, by pipeline, final stage and code; rare ones together as other.")
        for (failure, count) in outcomes.failures.sorted(by: {
            ($0.key.pipeline, $0.key.stage, $0.key.code) < ($1.key.pipeline, $1.key.stage, $1.key.code)
        }) {
            failures.add(
                count, ["pipeline": failure.pipeline, "stage": failure.stage, "code": failure.code])
        }
        var recovered = MetricFamily(
            "headway_jobs_recovered", .counter,
            "Jobs failed as worker_lost whose worker spoke again; counted as failed before.")
        for (pipeline, count) in outcomes.recovered.sorted(by: { $0.key < $1.key }) {
            recovered.add(count, ["pipeline": pipeline])
        }
        var lost = MetricFamily(
            "headway_jobs_lost", .counter,
            "Jobs failed as worker_lost, by pipeline; also among the finished ones.")
        for (pipeline, count) in outcomes.lost.sorted(by: { $0.key < $1.key }) {
            lost.add(count, ["pipeline": pipeline])
        }
        return [
            finished,
            histograms(
                "headway_job_duration_seconds", "From start to completion, of completed jobs.",
                outcomes.durations),
            failures,
            histograms(
                "headway_job_failed_percent", "How far jobs had come when they failed.",
                outcomes.failedPercent),
            lost,
            recovered,
        ]
    }

    private static func histograms(_ name: String, _ help: String, _ all: [String: Histogram]) -> MetricFamily
    {
        var family = MetricFamily(name, .histogram, help)
        for (pipeline, one) in all.sorted(by: { $0.key < $1.key }) {
            family.add(
                .histogram(bounds: one.bounds, counts: one.counts, sum: one.sum), ["pipeline": pipeline])
        }
        return family
    }
}
