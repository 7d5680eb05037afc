import Foundation
import HeadwayWire
import TestSupport
import Testing

/// Document 3, "Story 4.5: Processing Status Updates": a poll with a session token, in the team's own envelope.
@Suite("3 image: GET /api/status/:jobId", .serving("image"), .timeLimit(.minutes(2)))
struct ImageContractTests {
    let server = ContractServer.current

    static let stages = ["validating", "generating", "storing", "watermarking"]
    /// "validating (10%), generating (30-70%), storing (80%), watermarking (90%)": as each begins.
    static let progress = ["validating": 10, "generating": 30, "storing": 80, "watermarking": 90]
    static let token = "session-7"
    /// SHA-256 of the token: all that an enqueuer without HTTP sends.
    static let digest = "cef8bce549cdc050cb3da30f5672426b30b651a926d1a77f71bacc1b3bb45b81"

    private func status(_ job: String, token: String? = Self.token) async throws -> Answer {
        try await server.get("/api/status/\(job)", token.map { ["X-Session-Token": $0] } ?? [:])
    }

    /// Polls until the body, apart from times, is `body`.
    private func expect(
        _ job: String, _ body: String, token: String = Self.token, at place: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await server.get("/api/status/\(job)", ["X-Session-Token": token]) {
            $0.timeless == body
        }
        #expect(answer.timeless == body, sourceLocation: place)
        #expect(answer.status == 200, sourceLocation: place)
        #expect(answer.header("Content-Type")?.hasPrefix("application/json") == true, sourceLocation: place)
    }

    private static func queued(_ job: String) -> Told {
        Told("job.queued", job, ["attempt": "1", "pipeline": "image", "token": digest])
    }

    private static func started(_ job: String) -> Told { Told("job.started", job, ["attempt": "1"]) }

    /// Everything up to the start of `stage`.
    private static func reaching(_ stage: String, _ job: String) -> [Told] {
        let place = stages.firstIndex(of: stage) ?? 0
        return [queued(job), started(job)]
            + stages[...place].map { Told("stage.started", job, ["attempt": "1", "stage": $0]) }
    }

    private static func processing(_ stage: String, _ progress: Int) -> String {
        #"{"success":true,"status":"processing","stage":"\#(stage)","progress":\#(progress),"#
            + #""resultId":null,"updatedAt":"TIME"}"#
    }

    // MARK: AC-1 to AC-3

    @Test(
        "AC-1, AC-2, AC-3: a poll says the stage, the percentage, and resultId when complete",
        arguments: Producer.allCases)
    func happyPath(_ producer: Producer) async throws {
        let job = "happy-\(producer)"
        func tell(_ type: String, _ fields: KeyValuePairs<String, String> = [:]) async throws {
            try await server.tell([Told(type, job, fields)], by: producer)
        }
        try await server.tell([Self.queued(job)], by: producer)
        try await expect(
            job,
            #"{"success":true,"status":"pending","stage":null,"progress":0,"resultId":null,"updatedAt":"TIME"}"#
        )
        try await tell("job.started", ["attempt": "1", "worker": "w-1"])
        try await tell("stage.started", ["attempt": "1", "stage": "validating"])
        try await expect(job, Self.processing("validating", 10))
        try await tell("stage.started", ["attempt": "1", "stage": "generating"])
        try await expect(job, Self.processing("generating", 30))
        // The document's own example: "stage: generating, progress: 45".
        try await tell(
            "stage.progressed", ["attempt": "1", "stage": "generating", "done": "3", "total": "8"])
        try await expect(job, Self.processing("generating", 45))
        try await tell("stage.completed", ["attempt": "1", "stage": "generating"])
        try await expect(job, Self.processing("generating", 70))
        try await tell("stage.started", ["attempt": "1", "stage": "storing"])
        try await expect(job, Self.processing("storing", 80))
        try await tell("stage.started", ["attempt": "1", "stage": "watermarking"])
        try await expect(job, Self.processing("watermarking", 90))
        try await tell("job.completed", ["attempt": "1", "result": "clx123"])
        try await expect(
            job,
            #"{"success":true,"status":"completed","stage":"complete","progress":100,"resultId":"clx123","#
                + #""updatedAt":"TIME"}"#)
    }

    @Test("updatedAt: \"Update updatedAt timestamp on each change\", in ISO 8601")
    func updatedAt() async throws {
        let job = "updated"
        try await server.tell([Self.queued(job), Self.started(job)])
        var times: [String] = []
        for stage in Self.stages {
            // Two changes of one millisecond would have one time.
            try await Task.sleep(for: .milliseconds(10))
            try await server.tell("stage.started", job, ["attempt": "1", "stage": stage])
            let answer = try await server.get("/api/status/\(job)", ["X-Session-Token": Self.token]) {
                $0["stage"]?.string == stage
            }
            times.append(try #require(answer["updatedAt"]?.string))
        }
        #expect(times == times.sorted() && Set(times).count == 4)
        #expect(times.allSatisfy { $0.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/) != nil })
    }

    // MARK: Failure

    @Test(
        "\"Handle errors by setting stage to failed\"; \"failed → preserves last progress\"",
        arguments: stages)
    func failure(at stage: String) async throws {
        let job = "failed-\(stage)"
        try await server.tell(
            Self.reaching(stage, job) + [
                Told(
                    "job.failed", job,
                    [
                        "attempt": "1", "message": "Processing failed. Please try again.",
                        "code": "gemini_timeout",
                    ])
            ])
        try await expect(
            job,
            #"{"success":true,"status":"failed","stage":"failed","progress":\#(Self.progress[stage] ?? 0),"#
                + #""resultId":null,"errorMessage":"Processing failed. Please try again.","updatedAt":"TIME"}"#
        )
    }

    @Test("a failure before the first stage, and a cancelled job, are failed in the document's four statuses")
    func otherEnds() async throws {
        try await server.tell([
            Self.queued("early"), Self.started("early"),
            Told("job.failed", "early", ["attempt": "1", "message": "No such file."]),
        ])
        try await expect(
            "early",
            #"{"success":true,"status":"failed","stage":"failed","progress":0,"resultId":null,"#
                + #""errorMessage":"No such file.","updatedAt":"TIME"}"#)
        try await server.tell(
            Self.reaching("storing", "stopped") + [Told("job.cancelled", "stopped", ["attempt": "1"])])
        try await expect(
            "stopped",
            #"{"success":true,"status":"failed","stage":"failed","progress":80,"resultId":null,"#
                + #""errorMessage":"Processing was cancelled.","updatedAt":"TIME"}"#)
    }

    // MARK: Tokens

    static let refusal = #"{"success":false,"error":{"code":"UNAUTHORIZED"}}"#
    static let absence = #"{"success":false,"error":{"code":"NOT_FOUND"}}"#

    @Test("\"401: Invalid or missing session token\"")
    func unauthorized() async throws {
        let job = "guarded"
        try await server.tell([Self.queued(job)])
        try await expect(
            job,
            #"{"success":true,"status":"pending","stage":null,"progress":0,"resultId":null,"updatedAt":"TIME"}"#
        )
        for token in [
            nil, "", "session-8", Self.digest, "\(Self.token)8", String(repeating: "x", count: 4_000),
        ] {
            let answer = try await status(job, token: token)
            #expect(answer.status == 401, "\(token ?? "none")")
            #expect(answer.body == Self.refusal, "\(token ?? "none")")
        }
        // "Validate token" stands before the upload is looked for.
        let unknown = try await status("nobody", token: nil)
        #expect(unknown.status == 401)
        #expect(unknown.body == Self.refusal)
    }

    @Test("\"404: Upload not found\"")
    func notFound() async throws {
        let answer = try await status("nobody")
        #expect(answer.status == 404)
        #expect(answer.body == Self.absence)
    }

    @Test("what a token guards is guarded on every route of that job")
    func everyRoute() async throws {
        let job = "guarded-too"
        try await server.tell(Self.reaching("generating", job))
        try await expect(job, Self.processing("generating", 30))
        for route in ["/v1/jobs/\(job)", "/v1/jobs/\(job)/timeline", "/v1/jobs/\(job)/events"] {
            let answer = try await server.get(route)
            #expect(answer.status == 401, "\(route)")
            #expect(!answer.body.contains("generating"), "\(route)")
            #expect(try await server.get(route, ["Authorization": "Bearer wrong"]).status == 403, "\(route)")
        }
        let open = try await server.get("/v1/jobs/\(job)", ["Authorization": "Bearer \(Self.token)"])
        #expect(open["percent"] == .number(30))
        #expect(!open.body.contains(Self.token) && !open.body.contains(Self.digest))
    }

    @Test("POST /v1/jobs registers an upload and gives its session token at once")
    func registered() async throws {
        let receipt = try await server.post("/v1/jobs", #"{"pipeline":"image"}"#)
        #expect(receipt.status == 202, "\(receipt.body)")
        let job = try #require(receipt["id"]?.string)
        let token = try #require(receipt["token"]?.string)
        #expect(receipt["status"]?.string == "queued")
        try await expect(
            job,
            #"{"success":true,"status":"pending","stage":null,"progress":0,"resultId":null,"updatedAt":"TIME"}"#,
            token: token)
        #expect(try await status(job).status == 401)
    }

    // MARK: Transitions

    static let stepsBack = stages.indices.flatMap { later in
        stages.indices.filter { $0 < later }.map { (stages[later], stages[$0]) }
    }

    @Test("\"Validate stage transitions (can't go backwards)\"", arguments: stepsBack)
    func backwards(from later: String, to earlier: String) async throws {
        let job = "back-\(later)-\(earlier)"
        try await server.tell(
            Self.reaching(later, job) + [
                Told("stage.started", job, ["attempt": "1", "stage": earlier]),
                Told("stage.progressed", job, ["attempt": "1", "stage": earlier, "percent": "50"]),
                // Whoever sees this has seen what came before it.
                Told(
                    "stage.progressed", job,
                    ["attempt": "1", "stage": later, "substep": "seen", "done": "1", "total": "1"]),
            ])
        let snapshot = try await server.get("/v1/jobs/\(job)", ["Authorization": "Bearer \(Self.token)"]) {
            $0.body.contains(#""id":"seen""#)
        }
        #expect(snapshot.body.contains(#""id":"seen""#))
        try await expect(job, Self.processing(later, Self.progress[later] ?? 0))
    }

    @Test("an end is the end: nothing that comes later changes it")
    func afterTheEnd() async throws {
        let job = "ended"
        try await server.tell(
            Self.reaching("watermarking", job) + [
                Told("job.completed", job, ["attempt": "1", "result": "clx9"]),
                Told("stage.started", job, ["attempt": "1", "stage": "validating"]),
                Told("job.failed", job, ["attempt": "1", "message": "late"]),
            ])
        try await expect(
            job,
            #"{"success":true,"status":"completed","stage":"complete","progress":100,"resultId":"clx9","#
                + #""updatedAt":"TIME"}"#)
        try await server.tell("job.failed", job, ["attempt": "1", "message": "later still"])
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await status(job)["status"]?.string == "completed")
    }

    // MARK: Polling

    @Test("\"Integration test: Full polling flow\": polls until complete, then stops; progress never falls")
    func pollingFlow() async throws {
        let job = "polled"
        try await server.tell([Self.queued(job)])
        async let frontend = poll(job)
        for stage in Self.stages {
            try await server.tell("stage.started", job, ["attempt": "1", "stage": stage])
            for done in 1...4 {
                try await server.tell(
                    "stage.progressed", job,
                    ["attempt": "1", "stage": stage, "done": "\(done)", "total": "4"])
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try await server.tell("job.completed", job, ["attempt": "1", "result": "clx5"])
        let seen = try await frontend
        #expect(seen.last?["status"]?.string == "completed")
        #expect(seen.last?["resultId"]?.string == "clx5")
        let progress = seen.compactMap { answer -> Int? in
            if case .number(let text)? = answer["progress"] { return Int(text) }
            return nil
        }
        #expect(progress.count == seen.count && progress == progress.sorted())
        #expect(progress.allSatisfy { 0...100 ~= $0 })
        let stages = seen.compactMap { $0["stage"]?.string }
        #expect(Set(stages).isSubset(of: Self.stages + ["complete"]) && Set(stages).count >= 2)
        // resultId "only when complete".
        #expect(seen.dropLast().allSatisfy { $0["resultId"] == .null })
    }

    /// The document's useStatus hook, 50 times as fast: "Poll every 2-3 seconds until complete/failed".
    private func poll(_ job: String) async throws -> [Answer] {
        var seen: [Answer] = []
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            let answer = try await status(job)
            if answer.status == 200 { seen.append(answer) }
            if ["completed", "failed"].contains(answer["status"]?.string) { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        return seen
    }

    // MARK: Analytics

    @Test(
        "Task 6: status_poll with stage, status_complete with duration, status_failed with stage and progress"
    )
    func analytics() async throws {
        try await server.apply("image", as: "image-counted", replacing: [])
        func begin(_ job: String) async throws {
            try await server.tell([
                Told("job.queued", job, ["attempt": "1", "pipeline": "image-counted", "token": Self.digest]),
                Told("job.started", job, ["attempt": "1"]),
                Told("stage.started", job, ["attempt": "1", "stage": "generating"]),
            ])
        }
        try await begin("counted-1")
        try await begin("counted-2")
        var looks = 0
        for _ in 0..<500 where looks < 3 {
            let answer = try await status("counted-1")
            if answer["stage"]?.string == "generating" { looks += 1 }
            if answer.status != 200 { try await Task.sleep(for: .milliseconds(10)) }
        }
        try await server.tell([
            Told("stage.progressed", "counted-1", ["attempt": "1", "stage": "generating", "percent": "50"]),
            Told("job.failed", "counted-1", ["attempt": "1", "message": "No", "code": "gemini_timeout"]),
            Told("job.completed", "counted-2", ["attempt": "1", "result": "clx1"]),
        ])
        let wanted = [
            #"headway_view_polls_total{pipeline="image-counted",stage="generating"} 3"#,
            #"headway_jobs_finished_total{pipeline="image-counted",status="completed"} 1"#,
            #"headway_jobs_finished_total{pipeline="image-counted",status="failed"} 1"#,
            #"headway_job_duration_seconds_count{pipeline="image-counted"} 1"#,
            #"headway_job_failures_total{pipeline="image-counted",stage="generating",code="gemini_timeout"} 1"#,
            #"headway_job_failed_percent_sum{pipeline="image-counted"} 50"#,
        ]
        let page = try await server.get("/metrics") { page in wanted.allSatisfy { page.body.contains($0) } }
        for line in wanted {
            #expect(
                page.body.contains(line),
                "\(line) in \(page.body.split(separator: "\n").filter { $0.contains("image-counted") })")
        }
        #expect(!page.body.contains("counted-1") && !page.body.contains(Self.digest))
    }

    @Test(
        "Task 6 again, as posts: polls by stage, completions with their duration, failures with stage and progress"
    )
    func posted() async throws {
        let receiver = try await WebhookReceiver.start()
        let house = try await ContractServer.start(
            ["image"],
            options: [
                "--webhook", receiver.url, "--webhook-secret", WebhookReceiver.secret, "--webhook-polls",
                "1s",
            ])
        for job in ["good", "bad"] {
            try await house.tell(Self.reaching("generating", job))
            try await house.get("/api/status/\(job)", ["X-Session-Token": Self.token]) {
                $0["stage"]?.string == "generating"
            }
        }
        for _ in 0..<5 { _ = try await house.get("/api/status/good", ["X-Session-Token": Self.token]) }
        try await house.tell([
            Told("job.completed", "good", ["attempt": "1", "result": "clx1"]),
            Told("job.failed", "bad", ["attempt": "1", "message": "No", "code": "gemini_timeout"]),
        ])
        #expect(await eventually(within: .seconds(20)) { receiver.events("job.completed").count == 1 })
        #expect(await eventually(within: .seconds(20)) { receiver.events("job.failed").count == 1 })
        let completed = try #require(receiver.events("job.completed").first)
        #expect(completed.data["durationSeconds"].flatMap { Double($0) } ?? -1 >= 0)
        let failed = try #require(receiver.events("job.failed").first)
        #expect(failed.data["stage"] == "generating" && failed.data["percent"] == "30")
        #expect(
            await eventually(within: .seconds(20)) {
                receiver.events("job.polls").compactMap { $0.data["polls"].flatMap { Int($0) } }.reduce(0, +)
                    >= 7
            })
        let polls = receiver.events("job.polls")
        #expect(polls.allSatisfy { $0.fault == nil && $0.data["pipeline"] == "image" })
        #expect(polls.contains { $0.body.contains(#""stage":"generating","polls":"#) })
        #expect(polls.allSatisfy { !$0.body.contains("good") && !$0.body.contains(Self.digest) })
        await house.stop()
    }

    // MARK: Expiry

    @Test("an upload whose retention is over is not found, in the same envelope")
    func expired() async throws {
        try await server.apply(
            "image", as: "image-short",
            replacing: [
                ("\"finished\": \"24h\"", "\"finished\": \"2s\""), ("/api/status/", "/short/status/"),
            ])
        let job = "brief"
        try await server.tell([
            Told("job.queued", job, ["attempt": "1", "pipeline": "image-short", "token": Self.digest]),
            Told("job.started", job, ["attempt": "1"]),
            Told("job.completed", job, ["attempt": "1", "result": "r"]),
        ])
        let route = "/short/status/\(job)"
        let header = ["X-Session-Token": Self.token]
        let done = try await server.get(route, header) { $0["status"]?.string == "completed" }
        #expect(done["status"]?.string == "completed")
        let gone = try await server.get(route, header) { $0.status != 200 }
        #expect(gone.status == 404)
        #expect(gone.body == Self.absence)
    }
}
