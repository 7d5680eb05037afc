import Glibc
import TestSupport
import Testing

@testable import HeadwayCLI

/// How often jobs are looked at, told by the built `headway up` to a real receiver.
@Suite("Webhooks of polls", .timeLimit(.minutes(2)))
struct PollWebhookTests {
    @Test("polls are summed up by pipeline and stage, each in exactly one signed post, and never by id")
    func polls() async throws {
        let receiver = try await WebhookReceiver.start()
        let up = try await HeadwayUp.start(
            "--webhook", receiver.url, "--webhook-events", "job.failed", "--webhook-polls", "1s",
            environment: ["HEADWAY_WEBHOOK_SECRET": WebhookReceiver.secret])
        #expect(up.running.output.contains("Webhooks go to http://127.0.0.1:\(receiver.port): job.failed\n"))
        #expect(up.running.output.contains("Polls are summed up in webhooks every 1s\n"))
        let file = up.directory.file("plain.json")
        let plain = """
            {"name": "plain", "stages": [{"id": "work"}, {"id": "rest"}], "views": [
              {"route": "/looks/{job}", "fields": {"at": "$stage"}, "status": {
                "queued": "q", "running": "r", "completed": "c", "failed": "f", "cancelled": "x"}}]}
            """
        try FileAccess.write(plain, to: file)
        #expect(try await up.run("pipelines", "apply", file).code == 0)
        #expect(
            try await up.run("publish", "job.started", "planted-id", "pipeline=plain", "attempt=1").code == 0)
        let probe = try #require(up.probe)
        func look(_ path: String) async throws -> Bool { try await probe.get(path).status == 200 }
        var early = 0
        #expect(
            await eventually(within: .seconds(10)) {
                let isThere = (try? await look("/v1/jobs/planted-id")) ?? false
                if isThere { early += 1 }
                return isThere
            })
        #expect(
            try await up.run("publish", "stage.started", "planted-id", "stage=work", "attempt=1").code == 0)
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await up.run("status", "planted-id", "--json").output.contains("work")) ?? false
            })
        #expect(await eventually(within: .seconds(10)) { (try? await look("/looks/planted-id")) ?? false })
        for _ in 0..<4 { #expect(try await look("/looks/planted-id")) }
        for _ in 0..<3 { #expect(try await look("/v1/jobs/planted-id")) }
        func told() -> Int {
            receiver.events("job.polls").compactMap { $0.data["polls"].flatMap { Int($0) } }.reduce(0, +)
        }
        // The first look at the route may have been before it was known; it was no look at a job then.
        #expect(await eventually(within: .seconds(20)) { told() == early + 8 })
        try await Task.sleep(for: .milliseconds(2500))
        #expect(told() == early + 8)
        let events = receiver.events("job.polls")
        #expect(events.allSatisfy { $0.fault == nil && $0.data["pipeline"] == "plain" })
        #expect(Set(events.compactMap { $0.data["summary"] }).count == events.count)
        #expect(events.contains { $0.body.contains(#"{"stage":"work","polls":"#) })
        #expect(events.contains { $0.body.contains(#"{"stage":null,"polls":"#) })
        #expect(receiver.calls.allSatisfy { !$0.body.contains("planted-id") })
        up.running.signal(SIGTERM)
        _ = await up.running.end()
    }
}
