import Foundation
import HTTPServer
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

@Suite("Metrics", .timeLimit(.minutes(2)))
struct MetricsTests {
    @Test("requests by route and class, problems by kind, looks at jobs by pipeline and stage; never an id")
    func page() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(Sample.document())
            var writing = Sample.job("planted-job", version: 2, bulk: "planted-bulk")
            writing.position = JobState.Position(stage: "writing", attempt: 1, startedAt: Sample.start)
            try await house.writer.put(writing)
            try await house.writer.put(Sample.job("planted-other", .queued))
            var locked = Sample.job("planted-locked")
            locked.token = SHA256.hex("x")
            try await house.writer.put(locked)

            for _ in 0..<3 { _ = try await house.client.get("/v1/jobs/planted-job") }
            _ = try await house.client.get("/v1/jobs/planted-job?version=e1-2")
            _ = try await house.client.get("/v1/jobs?ids=planted-job,planted-other,planted-never")
            _ = try await house.client.get("/v1/jobs/planted-never")
            _ = try await house.client.get("/v1/jobs/planted-locked")
            _ = try await house.client.get("/planted-nowhere")
            // A long poll takes as long as it is told to: that is no latency.
            _ = try await house.client.get("/v1/bulks/planted-none?wait=1s")
            let stream = try TestStream(port: house.port, "/v1/jobs/planted-job/events")
            _ = await stream.next("job")

            let page = try await house.client.get("/metrics")
            #expect(page.status == 200)
            #expect(
                page["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
            for line in [
                #"headway_http_requests_total{method="GET",route="/v1/jobs/{id}",class="2xx"} 3"#,
                #"headway_http_requests_total{method="GET",route="/v1/jobs/{id}",class="3xx"} 1"#,
                #"headway_http_requests_total{method="GET",route="/v1/jobs/{id}",class="4xx"} 2"#,
                #"headway_http_requests_total{method="GET",route="/v1/jobs",class="2xx"} 1"#,
                #"headway_http_requests_total{method="",route="none",class="4xx"} 1"#,
                #"headway_http_problems_total{kind="unauthorized"} 1"#,
                #"headway_http_problems_total{kind="unknown-job"} 1"#,
                // Whoever was refused, or asked for what is not there, looked at nothing.
                #"headway_job_polls_total{pipeline="article",stage="writing"} 5"#,
                #"headway_job_polls_total{pipeline="article",stage=""} 1"#,
                "headway_sse_clients 1", "headway_stale_partitions 0", "headway_redis_up 1",
                #"headway_http_request_duration_seconds_count{method="GET",route="/v1/jobs/{id}"} 6"#,
                #"headway_http_request_duration_seconds_count{method="",route="none"} 1"#,
            ] { #expect(page.text.contains(line + "\n"), "\(line) in:\n\(page.text)") }
            #expect(!page.text.contains("planted"))
            #expect(page.text.contains(#"headway_http_requests_total{method="GET",route="/v1/bulks/{id}""#))
            #expect(!page.text.contains(#"duration_seconds_count{method="GET",route="/v1/bulks/{id}""#))
            #expect(page.text.hasSuffix("# EOF\n"))

            let plain = try await house.client.get("/metrics", ["Accept": "text/plain"])
            #expect(plain["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(plain.text.contains("# TYPE headway_job_polls_total counter\n"))
            stream.close()
        }
    }

    @Test("what others in the process count is on the same page")
    func sources() async throws {
        try await APIHouse.with { house in
            await house.api.addMetrics { [.of("headway_of_others", .gauge, 7, "Of others.")] }
            let page = try await house.client.get("/metrics")
            #expect(page.text.contains("headway_of_others 7\n"))
        }
    }

    @Test("stages and pipelines without end make a bounded page, and no look is lost from the sum")
    func bounded() {
        var tally = PollTally()
        for number in 0..<5000 {
            tally.count(pipeline: "p\(number % 700)", stage: "s\(number)")
            tally.count(pipeline: "p0", stage: "s0")
        }
        #expect(tally.counts.count <= 2 * PollTally.keyLimit + 1)
        #expect(tally.counts.values.reduce(0, +) == 10_000)
        #expect(tally.counts[PollTally.Key(pipeline: "p0", stage: "s0")] == 5001)
    }
}
