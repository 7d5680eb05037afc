import Seeded
import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

@Suite("Aggregator", .timeLimit(.minutes(2)))
struct AggregatorTests {
    @Test("a job's words become its state, its timeline, its membership and its bulk's tally")
    func oneJob() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish(
            "job.queued", "book-1", ["pipeline": "book", "bulk": "spring", "label": "One"])
        try await fixture.publish("job.started", "book-1", ["worker": "w-7"])
        try await fixture.publish("stage.started", "book-1", ["stage": "analyze"])
        try await fixture.publish(
            "stage.progressed", "book-1", ["stage": "write", "done": "5", "total": "10"])
        try await fixture.settleDown()

        let job = try #require(try await fixture.job("book-1"))
        #expect(job.status == .running)
        #expect(job.worker == "w-7")
        #expect(job.position?.stage == "write")
        #expect(job.completedStages == ["analyze"])
        #expect(job.percent == 60)
        #expect(try await fixture.recount("spring") == BulkCounts(running: 1))
        let bulk = try await fixture.bulk("spring")
        #expect(bulk.counts == BulkCounts(running: 1))
        #expect(bulk.stages == ["write": 1])
        let id = JobID(unchecked: "book-1")
        let timeline = try await fixture.send(
            "LRANGE", fixture.keyspace.timeline(fixture.keyspace.partition(of: id), id), "0", "-1")
        let kinds = try (timeline.elements.map(Array.init) ?? []).map {
            try TimelineEntry(text: $0.string ?? "").kind
        }
        #expect(kinds == ["created", "started", "stage_started", "stage_completed", "stage_started"])
        #expect(
            try await fixture.send("PTTL", fixture.keyspace.job(fixture.keyspace.partition(of: id), id))
                .integer == -1)

        try await fixture.publish("job.completed", "book-1", ["result": "page.html"])
        try await fixture.settleDown()
        #expect(try await fixture.job("book-1")?.percent == 100)
        #expect(try await fixture.recount("spring") == BulkCounts(completed: 1))
        let ttl = try await fixture.send("PTTL", fixture.keyspace.job(fixture.keyspace.partition(of: id), id))
            .integer
        #expect((ttl ?? 0) > 23 * 3600 * 1000)
        let tombstone = try await fixture.send(
            "GET", fixture.keyspace.tombstone(fixture.keyspace.partition(of: id), id))
        #expect(try JobRecord.Tombstone(text: tombstone.string ?? "").status == .completed)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("the same stream gives the same hashes, whether folded by 1, 7 or 500")
    func batchingChangesNothing() async throws {
        let fixtures = [try await Fixture(), try await Fixture(), try await Fixture()]
        // Patient, or a busy machine makes the last fold late enough for a judgement that the first one has not.
        let patient = Fixture.book.replacing("15s", with: "2m")
        for fixture in fixtures {
            try await fixture.send("HSET", fixture.keyspace.pipelines, "book@1", patient)
        }
        var random = SplitMix64(seed: 42)
        let start = try #require(try await fixtures[0].send("TIME").elements?[0].number) * 1000 - 20_000
        let types = ["job.started", "stage.started", "stage.progressed", "stage.completed", "job.heartbeat"]
        for step in 0..<600 {
            let job = "job-\(Int.random(in: 0..<20, using: &random))"
            let stage = ["analyze", "write", "print"].randomElement(using: &random) ?? ""
            var type = types.randomElement(using: &random) ?? ""
            var fields = ["stage": stage, "attempt": "\(Int.random(in: 1...2, using: &random))"]
            switch Int.random(in: 0..<20, using: &random) {
            case 0...3:
                type = "job.queued"
                fields = ["pipeline": "book", "bulk": "bulk-\(job.utf8.reduce(0) { $0 + Int($1) } % 3)"]
            case 4: type = "job.completed"
            case 5:
                type = "job.failed"
                fields["message"] = "no"
            default: break
            }
            if type == "stage.progressed" {
                fields["done"] = "\(Int.random(in: 0...10, using: &random))"
                fields["total"] = "10"
            }
            for fixture in fixtures {
                let partition = fixture.keyspace.partition(of: JobID(unchecked: job))
                var batch = CommandBatch()
                batch.add(
                    "XADD",
                    [
                        fixture.keyspace.events(partition), "\(start + step * 10)-0", "type", type, "subject",
                        job,
                    ]
                        + fields.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })
                let reply = try await fixture.connection.send(batch)[0]
                #expect(reply.error == nil)
            }
        }
        var states: [[String: String]] = []
        for (fixture, batch) in zip(fixtures, [1, 7, 500]) {
            let aggregator = fixture.aggregator(batch: batch)
            await aggregator.start()
            try await fixture.settleDown()
            await aggregator.stop()
            states.append(try await fixture.allJobsAndShares())
            await fixture.stop()
        }
        #expect(!states[0].isEmpty)
        #expect(states[0] == states[1])
        #expect(states[0] == states[2])
    }

    @Test("a source that was silent for a day is forgotten, others are not")
    func forgetsSources() async throws {
        let fixture = try await Fixture(partitions: 1)
        let now = try #require(try await fixture.send("TIME").elements?[0].number) * 1000
        let day = 24 * 3_600_000
        try await fixture.send(
            "HSET", fixture.keyspace.sources(0), "old", "7:\(now - day - 60_000)", "young",
            "9:\(now - day / 2)")
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book", "source": "young", "id": "10"])
        try await fixture.settleDown()
        #expect(
            await eventually {
                (try? await fixture.send("HKEYS", fixture.keyspace.sources(0)))?.elements?.compactMap(
                    \.string)
                    == ["young"]
            })
        #expect(try await fixture.control(0).lost == 0)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test(
        "not before what it said last is read: a backlog of a day after an outage loses nothing and doubles nothing"
    )
    func remembersSourcesOfBacklog() async throws {
        let fixture = try await Fixture(partitions: 1)
        let now = try #require(try await fixture.send("TIME").elements?[0].number) * 1000
        let day = 24 * 3_600_000
        try await fixture.send(
            "HSET", fixture.keyspace.sources(0), "quiet", "7:\(now - day - 60_000)")
        for number in 1...6 {
            try await fixture.publish(
                "job.started", "a-\(number)", ["pipeline": "book", "source": "busy", "id": "\(number)"])
        }
        try await fixture.publish("job.started", "b", ["pipeline": "book", "source": "quiet", "id": "8"])
        try await fixture.publish("job.started", "c", ["pipeline": "book", "source": "quiet", "id": "7"])
        let aggregator = fixture.aggregator(batch: 2)
        await aggregator.start()
        try await fixture.settleDown()
        #expect(try await fixture.control(0).lost == 0)
        #expect(try await fixture.job("b") != nil)
        #expect(try await fixture.job("c") == nil)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("absurd numbers of sources leave the control hash readable")
    func absurdNumbers() async throws {
        let fixture = try await Fixture(partitions: 1)
        let aggregator = fixture.aggregator()
        await aggregator.start()
        for source in ["x", "y"] {
            try await fixture.publish(
                "job.started", "a", ["pipeline": "book", "source": source, "id": "9007199254740992"])
            try await fixture.settleDown()
        }
        #expect(try await fixture.control(0).lost == 1 << 53)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a number of a source counts once; numbers left out are counted as lost")
    func dedupe() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let aggregator = fixture.aggregator(notices: notices)
        await aggregator.start()
        try await fixture.publish("job.queued", "a", ["pipeline": "book", "source": "s", "id": "1"])
        try await fixture.publish("job.started", "a", ["source": "s", "id": "2", "worker": "first"])
        try await fixture.publish("job.started", "a", ["source": "s", "id": "2", "worker": "again"])
        try await fixture.publish("stage.nonsense", "a", ["source": "s", "id": "3"])
        try await fixture.publish("stage.nonsense", "a", ["source": "s", "id": "3"])
        try await fixture.publish("stage.started", "a", ["source": "s", "id": "7", "stage": "write"])
        try await fixture.settleDown()
        #expect(try await fixture.job("a")?.worker == "first")
        #expect(try await fixture.control(0).lost == 3)
        #expect(try await fixture.rejected().map(\.reason) == ["unknown_type"])
        let stats = await aggregator.stats()[0]
        #expect(stats.duplicates == 2)
        #expect(stats.missing == 3)
        #expect(notices.texts.contains { $0.contains("3 events were lost") })
        await aggregator.stop()
        await fixture.stop()
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let type: String
        let fields: [String: String]
        let reason: String
    }

    static let bad: [Bad] = [
        Bad(testDescription: "a missing field", type: "stage.started", fields: [:], reason: "malformed"),
        Bad(testDescription: "an unknown type", type: "job.exploded", fields: [:], reason: "unknown_type"),
        Bad(
            testDescription: "an unknown stage", type: "stage.started", fields: ["stage": "dream"],
            reason: "unknown_stage"),
        Bad(
            testDescription: "percent 250", type: "stage.progressed",
            fields: ["stage": "write", "percent": "250"],
            reason: "malformed"),
        Bad(
            testDescription: "more done than there is", type: "stage.progressed",
            fields: ["stage": "write", "done": "11", "total": "10"], reason: "malformed"),
        Bad(
            testDescription: "2 MiB of message", type: "stage.started",
            fields: ["stage": "write", "message": String(repeating: "x", count: 2 << 20)], reason: "too_large"
        ),
        Bad(
            testDescription: "a pipeline that nobody declared", type: "job.queued",
            fields: ["pipeline": "dream"],
            reason: "unknown_pipeline"),
        Bad(
            testDescription: "an older attempt", type: "job.heartbeat", fields: ["attempt": "0"],
            reason: "malformed"),
    ]

    @Test("what breaks a rule lands in rejected with its reason, and the job stays as it was", arguments: bad)
    func refuses(_ bad: Bad) async throws {
        let fixture = try await Fixture(partitions: 1)
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.settleDown()
        let before = try await fixture.job("a")
        let subject = bad.reason == "unknown_pipeline" ? "b" : "a"
        var batch = CommandBatch()
        batch.add(
            "XADD",
            [fixture.keyspace.events(0), "*", "type", bad.type, "subject", subject]
                + bad.fields.flatMap { [$0.key, $0.value] })
        _ = try await fixture.connection.send(batch)
        try await fixture.settleDown()
        #expect(try await fixture.rejected().map(\.reason) == [bad.reason])
        #expect(try await fixture.job("a") == before)
        #expect(try await fixture.rejected().first?.event.isEmpty == false)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("an id with spaces and bytes that are no UTF-8 are refused, not dropped and not fatal")
    func badBytes() async throws {
        let fixture = try await Fixture(partitions: 1)
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.queued", "two words", ["pipeline": "book"])
        var batch = CommandBatch()
        batch.begin("XADD", argumentCount: 8)
        batch.append(fixture.keyspace.events(0))
        for text in ["*", "type", "job.queued", "subject", "c", "label"] { batch.append(text) }
        batch.append([0xff, 0xfe, 0x00] as [UInt8])
        _ = try await fixture.connection.send(batch)
        try await fixture.publish("job.started", "good", ["pipeline": "book"])
        try await fixture.settleDown()
        #expect(try await fixture.rejected().map(\.reason) == ["malformed", "malformed"])
        #expect(try await fixture.job("good")?.status == .running)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a worker that is faster than the enqueuer loses nothing")
    func placeholder() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.started", "early", ["worker": "w"])
        try await fixture.publish("stage.progressed", "early", ["stage": "write", "done": "1", "total": "2"])
        try await fixture.settleDown()
        await aggregator.stop()
        // Held in Redis, not in memory: another instance goes on with it.
        let second = fixture.aggregator("b")
        await second.start()
        try await fixture.publish("job.queued", "early", ["pipeline": "book", "bulk": "x"])
        try await fixture.settleDown()
        let job = try #require(try await fixture.job("early"))
        #expect(job.status == .running)
        #expect(job.percent == 60)
        #expect(try await fixture.bulk("x").counts.running == 1)
        await second.stop()
        await fixture.stop()
    }

    @Test("a silent worker's job is failed as lost at its deadline, and taken back when it speaks again")
    func lostWorker() async throws {
        let fixture = try await Fixture(partitions: 1)
        try await fixture.send(
            "HSET", fixture.keyspace.pipelines, "quick@1",
            """
            {"name": "quick", "stages": [{"id": "go", "range": [0, 100]}], "heartbeat": "100ms", "stallAfter": "10s",
             "lostAfter": "600ms"}
            """)
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.started", "q", ["pipeline": "quick", "bulk": "b"])
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.job("q"))?.status == .failed })
        #expect(try await fixture.job("q")?.failure?.code == "worker_lost")
        #expect(try await fixture.recount("b") == BulkCounts(failed: 1))
        try await fixture.publish("job.heartbeat", "q")
        try await fixture.settleDown()
        let job = try #require(try await fixture.job("q"))
        #expect(job.status == .running || job.recoveries > 0)
        #expect(job.recoveries > 0)
        await aggregator.stop()
        await fixture.stop()
    }
}

extension Fixture {
    /// Every hash of a job or a share, as one text each.
    func allJobsAndShares() async throws -> [String: String] {
        var all: [String: String] = [:]
        let keys = try await send("KEYS", "\(keyspace.namespace):*")
        for key in (keys.elements.map(Array.init) ?? []).compactMap(\.string)
        where key.contains("}:job:") || key.contains("}:bulk:") || key.hasSuffix("}:durations") {
            let fields = (try await send("HGETALL", key)).pairs.map { name, value in
                "\(String(decoding: name, as: UTF8.self))=\(String(decoding: value, as: UTF8.self))"
            }
            all[key] = fields.sorted().joined(separator: " ")
        }
        return all
    }
}
