import Foundation
import HeadwayWire
import TestSupport
import Testing

/// Document 0, "SPISTAPROSPE-01: Introduce progress domain service and shared stage contract".
@Suite("0 page: the public read model of generation-progress", .serving("page"), .timeLimit(.minutes(2)))
struct PageContractTests {
    let server = ContractServer.current

    /// "exactly these stage IDs"
    static let stages = [
        "PLANNING_PAGE", "WRITING_OPENING_PAGE", "WRITING_CONTINUING_PAGE", "ANALYZING_SCENE",
        "RESTRUCTURING_STORY",
    ]

    private static func body(
        _ status: String, active: String? = nil, completed: [String] = [], flow: String = "new-story",
        failure: String? = nil
    ) -> String {
        let active = active.map { "\"\($0)\"" } ?? "null"
        let completed = completed.map { "\"\($0)\"" }.joined(separator: ",")
        let failure = failure.map { #","publicMessage":"\#($0)""# } ?? ""
        return #"{"status":"\#(status)","activeStage":\#(active),"completedStages":[\#(completed)],"#
            + #""updatedAt":MS,"flowType":"\#(flow)"\#(failure)}"#
    }

    private func expect(_ id: String, _ body: String, at place: SourceLocation = #_sourceLocation)
        async throws
    {
        let answer = try await server.get("/progress/\(id)") { $0.timeless == body }
        #expect(answer.timeless == body, sourceLocation: place)
        #expect(answer.status == 200, sourceLocation: place)
    }

    /// `start(progressId, flowType)`
    private static func start(_ id: String, _ flow: String = "new-story", pipeline: String = "page") -> Told {
        Told("job.started", id, ["attempt": "1", "pipeline": pipeline, "attr.flowType": flow])
    }

    /// `markStageStarted(progressId, stage, attempt?)`
    private static func began(_ id: String, _ stage: String, _ attempt: Int = 1) -> Told {
        Told("stage.started", id, ["attempt": "1", "stage": stage, "stageAttempt": "\(attempt)"])
    }

    /// `markStageCompleted(progressId, stage, attempt?)`
    private static func ended(_ id: String, _ stage: String, _ attempt: Int = 1) -> Told {
        Told("stage.completed", id, ["attempt": "1", "stage": stage, "stageAttempt": "\(attempt)"])
    }

    // MARK: The stages

    @Test("\"a shared generation-stage type/enum with exactly these stage IDs\"")
    func vocabulary() async throws {
        // Other tests put variants of the pipeline under other names meanwhile: this one is asked by its own.
        let listed = try await server.get("/v1/pipelines").json
        guard case .array(let pipelines)? = listed["pipelines"],
            let page = pipelines.first(where: { $0["name"]?.string == "page" }),
            case .array(let stages)? = page["definition"]?["stages"]
        else {
            Issue.record("no pipeline page with stages in \(listed)")
            return
        }
        let ids = stages.map { $0["id"]?.string }
        #expect(ids == Self.stages)
    }

    @Test("\"Stage identifiers remain prompt-stage-only vocabulary\": any other is refused")
    func otherStages() async throws {
        let id = "vocabulary"
        try await server.tell([
            Self.start(id), Self.began(id, "PLANNING_PAGE"), Self.began(id, "SAVING_TO_DISK"),
            Self.began(id, "planning_page", 2), Self.ended(id, "PLANNING_PAGE"),
        ])
        try await expect(id, Self.body("running", completed: ["PLANNING_PAGE"]))
    }

    // MARK: The flows

    static let flows = [
        ("new-story", ["PLANNING_PAGE", "WRITING_OPENING_PAGE", "ANALYZING_SCENE"]),
        ("choice", ["PLANNING_PAGE", "WRITING_CONTINUING_PAGE", "ANALYZING_SCENE", "RESTRUCTURING_STORY"]),
        ("choice", ["WRITING_CONTINUING_PAGE", "ANALYZING_SCENE"]),
    ]

    @Test(
        "start, markStageStarted, markStageCompleted, complete: the read model at every step of each flow",
        arguments: Producer.allCases)
    func lifecycle(_ producer: Producer) async throws {
        for (number, (flow, stages)) in Self.flows.enumerated() {
            let id = "flow-\(number)-\(producer)"
            try await server.tell([Self.start(id, flow)], by: producer)
            try await expect(id, Self.body("running", flow: flow))
            var completed: [String] = []
            for stage in stages {
                try await server.tell([Self.began(id, stage)], by: producer)
                try await expect(id, Self.body("running", active: stage, completed: completed, flow: flow))
                try await server.tell([Self.ended(id, stage)], by: producer)
                completed.append(stage)
                try await expect(id, Self.body("running", completed: completed, flow: flow))
            }
            try await server.tell([Told("job.completed", id, ["attempt": "1"])], by: producer)
            try await expect(id, Self.body("completed", completed: completed, flow: flow))
        }
    }

    @Test(
        "queued, before a worker has it, is \"running\" with no active stage: the document has no other word")
    func queued() async throws {
        try await server.tell(
            "job.queued", "waiting", ["attempt": "1", "pipeline": "page", "attr.flowType": "choice"])
        try await expect("waiting", Self.body("running", flow: "choice"))
    }

    @Test("\"completedStages (ordered)\": in the pipeline's order, whatever ended them")
    func ordered() async throws {
        let id = "ordered"
        // No word of the first two's ends: a later stage began, so they have ended.
        try await server.tell([
            Self.start(id), Self.began(id, "PLANNING_PAGE"), Self.began(id, "WRITING_OPENING_PAGE"),
            Self.began(id, "ANALYZING_SCENE"), Self.ended(id, "ANALYZING_SCENE"),
        ])
        try await expect(
            id, Self.body("running", completed: ["PLANNING_PAGE", "WRITING_OPENING_PAGE", "ANALYZING_SCENE"]))
    }

    @Test(
        "\"markStageStarted(progressId, stage, attempt?)\": a higher attempt of a stage takes its completion back"
    )
    func stageAttempts() async throws {
        let id = "attempts"
        let writing = "WRITING_OPENING_PAGE"
        try await server.tell([
            Self.start(id), Self.began(id, "PLANNING_PAGE"), Self.ended(id, "PLANNING_PAGE"),
            Self.began(id, writing), Self.ended(id, writing),
        ])
        try await expect(id, Self.body("running", completed: ["PLANNING_PAGE", writing]))
        try await server.tell([Self.began(id, writing, 2)])
        try await expect(id, Self.body("running", active: writing, completed: ["PLANNING_PAGE"]))
        // A word of the first try that comes late changes nothing.
        try await server.tell([Self.ended(id, writing, 1), Self.ended(id, writing, 2)])
        try await expect(id, Self.body("running", completed: ["PLANNING_PAGE", writing]))
        #expect(try await server.get("/v1/jobs/\(id)").body.contains(#""attempt":2"#))
    }

    @Test("\"updatedAt: number (epoch ms)\" rises with each change")
    func updatedAt() async throws {
        let id = "updated"
        let before = Int(Date.now.timeIntervalSince1970 * 1000)
        try await server.tell([Self.start(id)])
        var times: [Int] = []
        for stage in ["PLANNING_PAGE", "WRITING_OPENING_PAGE", "ANALYZING_SCENE"] {
            try await Task.sleep(for: .milliseconds(10))
            try await server.tell([Self.began(id, stage)])
            let answer = try await server.get("/progress/\(id)") { $0["activeStage"]?.string == stage }
            guard case .number(let text)? = answer["updatedAt"], let time = Int(text) else {
                Issue.record("updatedAt is no whole number: \(answer.body)")
                continue
            }
            times.append(time)
        }
        #expect(times == times.sorted() && Set(times).count == 3)
        #expect(times.allSatisfy { abs($0 - before) < 60_000 })
    }

    // MARK: Ends

    @Test("\"fail(progressId, publicMessage?)\": at every stage, with what was completed", arguments: stages)
    func failure(at stage: String) async throws {
        let id = "failed-\(stage)"
        try await server.tell([
            Self.start(id), Self.began(id, stage),
            Told(
                "job.failed", id,
                ["attempt": "1", "message": "The story could not be continued.", "code": "llm_timeout"]),
        ])
        try await expect(id, Self.body("failed", failure: "The story could not be continued."))
    }

    @Test("a cancelled generation is \"failed\", the document's other end")
    func cancelled() async throws {
        try await server.tell([
            Self.start("stopped"), Self.began("stopped", "PLANNING_PAGE"),
            Told("job.cancelled", "stopped", ["attempt": "1"]),
        ])
        try await expect("stopped", Self.body("failed"))
    }

    static let ends: [(String, Told)] = [
        ("completed", Told("job.completed", "", ["attempt": "1"])),
        ("failed", Told("job.failed", "", ["attempt": "1", "message": "No"])),
    ]

    @Test(
        "\"Progress transitions are monotonic (running to terminal completed|failed only)\"",
        arguments: ["completed", "failed"], ["completed", "failed"])
    func monotonic(_ end: String, then other: String) async throws {
        let id = "end-\(end)-\(other)"
        func told(_ end: String) -> Told {
            end == "completed"
                ? Told("job.completed", id, ["attempt": "1"])
                : Told("job.failed", id, ["attempt": "1", "message": "No"])
        }
        try await server.tell([
            Self.start(id), Self.began(id, "PLANNING_PAGE"), Self.ended(id, "PLANNING_PAGE"), told(end),
            told(other),
            Self.began(id, "ANALYZING_SCENE"), Told("job.heartbeat", id, ["attempt": "1"]),
            Told("job.started", id, ["attempt": "1"]),
        ])
        let body = Self.body(
            end, completed: ["PLANNING_PAGE"], failure: end == "failed" ? "No" : nil)
        try await expect(id, body)
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await server.get("/progress/\(id)").timeless == body)
    }

    // MARK: Unknown, and evicted

    static let unknown =
        #"{"status":"unknown","activeStage":null,"completedStages":[],"updatedAt":MS,"flowType":null}"#

    @Test("\"Unknown progressId returns status: unknown semantics, not thrown errors\"")
    func unknownID() async throws {
        // Partitions that nothing was ever written to have a watermark as well, once they are owned.
        for id in ["nobody", "7f1c2a4e-77aa-4c19-9c41-3b1d5d1f0e11", "0"] {
            let answer = try await server.get("/progress/\(id)") { $0.timeless == Self.unknown }
            #expect(answer.status == 200)
            #expect(answer.timeless == Self.unknown)
        }
    }

    @Test("\"TTL eviction cleanup\": after its time a finished progress is unknown")
    func evicted() async throws {
        try await server.apply(
            "page", as: "page-short", replacing: [("\"finished\": \"1h\"", "\"finished\": \"2s\"")])
        let id = "evicted"
        try await server.tell([
            Self.start(id, pipeline: "page-short"), Self.began(id, "PLANNING_PAGE"),
            Told("job.completed", id, ["attempt": "1"]),
        ])
        try await expect(id, Self.body("completed", completed: ["PLANNING_PAGE"]))
        try await expect(id, Self.unknown)
    }

    @Test("\"TTL eviction cleanup\": one that nobody ends is ended, and then evicted")
    func abandoned() async throws {
        try await server.apply(
            "page", as: "page-left",
            replacing: [
                ("\"finished\": \"1h\", \"abandoned\": \"1h\"", "\"finished\": \"2s\", \"abandoned\": \"1s\"")
            ])
        let id = "left"
        try await server.tell(
            "job.queued", id, ["attempt": "1", "pipeline": "page-left", "attr.flowType": "new-story"])
        try await expect(id, Self.body("running"))
        let failed = try await server.get("/progress/\(id)") { $0["status"]?.string == "failed" }
        #expect(failed["status"]?.string == "failed")
        try await expect(id, Self.unknown)
    }

    // MARK: Presentation-safe

    @Test("\"no prompt text, no model raw outputs, no API credentials\": what is planted comes out nowhere")
    func secrets() async throws {
        let id = "secretive"
        let secret = "PLANTED"
        try await server.tell(
            [
                Told(
                    "job.started", id,
                    [
                        "attempt": "1", "pipeline": "page", "attr.flowType": "new-story", "worker": "w-1",
                        "prompt": "You are \(secret)-1", "apiKey": "sk-\(secret)-2",
                    ]),
                Told(
                    "stage.started", id,
                    [
                        "attempt": "1", "stage": "PLANNING_PAGE", "rawOutput": "\(secret)-3",
                        "model": "\(secret)-4",
                    ]),
                Told(
                    "stage.completed", id,
                    ["attempt": "1", "stage": "PLANNING_PAGE", "checkpoint": #"{"prompt":"\#(secret)-5"}"#]),
                Told("stage.started", id, ["attempt": "1", "stage": "WRITING_OPENING_PAGE"]),
                Told(
                    "job.failed", id,
                    [
                        "attempt": "1", "message": "Please try again.", "stack": "\(secret)-6",
                        "authorization": "Bearer \(secret)-7",
                    ]),
            ], by: .redisPy)
        try await expect(
            id, Self.body("failed", completed: ["PLANNING_PAGE"], failure: "Please try again."))
        for route in [
            "/progress/\(id)", "/v1/jobs/\(id)", "/v1/jobs?ids=\(id)", "/v1/jobs/\(id)/timeline",
            "/v1/pipelines",
            "/metrics", "/",
        ] {
            #expect(!(try await server.get(route).body.contains(secret)), "\(route)")
        }
        let stream = try await EventReader.open(server, "/v1/jobs/\(id)/events")
        _ = try await stream.frames(within: .seconds(5)) { $0.event == "complete" }
        #expect(stream.transcript.contains(id) && !stream.transcript.contains(secret))
        stream.close()
    }
}
