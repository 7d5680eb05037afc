import Foundation
import HeadwayWire
import TestSupport
import Testing

/// Document 1, "Real-Time Story Generation Progress Plan (FastAPI)": a poll with two keys.
@Suite("1 story: GET /stories/{story_id}/status", .serving("story"), .timeLimit(.minutes(2)))
struct StoryContractTests {
    let server = ContractServer.current

    /// "Status values (enum or string)", with n = 1…3.
    static let statuses: Set<String> = [
        "PENDING", "GENERATING_OUTLINE", "GENERATING_REFERENCE_IMAGES", "GENERATING_PAGE_IMAGE_1",
        "GENERATING_PAGE_IMAGE_2", "GENERATING_PAGE_IMAGE_3", "COMPLETE", "FAILED",
    ]

    private static func body(_ status: String, _ message: String) -> String {
        #"{"status":"\#(status)","status_message":"\#(message)"}"#
    }

    /// Polls until the whole body is as wanted.
    private func expect(
        _ story: String, _ status: String, _ message: String, at place: SourceLocation = #_sourceLocation
    ) async throws {
        let body = Self.body(status, message)
        let answer = try await server.get("/stories/\(story)/status") { $0.body == body }
        #expect(answer.body == body, sourceLocation: place)
        #expect(answer.status == 200, sourceLocation: place)
    }

    private static func begun(_ story: String) -> [Told] {
        [
            Told("job.queued", story, ["attempt": "1", "pipeline": "story"]),
            Told("job.started", story, ["attempt": "1"]),
        ]
    }

    private static func page(_ story: String, _ index: Int, of: Int = 3) -> Told {
        Told(
            "stage.started", story,
            ["attempt": "1", "stage": "GENERATING_PAGE_IMAGE", "index": "\(index)", "of": "\(of)"])
    }

    @Test("\"Test that the story's status is updated correctly at each step\"", arguments: Producer.allCases)
    func eachStep(_ producer: Producer) async throws {
        let story = "steps-\(producer)"
        func tell(_ type: String, _ fields: KeyValuePairs<String, String>) async throws {
            try await server.tell([Told(type, story, fields)], by: producer)
        }
        try await tell("job.queued", ["attempt": "1", "pipeline": "story"])
        try await expect(story, "PENDING", "Waiting to start")
        try await tell("job.started", ["attempt": "1"])
        try await expect(story, "PENDING", "Starting")
        try await tell("stage.started", ["attempt": "1", "stage": "GENERATING_OUTLINE"])
        try await expect(story, "GENERATING_OUTLINE", "Generating outline")
        try await tell("stage.started", ["attempt": "1", "stage": "GENERATING_REFERENCE_IMAGES"])
        try await expect(story, "GENERATING_REFERENCE_IMAGES", "Generating reference images")
        for page in 1...3 {
            try await server.tell([Self.page(story, page)], by: producer)
            // For page 2 this is the document's example, to the letter.
            try await expect(story, "GENERATING_PAGE_IMAGE_\(page)", "Generating image for page \(page)")
        }
        try await tell("job.completed", ["attempt": "1", "result": "/stories/7"])
        try await expect(story, "COMPLETE", "Your story is ready")
    }

    @Test("\"Always provide a human-readable message\": the worker's own, or one for every status")
    func messages() async throws {
        let story = "messages"
        try await server.tell(
            Self.begun(story) + [
                Told(
                    "stage.started", story,
                    ["attempt": "1", "stage": "GENERATING_OUTLINE", "message": "Thinking of a hero"])
            ])
        try await expect(story, "GENERATING_OUTLINE", "Thinking of a hero")
        // The next step's default, not the last step's words.
        try await server.tell([Self.page(story, 2)])
        try await expect(story, "GENERATING_PAGE_IMAGE_2", "Generating image for page 2")
        try await server.tell(
            "stage.progressed", story,
            [
                "attempt": "1", "stage": "GENERATING_PAGE_IMAGE", "index": "2", "of": "3", "percent": "10",
                "message": "Inking",
            ])
        try await expect(story, "GENERATING_PAGE_IMAGE_2", "Inking")
        // An empty sentence takes the last one back.
        try await server.tell(
            "stage.progressed", story,
            [
                "attempt": "1", "stage": "GENERATING_PAGE_IMAGE", "index": "2", "of": "3", "percent": "20",
                "message": "",
            ])
        try await expect(story, "GENERATING_PAGE_IMAGE_2", "Generating image for page 2")
    }

    @Test("a page image begun without its number is still one of the documented values")
    func unnumbered() async throws {
        try await server.tell(
            Self.begun("unnumbered") + [
                Told(
                    "stage.started", "unnumbered",
                    ["attempt": "1", "stage": "GENERATING_PAGE_IMAGE", "message": "Painting"])
            ])
        try await expect("unnumbered", "GENERATING_PAGE_IMAGE_1", "Painting")
    }

    static let failures: [(String, [Told])] = [
        ("waiting", []),
        (
            "outline",
            [Told("stage.started", "failed-outline", ["attempt": "1", "stage": "GENERATING_OUTLINE"])]
        ),
        (
            "reference",
            [
                Told(
                    "stage.started", "failed-reference",
                    ["attempt": "1", "stage": "GENERATING_REFERENCE_IMAGES"])
            ]
        ), ("page-1", [page("failed-page-1", 1)]), ("page-3", [page("failed-page-3", 3)]),
    ]

    @Test(
        "\"Test error handling (e.g., status becomes FAILED on exceptions)\": at every step", arguments: 0..<5
    )
    func failure(_ number: Int) async throws {
        let (name, steps) = Self.failures[number]
        let story = "failed-\(name)"
        try await server.tell(
            Self.begun(story) + steps + [
                Told(
                    "job.failed", story,
                    ["attempt": "1", "message": "The image service is down", "code": "images"])
            ])
        try await expect(story, "FAILED", "The image service is down")
    }

    @Test("a failure without words, and a cancelled story, still have a sentence")
    func wordless() async throws {
        try await server.tell(
            Self.begun("wordless") + [Told("job.failed", "wordless", ["attempt": "1", "message": ""])])
        try await expect("wordless", "FAILED", "The story could not be generated")
        try await server.tell(Self.begun("unwanted") + [Told("job.cancelled", "unwanted", ["attempt": "1"])])
        try await expect("unwanted", "FAILED", "The story was cancelled")
    }

    @Test(
        "\"/stories/ should return immediately with the new story ID and initial status\": POST /v1/jobs does"
    )
    func registered() async throws {
        let receipt = try await server.post("/v1/jobs", #"{"pipeline":"story","label":"A fox"}"#)
        #expect(receipt.status == 202)
        #expect(receipt["status"]?.string == "queued")
        let story = try #require(receipt["id"]?.string)
        let token = try #require(receipt["token"]?.string)
        let answer = try await server.get("/stories/\(story)/status?token=\(token)") { $0.status == 200 }
        #expect(answer.body == Self.body("PENDING", "Waiting to start"))
        for wrong in ["", "?token=wrong"] {
            let refused = try await server.get("/stories/\(story)/status\(wrong)")
            #expect(refused.status == 401)
            #expect(refused.body == #"{"detail":"Not authenticated"}"#)
        }
    }

    @Test("a story that nobody knows is 404, in FastAPI's shape; so is a job of another pipeline")
    func unknown() async throws {
        try await server.apply("page", as: "page", replacing: [])
        try await server.tell("job.queued", "no-story", ["attempt": "1", "pipeline": "page"])
        try await server.get("/v1/jobs/no-story") { $0.status == 200 }
        for story in ["nobody", "no-story", "%20", "a/b"] {
            let answer = try await server.get("/stories/\(story)/status")
            #expect(answer.status == 404, "\(story)")
        }
        #expect(try await server.get("/stories/nobody/status").body == #"{"detail":"Story not found"}"#)
        #expect(try await server.get("/stories/no-story/status").body == #"{"detail":"Story not found"}"#)
    }

    @Test(
        "\"Test that polling stops … on COMPLETE or FAILED\": the frontend's loop ends, and shows only documented values",
        arguments: ["COMPLETE", "FAILED"])
    func polling(_ end: String) async throws {
        let story = "polled-\(end)"
        try await server.tell(Self.begun(story))
        async let frontend = poll(story)
        try await server.tell("stage.started", story, ["attempt": "1", "stage": "GENERATING_OUTLINE"])
        try await Task.sleep(for: .milliseconds(150))
        try await server.tell(
            "stage.started", story, ["attempt": "1", "stage": "GENERATING_REFERENCE_IMAGES"])
        for page in 1...3 {
            try await Task.sleep(for: .milliseconds(150))
            try await server.tell([Self.page(story, page)])
        }
        try await Task.sleep(for: .milliseconds(150))
        if end == "COMPLETE" {
            try await server.tell("job.completed", story, ["attempt": "1"])
        } else {
            try await server.tell("job.failed", story, ["attempt": "1", "message": "Out of paint"])
        }
        let seen = try await frontend
        #expect(seen.last?["status"]?.string == end)
        let statuses = seen.compactMap { $0["status"]?.string }
        #expect(statuses.count == seen.count && Self.statuses.isSuperset(of: statuses))
        #expect(statuses.filter { $0 == "COMPLETE" || $0 == "FAILED" }.count == 1)
        #expect(Set(statuses).count >= 4)
        #expect(seen.allSatisfy { $0["status_message"]?.string?.isEmpty == false })
    }

    /// "every 2 seconds", 40 times as fast.
    private func poll(_ story: String) async throws -> [Answer] {
        var seen: [Answer] = []
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            let answer = try await server.get("/stories/\(story)/status")
            if answer.status == 200 { seen.append(answer) }
            if ["COMPLETE", "FAILED"].contains(answer["status"]?.string) { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        return seen
    }

    @Test("a story that failed and is tried again goes through the same values once more")
    func retried() async throws {
        let story = "retried"
        try await server.tell(
            Self.begun(story) + [Told("job.failed", story, ["attempt": "1", "message": "No"])])
        try await expect(story, "FAILED", "No")
        try await server.tell([
            Told("job.started", story, ["attempt": "2"]),
            Told("stage.started", story, ["attempt": "2", "stage": "GENERATING_OUTLINE"]),
        ])
        try await expect(story, "GENERATING_OUTLINE", "Generating outline")
    }
}
