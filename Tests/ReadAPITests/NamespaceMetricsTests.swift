import HTTPServer
import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

@Suite("How the namespace stands, as metrics")
struct NamespaceMetricsTests {
    private static func standing(
        census: Census = Census(), memory: (used: Int, limit: Int)? = nil
    ) -> NamespaceStanding {
        var halted = Control()
        halted.next = Control.halted
        halted.lost = 7
        let fresh = Freshness(asOf: Timestamp(milliseconds: 5), lagMilliseconds: 1500, isStale: false)
        let stale = Freshness(asOf: nil, lagMilliseconds: nil, isStale: true)
        return NamespaceStanding(
            partitions: [
                PartitionStanding(partition: 0, control: halted, lagEvents: 12, freshness: fresh),
                PartitionStanding(partition: 1, control: nil, lagEvents: 3, freshness: stale),
            ], census: census, webhooksWaiting: 4, webhooksUndelivered: 2, memory: memory)
    }

    private static func page(_ standing: NamespaceStanding?, _ pipelines: [String] = []) -> String {
        MetricsFormat.openMetrics.text(NamespaceMetrics.families(standing, pipelines: pipelines))
    }

    @Test("while Redis is away that is all that is said")
    func away() {
        #expect(
            Self.page(nil, ["book"]).split(separator: "\n").filter { !$0.hasPrefix("#") } == [
                "headway_redis_up 0"
            ])
    }

    @Test(
        "each partition has its lag in events and seconds, and what it lost; one that nobody owned yet has no seconds"
    )
    func partitions() {
        let page = Self.page(Self.standing())
        for line in [
            "headway_redis_up 1", "headway_partitions 2", "headway_halted_partitions 1",
            #"headway_lag_events{partition="0"} 12"#, #"headway_lag_events{partition="1"} 3"#,
            #"headway_lag_seconds{partition="0"} 1.5"#, #"headway_events_lost_total{partition="0"} 7"#,
            #"headway_events_lost_total{partition="1"} 0"#, "headway_webhooks_waiting 4",
            "headway_webhooks_undelivered 2",
        ] { #expect(page.contains(line + "\n"), "\(line) in:\n\(page)") }
        #expect(!page.contains(#"headway_lag_seconds{partition="1"}"#))
        // Nobody who may not ask for it is told a memory of 0.
        #expect(!page.contains("memory"))
        let told = Self.page(Self.standing(memory: (used: 5, limit: 10)))
        #expect(told.contains("headway_redis_memory_bytes 5\n"))
        #expect(told.contains("headway_redis_memory_limit_bytes 10\n"))
    }

    @Test("open jobs by pipeline, status and health; a pipeline without any shows 0")
    func jobs() {
        let census = Census([
            .held: 3, .queued(pipeline: "book"): 5, .running(pipeline: "book", .stalled): 2,
            .running(pipeline: "gone", .ok): 1,
        ])
        let page = Self.page(Self.standing(census: census), ["book", "page"])
        for line in [
            #"headway_jobs{pipeline="book",status="queued",health=""} 5"#,
            #"headway_jobs{pipeline="book",status="running",health="ok"} 0"#,
            #"headway_jobs{pipeline="book",status="running",health="stalled"} 2"#,
            #"headway_jobs{pipeline="gone",status="running",health="ok"} 1"#,
            #"headway_jobs{pipeline="page",status="queued",health=""} 0"#, "headway_jobs_held 3",
        ] { #expect(page.contains(line + "\n"), "\(line) in:\n\(page)") }
        #expect(!page.contains(#"health="lost""#))
    }

    @Test("pipelines without end make a bounded page, and no job is lost from the sum")
    func bounded() {
        var counts: [Census.Standing: Int] = [:]
        for number in 0..<1000 { counts[.queued(pipeline: "p\(number)")] = 2 }
        let families = NamespaceMetrics.families(Self.standing(census: Census(counts)), pipelines: [])
        let jobs = families.first { $0.name == "headway_jobs" }
        #expect(jobs?.samples.count == 5 * (NamespaceMetrics.pipelineLimit + 1))
        let sum = (jobs?.samples ?? []).reduce(0.0) { sum, sample in
            if case .number(let value) = sample.value { sum + value } else { sum }
        }
        #expect(sum == 2000)
    }
}
