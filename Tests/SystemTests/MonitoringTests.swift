import Foundation
import TestSupport
import Testing

@testable import HeadwayCLI

/// What is shipped for Prometheus and Grafana, against a real Prometheus that scrapes a real `headway`.
@Suite("Monitoring", .timeLimit(.minutes(5)))
struct MonitoringTests {
    @Test("rules, alerts, their paragraphs and the dashboard are true to what /metrics says")
    func files() async throws {
        let scratch = ScratchDirectory()
        let script = Fleet.root.appending(path: "Tests/SystemTests/Fixtures/monitoring.py").path
        let checking = try await TestSupport.ChildProcess.start(
            ["/usr/bin/python3", script, HeadwayBinary.path, Fleet.root.path, scratch.path],
            output: scratch.file("out"))
        #expect(await eventually(within: .seconds(240)) { !checking.isRunning })
        let text = (try? String(contentsOfFile: scratch.file("out"), encoding: .utf8)) ?? ""
        #expect(checking.exitStatus == 0, "\(text)")
    }
}
