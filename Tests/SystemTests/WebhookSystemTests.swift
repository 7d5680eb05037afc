import EventLoop
import Foundation
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

/// The built `headway aggregate` with real receivers, killed at the worst moment.
@Suite("Webhooks of real processes", .serialized, .timeLimit(.minutes(4)))
struct WebhookSystemTests {
    @Test("the aggregator killed with -9 between commits and deliveries, again and again: no webhook is lost")
    func killed() async throws {
        let fleet = try await Fleet()
        try await fleet.addPlainPipeline()
        let port = try await WebhookReceiver.start().port
        let jobs = 400
        var aggregator = try await Self.aggregator(fleet, port)
        // Nobody listens yet: every end is committed, none is delivered.
        for number in 0..<jobs {
            try await fleet.publish("job.started", "j\(number)", ["pipeline": "plain", "bulk": "b"])
            try await fleet.publish(
                number < 10 ? "job.failed" : "job.completed", "j\(number)", ["message": "x"])
        }
        try await fleet.publish("bulk.sealed", "b", ["total": "\(jobs)"])
        #expect(await eventually(within: .seconds(60)) { (try? await Self.outbox(fleet)) == jobs + 2 })
        aggregator.kill()

        // Killed while it delivers, several times.
        let receiver = try await WebhookReceiver.start("500,200", port: port)
        for _ in 0..<4 {
            aggregator = try await Self.aggregator(fleet, port)
            let before = receiver.calls.count
            _ = await eventually(within: .seconds(20), every: .milliseconds(2)) {
                receiver.calls.count > before + 20
            }
            aggregator.kill()
        }
        aggregator = try await Self.aggregator(fleet, port)
        #expect(await eventually(within: .seconds(60)) { (try? await Self.outbox(fleet)) == 0 })
        let calls = receiver.calls
        #expect(calls.allSatisfy { $0.fault == nil })
        let taken = calls.filter { $0.answer == "200" }
        for (type, count) in [
            ("job.completed", jobs - 10), ("job.failed", 10), ("bulk.settled", 1), ("bulk.first_failure", 1),
        ] {
            #expect(Set(taken.filter { $0.type == type }.map(\.id)).count == count, "\(type)")
        }
        let done = Set(taken.filter { $0.type.hasPrefix("job.") }.compactMap { $0.data["id"] })
        #expect(done == Set((0..<jobs).map { "j\($0)" }))
        // The same id always has the same body.
        let bodies = Dictionary(grouping: calls, by: \.id).mapValues { Set($0.map(\.body)).count }
        #expect(bodies.values.allSatisfy { $0 == 1 })
        aggregator.signal(SIGTERM)
        #expect(await eventually(within: .seconds(10)) { !aggregator.isRunning })
        await fleet.stop()
    }

    @Test("another instance goes on with the webhooks of one that was killed")
    func takenOver() async throws {
        let fleet = try await Fleet()
        try await fleet.addPlainPipeline()
        let port = try await WebhookReceiver.start().port
        let first = try await Self.aggregator(fleet, port)
        #expect(await eventually(within: .seconds(20)) { (try? await Self.owned(fleet)) == 8 })
        let second = try await Self.aggregator(fleet, port)
        for number in 0..<50 {
            try await fleet.publish("job.started", "j\(number)", ["pipeline": "plain"])
            try await fleet.publish("job.completed", "j\(number)")
        }
        #expect(await eventually(within: .seconds(30)) { (try? await Self.outbox(fleet)) == 50 })
        first.kill()
        let receiver = try await WebhookReceiver.start(port: port)
        #expect(
            await eventually(within: .seconds(40)) { receiver.events("job.completed").count == 50 })
        #expect(await eventually(within: .seconds(10)) { (try? await Self.outbox(fleet)) == 0 })
        second.signal(SIGTERM)
        #expect(await eventually(within: .seconds(10)) { !second.isRunning })
        await fleet.stop()
    }

    @Test("what is wrong with the options is said in one line before anything starts")
    func options() async throws {
        let secret = ["HEADWAY_WEBHOOK_SECRET": WebhookReceiver.secret]
        for (words, environment, complaint) in [
            (["--webhook", "ftp://x"], secret, "starts with http:// or https://"),
            (["--webhook", "http://a/,http://a/"], secret, "named twice"),
            (["--webhook", "http://a/"], [:], "HEADWAY_WEBHOOK_SECRET"),
            (["--webhook", "http://a/", "--webhook-secret", "short"], [:], "shorter than 16 bytes"),
            (
                ["--webhook", "http://a/", "--webhook-events", "job.faild"], secret,
                "did you mean job.failed?"
            ),
            (
                ["--webhook", "http://a/", "--webhook-events", "job.polls"], secret,
                "job.polls has an option of its own, --webhook-polls"
            ),
            (
                [],
                ["HEADWAY_WEBHOOK": "http://a/,nonsense", "HEADWAY_WEBHOOK_SECRET": WebhookReceiver.secret],
                "starts with http:// or https://"
            ),
        ] {
            for command in ["up", "aggregate"] {
                let outcome = try await HeadwayBinary.run([command] + words, environment: environment)
                #expect(outcome.code == 2, "\(words)")
                #expect(outcome.error.contains(complaint), "\(words): \(outcome.error)")
            }
        }
    }

    private static func aggregator(_ fleet: Fleet, _ port: Int) async throws -> ChildProcess {
        try await ChildProcess.start(
            [
                Fleet.headway.path, "aggregate", "--redis", fleet.server.endpointURL, "--lease", "1s",
                "--webhook",
                "http://127.0.0.1:\(port)/hook", "--webhook-secret", WebhookReceiver.secret,
            ], output: fleet.server.directory.file("agg.log"))
    }

    private static func outbox(_ fleet: Fleet) async throws -> Int {
        var count = 0
        for partition in 0..<fleet.keyspace.partitions {
            count += try await fleet.client.send("XLEN", fleet.keyspace.outbox(partition)).integer ?? 0
        }
        return count
    }

    private static func owned(_ fleet: Fleet) async throws -> Int {
        var count = 0
        for partition in 0..<fleet.keyspace.partitions {
            let owner = try await fleet.client.send("HGET", fleet.keyspace.control(partition), "owner").string
            if owner?.isEmpty == false { count += 1 }
        }
        return count
    }
}

extension Fleet {
    /// One that refuses nothing: a single stage, and jobs may end without it.
    func addPlainPipeline() async throws {
        let plain = #"{"name": "plain", "stages": [{"id": "work", "range": [0, 100]}], "maxAttempts": 3}"#
        _ = try await client.send("HSET", keyspace.pipelines, "plain@1", plain)
    }
}
