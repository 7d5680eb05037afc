import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

@Suite("Webhooks", .serialized, .timeLimit(.minutes(3)))
struct WebhookTests {
    static func options(
        _ urls: [String], patience: Duration = .seconds(60), timeout: Duration = .seconds(10)
    ) throws -> WebhookOptions {
        var options = try WebhookOptions(urls: urls, secret: try WebhookSecret(WebhookReceiver.secret))
        options.policy = DeliveryPolicy(base: .milliseconds(50), cap: .milliseconds(500), patience: patience)
        options.timeout = timeout
        return options
    }

    @Test("every end and every settlement arrives once, signed, and again for the next generation")
    func told() async throws {
        let fixture = try await Fixture()
        let receiver = try await WebhookReceiver.start()
        let aggregator = fixture.aggregator(webhooks: try Self.options([receiver.url]))
        await aggregator.start()
        for number in 0..<20 {
            try await fixture.publish(
                "job.started", "j\(number)", ["pipeline": "book", "bulk": "b", "worker": "w"])
        }
        // In many partitions at once: one of them is the first failure.
        for number in 0..<20 {
            try await fixture.publish(
                number < 8 ? "job.failed" : "job.completed", "j\(number)", ["message": "no", "code": "c"])
        }
        try await fixture.publish("bulk.sealed", "b", ["total": "20"])
        #expect(await eventually(within: .seconds(15)) { receiver.events("bulk.settled").count == 1 })
        #expect(await eventually(within: .seconds(15)) { receiver.events("job.completed").count == 12 })
        #expect(await eventually(within: .seconds(15)) { receiver.events("job.failed").count == 8 })
        #expect(await eventually(within: .seconds(15)) { receiver.events("bulk.first_failure").count == 1 })
        let settled = try #require(receiver.events("bulk.settled").first)
        #expect(settled.data["generation"] == "1" && settled.data["outcome"] == "partial")
        #expect(settled.data["total"] == "20")
        let first = try #require(receiver.events("bulk.first_failure").first)
        #expect(first.data["generation"] == "1" && first.data["code"] == "c")

        // The next generation: one comes back, fails again, and once more to its good end.
        try await fixture.publish("job.started", "j3", ["attempt": "2"])
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.bulk("b").phase) == .sealed })
        try await fixture.publish("job.failed", "j3", ["attempt": "2", "message": "again"])
        #expect(await eventually(within: .seconds(15)) { receiver.events("bulk.settled").count == 2 })
        #expect(await eventually(within: .seconds(15)) { receiver.events("bulk.first_failure").count == 2 })
        #expect(receiver.events("bulk.settled").map { $0.data["generation"] } == ["1", "2"])
        #expect(receiver.events("bulk.first_failure").map { $0.data["generation"] } == ["1", "2"])
        #expect(receiver.events("job.failed").last?.data["attempt"] == "2")

        #expect(receiver.calls.allSatisfy { $0.fault == nil })
        #expect(receiver.calls.count == receiver.calls.map(\.id).count)
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.outbox()) == 0 })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a retry in one partition lets the first failure in another be told anew, though nothing settled")
    func failsAnew() async throws {
        let fixture = try await Fixture()
        let receiver = try await WebhookReceiver.start()
        let aggregator = fixture.aggregator(webhooks: try Self.options([receiver.url]))
        await aggregator.start()
        let jobs = (0..<40).map { "j\($0)" }
        let here = jobs.filter { fixture.keyspace.partition(of: JobID(unchecked: $0)) == 0 }
        let there = try #require(jobs.first { fixture.keyspace.partition(of: JobID(unchecked: $0)) == 1 })
        for job in here.prefix(2) + [there] {
            try await fixture.publish("job.started", job, ["pipeline": "book", "bulk": "b"])
        }
        try await fixture.publish("job.failed", here[0], ["message": "no"])
        try await fixture.publish("job.failed", there, ["message": "no"])
        #expect(await eventually(within: .seconds(10)) { receiver.events("bulk.first_failure").count == 1 })
        try await fixture.publish("job.started", there, ["attempt": "2"])
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await fixture.shares("b"))?.allSatisfy { $0.openGeneration >= 2 } ?? false
            })
        try await fixture.publish("job.failed", here[1], ["message": "no"])
        #expect(await eventually(within: .seconds(10)) { receiver.events("bulk.first_failure").count == 2 })
        #expect(receiver.events("bulk.first_failure").last?.data["job"] == here[1])
        #expect(receiver.events("bulk.first_failure").last?.data["generation"] == "2")
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a receiver that fails twice gets the same call a third time, with the same id and the same body")
    func triedAgain() async throws {
        let fixture = try await Fixture()
        let receiver = try await WebhookReceiver.start("500,503,200")
        let aggregator = fixture.aggregator(webhooks: try Self.options([receiver.url]))
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.publish("job.failed", "a", ["message": "no"])
        #expect(await eventually(within: .seconds(15)) { receiver.calls.count == 3 })
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.outbox()) == 0 })
        #expect(Set(receiver.calls.map(\.id)).count == 1 && Set(receiver.calls.map(\.body)).count == 1)
        #expect(receiver.calls.map(\.answer) == ["500", "503", "200"])
        #expect(receiver.calls.allSatisfy { $0.fault == nil })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("Retry-After is kept to")
    func retryAfter() async throws {
        let fixture = try await Fixture()
        let receiver = try await WebhookReceiver.start("429:2,200")
        let aggregator = fixture.aggregator(webhooks: try Self.options([receiver.url]))
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.publish("job.completed", "a")
        #expect(await eventually(within: .seconds(15)) { receiver.calls.count == 2 })
        let calls = receiver.calls
        #expect(calls.count == 2 && calls[1].at - calls[0].at >= 1.9)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a receiver that answers nothing slows neither commits nor another receiver")
    func hangs() async throws {
        let fixture = try await Fixture()
        let dead = try await WebhookReceiver.start("hang")
        let living = try await WebhookReceiver.start()
        let notices = Notices()
        let aggregator = fixture.aggregator(
            notices: notices, webhooks: try Self.options([dead.url, living.url], timeout: .seconds(2)))
        await aggregator.start()
        // More than a lane's window in each partition.
        for number in 0..<1000 {
            try await fixture.publish("job.started", "j\(number)", ["pipeline": "book"])
            try await fixture.publish("job.completed", "j\(number)")
        }
        let begun = ContinuousClock.now
        try await fixture.settleDown()
        #expect(ContinuousClock.now - begun < .seconds(10))
        #expect(await eventually(within: .seconds(30)) { living.events("job.completed").count == 1000 })
        #expect(living.calls.count == 1000)
        // What the dead one lacks is still there.
        #expect(try await fixture.outbox() == 1000)
        #expect(
            await eventually { notices.texts.contains { $0.contains("\(dead.port) does not take them") } })
        await aggregator.stop()

        // The next owner does not bother the living one again with what it has.
        let next = fixture.aggregator(
            "next", webhooks: try Self.options([dead.url, living.url], timeout: .seconds(2)))
        await next.start()
        try await fixture.publish("job.started", "last", ["pipeline": "book"])
        try await fixture.publish("job.completed", "last")
        #expect(await eventually(within: .seconds(20)) { living.events("job.completed").count == 1001 })
        #expect(living.calls.count == 1001)
        await next.stop()
        await fixture.stop()
    }

    @Test("what nobody accepted waits; once somebody listens on the port, it is delivered")
    func refused() async throws {
        let fixture = try await Fixture()
        let port = try await WebhookReceiver.start().port
        let aggregator = fixture.aggregator(webhooks: try Self.options(["http://127.0.0.1:\(port)/hook"]))
        await aggregator.start()
        for number in 0..<300 {
            try await fixture.publish("job.started", "j\(number)", ["pipeline": "book"])
            try await fixture.publish("job.completed", "j\(number)")
        }
        try await fixture.settleDown()
        #expect(try await fixture.outbox() == 300)
        let receiver = try await WebhookReceiver.start(port: port)
        #expect(await eventually(within: .seconds(30)) { receiver.events("job.completed").count == 300 })
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.outbox()) == 0 })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("410, and the end of the patience, put it aside with the reason; the log says so")
    func givenUp() async throws {
        for (answer, reason) in [("410", "410"), ("500", "status 500, for 1s now, the limit")] {
            let fixture = try await Fixture()
            let receiver = try await WebhookReceiver.start(answer)
            let notices = Notices()
            let aggregator = fixture.aggregator(
                notices: notices, webhooks: try Self.options([receiver.url], patience: .seconds(1)))
            await aggregator.start()
            try await fixture.publish("job.started", "a", ["pipeline": "book"])
            try await fixture.publish("job.completed", "a")
            #expect(await eventually(within: .seconds(15)) { (try? await fixture.undelivered().count) == 1 })
            #expect(await eventually(within: .seconds(10)) { (try? await fixture.outbox()) == 0 })
            let note = try #require(try await fixture.undelivered().first)
            #expect(note["reason"]?.contains(reason) == true, "\(note)")
            #expect(note["receiver"] == "http://127.0.0.1:\(receiver.port)")
            #expect(note["type"] == "job.completed" && note["body"]?.contains(#""id":"a""#) == true)
            #expect(note["id"] == receiver.calls.first?.id)
            #expect(notices.texts.contains { $0.contains("gave up 1 for http://127.0.0.1:\(receiver.port)") })
            await aggregator.stop()
            await fixture.stop()
        }
    }

    @Test(
        "what is no webhook is put aside as it is, and what all receivers have is deleted, by whoever reads it next"
    )
    func leftovers() async throws {
        let fixture = try await Fixture(partitions: 1)
        let receiver = try await WebhookReceiver.start()
        let other = try await WebhookReceiver.start()
        let options = try Self.options([receiver.url, other.url])
        let outbox = fixture.keyspace.outbox(0)
        let delivered = fixture.keyspace.delivered(0)
        // As left by an owner that was killed between the last mark and the deletion.
        let done = try #require(
            try await fixture.send("XADD", outbox, "*", "type", "job.completed", "body", "{}").string)
        for one in options.receivers { try await fixture.send("HSET", delivered, "\(done)/\(one.key)", "1") }
        try await fixture.send("XADD", outbox, "*", "typ", "job.completed", "planted", "value")
        let notices = Notices()
        let aggregator = fixture.aggregator(notices: notices, webhooks: options)
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.publish("job.completed", "a")
        for one in [receiver, other] {
            #expect(await eventually(within: .seconds(15)) { one.events("job.completed").count == 1 })
            #expect(one.calls.allSatisfy { $0.data["id"] == "a" })
        }
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.outbox()) == 0 })
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await fixture.send("EXISTS", delivered).integer) == 0
            })
        let notes = try await fixture.undelivered()
        #expect(notes.count == 1)
        #expect(notes.first?["reason"]?.contains("cannot be read") == true)
        #expect(notes.first?["raw.typ"] == "job.completed" && notes.first?["raw.planted"] == "value")
        #expect(notices.texts.contains { $0.contains("1 entries of the outbox cannot be read") })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("what somebody else adds to an outbox is delivered as well, without a commit that rings")
    func addedByOthers() async throws {
        let fixture = try await Fixture(partitions: 1)
        let receiver = try await WebhookReceiver.start()
        let aggregator = fixture.aggregator(webhooks: try Self.options([receiver.url]))
        await aggregator.start()
        try await fixture.settleDown()
        let entry = OutboxEntry.polls(
            pipeline: "book", summary: "run-1", from: Self.noon, to: Self.noon + .seconds(60),
            stages: [(stage: nil, polls: 1), (stage: "write", polls: 4)])
        try await fixture.send(
            "XADD", fixture.keyspace.outbox(0), "*", "type", entry.type, "body",
            String(decoding: entry.body, as: UTF8.self))
        #expect(await eventually(within: .seconds(20)) { receiver.events("job.polls").count == 1 })
        let call = try #require(receiver.calls.first)
        #expect(call.fault == nil && call.data["polls"] == "5" && call.data["pipeline"] == "book")
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.outbox()) == 0 })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("the outbox is bounded: the oldest go, counted and noticed, never silently")
    func bounded() async throws {
        let fixture = try await Fixture(partitions: 1)
        let port = try await WebhookReceiver.start().port
        var options = try Self.options(["http://127.0.0.1:\(port)/hook"])
        options.outboxLimit = 200
        let notices = Notices()
        let aggregator = fixture.aggregator(notices: notices, webhooks: options)
        await aggregator.start()
        for number in 0..<1000 {
            try await fixture.publish("job.started", "j\(number)", ["pipeline": "book"])
            try await fixture.publish("job.completed", "j\(number)")
        }
        try await fixture.settleDown()
        let left = try await fixture.outbox()
        #expect(left >= 200 && left <= 300)
        let dropped = await aggregator.stats().map(\.webhooksDropped).reduce(0, +)
        #expect(dropped == Int64(1000 - left))
        #expect(notices.texts.contains { $0.contains("oldest webhooks were dropped unsent") })
        #expect(
            await eventually {
                let notes = (try? await fixture.undelivered()) ?? []
                return notes.compactMap { $0["count"].flatMap { Int($0) } }.reduce(0, +) == 1000 - left
            })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a state and its webhook are in one transaction, and without receivers there is none")
    func oneTransaction() async throws {
        for isTold in [true, false] {
            let fixture = try await Fixture(partitions: 1)
            var options = AggregatorOptions(endpoint: fixture.server.endpoint, instance: "a")
            if isTold { options.webhooks = try Self.options(["http://127.0.0.1:9/"]) }
            let pipeline = try PipelineDocument.parse(Array(Fixture.book.utf8), file: "book", revision: 1)
                .get()
                .pipeline
            let catalog = PipelineCatalog([pipeline])
            var memory = PartitionMemory(
                control: Control(),
                clock: PartitionClock(skew: .zero, watermark: Self.noon, redis: Self.noon),
                sources: [:], jobs: JobCache(capacity: 10), judgeFrom: Self.noon)
            memory.jobs.insert(JobSlot(id: JobID(unchecked: "a"), record: .unknown))
            var fold = PartitionFold(
                keyspace: fixture.keyspace, partition: 0, catalog: catalog,
                webhooks: options.webhooks?.events ?? [])
            let id = JobID(unchecked: "a")
            let registration = Registration(pipeline: PipelineName(name: "book", revision: 1))
            for word: JobWord in [.queued(registration), .failed(message: "no", code: nil, stage: nil)] {
                fold.apply(ProgressEvent(id, word, attempt: 1), at: Self.noon, to: &memory)
            }
            var writer = CommitWriter(
                keyspace: fixture.keyspace, partition: 0, options: options, catalog: catalog)
            let batch = writer.transaction(fold, control: memory.control, memory: memory)
            let replies = try await fixture.connection.send(batch)
            #expect(replies.first?.string == "OK")
            let results = replies.last?.elements?.count
            #expect(results == batch.count - 2)
            #expect(try await fixture.job("a")?.status == .failed)
            #expect(try await fixture.outbox() == (isTold ? 1 : 0))
            #expect(try await fixture.send("EXISTS", fixture.keyspace.outbox(0)).integer == (isTold ? 1 : 0))
            await fixture.stop()
        }
    }
    private static let noon = Timestamp(milliseconds: 1_785_585_600_000)

    @Test(
        "a URL that cannot be posted to is refused with what is wrong, and never repeated whole",
        arguments: [
            ("ftp://example.org/x", "starts with http"), ("example.org/hook", "starts with http"),
            ("", "starts with http"),
            ("http://", "names no host"), ("http://exa mple.org", "spaces"),
            ("https://example.org:0/", "names no host"),
            ("https://example.org:99999/", "names no host"), ("http://[::1", "names no host"),
            ("https://example.org/a#b", "#fragment"), ("https:example.org", "starts with http"),
            ("https://user:pass@/very/long/path/with/a/secret/in/it", "names no host"),
        ])
    func urls(_ url: String, _ complaint: String) {
        #expect {
            try WebhookOptions.Receiver(url)
        } throws: { error in
            "\(error)".contains(complaint) && !"\(error)".contains("secret")
        }
    }

    @Test(
        "a receiver is named without what may be secret",
        arguments: [
            ("https://example.org/hooks/T0K3N", "https://example.org"),
            ("HTTP://Example.org:8080?x=1", "http://Example.org:8080"),
            ("https://user:pass@example.org/", "https://example.org"),
            ("http://[::1]:80/a", "http://[::1]:80"),
        ])
    func names(_ url: String, _ name: String) throws {
        #expect(try WebhookOptions.Receiver(url).name == name)
    }
}

extension Fixture {
    /// Webhooks that wait, in all partitions.
    func outbox() async throws -> Int {
        var count = 0
        for partition in 0..<keyspace.partitions {
            count += try await send("XLEN", keyspace.outbox(partition)).integer ?? 0
        }
        return count
    }

    func undelivered() async throws -> [[String: String]] {
        var all: [[String: String]] = []
        for partition in 0..<keyspace.partitions {
            let reply = try await send("XRANGE", keyspace.undelivered(partition), "-", "+")
            for entry in reply.elements.map(Array.init) ?? [] {
                var note: [String: String] = [:]
                guard let fields = entry.elements?[1].pairs else { continue }
                for (name, value) in fields {
                    note[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                }
                all.append(note)
            }
        }
        return all
    }
}
