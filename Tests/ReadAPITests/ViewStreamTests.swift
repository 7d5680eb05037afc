import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

@Suite("Views as streams", .timeLimit(.minutes(2)))
struct ViewStreamTests {
    private var quick: ReadAPIOptions {
        var options = ReadAPIOptions()
        options.pipelinePause = .milliseconds(100)
        options.live.heartbeat = .milliseconds(200)
        options.live.lingering = .milliseconds(600)
        options.live.drainSpread = .milliseconds(50)
        options.live.pace.job = .zero
        return options
    }

    static let events = """
        {"snapshot": {"event": "progress", "data": {"job_id": "$id", "status": "$status", "p": "$percent"}},
         "complete": {"event": "complete", "data": {"job_id": "$id", "status": "$status", "result": "$result"}},
         "error": {"event": "error", "data": {"message": "Job not found"}}}
        """

    static func view(_ more: String = "") -> String {
        #"{"route": "/jobs/{job}/progress", "status": \#(ViewRouteTests.status), "events": \#(events)\#(more)}"#
    }

    private func house(
        _ view: String = view(), options: ReadAPIOptions? = nil, _ body: (APIHouse) async throws -> Void
    ) async throws {
        try await APIHouse.with(options: options ?? quick) { house in
            try await house.writer.store(
                ViewRouteTests.pipeline("article", view, ViewRouteTests.simple("/ready/{job}")))
            try await house.writer.store(ViewRouteTests.pipeline("other", ViewRouteTests.simple()))
            #expect(await ViewRouteTests.appears(house, "/ready/x"))
            try await body(house)
        }
    }

    private func job(
        _ id: String, _ status: JobState.Status = .running, version: Int64, of pipeline: String = "article"
    ) -> JobState {
        var job = ViewRouteTests.job(id, status, version: version, of: pipeline)
        if status == .completed { job.result = "clx123" }
        return job
    }

    @Test("the whole dialogue, byte by byte")
    func dialogue() async throws {
        try await house { house in
            try await house.writer.put(job("a", .queued, version: 1))
            let stream = try TestStream(port: house.port, "/jobs/a/progress")
            _ = try #require(await stream.next("progress"))
            #expect(stream.status == 200)
            for header in ["text/event-stream", "X-Accel-Buffering: no", "no-cache"] {
                #expect(stream.head.contains(header))
            }
            try await house.writer.put(job("a", version: 2))
            _ = try #require(await stream.next { $0.id == "e1-2" })
            try await house.writer.put(job("a", .completed, version: 3))
            _ = try #require(await stream.next("complete"))
            #expect(await eventually { stream.isEnded })
            let text = stream.text.replacing(": still here\n\n", with: "")
            let dialogue = text.drop { $0 != "\n" }
            #expect(text.hasPrefix("retry: "))
            #expect(
                dialogue == """
                    \n
                    event: progress
                    id: e1-1
                    data: {"job_id":"a","status":"pending","p":0}

                    event: progress
                    id: e1-2
                    data: {"job_id":"a","status":"busy","p":0}

                    event: progress
                    id: e1-3
                    data: {"job_id":"a","status":"done","p":100}

                    event: complete
                    id: e1-3-end
                    data: {"job_id":"a","status":"done","result":"clx123"}\n\n
                    """)
        }
    }

    @Test("who comes back with the end gets 204; with less, the state and the end again")
    func comingBack() async throws {
        try await house { house in
            try await house.writer.put(job("a", .failed, version: 3))
            let first = try TestStream(port: house.port, "/jobs/a/progress")
            let end = try #require(await first.next("complete"))
            #expect(first.events.map(\.name) == ["progress", "complete"])
            let again = try TestStream(port: house.port, "/jobs/a/progress", lastEventID: end.id)
            #expect(await eventually { again.status == 204 })
            // The last state is not the end: complete may have been lost on the way.
            let before = try TestStream(port: house.port, "/jobs/a/progress", lastEventID: "e1-3")
            #expect(await before.next("complete") != nil)
            // A retry: it is not the end any more.
            try await house.writer.put(job("a", version: 4))
            let later = try TestStream(port: house.port, "/jobs/a/progress", lastEventID: end.id)
            #expect(await later.next { $0.id == "e1-4" } != nil)
        }
    }

    @Test("one that comes back after complete is shown, and completes once more")
    func revival() async throws {
        var options = quick
        options.live.lingering = .seconds(30)
        try await house(options: options) { house in
            try await house.writer.put(job("a", .failed, version: 3))
            let stream = try TestStream(port: house.port, "/jobs/a/progress")
            _ = try #require(await stream.next("complete"))
            try await house.writer.put(job("a", version: 4))
            _ = try #require(await stream.next { $0.id == "e1-4" })
            try await house.writer.put(job("a", .completed, version: 5))
            #expect(await stream.next { $0.id == "e1-5-end" } != nil)
            #expect(stream.events.map(\.id) == ["e1-3", "e1-3-end", "e1-4", "e1-5", "e1-5-end"])
        }
    }

    @Test("an absent job is an error in band, is watched for appearing, and is not waited for for ever")
    func absent() async throws {
        var options = quick
        options.live.lingering = .seconds(2)
        try await house(options: options) { house in
            let stream = try TestStream(port: house.port, "/jobs/later/progress")
            let error = try #require(await stream.next("error"))
            #expect(stream.status == 200)
            #expect(error.data == #"{"message":"Job not found"}"#)
            #expect(error.id?.hasSuffix("-0") == true)
            try await house.writer.put(job("later", version: 1))
            #expect(await stream.next("progress") != nil)

            let never = try TestStream(port: house.port, "/jobs/never/progress")
            _ = try #require(await never.next("error"))
            #expect(await eventually(within: .seconds(8)) { never.isEnded })
            #expect(never.events.count == 1)

            let noID = try TestStream(port: house.port, "/jobs/no%20id/progress")
            #expect(await noID.next("error") != nil)
            #expect(noID.status == 200)
            #expect(await eventually { noID.isEnded })
        }
    }

    @Test("another pipeline's job is absent, and none of its changes shows")
    func foreign() async throws {
        try await house { house in
            try await house.writer.put(job("b", version: 1, of: "other"))
            let stream = try TestStream(port: house.port, "/jobs/b/progress")
            _ = try #require(await stream.next("error"))
            for version in 2...5 {
                try await house.writer.put(job("b", version: Int64(version), of: "other"))
            }
            try await house.writer.put(job("b", .completed, version: 6, of: "other"))
            #expect(await eventually { stream.isEnded })
            #expect(stream.events.map(\.name) == ["error"])
        }
    }

    @Test("an expired job is an error and the end")
    func expired() async throws {
        try await house { house in
            let id = JobID(unchecked: "gone")
            let tombstone = JobRecord.Tombstone(of: job("gone", .completed, version: 9))
            try await house.writer.commit(
                house.keyspace.partition(of: id), TestWriter.Change(tombstones: [(id, tombstone)]))
            let stream = try TestStream(port: house.port, "/jobs/gone/progress")
            let error = try #require(await stream.next("error"))
            #expect(error.id == "e1-9-end")
            #expect(await eventually { stream.isEnded })
            #expect(stream.events.count == 1)
            let again = try TestStream(port: house.port, "/jobs/gone/progress", lastEventID: "e1-9-end")
            #expect(await eventually { again.status == 204 })
        }
    }

    @Test("with fields too, who asks for JSON gets the state")
    func both() async throws {
        try await house(Self.view(#", "fields": ["$status"]"#)) { house in
            try await house.writer.put(job("a", version: 3))
            let target = "/jobs/a/progress"
            #expect(try await house.client.get(target, ["Accept": "application/json"]).text == #"["busy"]"#)
            for accept in ["text/event-stream", "*/*"] {
                let head = try await house.client.send("HEAD", target, ["Accept": accept], nil)
                #expect(head["Content-Type"]?.hasPrefix("text/event-stream") == true)
            }
            let stream = try TestStream(port: house.port, target)
            #expect(await stream.next("progress") != nil)
        }
    }

    @Test("a token guards the stream: 401 without it, 200 in band when the view says absent")
    func tokens() async throws {
        let token = #", "token": {"header": "X-T", "foreign": "absent"}"#
        try await house(Self.view(token)) { house in
            var locked = job("locked", version: 3)
            locked.token = SHA256.hex("secret")
            try await house.writer.put(locked)
            let without = try TestStream(port: house.port, "/jobs/locked/progress")
            #expect(await eventually { without.status == 401 })
            let with = try TestStream(port: house.port, "/jobs/locked/progress?token=secret")
            #expect(await with.next("progress") != nil)
            let wrong = try TestStream(port: house.port, "/jobs/locked/progress?token=other")
            #expect(await wrong.next("error") != nil)
            locked.version = 4
            locked.status = .completed
            try await house.writer.put(locked)
            #expect(await with.next("complete") != nil)
            #expect(wrong.events.map(\.name) == ["error"])
            // What would be 204 for its reader says nothing to another.
            let again = try TestStream(
                port: house.port, "/jobs/locked/progress?token=other", lastEventID: "e1-4-end")
            #expect(await again.next("error") != nil)
        }
    }

    @Test("a job that gets its token while it is followed shows nothing from then on")
    func lateToken() async throws {
        try await house { house in
            try await house.writer.put(job("a", version: 3))
            let stream = try TestStream(port: house.port, "/jobs/a/progress")
            _ = try #require(await stream.next("progress"))
            var locked = job("a", version: 4)
            locked.token = SHA256.hex("secret")
            try await house.writer.put(locked)
            _ = try #require(await stream.next("error"))
            #expect(!stream.events.contains { $0.id == "e1-4" })
        }
    }

    @Test("a frame is rendered once for all clients of a job and a view, and forgotten with the last")
    func renderedOnce() async throws {
        try await house { house in
            try await house.writer.put(job("a", version: 1))
            let streams = try (0..<20).map { _ in try TestStream(port: house.port, "/jobs/a/progress") }
            for stream in streams { _ = try #require(await stream.next("progress")) }
            let before = await house.api.hub.currentStats.viewFrames
            #expect(before == 1)
            for version in 2...6 {
                try await house.writer.put(job("a", version: Int64(version)))
                for stream in streams { _ = try #require(await stream.next { $0.id == "e1-\(version)" }) }
            }
            #expect(await house.api.hub.currentStats.viewFrames == 6)
            for stream in streams { stream.close() }
            #expect(await eventually { await house.api.hub.renderings.isEmpty })
        }
    }

    @Test("while it drains a newcomer is told to come back, and without Redis too: never anything but 200")
    func away() async throws {
        try await house { house in
            await house.writer.stopBeating()
            await house.redis.kill()
            let stream = try TestStream(port: house.port, "/jobs/a/progress")
            let bye = try #require(await stream.next("bye"))
            #expect(stream.status == 200)
            #expect(bye.retry != nil)
            #expect(await eventually { stream.isEnded })
        }
        try await house { house in
            try await house.writer.put(job("a", version: 1))
            await house.api.drain()
            let stream = try TestStream(port: house.port, "/jobs/a/progress")
            #expect(await stream.next("bye") != nil)
            #expect(stream.status == 200)
        }
    }
}
