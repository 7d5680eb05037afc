import HTTPServer
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

/// Jobs with a read token, an operator, and strangers at every route.
@Suite("Read tokens", .timeLimit(.minutes(3)))
struct TokenTests {
    static let token = "the-right-token-of-this-job"
    static let operatorToken = "the-operator-of-this-house"
    /// Nobody without a token may see these in any answer.
    static let secrets = [
        "planted-message", "planted-result", "planted-attribute", "planted-worker", "planted-failure",
        "planted-detail", "planted-substep", "planted-label", token, operatorToken, SHA256.hex(token),
    ]

    enum Caller: String, CaseIterable, Sendable {
        case nobody, wrong, right, operating

        var token: String? {
            switch self {
            case .nobody: nil
            case .wrong: "some-other-token"
            case .right: TokenTests.token
            case .operating: TokenTests.operatorToken
            }
        }

        var mayRead: Bool { self == .right || self == .operating }
    }

    /// How a token travels.
    enum Way: CaseIterable, Sendable { case bearer, query }

    static func job(_ id: String, _ status: JobState.Status) -> JobState {
        var job = Sample.job(id, status, version: 5, bulk: "b")
        job.token = SHA256.hex(token)
        job.message = "planted-message"
        job.label = "planted-label"
        job.result = status == .completed ? "planted-result" : nil
        job.attributes = ["mode": "planted-attribute"]
        job.worker = "planted-worker"
        job.substeps = [JobState.Substep(id: "planted-substep", progress: .count(done: 1, total: 2))]
        if status == .failed {
            job.failure = JobState.Failure(message: "planted-failure", code: "c", stage: "writing")
        }
        return job
    }

    /// `locked` runs, `ended` has completed, `broken` failed, `gone` expired: all with the token and in bulk
    /// `b`; `open` runs without one.
    static func plant(_ house: APIHouse) async throws {
        try await house.writer.store(Sample.document())
        let entry = TimelineEntry(
            at: Sample.start, kind: "started", attempt: 1, stage: nil, index: nil, detail: "planted-detail")
        for (id, status) in [("locked", .running), ("ended", .completed), ("broken", .failed)]
            as [(String, JobState.Status)]
        {
            let job = job(id, status)
            try await house.writer.commit(
                house.keyspace.partition(of: job.id),
                TestWriter.Change(jobs: [job], timelines: [(job.id, [entry])]))
        }
        let gone = job("gone", .failed)
        try await house.writer.put(gone)
        try await house.writer.commit(
            house.keyspace.partition(of: gone.id),
            TestWriter.Change(tombstones: [(gone.id, JobRecord.Tombstone(of: gone))]))
        var open = Sample.job("open", version: 2, bulk: "b")
        open.message = "for everybody"
        try await house.writer.put(open)
        let home = house.keyspace.partition(of: BulkID(unchecked: "b"))
        try await house.writer.put([
            home: Sample.share("b", BulkCounts(running: 2, completed: 1, failed: 2), isHome: true)
        ])
    }

    static func options(_ isOperated: Bool) -> ReadAPIOptions {
        var options = ReadAPIOptions()
        if isOperated { options.operatorDigest = TokenDigest(of: operatorToken) }
        return options
    }

    private func ask(
        _ house: APIHouse, _ method: String, _ target: String, _ caller: Caller, _ way: Way = .bearer,
        body: String? = nil
    ) async throws -> TestClient.Response {
        var headers = body == nil ? [:] : ["Content-Type": "application/json"]
        var target = target
        if let token = caller.token {
            switch way {
            case .bearer: headers["Authorization"] = "Bearer \(token)"
            case .query: target += (target.contains("?") ? "&" : "?") + "token=\(token)"
            }
        }
        return try await house.client.send(method, target, headers, body)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var method = "GET"
        let target: String
        var body: String?
        /// For those who may read.
        let status: Int
        var testDescription: String { "\(method) \(target)" }
    }

    /// Every route that speaks of one job.
    static let rows = [
        Row(target: "/v1/jobs/locked", status: 200),
        Row(target: "/v1/jobs/locked?version=e1-5", status: 304),
        Row(target: "/v1/jobs/locked?version=e1-5&wait=50ms", status: 304),
        Row(method: "HEAD", target: "/v1/jobs/locked", status: 200),
        Row(target: "/v1/jobs/ended", status: 200),
        Row(target: "/v1/jobs/broken", status: 200),
        Row(target: "/v1/jobs/gone", status: 410),
        Row(target: "/v1/jobs/locked/timeline", status: 200),
        Row(target: "/v1/jobs/gone/timeline", status: 410),
        Row(method: "POST", target: "/v1/jobs/locked/cancel", body: "{}", status: 202),
        Row(method: "POST", target: "/v1/jobs/ended/cancel", body: "{}", status: 409),
        Row(method: "POST", target: "/v1/jobs/gone/cancel", body: "{}", status: 410),
    ]

    @Test(
        "a job with a token: 401 without, 403 with a wrong one, and else what it is, by header and by query")
    func table() async throws {
        try await APIHouse.with(options: Self.options(true)) { house in
            try await Self.plant(house)
            for row in Self.rows {
                for caller in Caller.allCases {
                    for way in Way.allCases {
                        let answer = try await ask(
                            house, row.method, row.target, caller, way, body: row.body)
                        let expected =
                            switch caller {
                            case .nobody: 401
                            case .wrong: 403
                            case .right, .operating: row.status
                            }
                        let what = "\(row.testDescription), \(caller), \(way): \(answer.text)"
                        #expect(answer.status == expected, "\(what)")
                        #expect(
                            answer["WWW-Authenticate"]
                                == (expected == 401 ? #"Bearer realm="headway""# : nil), "\(what)")
                        if caller == .wrong || caller == .nobody {
                            #expect(answer["ETag"] == nil, "\(what)")
                            #expect(answer["Cache-Control"] == "no-store", "\(what)")
                        } else if row.method == "GET", expected < 400 {
                            #expect(answer["Cache-Control"] == "private, no-cache", "\(what)")
                        }
                    }
                }
            }
            // An id that nobody knows is 404 whoever asks, and one without a token is everybody's.
            for caller in Caller.allCases {
                #expect(try await ask(house, "GET", "/v1/jobs/never", caller).status == 404)
                #expect(try await ask(house, "GET", "/v1/jobs/open", caller).status == 200)
            }
        }
    }

    @Test("a question about many lists those that are not the caller's, and each token opens its own")
    func many() async throws {
        try await APIHouse.with { house in
            try await Self.plant(house)
            var other = Sample.job("other")
            other.token = SHA256.hex("second")
            try await house.writer.put(other)
            func lists(_ answer: TestClient.Response) -> [String] {
                ["jobs", "expired", "unknown", "unauthorized"].map { list in
                    guard case .array(let rows) = answer.json[list] else { return "?" }
                    return rows.compactMap { $0["id"]?.string ?? $0.string }.joined(separator: ",")
                }
            }
            let ids = "open,locked,gone,never,other"
            func get(_ tokens: String...) async throws -> [String] {
                let query = tokens.map { "&token=\($0)" }.joined()
                return lists(try await house.client.get("/v1/jobs?ids=\(ids)\(query)"))
            }
            func query(_ tokens: String) async throws -> [String] {
                let body = #"{"ids":["open","locked","gone","never","other"],"tokens":\#(tokens)}"#
                return lists(try await house.client.post("/v1/jobs/query", body))
            }
            #expect(try await get() == ["open", "", "never", "locked,gone,other"])
            #expect(try await get(Self.token) == ["open,locked", "gone", "never", "other"])
            #expect(try await get(Self.token, "second") == ["open,locked,other", "gone", "never", ""])
            #expect(try await query("null") == ["open", "", "never", "locked,gone,other"])
            #expect(
                try await query(#"["second","\#(Self.token)"]"#)
                    == ["open,locked,other", "gone", "never", ""])
            let bad = try await house.client.post("/v1/jobs/query", #"{"ids":["a"],"tokens":"x"}"#)
            #expect(bad.status == 400)
            let flood = (0...100).map { "&token=t\($0)" }.joined()
            #expect(try await house.client.get("/v1/jobs?ids=open\(flood)").status == 400)
        }
    }

    @Test("no answer of any route shows a stranger what a job with a token says, nor any token")
    func law() async throws {
        for isOperated in [false, true] {
            try await APIHouse.with(options: Self.options(isOperated)) { house in
                try await Self.plant(house)
                let list = try await ask(
                    house, "POST", "/v1/streams", .nobody,
                    body: #"{"jobs":["locked","open","ended"],"bulks":["b"]}"#)
                let listID = list.json["id"]?.string ?? ""
                let queries = [
                    "", "?version=e1-5", "?version=e1-4&wait=50ms", "?ids=locked,ended,broken,gone,open",
                    "?ids=b", "?limit=500", "?status=failed",
                ]
                let streams = ["?jobs=locked,open&bulks=b", "?list=\(listID)"]
                for route in ReadAPI.router.routes {
                    let subjects =
                        route.pattern.contains("{")
                        ? ["locked", "ended", "broken", "gone", "b", "never"] : [""]
                    for subject in subjects {
                        let path = route.pattern.replacing("{id}", with: subject)
                            .replacing("{name}", with: "article")
                        let isStream = route.pattern == "/v1/stream"
                        let isPlain = route.method != .get || route.pattern.hasSuffix("/events")
                        for query in isStream ? streams : isPlain ? [""] : queries {
                            for caller in [Caller.nobody, .wrong] {
                                let text = try await shown(house, route, path + query, caller)
                                for secret in Self.secrets where text.contains(secret) {
                                    Issue.record("\(path)\(query) shows \(caller) \(secret): \(text)")
                                }
                            }
                        }
                    }
                }
                // The same questions do show it to those who may see: the secrets are where we looked.
                for caller in [Caller.right, .operating] where isOperated || caller == .right {
                    let one = try await ask(house, "GET", "/v1/jobs/locked", caller).text
                    #expect(one.contains("planted-message") && one.contains("planted-attribute"))
                    #expect(
                        try await ask(house, "GET", "/v1/jobs/ended", caller).text.contains("planted-result"))
                    let page = try await ask(house, "GET", "/v1/bulks/b/jobs", caller).text
                    #expect(page.contains("planted-message") && page.contains("planted-failure"))
                    let bulk = try await ask(house, "GET", "/v1/bulks/b", caller).text
                    #expect(bulk.contains("planted-message") && bulk.contains("planted-worker"))
                    #expect(
                        try await ask(house, "GET", "/v1/jobs/locked/timeline", caller).text.contains(
                            "planted-detail"))
                }
            }
        }
    }

    /// Everything that an answer says: its head and body, or a stream's first frames.
    private func shown(
        _ house: APIHouse, _ route: Route, _ target: String, _ caller: Caller
    ) async throws -> String {
        if route.method == .get, route.pattern.hasSuffix("/events") || route.pattern == "/v1/stream" {
            let query = caller.token.map { (target.contains("?") ? "&" : "?") + "token=\($0)" } ?? ""
            let stream = try TestStream(port: house.port, target + query)
            defer { stream.close() }
            _ = await eventually(within: .milliseconds(120), every: .milliseconds(5)) {
                stream.isEnded || !stream.events("complete").isEmpty
            }
            return stream.head + stream.events.map { "\($0)" }.joined()
        }
        var body: String?
        if route.method == .post || route.method == .put {
            body =
                switch route.pattern {
                case "/v1/jobs": #"{"pipeline":"article","id":"locked"}"#
                case "/v1/jobs/query": #"{"ids":["locked","ended","gone","open"]}"#
                case "/v1/streams": #"{"jobs":["locked"]}"#
                default: "{}"
                }
        }
        let answer = try await ask(house, route.method.rawValue, target, caller, .query, body: body)
        return "\(answer.headers) \(answer.text)"
    }

    private static func keys(of json: JSON) -> Set<String> {
        guard case .object(let members) = json else { return [] }
        return Set(members.map(\.name))
    }

    @Test("a bulk is everybody's; a member with a token shows strangers how far it is and nothing else")
    func members() async throws {
        try await APIHouse.with(options: Self.options(true)) { house in
            try await Self.plant(house)
            for caller in Caller.allCases {
                let bulk = try await ask(house, "GET", "/v1/bulks/b", caller)
                #expect(bulk.status == 200)
                let page = try await ask(house, "GET", "/v1/bulks/b/jobs", caller)
                for (list, rows) in [(bulk.json["current"], 2), (page.json["jobs"], 5)] {
                    guard case .array(let jobs) = list else {
                        Issue.record("no jobs: \(bulk.text)")
                        return
                    }
                    #expect(jobs.count == rows)
                    for job in jobs {
                        let isOpen = job["id"] == .string("open")
                        let keys = Self.keys(of: job)
                        if isOpen {
                            #expect(job["message"] == .string("for everybody"))
                        } else if caller.mayRead {
                            #expect(job["protected"] == nil)
                        } else if job["id"] == .string("gone") {
                            #expect(keys == ["id", "status", "expired", "protected"])
                        } else {
                            #expect(keys == ["id", "status", "percent", "stage", "protected"])
                            #expect(job["protected"] == .bool(true))
                        }
                    }
                }
            }
        }
    }

    @Test("a stream of a job opens with its token, in the URL as EventSource has no headers; else 401 or 403")
    func stream() async throws {
        try await APIHouse.with(options: Self.options(true)) { house in
            try await Self.plant(house)
            for target in ["/v1/jobs/locked/events", "/v1/stream?jobs=locked", "/v1/stream?jobs=locked,gone"]
            {
                let mark = target.contains("?") ? "&" : "?"
                for caller in Caller.allCases {
                    let query = caller.token.map { "\(mark)token=\($0)" } ?? ""
                    let stream = try TestStream(port: house.port, target + query)
                    let status = caller == .nobody ? 401 : caller == .wrong ? 403 : 200
                    #expect(await eventually { stream.status == status }, "\(target), \(caller)")
                    if caller.mayRead {
                        let frame = await stream.next("job")
                        #expect(frame?.json["message"] == .string("planted-message"))
                    }
                    stream.close()
                }
            }
        }
    }

    @Test("among others a job that is not theirs is a frame without state, once; the others go on")
    func mixedStream() async throws {
        try await APIHouse.with(options: Self.options(true)) { house in
            try await Self.plant(house)
            let stream = try TestStream(port: house.port, "/v1/stream?jobs=locked,open&bulks=b")
            let refused = await stream.next("unauthorized")
            #expect(refused?.data == #"{"kind":"job","id":"locked"}"#)
            #expect(refused?.id == nil)
            #expect(await stream.next("bulk") != nil)
            var next = Self.job("locked", .running)
            next.version = 6
            try await house.writer.put(next)
            var open = Sample.job("open", version: 3, bulk: "b")
            open.message = "still for everybody"
            try await house.writer.put(open)
            #expect(await stream.next { $0.json["message"] == .string("still for everybody") } != nil)
            #expect(stream.events("unauthorized").count == 1)
            stream.close()

            let operating = try TestStream(
                port: house.port, "/v1/stream?jobs=locked&bulks=b&token=\(Self.operatorToken)")
            #expect(await operating.next("bulk")?.data.contains("planted-message") == true)
            operating.close()
        }
    }

    @Test("a bulk's answer with the words of protected members and the one without have two tags")
    func reducedTag() async throws {
        try await APIHouse.with(options: Self.options(true)) { house in
            try await Self.plant(house)
            let target = "/v1/bulks/b"
            let reduced = try await house.client.get(target)
            let whole = try await house.client.get("\(target)?token=\(Self.token)")
            let few = try #require(reduced["ETag"])
            let all = try #require(whole["ETag"])
            #expect(few != all)
            #expect(try await house.client.get(target, ["If-None-Match": few]).status == 304)
            #expect(try await house.client.get(target, ["If-None-Match": all]).status == 200)
            let tokened = "\(target)?token=\(Self.token)"
            #expect(try await house.client.get(tokened, ["If-None-Match": all]).status == 304)
            let other = try await house.client.get(tokened, ["If-None-Match": few])
            #expect(other.status == 200 && other.text.contains("planted-message"))
            // A state is named by its token, whoever asks: a long poll of a stranger waits.
            let bare = VersionToken.bare(all)
            #expect(try await house.client.get("\(target)?version=\(bare)").status == 304)
        }
    }

    @Test("a job that gets its token while it is followed shows nothing from then on")
    func laterToken() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(Sample.document())
            let stream = try TestStream(port: house.port, "/v1/jobs/late/events")
            #expect(await stream.next("unknown") != nil)
            var late = Self.job("late", .running)
            late.bulk = nil
            try await house.writer.put(late)
            #expect(await stream.next("unauthorized") != nil)
            #expect(await stream.next("complete")?.data == #"{"jobs":{"late":"unauthorized"},"bulks":{}}"#)
            #expect(stream.events.allSatisfy { !$0.data.contains("planted") })
            stream.close()
        }
    }

    @Test("a long poll that began before the token came ends without the state")
    func longPoll() async throws {
        try await APIHouse.with { house in
            try await house.writer.put(Sample.job("late", version: 1))
            async let polled = house.client.get("/v1/jobs/late?version=e1-1&wait=10s")
            #expect(await eventually { await house.api.hub.currentStats.watchers == 1 })
            var late = Self.job("late", .running)
            late.version = 2
            try await house.writer.put(late)
            let answer = try await polled
            #expect(answer.status == 401)
            #expect(!answer.text.contains("planted"))
        }
    }

    @Test("a stream list carries the tokens that it was made with, so that no URL has to")
    func streamList() async throws {
        try await APIHouse.with { house in
            try await Self.plant(house)
            let body = #"{"jobs":["locked"],"tokens":["\#(Self.token)"]}"#
            let list = try await house.client.post("/v1/streams", body)
            #expect(!list.text.contains(Self.token))
            let url = try #require(list.json["url"]?.string)
            let stream = try TestStream(port: house.port, url)
            #expect(await stream.next("job")?.json["message"] == .string("planted-message"))
            stream.close()
        }
    }

    @Test("what has ended is not told to a stranger who comes back: 401, where the owner's 204 ends it")
    func comeBack() async throws {
        try await APIHouse.with { house in
            try await Self.plant(house)
            let target = "/v1/jobs/ended/events"
            for (query, status) in [("", 401), ("?token=no", 403), ("?token=\(Self.token)", 204)] {
                let stream = try TestStream(port: house.port, target + query, lastEventID: "e1-5")
                #expect(await eventually { stream.status == status }, "\(query)")
                stream.close()
            }
        }
    }

    /// Every route that changes something, and what it answers those who may.
    static let writes = [
        Row(method: "POST", target: "/v1/jobs", body: #"{"pipeline":"article"}"#, status: 202),
        Row(
            method: "POST", target: "/v1/events",
            body: #"{"specversion":"1.0","type":"job.heartbeat","source":"s","id":"1","subject":"open"}"#,
            status: 202),
        Row(method: "POST", target: "/v1/jobs/open/cancel", body: "{}", status: 202),
        Row(method: "POST", target: "/v1/bulks/b/cancel", body: "{}", status: 202),
        Row(method: "POST", target: "/v1/bulks/b/seal", body: #"{"total":9}"#, status: 202),
        Row(method: "PUT", target: "/v1/pipelines/article", body: Sample.article, status: 200),
    ]

    @Test("writes are open without an operator's token, and need it where there is one")
    func writing() async throws {
        for isOperated in [false, true] {
            try await APIHouse.with(options: Self.options(isOperated)) { house in
                try await Self.plant(house)
                for row in Self.writes {
                    for caller in Caller.allCases {
                        let answer = try await ask(house, row.method, row.target, caller, body: row.body)
                        let expected =
                            !isOperated || caller == .operating
                            ? row.status : caller == .nobody ? 401 : 403
                        #expect(
                            answer.status == expected,
                            "\(row.testDescription), \(caller), \(isOperated): \(answer.text)")
                    }
                }
            }
        }
    }

    @Test("a refusal names the path that was asked for, without the query, and never the token")
    func noEcho() async throws {
        try await APIHouse.with(options: Self.options(true)) { house in
            try await Self.plant(house)
            let planted = "planted-in-the-url"
            for target in [
                "/v1/jobs/locked", "/v1/jobs/never", "/v1/jobs/gone", "/v1/nothing",
                "/v1/jobs/locked/timeline",
                "/v1/jobs/locked/events", "/v1/stream?jobs=locked", "/v1/jobs?ids=", "/v1/bulks/never",
                "/v1/jobs/locked?wait=soon",
            ] {
                let mark = target.contains("?") ? "&" : "?"
                let answer = try await house.client.get("\(target)\(mark)token=\(planted)")
                #expect(answer.status >= 400, "\(target)")
                #expect(answer.json["instance"] == .string(String(target.prefix { $0 != "?" })))
                #expect(!answer.text.contains(planted) && !"\(answer.headers)".contains(planted), "\(target)")
            }
            let write = try await house.client.post("/v1/jobs?token=\(planted)", "{}")
            #expect(write.status == 403)
            #expect(!write.text.contains(planted))
        }
    }
}
