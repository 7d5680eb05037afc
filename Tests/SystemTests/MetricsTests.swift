import Foundation
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import HeadwayCLI

/// Real pages, read by Prometheus' own parser.
@Suite("Metrics of the daemons", .serialized, .timeLimit(.minutes(2)))
struct MetricsTests {
    private static func lines(_ url: String, _ format: String = "openmetrics") async throws -> [String] {
        let script = Fleet.root.appending(path: "Tests/SystemTests/Fixtures/read_metrics.py").path
        let scratch = ScratchDirectory()
        let reader = try await TestSupport.ChildProcess.start(
            ["/usr/bin/python3", script, url, format], output: scratch.file("out"))
        #expect(await eventually(within: .seconds(20)) { !reader.isRunning })
        let text = (try? String(contentsOfFile: scratch.file("out"), encoding: .utf8)) ?? ""
        #expect(reader.exitStatus == 0, "\(text)")
        return text.split(separator: "\n").map(String.init)
    }

    @Test("headway up: looks, ends and their durations on one page, in both formats")
    func up() async throws {
        let up = try await HeadwayUp.start()
        let file = up.directory.file("quick.json")
        try
            #"{"name": "quick", "stages": [{"id": "one", "range": [0, 60]}, {"id": "two", "range": [60, 100]}]}"#
            .write(toFile: file, atomically: true, encoding: .utf8)
        try #require(try await up.run("pipelines", "apply", file).code == 0)
        for (job, command) in [("a", "true"), ("b", "true"), ("c", "exit 3")] {
            _ = try await up.run(
                "run", "--pipeline", "quick", "--job", job, "--stage", "two", "--", "/bin/sh", "-c", command)
        }
        let probe = try #require(up.probe)
        _ = await eventually(within: .seconds(10)) {
            (try? await probe.json("/v1/jobs/c")["status"]) == .string("failed")
        }
        _ = try await probe.get("/v1/jobs/a")
        for format in ["openmetrics", "plain"] {
            let lines = try await Self.lines(up.url + "metrics", format)
            for line in [
                "headway_jobs_finished_total{pipeline=quick,status=completed} 2",
                "headway_jobs_finished_total{pipeline=quick,status=failed} 1",
                "headway_job_failures_total{code=exit_3,pipeline=quick,stage=two} 1",
                "headway_job_duration_seconds_count{pipeline=quick} 2",
                "headway_job_duration_seconds_bucket{le=+Inf,pipeline=quick} 2",
                "headway_job_failed_percent_count{pipeline=quick} 1",
                "headway_job_failed_percent_sum{pipeline=quick} 60",
                "headway_partitions_owned{} 8",
            ] { #expect(lines.contains(line), "\(format): \(line) in \(lines)") }
            #expect(lines.contains { $0.hasPrefix("headway_job_polls_total{pipeline=quick,stage=two}") })
            #expect(lines.contains { $0.hasPrefix("headway_http_connections_accepted_total{}") })
        }
    }

    @Test("headway aggregate --metrics has a page of its own")
    func aggregate() async throws {
        let fleet = try await Fleet()
        let running = try await HeadwayBinary.start([
            "aggregate", "--redis", fleet.server.endpointURL, "--metrics", "127.0.0.1:0",
        ])
        let isUp = await eventually(within: .seconds(15)) { running.output.contains("Stop it with") }
        #expect(isUp, "\(running.error)")
        let line = running.output.split(separator: "\n").first { $0.hasPrefix("Metrics are at ") }
        let url = try #require(line?.split(separator: " ").last.map(String.init))
        let lines = try await Self.lines(url)
        #expect(lines.contains("headway_partitions_owned{} 8"))
        #expect(!lines.contains { $0.hasPrefix("headway_http_requests") })
        running.signal(SIGTERM)
        #expect(await running.end() == 0)
        await fleet.stop()
    }
}
