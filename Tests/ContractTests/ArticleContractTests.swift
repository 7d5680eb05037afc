import Foundation
import HeadwayWire
import TestSupport
import Testing

/// Document 4, "VIP-10211: Real-Time Progress Tracking System": Server-Sent Events, and bulks of articles.
@Suite("4 article: SSE on /api/jobs/{job_id}/progress", .serving("article"), .timeLimit(.minutes(2)))
struct ArticleContractTests {
    let server = ContractServer.current

    static let stages = ["research", "writing", "seo"]
    static let starts = ["research": 0, "writing": 33, "seo": 66]
    static let messages = [
        "research": "Researching topic...", "writing": "Writing article...", "seo": "Optimizing for SEO...",
    ]

    private static func queued(_ job: String, mode: String = "topic", bulk: String? = nil) -> Told {
        guard let bulk else {
            return Told("job.queued", job, ["attempt": "1", "pipeline": "article", "attr.mode": mode])
        }
        return Told(
            "job.queued", job, ["attempt": "1", "pipeline": "article", "bulk": bulk, "attr.mode": mode])
    }

    private static func started(_ job: String) -> Told { Told("job.started", job, ["attempt": "1"]) }

    private static func began(_ job: String, _ stage: String, _ message: String? = nil) -> Told {
        guard let message else { return Told("stage.started", job, ["attempt": "1", "stage": stage]) }
        return Told("stage.started", job, ["attempt": "1", "stage": stage, "message": message])
    }

    private static func progressed(_ job: String, _ stage: String, _ percent: Int, _ message: String) -> Told
    {
        Told(
            "stage.progressed", job,
            ["attempt": "1", "stage": stage, "percent": "\(percent)", "message": message])
    }

    private static func reaching(_ stage: String, _ job: String) -> [Told] {
        [queued(job), started(job)]
            + stages[...(stages.firstIndex(of: stage) ?? 0)].map { began(job, $0) }
    }

    /// A `progress` frame, times and ids apart.
    private static func frame(
        _ job: String, _ status: String, _ percentage: String, stage: String, _ stageProgress: String,
        _ message: String, started: Bool = true, completed: Bool = false
    ) -> String {
        #"event: progress"# + "\n" + #"id: ID"# + "\n"
            + #"data: {"job_id":"\#(job)","status":"\#(status)","progress":{"percentage":\#(percentage),"#
            + #""stage":"\#(stage)","stage_progress":\#(stageProgress),"message":"\#(message)","#
            + #""started_at":\#(started ? "\"TIME\"" : "null"),"completed_at":\#(completed ? "\"TIME\"" : "null"),"#
            + #""estimated_completion":null,"elapsed_seconds":SECONDS},"timestamp":"TIME"}"# + "\n\n"
    }

    private static func end(_ job: String, _ status: String, result: String = "null", error: String = "null")
        -> String
    {
        #"event: complete"# + "\n" + #"id: ID-end"# + "\n"
            + #"data: {"job_id":"\#(job)","status":"\#(status)","result":\#(result),"error":\#(error)}"#
            + "\n\n"
    }

    /// Times, tokens and the random retry replaced; nothing else.
    private static func masked(_ transcript: String) -> String {
        transcript.timeless
            .replacing(/(?m)^retry: \d+$/) { _ in "retry: MS" }
            .replacing(/(?m)^id: [0-9a-f]+-\d+/) { _ in "id: ID" }
            .replacing(/"elapsed_seconds":\d+(\.\d)?/) { _ in #""elapsed_seconds":SECONDS"# }
            .replacing(/"estimated_completion":"TIME"/) { _ in #""estimated_completion":null"# }
    }

    private func open(_ job: String, _ headers: [String: String] = [:]) async throws -> EventReader {
        try await EventReader.open(server, "/api/jobs/\(job)/progress", headers: headers)
    }

    /// Waits until the job is there at all.
    private func known(_ job: String, _ status: String) async throws {
        let answer = try await server.get("/v1/jobs/\(job)") { $0["status"]?.string == status }
        #expect(answer["status"]?.string == status)
    }

    // MARK: The dialogue

    @Test("the whole dialogue of the document's workflow, byte by byte", arguments: Producer.allCases)
    func dialogue(_ producer: Producer) async throws {
        let job = "talk-\(producer)"
        try await server.tell([Self.queued(job)])
        try await known(job, "queued")
        let stream = try await open(job)
        #expect(stream.status == 200)
        #expect(stream.head.contains("Content-Type: text/event-stream"))
        #expect(stream.head.contains("Cache-Control: no-cache"))
        // One at a time, so that none is conflated: generate_content() of the document, call by call.
        let steps: [Told] = [
            Self.started(job), Self.began(job, "research", "Starting research..."),
            Self.progressed(job, "research", 30, "Gathering information..."),
            Told(
                "stage.completed", job, ["attempt": "1", "stage": "research", "message": "Research complete"]),
            Self.began(job, "writing", "Starting article writing..."),
            Self.progressed(job, "writing", 50, "Generating content..."),
            Told(
                "stage.completed", job, ["attempt": "1", "stage": "writing", "message": "Writing complete"]),
            Self.began(job, "seo", "Optimizing for SEO..."),
            Self.progressed(job, "seo", 70, "Analyzing keywords..."),
            Told(
                "stage.completed", job,
                ["attempt": "1", "stage": "seo", "message": "SEO optimization complete"]),
            Told(
                "job.completed", job,
                ["attempt": "1", "result": #"{"meta_title":"On foxes","word_count":1200}"#]),
        ]
        let expected = [
            Self.frame(
                job, "queued", "0.0", stage: "queued", "0.0", "Queued for generation...", started: false),
            Self.frame(job, "processing", "0.0", stage: "queued", "0.0", "Starting..."),
            Self.frame(job, "processing", "0.0", stage: "research", "0.0", "Starting research..."),
            Self.frame(job, "processing", "9.9", stage: "research", "30.0", "Gathering information..."),
            Self.frame(job, "processing", "33.0", stage: "research", "100.0", "Research complete"),
            Self.frame(job, "processing", "33.0", stage: "writing", "0.0", "Starting article writing..."),
            Self.frame(job, "processing", "49.5", stage: "writing", "50.0", "Generating content..."),
            Self.frame(job, "processing", "66.0", stage: "writing", "100.0", "Writing complete"),
            Self.frame(job, "processing", "66.0", stage: "seo", "0.0", "Optimizing for SEO..."),
            Self.frame(job, "processing", "89.8", stage: "seo", "70.0", "Analyzing keywords..."),
            Self.frame(job, "processing", "99.0", stage: "seo", "100.0", "SEO optimization complete"),
            Self.frame(
                job, "completed", "100.0", stage: "completed", "100.0", "Generation completed successfully",
                completed: true),
            Self.end(job, "completed", result: #"{"meta_title":"On foxes","word_count":1200}"#),
        ]
        #expect(try await stream.frames { $0.event == "progress" }.count == 2)
        // The library tells a stage's last words and its end in two events, which are the same frame once or twice.
        func next(through frame: String) async throws {
            _ = try await stream.frames { Self.masked($0.text + "\n\n") == frame }
        }
        for (step, frame) in zip(steps, expected.dropFirst()) {
            try await server.tell([step], by: producer)
            try await next(through: frame)
        }
        try await next(through: expected[expected.count - 1])
        // "close SSE connection": the frontend does, on complete. Until then nothing more is said.
        #expect(try await stream.next(within: .milliseconds(300)) == nil)
        stream.close()
        var transcript = Self.masked(stream.transcript)
        if producer == .library {
            for frame in expected { transcript = transcript.replacing(frame + frame, with: frame) }
        }
        #expect(transcript == "retry: MS\n\n" + expected.joined())
    }

    @Test("a stage's message is the document's when the worker gave none", arguments: stages)
    func messages(_ stage: String) async throws {
        let job = "words-\(stage)"
        try await server.tell(Self.reaching(stage, job))
        try await server.get("/v1/jobs/\(job)") { $0.body.contains(#""id":"\#(stage)""#) }
        let stream = try await open(job)
        _ = try await stream.frames { $0.event == "progress" }
        stream.close()
        let start = try #require(Self.starts[stage])
        let message = try #require(Self.messages[stage])
        #expect(
            Self.masked(stream.transcript)
                == "retry: MS\n\n"
                + Self.frame(job, "processing", "\(start).0", stage: stage, "0.0", message))
    }

    @Test("AC6: \"Job failure detection with error messages\", at every stage", arguments: stages)
    func failure(at stage: String) async throws {
        let job = "failed-\(stage)"
        try await server.tell(Self.reaching(stage, job))
        try await server.get("/v1/jobs/\(job)") { $0.body.contains(#""id":"\#(stage)""#) }
        let stream = try await open(job)
        _ = try await stream.frames { $0.event == "progress" }
        try await server.tell(
            "job.failed", job, ["attempt": "1", "message": "The model refused the topic", "code": "refused"])
        _ = try await stream.frames { $0.event == "complete" }
        stream.close()
        let start = try #require(Self.starts[stage])
        let message = try #require(Self.messages[stage])
        #expect(
            Self.masked(stream.transcript)
                == "retry: MS\n\n"
                + Self.frame(job, "processing", "\(start).0", stage: stage, "0.0", message)
                + Self.frame(job, "failed", "\(start).0", stage: stage, "0.0", "Failed at \(stage) stage")
                + Self.end(
                    job, "failed",
                    error:
                        #"{"message":"The model refused the topic","stage":"\#(stage)","timestamp":"TIME"}"#))
    }

    @Test("\"cancelled\" is an end of its own, with neither result nor error")
    func cancelled() async throws {
        let job = "unwanted"
        try await server.tell([Self.queued(job)])
        try await known(job, "queued")
        let stream = try await open(job)
        _ = try await stream.frames { $0.event == "progress" }
        #expect(try await server.post("/v1/jobs/\(job)/cancel").status == 202)
        _ = try await stream.frames { $0.event == "complete" }
        stream.close()
        #expect(
            Self.masked(stream.transcript)
                == "retry: MS\n\n"
                + Self.frame(
                    job, "queued", "0.0", stage: "queued", "0.0", "Queued for generation...", started: false)
                + Self.frame(job, "cancelled", "0.0", stage: "queued", "0.0", "Cancelled", started: false)
                + Self.end(job, "cancelled"))
    }

    @Test("sendEvent('error', { message: 'Job not found' })")
    func absent() async throws {
        let stream = try await open("nobody")
        #expect(stream.status == 200)
        _ = try await stream.frames { $0.event == "error" }
        stream.close()
        #expect(
            Self.masked(stream.transcript)
                == "retry: MS\n\nevent: error\nid: ID\ndata: {\"message\":\"Job not found\"}\n\n")
    }

    @Test("an article that was registered with a token: 401 without it, and ?token= for an EventSource")
    func token() async throws {
        let receipt = try await server.post(
            "/v1/jobs", #"{"pipeline":"article","attributes":{"mode":"keywords"}}"#)
        let job = try #require(receipt["id"]?.string)
        let token = try #require(receipt["token"]?.string)
        try await server.get("/v1/jobs/\(job)?token=\(token)") { $0.status == 200 }
        for wrong in ["", "?token=", "?token=wrong"] {
            let answer = try await server.get("/api/jobs/\(job)/progress\(wrong)")
            #expect(answer.status == 401, "\(wrong)")
            #expect(answer.body == #"{"message":"Unauthorized"}"#)
        }
        let stream = try await EventReader.open(server, "/api/jobs/\(job)/progress?token=\(token)")
        let frames = try await stream.frames { $0.event == "progress" }
        #expect(frames.last?.data?.contains(#""status":"queued""#) == true)
        stream.close()
    }

    // MARK: Coming back

    @Test("\"Automatically reconnects on connection loss\": the present state at once, and 204 after the end")
    func reconnect() async throws {
        let job = "lost"
        try await server.tell(Self.reaching("research", job))
        try await server.get("/v1/jobs/\(job)") { $0.body.contains(#""id":"research""#) }
        let first = try await open(job)
        let seen = try await first.frames { $0.event == "progress" }
        let last = try #require(seen.last?.id)
        first.close()

        // What happens meanwhile is not replayed: the newest state says it all.
        try await server.tell([
            Self.progressed(job, "research", 60, "Reading"), Self.began(job, "writing"),
            Self.progressed(job, "writing", 50, "Generating content..."),
        ])
        try await server.get("/v1/jobs/\(job)") { $0["percent"] == .number(49) }
        let second = try await open(job, ["Last-Event-ID": last])
        _ = try await second.frames { $0.event == "progress" }
        try await server.tell("job.completed", job, ["attempt": "1", "result": "clx123"])
        let rest = try await second.frames { $0.event == "complete" }
        second.close()
        #expect(
            Self.masked(second.transcript)
                == "retry: MS\n\n"
                + Self.frame(job, "processing", "49.5", stage: "writing", "50.0", "Generating content...")
                + Self.frame(
                    job, "completed", "100.0", stage: "completed", "100.0",
                    "Generation completed successfully",
                    completed: true) + Self.end(job, "completed", result: #""clx123""#))

        // 204 is what ends an EventSource for good.
        let end = try #require(rest.last?.id)
        #expect(try await server.get("/api/jobs/\(job)/progress", ["Last-Event-ID": end]).status == 204)
        let third = try await open(job)
        let again = try await third.frames { $0.event == "complete" }
        #expect(again.compactMap(\.event) == ["progress", "complete"])
        third.close()
    }

    @Test(
        "AC7: \"If server restarts, frontend can resume monitoring\": everything killed with -9, nothing lost"
    )
    func restart() async throws {
        let first = try await ContractServer.start(["article"])
        let job = "kept"
        try await first.tell(
            Self.reaching("writing", job) + [Self.progressed(job, "writing", 50, "Half of it")])
        let before = try await first.get("/v1/jobs/\(job)") { $0["percent"] == .number(49) }
        #expect(before["percent"] == .number(49))
        let redis = try #require(first.redisProcess)
        first.kill()
        kill(redis, SIGKILL)
        #expect(await eventually { first.redisProcess == nil })

        let second = try await ContractServer.start([], in: first.directory)
        let stream = try await EventReader.open(second, "/api/jobs/\(job)/progress")
        let frames = try await stream.frames { $0.data?.contains("Half of it") == true }
        #expect(frames.last?.data?.contains(#""percentage":49.5,"stage":"writing""#) == true)
        try await second.tell("job.completed", job, ["attempt": "1"])
        let rest = try await stream.frames { $0.event == "complete" }
        #expect(rest.last?.event == "complete")
        stream.close()
        await second.stop()
    }

    // MARK: Modes

    static let modes = ["topic", "keywords", "trends", "spin"]

    @Test(
        "the four modes: \"Spin mode: 1-2 minutes (no research stage)\" begins at 33, and skips nothing",
        arguments: modes)
    func mode(_ mode: String) async throws {
        let job = "mode-\(mode)"
        let stages = mode == "spin" ? ["writing", "seo"] : Self.stages
        try await server.tell([Self.queued(job, mode: mode), Self.started(job)])
        for stage in stages {
            try await server.tell([Self.began(job, stage)])
            let snapshot = try await server.get("/v1/jobs/\(job)") {
                $0["percent"] == .number(Self.starts[stage] ?? 0)
            }
            #expect(snapshot["percent"] == .number(Self.starts[stage] ?? 0))
        }
        try await server.tell("job.completed", job, ["attempt": "1"])
        let done = try await server.get("/v1/jobs/\(job)") { $0["status"]?.string == "completed" }
        #expect(done["completedStages"] == .array(stages.map { .string($0) }))
        #expect(done["skippedStages"] == .array([]))
        #expect(done["attributes"]?["mode"]?.string == mode)
    }

    // MARK: Estimates

    @Test(
        "AC3: estimated_completion is null before there is evidence, and a time ahead once articles have finished"
    )
    func estimate() async throws {
        // Under a name of its own, whose durations nobody else adds to.
        try await server.apply("article", as: "article-timed", replacing: [])
        func begin(_ job: String) async throws -> String {
            try await server.tell([
                Told("job.started", job, ["attempt": "1", "pipeline": "article-timed"]),
                Self.began(job, "research"),
            ])
            try await server.get("/v1/jobs/\(job)") { $0.body.contains(#""id":"research""#) }
            let stream = try await open(job)
            let frame = try await stream.frames { $0.event == "progress" }.last
            stream.close()
            return frame?.data ?? ""
        }
        #expect(try await begin("timed-0").contains(#""estimated_completion":null"#))
        for number in 1...24 {
            let job = "timed-\(number)"
            try await server.tell([
                Told("job.started", job, ["attempt": "1", "pipeline": "article-timed"]),
                Self.began(job, "research"),
            ])
            try await Task.sleep(for: .milliseconds(20))
            try await server.tell([Self.began(job, "writing")])
            try await Task.sleep(for: .milliseconds(20))
            try await server.tell([Self.began(job, "seo"), Told("job.completed", job, ["attempt": "1"])])
        }
        var data = ""
        for number in 25..<60 where !data.contains(#""estimated_completion":"20"#) {
            data = try await begin("timed-\(number)")
            try await Task.sleep(for: .milliseconds(100))
        }
        let time = try #require(data.firstMatch(of: /"estimated_completion":"([^"]+)"/)?.output.1)
        let now = try #require(data.firstMatch(of: /"timestamp":"([^"]+)"/)?.output.1)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/) != nil)
        #expect(time >= now)
    }

    // MARK: Bulks

    @Test("AC5: \"Bulk job progress (X of Y articles completed)\", with the current article in one answer")
    func bulk() async throws {
        let bulk = "spring"
        func expect(
            _ status: String, _ text: String, completed: Int, failed: Int = 0, percentage: Int,
            current: String,
            at place: SourceLocation = #_sourceLocation
        ) async throws {
            let body =
                #"{"bulk_job_id":"spring","status":"\#(status)","message":"\#(text) articles completed","#
                + #""completed":\#(completed),"total":3,"failed":\#(failed),"percentage":\#(percentage),"#
                + #""current_article":\#(current),"estimated_completion":null,"timestamp":"TIME"}"#
            let answer = try await server.get(
                "/api/bulk-jobs/spring/progress", ["Accept": "application/json"]
            ) {
                Self.masked($0.body) == body
            }
            #expect(Self.masked(answer.body) == body, sourceLocation: place)
        }
        try await server.tell("bulk.opened", bulk, ["total": "3"])
        try await server.tell((1...3).map { Self.queued("spring-\($0)", bulk: bulk) })
        try await expect("processing", "0 of 3", completed: 0, percentage: 0, current: "null")
        try await server.tell([
            Self.started("spring-1"), Self.began("spring-1", "writing"),
            Self.progressed("spring-1", "writing", 50, "Generating content..."),
        ])
        try await expect(
            "processing", "0 of 3", completed: 0, percentage: 16,
            current:
                #"{"job_id":"spring-1","stage":"writing","percentage":49,"message":"Generating content..."}"#)
        try await server.tell([Told("job.completed", "spring-1", ["attempt": "1"]), Self.started("spring-2")])
        try await server.tell([Self.began("spring-2", "research")])
        try await expect(
            "processing", "1 of 3", completed: 1, percentage: 33,
            current:
                #"{"job_id":"spring-2","stage":"research","percentage":0,"message":"Researching topic..."}"#)
        try await server.tell([
            Told("job.failed", "spring-2", ["attempt": "1", "message": "No sources"]),
            Told("job.completed", "spring-3", ["attempt": "1"]), Told("bulk.sealed", bulk),
        ])
        try await expect("completed", "2 of 3", completed: 2, failed: 1, percentage: 100, current: "null")
    }

    @Test("the same of a bulk as a stream: progress as its articles move, complete when it has settled")
    func bulkStream() async throws {
        let bulk = "summer"
        try await server.tell("bulk.opened", bulk, ["total": "2"])
        try await server.tell((1...2).map { Self.queued("summer-\($0)", bulk: bulk) })
        try await server.get("/v1/bulks/summer") { $0.body.contains(#""registered":2"#) }
        let stream = try await EventReader.open(server, "/api/bulk-jobs/summer/progress")
        #expect(stream.status == 200)
        _ = try await stream.frames { $0.data?.contains("0 of 2 articles completed") == true }
        try await server.tell([Self.started("summer-1"), Self.began("summer-1", "seo")])
        let moved = try await stream.frames {
            $0.data?.contains(#""current_article":{"job_id":"summer-1","stage":"seo","percentage":66"#)
                == true
        }
        #expect(moved.last?.event == "progress")
        try await server.tell([Told("job.completed", "summer-1", ["attempt": "1"])])
        _ = try await stream.frames { $0.data?.contains("1 of 2 articles completed") == true }
        try await server.tell([
            Told("job.completed", "summer-2", ["attempt": "1"]), Told("bulk.sealed", bulk),
        ])
        let rest = try await stream.frames { $0.event == "complete" }
        #expect(rest.last?.data == #"{"bulk_job_id":"summer","status":"completed","completed":2,"total":2}"#)
        stream.close()
        let nobody = try await server.get("/api/bulk-jobs/nobody/progress", ["Accept": "application/json"])
        #expect(nobody.status == 404)
        #expect(nobody.body == #"{"message":"Bulk job not found"}"#)
    }
}
