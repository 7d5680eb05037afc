import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

@Suite("Polling", .timeLimit(.minutes(2)))
struct PollTests {
    @Test("a job is answered with its version as ETag; the same version again is 304")
    func etag() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(Sample.document())
            try await house.writer.put(Sample.job("article-42", version: 17))
            let first = try await house.client.get("/v1/jobs/article-42")
            #expect(first.status == 200)
            #expect(first["ETag"] == #"W/"e1-17""#)
            #expect(first["Cache-Control"] == "no-cache")
            #expect(first.json["version"] == .number("17"))
            #expect(first.json["stale"] == nil)

            let byTag = try await house.client.get("/v1/jobs/article-42", ["If-None-Match": #"W/"e1-17""#])
            #expect(byTag.status == 304)
            #expect(byTag.body.isEmpty)
            #expect(try await house.client.get("/v1/jobs/article-42?version=e1-17").status == 304)
            for other in ["e1-16", "e1-18", "e0-17", "nonsense"] {
                #expect(try await house.client.get("/v1/jobs/article-42?version=\(other)").status == 200)
            }
            let head = try await house.client.send("HEAD", "/v1/jobs/article-42", [:], nil)
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test("a bare number as version is refused with what to send instead: it would never wait")
    func bareNumber() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 3))
            for target in [
                "/v1/jobs/a?version=3&wait=20s", "/v1/jobs/a?version=%223%22", "/v1/bulks/b?version=3",
            ] {
                let answer = try await house.client.get(target)
                #expect(answer.status == 400, "\(target)")
                #expect(answer.json["detail"]?.string?.contains("ETag") == true, "\(answer.text)")
            }
        }
    }

    @Test("many who ask at once, before the pipelines were read, are all shown the same")
    func oneFace() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(Sample.document())
            var job = Sample.job("article-42", version: 17)
            job.position = JobState.Position(stage: "writing", startedAt: Sample.start)
            try await house.writer.put(job)
            let stages = try await withThrowingTaskGroup { group in
                for _ in 0..<30 {
                    group.addTask { try await house.client.get("/v1/jobs/article-42").json["stage"] }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let known = try await house.client.get("/v1/jobs/article-42").json["stage"]
            #expect(known?["label"] == .string("Writing"))
            #expect(stages.count == 30)
            #expect(stages.allSatisfy { $0 == known })
        }
    }

    @Test("an id is known, expired or unknown, and each is said in its own way")
    func threeAnswers() async throws {
        try await APIHouse.with { house in
            let gone = JobID(unchecked: "gone")
            let tombstone = JobRecord.Tombstone(of: Sample.job("gone", .failed, version: 9, bulk: "spring"))
            try await house.writer.commit(
                house.keyspace.partition(of: gone), TestWriter.Change(tombstones: [(gone, tombstone)]))
            let held = JobID(unchecked: "held")
            _ = try await house.writer.send(
                "HSET", house.keyspace.job(house.keyspace.partition(of: held), held), "since",
                "1767225600000",
                "held", "")

            let expired = try await house.client.get("/v1/jobs/gone")
            #expect(expired.status == 410)
            #expect(expired["Content-Type"] == "application/problem+json")
            #expect(expired.json["type"] == .string("urn:headway:problem:expired"))
            #expect(expired.json["instance"] == .string("/v1/jobs/gone"))
            #expect(expired.json["job"]?["status"] == .string("failed"))
            #expect(expired.json["job"]?["bulk"] == .string("spring"))
            #expect(expired.json["job"]?["version"] == .number("9"))

            for id in ["never", "held"] {
                let unknown = try await house.client.get("/v1/jobs/\(id)?wait=5s&version=e1-1")
                #expect(unknown.status == 404)
                #expect(unknown.json["type"] == .string("urn:headway:problem:unknown-job"))
            }
        }
    }

    @Test("many ids: each is in exactly one of the three lists, by GET and by POST")
    func many() async throws {
        try await APIHouse.with { house in
            for number in 0..<30 { try await house.writer.put(Sample.job("j\(number)", version: 3)) }
            let gone = JobID(unchecked: "gone")
            try await house.writer.commit(
                house.keyspace.partition(of: gone),
                TestWriter.Change(tombstones: [
                    (gone, JobRecord.Tombstone(of: Sample.job("gone", .completed)))
                ]))
            let ids = (0..<30).map { "j\($0)" } + ["gone", "never"]
            let list = try await house.client.get("/v1/jobs?ids=\(ids.joined(separator: ","))")
            let body = #"{"ids":["\#(ids.joined(separator: #"",""#))"]}"#
            let query = try await house.client.post("/v1/jobs/query", body)
            for answer in [list, query] {
                #expect(answer.status == 200)
                guard case .array(let jobs) = answer.json["jobs"] else {
                    Issue.record("no jobs")
                    continue
                }
                #expect(jobs.compactMap { $0["id"]?.string } == (0..<30).map { "j\($0)" })
                #expect(answer.json["unknown"] == .array([.string("never")]))
                guard case .array(let expired) = answer.json["expired"] else { continue }
                #expect(expired.compactMap { $0["id"]?.string } == ["gone"])
                #expect(answer.json["asOf"]?.string != nil)
            }
        }
    }

    @Test("a thousand ids are one question, one more is refused")
    func bound() async throws {
        try await APIHouse.with { house in
            func body(_ count: Int) -> String {
                #"{"ids":[\#((0..<count).map { "\"j\($0)\"" }.joined(separator: ","))]}"#
            }
            #expect(try await house.client.post("/v1/jobs/query", body(1000)).status == 200)
            let refused = try await house.client.post("/v1/jobs/query", body(1001))
            #expect(refused.status == 413)
            #expect(refused.json["type"] == .string("urn:headway:problem:too-large"))
        }
    }

    @Test("a long poll is answered at the next change")
    func longPoll() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 1))
            async let answer = house.client.get("/v1/jobs/a?wait=20s&version=e1-1")
            try await Task.sleep(for: .milliseconds(300))
            let start = ContinuousClock.now
            try await house.writer.put(Sample.job("a", version: 2))
            let changed = try await answer
            #expect(changed.status == 200)
            #expect(changed["ETag"] == #"W/"e1-2""#)
            #expect(start.duration(to: .now) < .seconds(1))
            #expect(await eventually { await house.api.hub.currentStats.watched == 0 })
        }
    }

    @Test(
        "a long poll without a change is 304 when its time has passed, and another token is answered at once")
    func longPollTimeout() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 1))
            let start = ContinuousClock.now
            let same = try await house.client.get("/v1/jobs/a?wait=300ms&version=e1-1")
            #expect(same.status == 304)
            #expect(start.duration(to: .now) >= .milliseconds(300))
            let again = ContinuousClock.now
            #expect(try await house.client.get("/v1/jobs/a?wait=20s&version=e0-1").status == 200)
            #expect(again.duration(to: .now) < .seconds(5))
        }
    }

    @Test("a client that leaves its long poll is forgotten")
    func longPollLeft() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 1))
            let socket = try TestSocket(port: house.port)
            socket.write("GET /v1/jobs/a?wait=30s&version=e1-1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(await eventually { await house.api.hub.currentStats.watched == 1 })
            socket.shutDown()
            #expect(await eventually { await house.api.hub.currentStats.watched == 0 })
        }
    }

    @Test("where too much is watched already a long poll is sent away, and a plain one is not")
    func busy() async throws {
        var options = ReadAPIOptions()
        options.live.watchedLimit = 0
        try await APIHouse.with(options: options) { house in
            try await house.writer.put(Sample.job("a", version: 1))
            let refused = try await house.client.get("/v1/jobs/a?wait=5s&version=e1-1")
            #expect(refused.status == 503)
            #expect(refused.json["type"] == .string("urn:headway:problem:busy"))
            #expect(refused["Retry-After"] != nil)
            #expect(try await house.client.get("/v1/jobs/a").status == 200)
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            #expect(await stream.next("bye") != nil)
            #expect(stream.status == 200)
        }
    }

    @Test("a drain answers long polls at once")
    func longPollDrain() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 1))
            async let answer = house.client.get("/v1/jobs/a?wait=50s&version=e1-1")
            #expect(await eventually { await house.api.hub.currentStats.watched == 1 })
            let start = ContinuousClock.now
            await house.api.drain()
            #expect(try await answer.status == 304)
            #expect(start.duration(to: .now) < .seconds(2))
        }
    }

    @Test("an owner that beats is fresh; one that stopped is stale within seconds, and that is a change")
    func stale() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 1))
            #expect(
                await eventually {
                    (try? await house.client.get("/v1/jobs/a"))?.json["lagMs"] == .number("0")
                })
            await house.writer.stopBeating()
            async let poll = house.client.get("/v1/jobs/a?wait=20s&version=e1-1")
            let changed = try await poll
            #expect(changed.status == 200)
            #expect(changed.json["stale"] == .bool(true))
            #expect(changed["ETag"] == #"W/"e1-1-stale""#)
            let polled = try await house.client.get("/v1/jobs/a?version=e1-1")
            #expect(polled.status == 200)
            #expect(polled.json["stale"] == .bool(true))
            guard case .number(let lag) = polled.json["lagMs"] else {
                Issue.record("no lag")
                return
            }
            #expect(Int(lag) ?? 0 >= 4000)
        }
    }

    @Test("a namespace that nobody ever owned is stale and knows nothing")
    func unowned() async throws {
        try await APIHouse.with(isOwned: false) { house in
            let unknown = try await house.client.get("/v1/jobs/a")
            #expect(unknown.status == 404)
            #expect(unknown.json["asOf"] == .null)
            #expect(unknown.json["stale"] == .bool(true))
        }
    }

    @Test("a timeline tells each transition with how long it lasted, and each stage")
    func timeline() async throws {
        try await APIHouse.with { house in
            let job = Sample.job("a", .completed, version: 6)
            func entry(_ kind: Transition.Kind, _ second: Int, _ stage: String? = nil) -> TimelineEntry {
                TimelineEntry(
                    at: Sample.start + .seconds(second), kind: kind.rawValue, attempt: 1, stage: stage)
            }
            let entries = [
                entry(.created, 0), entry(.started, 2), entry(.stageStarted, 3, "research"),
                entry(.stageCompleted, 10, "research"), entry(.stageStarted, 10, "writing"),
                entry(.completed, 30),
            ]
            try await house.writer.commit(
                house.keyspace.partition(of: job.id),
                TestWriter.Change(jobs: [job], timelines: [(job.id, entries)]))
            let answer = try await house.client.get("/v1/jobs/a/timeline")
            #expect(answer.status == 200)
            guard case .array(let told) = answer.json["entries"],
                case .array(let stages) = answer.json["stages"]
            else {
                Issue.record("no timeline")
                return
            }
            #expect(
                told.map { $0["durationMs"] ?? .null } == [2000, 1000, 7000, 0, 20000].map { .number($0) } + [
                    .null
                ])
            #expect(stages.map { $0["durationMs"] ?? .null } == [.number(7000), .number(20000)])
            #expect(try await house.client.get("/v1/jobs/never/timeline").status == 404)
        }
    }

    @Test("while Redis is away every question is 503 with a Retry-After, and afterwards 200 again")
    func outage() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 1))
            await house.writer.stopBeating()
            await house.redis.stop()
            let down = try await house.client.get("/v1/jobs/a")
            #expect(down.status == 503)
            #expect(down["Retry-After"] == "1")
            #expect(down.json["type"] == .string("urn:headway:problem:unavailable"))
            #expect(try await house.client.get("/healthz").status == 200)
            try await house.redis.restart()
            #expect(await eventually { (try? await house.client.get("/v1/jobs/a"))?.status == 404 })
        }
    }
}
