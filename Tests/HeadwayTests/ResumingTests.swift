import HeadwayCore
import TestSupport
import Testing

@testable import Headway

@Suite("Resuming", .timeLimit(.minutes(1)))
struct ResumingTests {
    @Test("a worker that takes over gets the completed stages and the checkpoint, and its stages count on")
    func takeOver() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        #expect(try await headway.resume("a-1") == nil)
        do {
            let job = try await headway.start(Article.self, id: "a-1")
            try await job.run(.research) { $0.checkpoint("source 7") }
            try? await job.run(.writing, onError: .rethrowOnly) { stage in
                stage.report(3, of: 4)
                throw CancellationError()
            }
            try await headway.flush()
            try await scene.fold("a-1")
        }
        let past = try #require(try await headway.resume("a-1"))
        #expect(past.status == .running && past.attempt == 1 && past.stage == "writing")
        #expect(past.completedStages == ["research"])
        #expect(past.hasCompleted(Article.Stage.research) && !past.hasCompleted(Article.Stage.seo))
        #expect(past.checkpoint == "source 7")

        let job = try await headway.start(Article.self, id: "a-1")
        #expect(job.attempt == 1)
        try await job.run(.writing) { $0.report(1, of: 4) }
        try await job.complete()
        try await headway.flush()
        let again = try await scene.said(of: "a-1").last { $0["type"] == "stage.started" }
        #expect(again?["stage"] == "writing" && again?["stageAttempt"] == "2")
        try await headway.close(within: .milliseconds(100))
    }

    @Test("a failed job is tried again as often as its pipeline allows, and then said to be over")
    func attempts() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let first = try await headway.start(Article.self, id: "a-1")
        try await first.fail("No")
        try await headway.flush()
        try await scene.fold("a-1")
        let second = try await headway.start(Article.self, id: "a-1")
        #expect(second.attempt == 2)
        try await second.fail("No")
        try await headway.flush()
        try await scene.fold("a-1")
        let error = await #expect(throws: HeadwayError.self) {
            _ = try await headway.start(Article.self, id: "a-1")
        }
        #expect(error?.code == .ended)
        #expect(error?.description.contains("attempt 2 of 2") == true)
        #expect(error?.description.contains("maxAttempts") == true)
        try await headway.close(within: .milliseconds(100))
    }

    @Test("a start does not wait for a Redis that is away")
    func away() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        await scene.server.kill()
        #expect(await eventually { !headway.statistics.isConnected })
        let begun = ContinuousClock.now
        let job = try await headway.start(Article.self, id: "a-1")
        #expect(ContinuousClock.now - begun < .milliseconds(500))
        #expect(job.attempt == 1)
        let error = await #expect(throws: HeadwayError.self) {
            var options = scene.options()
            options.connectTimeout = .milliseconds(50)
            _ = try await Headway.connect(scene.server.endpointURL, options: options)
        }
        #expect(error?.code == .unreachable)
        try? await headway.close(within: .milliseconds(50))
    }
}
