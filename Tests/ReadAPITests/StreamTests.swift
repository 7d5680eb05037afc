import HTTPServer
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

@Suite("Streams", .timeLimit(.minutes(2)))
struct StreamTests {
    private var quick: ReadAPIOptions {
        var options = ReadAPIOptions()
        options.live.heartbeat = .milliseconds(200)
        options.live.lingering = .milliseconds(600)
        options.live.drainSpread = .milliseconds(50)
        options.live.pace.job = .zero
        options.live.pace.bulk = .zero
        return options
    }

    @Test("the first frame is the whole snapshot, later ones are newer, with the headers that proxies need")
    func job() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 3))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            let first = try #require(await stream.next("job"))
            #expect(first.version == 3)
            #expect(first.id == "e1-3")
            #expect(first.json["attributes"] == .object([]))
            for header in ["text/event-stream", "X-Accel-Buffering: no", "no-cache"] {
                #expect(stream.head.contains(header))
            }
            try await house.writer.put(Sample.job("a", version: 4))
            let second = try #require(await stream.next { $0.version == 4 })
            #expect(second.id == "e1-4")
        }
    }

    @Test("many subjects share one connection; an id that is not known is said and watched for appearing")
    func many() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 3))
            let stream = try TestStream(port: house.port, "/v1/stream?jobs=a,later&bulks=x")
            _ = try #require(await stream.next("job"))
            #expect(await eventually { stream.events("unknown").count == 2 })
            #expect(Set(stream.events("unknown").compactMap { $0.json["id"]?.string }) == ["later", "x"])
            try await house.writer.put(Sample.job("later", .queued, version: 1))
            _ = try #require(await stream.next { $0.name == "job" && $0.json["id"] == .string("later") })
            let home = house.keyspace.partition(of: BulkID(unchecked: "x"))
            try await house.writer.put([home: Sample.share("x", BulkCounts(queued: 2), isHome: true)])
            let bulk = try #require(await stream.next("bulk"))
            #expect(bulk.json["text"] == .string("0 of at least 2"))
        }
    }

    @Test(
        "when all have ended a complete frame follows, then silence, then the end; who has the end gets 204")
    func complete() async throws {
        try await APIHouse.with(options: quick) { house in
            try await house.writer.put(Sample.job("a", version: 3))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            _ = try #require(await stream.next("job"))
            try await house.writer.put(Sample.job("a", .completed, version: 4))
            let end = try #require(await stream.next("complete"))
            #expect(end.json["jobs"]?["a"] == .string("completed"))
            #expect(end.id == "e1-4")
            #expect(stream.events.last?.name == "complete")
            #expect(!stream.isEnded)
            #expect(await eventually { stream.isEnded })

            let again = try TestStream(port: house.port, "/v1/jobs/a/events", lastEventID: "e1-4")
            #expect(await eventually { again.status == 204 })
            let behind = try TestStream(port: house.port, "/v1/jobs/a/events", lastEventID: "e1-3")
            #expect(await behind.next("complete") != nil)
            #expect(behind.events.map(\.name) == ["job", "complete"])
        }
    }

    @Test("a stream of many is complete when the last has ended, and its id names them all")
    func completeMany() async throws {
        try await APIHouse.with(options: quick) { house in
            try await house.writer.put(Sample.job("a", .completed, version: 3))
            try await house.writer.put(Sample.job("b", version: 3))
            let target = "/v1/stream?jobs=a,b"
            let stream = try TestStream(port: house.port, target)
            #expect(await eventually { stream.events("job").count == 2 })
            #expect(stream.events("complete").isEmpty)
            try await house.writer.put(Sample.job("b", .failed, version: 4))
            let end = try #require(await stream.next("complete"))
            #expect(
                end.json["jobs"]
                    == .object([.init("a", .string("completed")), .init("b", .string("failed"))]))
            let again = try TestStream(port: house.port, "/v1/stream?jobs=b,a", lastEventID: end.id)
            #expect(await eventually { again.status == 204 })
            let other = try TestStream(port: house.port, "/v1/stream?jobs=a,b,c", lastEventID: end.id)
            #expect(await eventually { other.status == 200 })
        }
    }

    @Test("one that comes back after complete is shown again")
    func revival() async throws {
        var options = quick
        options.live.lingering = .seconds(30)
        try await APIHouse.with(options: options) { house in
            try await house.writer.put(Sample.job("a", .failed, version: 3))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            _ = try #require(await stream.next("complete"))
            try await house.writer.put(Sample.job("a", version: 4))
            _ = try #require(await stream.next { $0.version == 4 && $0.name == "job" })
            try await house.writer.put(Sample.job("a", .completed, version: 5))
            #expect(await eventually { stream.events("complete").count == 2 })
        }
    }

    @Test("a message that is lost heals by itself within about a second")
    func lostMessage() async throws {
        try await APIHouse.with { house in
            // No idle commits, so that only the look can notice.
            await house.writer.stopBeating()
            try await house.writer.put(Sample.job("a", version: 3))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            _ = try #require(await stream.next("job"))
            try await Task.sleep(for: .milliseconds(600))
            let start = ContinuousClock.now
            try await house.writer.put(Sample.job("a", version: 4), publish: false)
            let healed = await stream.next(within: .seconds(3)) { $0.version == 4 }
            #expect(healed != nil)
            #expect(start.duration(to: .now) < .milliseconds(1600))
        }
    }

    @Test("another epoch is shown, though its versions begin lower")
    func epoch() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 17))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            _ = try #require(await stream.next("job"))
            // An idle commit in between would show the old version in the new epoch.
            await house.writer.stopBeating()
            await house.writer.newEpoch("e2")
            try await house.writer.put(Sample.job("a", version: 2))
            let second = try #require(await stream.next { $0.version == 2 })
            #expect(second.id == "e2-2")
        }
    }

    @Test("a subscription that was cut is made anew, and what happened meanwhile is shown")
    func resubscribe() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 3))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            _ = try #require(await stream.next("job"))
            _ = try await house.writer.send("CLIENT", "KILL", "TYPE", "pubsub")
            try await house.writer.put(Sample.job("a", version: 4))
            #expect(await stream.next(within: .seconds(4)) { $0.version == 4 } != nil)
            #expect(await eventually { await house.api.hub.health.isListening })
            #expect(await house.api.hub.currentStats.subscriptionsLost >= 1)
        }
    }

    @Test("an open stream says that it is out of date while Redis is away, and is fresh again afterwards")
    func outage() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 3))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            #expect(await stream.next("job")?.json["stale"] == nil)
            await house.writer.stopBeating()
            house.redis.pause()
            let stale = await stream.next(within: .seconds(15)) { $0.json["stale"] == .bool(true) }
            #expect(stale?.id == "e1-3-stale")
            house.redis.resume()
            await house.writer.startBeating()
            #expect(
                await eventually(within: .seconds(10)) { stream.events("job").last?.json["stale"] == nil })
        }
    }

    @Test("a slow client gets the latest at its own pace and slows nobody")
    func slow() async throws {
        try await APIHouse.with(options: quick) { house in
            func job(_ version: Int64) -> JobState {
                var job = Sample.job("a", version: version)
                job.message = String(repeating: "x", count: 1000)
                job.attributes = Dictionary(
                    uniqueKeysWithValues: (0..<16).map { ("k\($0)", String(repeating: "y", count: 256)) })
                return job
            }
            try await house.writer.put(job(1))
            let fast = try TestStream(port: house.port, "/v1/jobs/a/events")
            let slow = try TestStream(
                port: house.port, "/v1/jobs/a/events", isReading: false, receiveBuffer: 4096)
            _ = try #require(await fast.next("job"))
            for version in 2...200 {
                try await house.writer.put(job(Int64(version)))
                try await Task.sleep(for: .milliseconds(4))
            }
            #expect(await fast.next { $0.version == 200 } != nil)
            slow.resume()
            #expect(await slow.next { $0.version == 200 } != nil)
            let versions = slow.events("job").compactMap(\.version)
            #expect(versions == versions.sorted())
            #expect(Set(versions).count == versions.count)
            #expect(versions.count < 100, "\(versions.count) frames of about 5 kB were not conflated")
            #expect(fast.events("job").count > versions.count)
        }
    }

    @Test("silence is filled with comments")
    func comments() async throws {
        try await APIHouse.with(options: quick) { house in
            try await house.writer.put(Sample.job("a", version: 3))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            #expect(await eventually { stream.comments >= 3 })
            #expect(stream.events.count == 1)
        }
    }

    @Test("a drain says goodbye with a time to come back, and newcomers get the same with status 200")
    func drain() async throws {
        try await APIHouse.with(options: quick) { house in
            try await house.writer.put(Sample.job("a", version: 3))
            let stream = try TestStream(port: house.port, "/v1/jobs/a/events")
            _ = try #require(await stream.next("job"))
            await house.api.drain()
            let bye = try #require(await stream.next("bye"))
            #expect(500...5000 ~= bye.retry ?? 0)
            #expect(await eventually { stream.isEnded })
            let late = try TestStream(port: house.port, "/v1/jobs/a/events", lastEventID: "e1-3")
            _ = try #require(await late.next("bye"))
            #expect(late.status == 200)
            #expect(try await house.client.get("/readyz").status == 503)
            #expect(try await house.client.get("/v1/jobs/a").status == 200)
        }
    }

    @Test("one stream more than the limit is told to come back, with status 200")
    func limit() async throws {
        var options = quick
        options.live.streamLimit = 1
        try await APIHouse.with(options: options) { house in
            try await house.writer.put(Sample.job("a", version: 3))
            let first = try TestStream(port: house.port, "/v1/jobs/a/events")
            _ = try #require(await first.next("job"))
            let second = try TestStream(port: house.port, "/v1/jobs/a/events")
            _ = try #require(await second.next("bye"))
            #expect(second.status == 200)
            first.close()
            #expect(await eventually { await house.api.hub.currentStats.streams == 0 })
            #expect(await house.api.hub.currentStats.watched == 0)
        }
    }

    @Test("a long list gets a short id, and the stream follows all of it")
    func lists() async throws {
        try await APIHouse.with { house in
            for number in 0..<40 { try await house.writer.put(Sample.job("j\(number)", version: 2)) }
            let ids = (0..<40).map { "\"j\($0)\"" }.joined(separator: ",")
            let made = try await house.client.post("/v1/streams", #"{"jobs":[\#(ids)],"bulks":["x"]}"#)
            #expect(made.status == 201)
            let url = try #require(made.json["url"]?.string)
            let stream = try TestStream(port: house.port, url)
            #expect(await eventually { stream.events("job").count == 40 })
            #expect(await eventually { stream.events("unknown").count == 1 })
            #expect(try await house.client.get("/v1/stream?list=nobody").status == 404)
        }
    }

    @Test("many clients of one subject cost one read per change")
    func shared() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 1))
            let streams = try (0..<50).map { _ in try TestStream(port: house.port, "/v1/jobs/a/events") }
            for stream in streams { _ = try #require(await stream.next("job")) }
            let before = await house.api.hub.currentStats.reads
            try await house.writer.put(Sample.job("a", version: 2))
            for stream in streams { #expect(await stream.next { $0.version == 2 } != nil) }
            #expect(await house.api.hub.currentStats.reads - before <= 2)
        }
    }

    @Test("a callback is told of every state, without HTTP")
    func callback() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("a", version: 1))
            let told = Told()
            let watch = await house.api.hub.watch([.job(JobID(unchecked: "a"))]) {
                told.add($0.token.version)
            }
            #expect(await eventually { told.versions == [1] })
            try await house.writer.put(Sample.job("a", .completed, version: 2))
            #expect(await eventually { told.versions == [1, 2] })
            await house.api.hub.unwatch(watch)
            #expect(await house.api.hub.currentStats.watched == 0)
        }
    }
}
