import Testing

/// What is shipped for Prometheus and Grafana, against a real Prometheus that scrapes a real `headway`.
@Suite("Monitoring", .timeLimit(.minutes(5)))
struct MonitoringTests {
    @Test("rules, alerts, their paragraphs and the dashboard are true to what /metrics says")
    func files() async throws {
        try await SceneScript.run("monitoring.py", SceneScript.root)
    }
}
