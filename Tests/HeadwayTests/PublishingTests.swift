import HeadwayCore
import TestSupport
import Testing

@testable import Headway

@Suite("Publishing", .timeLimit(.minutes(1)))
struct PublishingTests {
    @Test("a job's life arrives as the documented events, in order, numbered from 1")
    func life() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(
            Article.self, id: "article-42", in: "spring", label: "Forty-two", weight: 3,
            attributes: ["mode": "topic"])
        try await job.run(.research) { stage in
            stage.substep("sources", 1, of: 2)
            stage.report(1, of: 2, "Reading a")
        }
        try await job.run(.writing, message: "Off we go") { stage in
            stage.report(percent: 12.5)
            stage.checkpoint("page 3")
        }
        try await job.complete(result: "clx123")
        try await headway.flush()

        let events = try await scene.said(of: "article-42")
        let source = try #require(events.first?["source"])
        #expect(source.utf8.count == 32)
        var common = ["subject": "article-42", "attempt": "1", "source": source]
        func event(_ id: Int, _ type: String, _ more: [String: String]) -> [String: String] {
            common["id"] = "\(id)"
            common["type"] = type
            return common.merging(more) { $1 }
        }
        #expect(
            events == [
                event(
                    1, "job.started",
                    [
                        "pipeline": "article@1", "bulk": "spring", "label": "Forty-two", "weight": "3",
                        "worker": "w-1",
                        "attr.mode": "topic",
                    ]),
                event(2, "stage.started", ["stage": "research", "stageAttempt": "1"]),
                event(
                    3, "stage.progressed",
                    [
                        "stage": "research", "stageAttempt": "1", "substep": "sources", "done": "1",
                        "total": "2",
                    ]),
                event(
                    4, "stage.progressed",
                    [
                        "stage": "research", "stageAttempt": "1", "done": "1", "total": "2",
                        "message": "Reading a",
                    ]),
                event(5, "stage.completed", ["stage": "research", "stageAttempt": "1"]),
                event(6, "stage.started", ["stage": "writing", "stageAttempt": "1", "message": "Off we go"]),
                event(7, "stage.progressed", ["stage": "writing", "stageAttempt": "1", "percent": "12.5"]),
                event(
                    8, "stage.completed", ["stage": "writing", "stageAttempt": "1", "checkpoint": "page 3"]),
                event(9, "job.completed", ["result": "clx123"]),
            ])
        try await headway.close(within: .milliseconds(200))
    }

    @Test("an enqueuer's words: queued jobs, and a bulk that is opened, sealed and cancelled")
    func enqueuing() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let bulk = try await headway.openBulk("spring", total: 2, label: "Spring issue")
        try await headway.queue(Article.self, id: "a-1", in: "spring", attributes: ["k": "v"])
        try await headway.queue(pipeline: "book", id: "b-1", in: "spring", weight: 5)
        try await headway.requestCancel(job: "b-1", message: "Too dear")
        try await bulk.seal(total: 2)
        try await bulk.cancel()
        try await headway.flush()
        let types = try await scene.said(of: "spring").types
        #expect(types == ["bulk.opened", "bulk.sealed", "bulk.cancelRequested"])
        #expect(try await scene.said(of: "a-1").first?["pipeline"] == "article@1")
        let book = try await scene.said(of: "b-1")
        #expect(book.types == ["job.queued", "job.cancelRequested"])
        #expect(book.first?["pipeline"] == "book")
        #expect(book.first?["weight"] == "5")
        try await headway.close(within: .milliseconds(200))
    }

    @Test("ten thousand reports become a few events, and the last value comes before the stage's completion")
    func coalescing() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(Article.self, id: "a-1")
        try await job.run(.research) { stage in
            for n in 1...10_000 { stage.report(n, of: 10_000, "Line \(n)") }
        }
        try await job.complete()
        try await headway.flush()
        let events = try await scene.said(of: "a-1")
        let ticks = events.filter { $0["type"] == "stage.progressed" }
        #expect(ticks.count <= 20, "\(ticks.count) events")
        #expect(ticks.last?["done"] == "10000")
        #expect(ticks.last?["message"] == "Line 10000")
        #expect(events.types.suffix(3) == ["stage.progressed", "stage.completed", "job.completed"])
        let statistics = headway.statistics
        #expect(statistics.reports == 10_000)
        #expect(statistics.conflated == 10_000 - Int64(ticks.count))
        try await headway.close(within: .milliseconds(200))
    }

    @Test("a stage that goes on reports at most every interval, and what it said last is sent by itself")
    func pacing() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect { $0.tickInterval = .milliseconds(50) }
        let job = try await headway.start(Article.self, id: "a-1")
        let began = ContinuousClock.now
        try await job.run(.research) { stage in
            for n in 1...40 {
                stage.report(n, of: 100)
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try await eventually { try await scene.said(of: "a-1").last?["done"] == "40" })
        }
        let ticks = try await scene.said(of: "a-1").filter { $0["type"] == "stage.progressed" }
        // At least 400 ms; a busy machine sleeps longer.
        let most = Int((ContinuousClock.now - began) / .milliseconds(50)) + 3
        #expect(3...most ~= ticks.count, "\(ticks.count) events")
        try await headway.close(within: .milliseconds(200))
    }

    @Test("pages of an indexed stage say which of how many")
    func indexed() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(Book.self, id: "b-1")
        for page in 1...3 {
            try await job.run(.page, index: page, of: 3) { $0.report(1, of: 1) }
        }
        try await job.complete()
        try await headway.flush()
        let starts = try await scene.said(of: "b-1").filter { $0["type"] == "stage.started" }
        #expect(starts.map { $0["index"] } == ["1", "2", "3"])
        #expect(starts.allSatisfy { $0["of"] == "3" && $0["stageAttempt"] == "1" })
        try await headway.close(within: .milliseconds(200))
    }

    @Test(
        "reports outside their bounds are brought back into them, and those behind the last are only messages"
    )
    func bounds() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(Article.self, id: "a-1")
        try await job.run(.research) { stage in
            stage.report(9, of: 5)
            stage.report(-1, of: 5, "Back?")
            stage.report(percent: .nan)
            stage.substep("not a name", 1, of: 2)
        }
        try await headway.flush()
        let ticks = try await scene.said(of: "a-1").filter { $0["type"] == "stage.progressed" }
        // One tick, or several where the machine was slow between the reports.
        #expect(ticks.last?["done"] == "5" && ticks.last?["total"] == "5")
        #expect(ticks.contains { $0["message"] == "Back?" })
        #expect(ticks.allSatisfy { $0["substep"] == nil })
        #expect(headway.statistics.corrected >= 3)
        try await headway.close(within: .milliseconds(200))
    }

    private struct Busy: PublicError {
        var publicMessage: String { "The writing service is busy." }
        var publicCode: String? { "rate_limited" }
    }

    private struct Secret: Error { var query = "SELECT password" }

    @Test("an error thrown in a stage fails the job with public words only, and is rethrown")
    func failing() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let busy = try await headway.start(Article.self, id: "a-1")
        await #expect(throws: Busy.self) {
            try await busy.run(.writing) { stage in
                stage.report(3, of: 4)
                throw Busy()
            }
        }
        let secret = try await headway.start(Article.self, id: "a-2")
        await #expect(throws: Secret.self) { try await secret.run(.writing) { _ in throw Secret() } }
        try await headway.flush()
        let first = try await scene.said(of: "a-1")
        #expect(first.types == ["job.started", "stage.started", "stage.progressed", "job.failed"])
        #expect(first.last?["message"] == "The writing service is busy.")
        #expect(first.last?["code"] == "rate_limited" && first.last?["stage"] == "writing")
        let second = try await scene.said(of: "a-2").last
        #expect(second?["message"] == "Writing failed." && second?["code"] == "Secret")

        try await busy.fail("Once more", code: "other")
        let error = await #expect(throws: HeadwayError.self) { try await busy.complete() }
        #expect(error?.code == .ended)
        try await headway.flush()
        #expect(try await scene.said(of: "a-1").count == 4)
        try await headway.close(within: .milliseconds(200))
    }

    @Test("a stage whose error the caller keeps can be tried again, under a higher stage attempt")
    func retrying() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(Article.self, id: "a-1")
        await #expect(throws: Busy.self) {
            try await job.run(.writing, onError: .rethrowOnly) { stage in
                stage.report(3, of: 4)
                throw Busy()
            }
        }
        try await job.run(.writing) { $0.report(1, of: 4) }
        try await job.complete()
        try await headway.flush()
        let events = try await scene.said(of: "a-1")
        #expect(
            events.map { "\($0["type"] ?? "") \($0["stageAttempt"] ?? "")" } == [
                "job.started ", "stage.started 1", "stage.progressed 1", "stage.started 2",
                "stage.progressed 2",
                "stage.completed 2", "job.completed ",
            ])
        try await headway.close(within: .milliseconds(200))
    }
}
