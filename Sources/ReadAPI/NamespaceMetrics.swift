import EventLoop
package import HTTPServer
import HeadwayCore
import HeadwayWire

/// How the namespace stands, as metrics: the same on every process' page, so rules take the `max` over instances.
///
/// Asks Redis when it is asked, at most once a second however often that is. Labels are bounded: partitions by the
/// namespace's number, pipelines by ``pipelineLimit``.
package actor NamespaceMetrics {
    private let reader: StatusReader
    private let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private var last: (families: [MetricFamily], at: Duration)?
    private var asking: Task<[MetricFamily], Never>?

    /// Pipelines beyond it are shown together as ``other``.
    package static let pipelineLimit = OutcomeTally.labelLimit
    static let other = OutcomeTally.other
    private static let age = Duration.seconds(1)

    package init(_ reader: StatusReader) {
        self.reader = reader
        loop = reader.loop
    }

    package var families: [MetricFamily] {
        get async {
            if let last, loop.clock.now - last.at < Self.age { return last.families }
            let task = asking ?? Task(executorPreference: loop) { await self.ask() }
            asking = task
            return await task.value
        }
    }

    private func ask() async -> [MetricFamily] {
        // What is known serves as well: it only says which pipelines have no open jobs.
        _ = try? await reader.refreshPipelines()
        let pipelines = await reader.catalog.latest.map(\.name)
        let standing = try? await reader.namespace()
        let stale = await reader.stalePartitions().count { $0 }
        let families =
            Self.families(standing, pipelines: pipelines)
            + [
                .of(
                    "headway_stale_partitions", .gauge, stale,
                    "Partitions without a living owner, as this instance sees it.")
            ]
        last = (families, loop.clock.now)
        asking = nil
        return families
    }

    // MARK: Families

    /// - Parameters:
    ///   - standing: nil while Redis does not answer.
    ///   - pipelines: names that are shown with 0 where nothing is open.
    static func families(_ standing: NamespaceStanding?, pipelines: [String]) -> [MetricFamily] {
        let isUp = MetricFamily.of(
            "headway_redis_up", .gauge, standing == nil ? 0 : 1, "Whether Redis answered when this was asked."
        )
        guard let standing else { return [isUp] }
        var families = [
            isUp,
            .of("headway_partitions", .gauge, standing.partitions.count, "Partitions of the namespace."),
            .of(
                "headway_halted_partitions", .gauge, standing.partitions.count { $0.isHalted },
                "Partitions whose control says that they wait for a person."),
        ]
        families += perPartition(standing.partitions)
        families += [
            jobs(standing.census, pipelines: pipelines),
            .of(
                "headway_jobs_held", .gauge, standing.census[.held],
                "Ids that somebody told of before anybody named their pipeline."),
            .of(
                "headway_webhooks_waiting", .gauge, standing.webhooksWaiting,
                "Webhooks that wait to be delivered."),
            .of(
                "headway_webhooks_undelivered", .gauge, standing.webhooksUndelivered,
                "Webhooks that were given up and are kept."),
        ]
        if let memory = standing.memory {
            families += [
                .of("headway_redis_memory_bytes", .gauge, memory.used, "Memory that Redis uses."),
                .of(
                    "headway_redis_memory_limit_bytes", .gauge, memory.limit,
                    "Memory that Redis may use; 0 is no limit."),
            ]
        }
        return families
    }

    private static func perPartition(_ partitions: [PartitionStanding]) -> [MetricFamily] {
        var events = MetricFamily(
            "headway_lag_events", .gauge, "Entries of the partition's stream that nobody has applied yet.")
        var seconds = MetricFamily(
            "headway_lag_seconds", .gauge,
            "How far the partition's state is behind its stream; 0 when nothing waits and its owner lives.")
        var lost = MetricFamily(
            "headway_events_lost", .counter,
            "Events that never came or were removed unread, since the partition was first used.")
        for partition in partitions {
            let label: KeyValuePairs = ["partition": "\(partition.partition)"]
            events.add(partition.lagEvents, label)
            if let lag = partition.freshness.lagMilliseconds {
                seconds.add(.number(Double(lag) / 1000), label)
            }
            lost.add(partition.control?.lost ?? 0, label)
        }
        return [events, seconds, lost]
    }

    /// Every pipeline has all its rows: a graph goes to 0 and does not break off.
    private static func jobs(_ census: Census, pipelines: [String]) -> MetricFamily {
        var family = MetricFamily(
            "headway_jobs", .gauge, "Open jobs by pipeline, status and health; a queued job has no health.")
        let names = Set(pipelines).union(census.counts.keys.map(\.pipeline).filter { !$0.isEmpty }).sorted()
        let named = Set(names.prefix(pipelineLimit))
        var counts: [String: [Census.Standing: Int]] = [:]
        for name in named { counts[name] = [:] }
        for (standing, count) in census.counts where standing != .held {
            let shown = named.contains(standing.pipeline) ? standing.pipeline : other
            counts[shown, default: [:]][standing.renamed(shown), default: 0] += count
        }
        for (name, standings) in counts.sorted(by: { $0.key < $1.key }) {
            family.add(
                standings[.queued(pipeline: name)] ?? 0,
                ["pipeline": name, "status": "queued", "health": ""])
            // A lost job has failed: it is not open.
            for health in Health.allCases where health != .lost {
                family.add(
                    standings[.running(pipeline: name, health)] ?? 0,
                    ["pipeline": name, "status": "running", "health": health.rawValue])
            }
        }
        return family
    }
}

extension Census.Standing {
    fileprivate func renamed(_ pipeline: String) -> Self {
        switch self {
        case .held: .held
        case .queued: .queued(pipeline: pipeline)
        case .running(_, let health): .running(pipeline: pipeline, health)
        }
    }
}
