import HTTPServer
import Testing

@Suite("Metrics as text")
struct OpenMetricsTests {
    static let families: [MetricFamily] = {
        var finished = MetricFamily("hw_jobs_finished", .counter, "Jobs that ended.")
        finished.add(3, ["pipeline": "article", "status": "completed"])
        finished.add(1, ["pipeline": "a\"b\\c\nd", "status": "failed"])
        var open = MetricFamily("hw_open", .gauge, "A \"gauge\",\nin two lines \\.")
        open.add(.number(0.5))
        var duration = MetricFamily("hw_duration_seconds", .histogram, "How long.")
        duration.add(
            .histogram(bounds: [0.5, 1, 2.5], counts: [1, 0, 2, 4], sum: 31.25), ["pipeline": "article"])
        return [finished, open, duration, MetricFamily("hw_nothing", .counter, "Nobody counted.")]
    }()

    @Test("OpenMetrics: counters end in _total, ranges add up, units and the end are said")
    func openMetrics() {
        #expect(
            MetricsFormat.openMetrics.text(Self.families) == #"""
                # TYPE hw_jobs_finished counter
                # HELP hw_jobs_finished Jobs that ended.
                hw_jobs_finished_total{pipeline="article",status="completed"} 3
                hw_jobs_finished_total{pipeline="a\"b\\c\nd",status="failed"} 1
                # TYPE hw_open gauge
                # HELP hw_open A \"gauge\",\nin two lines \\.
                hw_open 0.5
                # TYPE hw_duration_seconds histogram
                # UNIT hw_duration_seconds seconds
                # HELP hw_duration_seconds How long.
                hw_duration_seconds_bucket{pipeline="article",le="0.5"} 1
                hw_duration_seconds_bucket{pipeline="article",le="1.0"} 1
                hw_duration_seconds_bucket{pipeline="article",le="2.5"} 3
                hw_duration_seconds_bucket{pipeline="article",le="+Inf"} 7
                hw_duration_seconds_count{pipeline="article"} 7
                hw_duration_seconds_sum{pipeline="article"} 31.25
                # EOF

                """#)
    }

    @Test("Prometheus' own text: the counter's whole name in the head, quotes as they are, no end")
    func plain() {
        let text = MetricsFormat.plain.text(Self.families)
        #expect(text.contains("# TYPE hw_jobs_finished_total counter\n# HELP hw_jobs_finished_total Jobs"))
        #expect(text.contains(#"# HELP hw_open A "gauge",\nin two lines \\."#))
        #expect(!text.contains("# UNIT") && !text.contains("# EOF"))
        #expect(text.contains(#"hw_jobs_finished_total{pipeline="a\"b\\c\nd",status="failed"} 1"#))
    }

    struct Asked: Sendable, CustomTestStringConvertible {
        let accept: String?
        let format: MetricsFormat
        var testDescription: String { accept ?? "nothing" }
    }

    @Test(
        "plain text goes to those who ask for it and not for OpenMetrics",
        arguments: [
            Asked(accept: nil, format: .openMetrics), Asked(accept: "*/*", format: .openMetrics),
            Asked(accept: "text/html", format: .openMetrics),
            Asked(accept: "application/openmetrics-text; version=1.0.0", format: .openMetrics),
            Asked(
                accept: "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*",
                format: .openMetrics),
            Asked(accept: "text/plain", format: .plain),
            Asked(accept: "Text/Plain; version=0.0.4, */*;q=0.1", format: .plain),
        ])
    func negotiation(_ asked: Asked) { #expect(MetricsFormat(accept: asked.accept) == asked.format) }
}
