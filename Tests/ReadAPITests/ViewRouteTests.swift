import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import Synchronization
import TestSupport
import Testing

@testable import ReadAPI

/// Views over a real server and a real Redis.
@Suite("Views at their routes", .timeLimit(.minutes(2)))
struct ViewRouteTests {
    static let status = """
        {"queued": "pending", "running": "busy", "completed": "done", "failed": "failed", "cancelled": "failed"}
        """

    static let absent = #"{"status": 404, "body": {"code": "NOT_FOUND", "id": "$id"}}"#

    /// A pipeline of one stage with these views.
    static func pipeline(_ name: String, _ views: String...) throws -> PipelineDocument {
        let text = """
            {"name": "\(name)", "stages": [{"id": "writing"}], "views": [\(views.joined(separator: ","))]}
            """
        return try PipelineDocument.parse(Array(text.utf8), file: name, revision: 1).get()
    }

    static func simple(_ route: String = "/status/{job}", _ more: String = "") -> String {
        #"{"route": "\#(route)", "status": \#(status), "fields": {"s": "$status", "p": "$percent"}\#(more)}"#
    }

    private var quick: ReadAPIOptions {
        var options = ReadAPIOptions()
        options.pipelinePause = .milliseconds(100)
        options.live.pace.job = .zero
        return options
    }

    static func job(
        _ id: String, _ status: JobState.Status = .running, version: Int64 = 1, of pipeline: String
    )
        -> JobState
    {
        var job = Sample.job(id, status, version: version)
        job.pipeline = Pipeline.Reference(name: pipeline, revision: 1)
        return job
    }

    /// Until the view is there.
    static func appears(_ house: APIHouse, _ target: String) async -> Bool {
        await eventually(within: .seconds(5)) {
            (try? await house.client.get(target))?.json["type"]?.string != "urn:headway:problem:unknown-route"
        }
    }

    @Test("a job is answered in the view's words, with polling as everywhere")
    func polling() async throws {
        try await APIHouse.with(options: quick) { house in
            try await house.writer.store(Self.pipeline("book", Self.simple()))
            try await house.writer.put(Self.job("a", version: 3, of: "book"))
            #expect(await Self.appears(house, "/status/a"))
            let first = try await house.client.get("/status/a")
            #expect(first.status == 200)
            #expect(first.text == #"{"s":"busy","p":0}"#)
            #expect(first["Content-Type"] == "application/json")
            #expect(first["Cache-Control"] == "no-cache")
            let tag = try #require(first["ETag"])
            #expect(tag.hasPrefix(#"W/"e1-3."#))

            #expect(try await house.client.get("/status/a", ["If-None-Match": tag]).status == 304)
            #expect(try await house.client.get("/status/a?version=e1-3").status == 304)
            // The API's own tag names another representation.
            #expect(try await house.client.get("/status/a", ["If-None-Match": #"W/"e1-3""#]).status == 200)
            let head = try await house.client.send("HEAD", "/status/a", [:], nil)
            #expect(head.status == 200)
            #expect(head.body.isEmpty)

            async let held = house.client.get("/status/a?version=e1-3&wait=20s")
            try await Task.sleep(for: .milliseconds(100))
            try await house.writer.put(Self.job("a", .completed, version: 4, of: "book"))
            #expect(try await held.text == #"{"s":"done","p":100}"#)
            #expect(try await house.client.get("/status/a?version=e1-4&wait=50ms").status == 304)

            #expect(try await house.client.get("/status/a?wait=soon").status == 400)
            let posted = try await house.client.post("/status/a", "{}")
            #expect(posted.status == 405)
            #expect(posted["Allow"] == "GET, HEAD, OPTIONS")
            #expect(try await house.client.send("OPTIONS", "/status/a", [:], nil).status == 204)
            #expect(try await house.client.get("/status/a/more").status == 404)
            #expect(try await house.client.get("/status").status == 404)
            let stats = await house.api.currentStats
            #expect(stats.viewRequests.keys.contains("/status/{job}"))
            #expect(stats.viewPolls.counts[PollTally.Key(pipeline: "book", stage: "")] == 8)
        }
    }

    @Test("a new pipeline's view answers without a restart, a changed one changes, a removed one goes")
    func pickUp() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Self.job("a", version: 3, of: "book"))
            try await Task.sleep(for: .milliseconds(1200))
            #expect(try await house.client.get("/status/a").status == 404)

            var start = ContinuousClock.now
            try await house.writer.store(Self.pipeline("book", Self.simple()))
            #expect(await Self.appears(house, "/status/a"))
            #expect(start.duration(to: .now) < .seconds(2.5))
            let first = try await house.client.get("/status/a")

            start = .now
            let changed = #"{"route": "/status/{job}", "fields": "$rawStatus"}"#
            try await house.writer.store(Self.pipeline("book", changed).revised(as: 2))
            let isChanged = await eventually(within: .seconds(5)) {
                (try? await house.client.get("/status/a", ["If-None-Match": first["ETag"] ?? ""]))?.text
                    == #""running""#
            }
            #expect(isChanged)
            #expect(start.duration(to: .now) < .seconds(2.5))

            // The one that takes the PUT knows at once.
            let bare = #"{"name": "book", "stages": [{"id": "writing"}]}"#
            #expect(try await house.client.post("/v1/pipelines/book", bare, method: "PUT").status == 201)
            #expect(try await house.client.get("/status/a").status == 404)
        }
    }

    @Test("a route that is nobody's costs Redis nothing")
    func unknownRoutes() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(Self.pipeline("book", Self.simple()))
            #expect(await Self.appears(house, "/status/a"))
            func reads() async throws -> Int {
                let info = try await house.writer.send("INFO", "commandstats").string ?? ""
                let counts = info.split(separator: "\r\n").filter {
                    $0.hasPrefix("cmdstat_hgetall:") || $0.hasPrefix("cmdstat_hkeys:")
                }
                return counts.reduce(0) { sum, line in
                    sum + (Int(line.split(separator: "calls=")[1].prefix { $0.isNumber }) ?? 0)
                }
            }
            let before = try await reads()
            for n in 0..<50 { #expect(try await house.client.get("/nobody/\(n)").status == 404) }
            #expect(try await reads() - before < 40)
        }
    }

    @Test("several pipelines may share a route: a job is shown by its own; of none it is absent")
    func shared() async throws {
        try await APIHouse.with(options: quick) { house in
            try await house.writer.store(
                Self.pipeline(
                    "a-book", Self.simple("/status/{job}", #", "errors": {"absent": \#(Self.absent)}"#)))
            try await house.writer.store(
                Self.pipeline("b-book", #"{"route": "/status/{job}", "fields": ["b", "$status"]}"#))
            try await house.writer.store(Self.pipeline("c-book", Self.simple("/other/{job}")))
            for name in ["a", "b", "c"] { try await house.writer.put(Self.job(name, of: "\(name)-book")) }
            #expect(await Self.appears(house, "/other/c"))
            #expect(try await house.client.get("/status/a").text == #"{"s":"busy","p":0}"#)
            #expect(try await house.client.get("/status/b").text == #"["b","running"]"#)
            for id in ["c", "nobody", "no%20id"] {
                let absent = try await house.client.get("/status/\(id)")
                #expect(absent.status == 404)
                #expect(absent.json["code"] == .string("NOT_FOUND"))
                #expect(absent["Cache-Control"] == "no-store")
            }
            #expect(try await house.client.get("/status/no%20id").json["id"] == .string("no id"))
            let other = try await house.client.get("/other/a")
            #expect(other.status == 404)
            #expect(other["Content-Type"] == "application/problem+json")
        }
    }

    @Test("expired is said in the view's words, or in ours")
    func expired() async throws {
        try await APIHouse.with(options: quick) { house in
            let errors =
                #", "errors": {"expired": {"status": 410, "body": ["$id", "$rawStatus", "$problem"]}}"#
            try await house.writer.store(
                Self.pipeline("book", Self.simple("/status/{job}", errors), Self.simple("/plain/{job}")))
            let id = JobID(unchecked: "gone")
            let tombstone = JobRecord.Tombstone(of: Self.job("gone", .failed, version: 9, of: "book"))
            try await house.writer.commit(
                house.keyspace.partition(of: id), TestWriter.Change(tombstones: [(id, tombstone)]))
            #expect(await Self.appears(house, "/status/gone"))
            let gone = try await house.client.get("/status/gone")
            #expect(gone.status == 410)
            #expect(gone.text == #"["gone","failed","expired"]"#)
            let plain = try await house.client.get("/plain/gone")
            #expect(plain.status == 410)
            #expect(plain.json["type"] == .string("urn:headway:problem:expired"))
        }
    }

    @Test("a token: missing, wrong, right; an id that is not known with some token is absent")
    func tokens() async throws {
        try await APIHouse.with(options: quick) { house in
            let errors = """
                , "errors": {"absent": \(Self.absent), "unauthorized": {"status": 401, "body": {"code": "UNAUTHORIZED"}}}
                """
            func view(_ route: String, _ token: String) -> String {
                Self.simple(route, #", "token": \#(token)"# + errors)
            }
            try await house.writer.store(
                Self.pipeline(
                    "image", view("/strict/{job}", #"{"header": "X-Session-Token", "required": true}"#),
                    view(
                        "/silent/{job}",
                        #"{"header": "X-Session-Token", "required": true, "foreign": "absent"}"#),
                    view("/loose/{job}", #"{"header": "X-Session-Token"}"#), Self.simple("/plain/{job}")))
            var locked = Self.job("locked", of: "image")
            locked.token = SHA256.hex("secret")
            try await house.writer.put(locked, Self.job("open", of: "image"))
            #expect(await Self.appears(house, "/plain/open"))

            func ask(_ target: String, _ token: String? = nil) async throws -> String {
                let headers = token.map { ["X-Session-Token": $0] } ?? [:]
                let answer = try await house.client.get(target, headers)
                return "\(answer.status) \(answer.json["code"]?.string ?? answer.json["s"]?.string ?? "-")"
            }
            for id in ["locked", "open", "nobody"] {
                #expect(try await ask("/strict/\(id)") == "401 UNAUTHORIZED")
                #expect(try await ask("/strict/\(id)", "") == "401 UNAUTHORIZED")
            }
            #expect(try await ask("/strict/locked", "secret") == "200 busy")
            #expect(try await ask("/strict/locked", "other") == "401 UNAUTHORIZED")
            #expect(try await ask("/strict/locked?token=secret") == "200 busy")
            #expect(try await ask("/strict/open", "other") == "200 busy")
            #expect(try await ask("/strict/nobody", "other") == "404 NOT_FOUND")
            let bearer = ["Authorization": "Bearer secret"]
            #expect(try await house.client.get("/strict/locked", bearer).status == 200)

            #expect(try await ask("/silent/locked", "other") == "404 NOT_FOUND")
            #expect(try await ask("/silent/locked", "secret") == "200 busy")
            #expect(try await ask("/loose/locked") == "401 UNAUTHORIZED")
            #expect(try await ask("/loose/open") == "200 busy")
            #expect(try await ask("/loose/nobody") == "404 NOT_FOUND")
            // No view opens a job that is not its reader's.
            #expect(try await ask("/plain/locked") == "401 -")
            #expect(try await ask("/plain/locked", "secret") == "401 -")
            #expect(try await ask("/plain/locked?token=secret") == "200 busy")

            // Absent and not yours are the same answer, but for the id.
            let foreign = try await house.client.get("/silent/locked", ["X-Session-Token": "x"])
            let unknown = try await house.client.get("/silent/nobody", ["X-Session-Token": "x"])
            #expect(foreign.text.replacing("locked", with: "nobody") == unknown.text)
            #expect(foreign.headers.keys.sorted() == unknown.headers.keys.sorted())
        }
    }

    @Test("a bulk is answered by the first view of its route")
    func bulk() async throws {
        try await APIHouse.with(options: quick) { house in
            try await house.writer.store(
                Self.pipeline("book", #"{"route": "/bulk/{bulk}", "fields": ["$text", "$phase"]}"#))
            let home = house.keyspace.partition(of: BulkID(unchecked: "spring"))
            try await house.writer.put([
                home: Sample.share(
                    "spring", BulkCounts(running: 2, completed: 5), total: 10, isSealed: true, isHome: true)
            ])
            #expect(await Self.appears(house, "/bulk/spring"))
            #expect(try await house.client.get("/bulk/spring").text == #"["5 of 10","sealed"]"#)
            #expect(try await house.client.get("/bulk/none").status == 404)
        }
    }

    @Test("without Redis a view says that it is unavailable, in its words or in ours")
    func unavailable() async throws {
        try await APIHouse.with(options: quick) { house in
            let errors = #", "errors": {"unavailable": {"status": 503, "body": {"code": "LATER"}}}"#
            try await house.writer.store(
                Self.pipeline("book", Self.simple("/status/{job}", errors), Self.simple("/plain/{job}")))
            #expect(await Self.appears(house, "/plain/a"))
            await house.writer.stopBeating()
            await house.redis.kill()
            let own = try await house.client.get("/status/a")
            #expect(own.status == 503)
            #expect(own.json["code"] == .string("LATER"))
            #expect(own["Retry-After"] == "1")
            let plain = try await house.client.get("/plain/a")
            #expect(plain.status == 503)
            #expect(plain.json["type"] == .string("urn:headway:problem:unavailable"))
        }
    }

    @Test("a stored view that cannot be read is left out, alone, and said")
    func brokenStored() async throws {
        let told = Mutex<[String]>([])
        var options = quick
        options.onBrokenView = { problem in told.withLock { $0.append(problem.description) } }
        try await APIHouse.with(options: options) { house in
            let later = #"{"route": "/later/{job}", "fields": "$fromTheFuture"}"#
            try await house.writer.store(Self.pipeline("book", later, Self.simple()))
            try await house.writer.put(Self.job("a", of: "book"))
            #expect(await Self.appears(house, "/status/a"))
            #expect(try await house.client.get("/status/a").status == 200)
            #expect(try await house.client.get("/later/a").status == 404)
            let problem = "book@1: views[0].fields: $fromTheFuture is not known of a job"
            #expect(told.withLock { $0.count == 1 && $0[0].hasPrefix(problem) })
            let listed = try await house.client.get("/v1/pipelines").json["problems"]
            guard case .array(let problems) = listed else {
                Issue.record("no problems in the list")
                return
            }
            #expect(problems.map { $0["path"] } == [.string("views[0].fields")])
            #expect(problems.map { $0["pipeline"] } == [.string("book@1")])
        }
    }

    @Test("a PUT of broken views is 422 with every problem, and stores nothing")
    func put() async throws {
        try await APIHouse.with(options: quick) { house in
            let text = """
                {"name": "book", "stages": [{"id": "writing"}],
                 "views": [{"route": "/v1/{job}", "fields": {"a": "$precent", "b": {"$by": "stage", "x": 1}}}]}
                """
            let answer = try await house.client.post("/v1/pipelines/book", text, method: "PUT")
            #expect(answer.status == 422)
            guard case .array(let problems)? = answer.json["problems"] else {
                Issue.record("no problems in the answer")
                return
            }
            #expect(
                problems.compactMap { $0["path"]?.string } == [
                    "views[0].route", "views[0].fields.a", "views[0].fields.b.x", "views[0].fields.b",
                ])
            #expect(try await house.client.get("/v1/pipelines").json["pipelines"] == .array([]))
        }
    }
}
