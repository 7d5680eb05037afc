import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import Headway

@Suite("Cancellation", .timeLimit(.minutes(1)))
struct CancellationTests {
    @Test(
        "a cancel that the aggregator noted is noticed within about a second, and ends the job as cancelled")
    func job() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(Article.self, id: "a-1")
        try await headway.requestCancel(job: "a-1")
        try await headway.flush()
        try await scene.fold("a-1")
        let begun = ContinuousClock.now
        await #expect(throws: CancellationError.self) {
            try await job.run(.research) { stage in
                while true {
                    try stage.checkCancellation()
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
        }
        #expect(ContinuousClock.now - begun < .milliseconds(1_500))
        #expect(job.isCancelled)
        #expect(throws: CancellationError.self) { try job.checkCancellation() }
        try await headway.flush()
        #expect(try await scene.said(of: "a-1").types.last == "job.cancelled")
        try await headway.close(within: .milliseconds(100))
    }

    @Test("a cancel of an earlier attempt is not taken for one of the retry, whose start is still on its way")
    func earlierAttempt() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect { $0.lookInterval = .milliseconds(20) }
        let first = try await headway.start(Article.self, id: "a-1")
        try await headway.requestCancel(job: "a-1")
        try await headway.flush()
        try await scene.fold("a-1")
        #expect(await eventually { first.isCancelled })
        let second = try await headway.start(Article.self, id: "a-1", attempt: 2)
        try await headway.flush()
        try await Task.sleep(for: .milliseconds(200))
        #expect(!second.isCancelled)
        try await headway.close(within: .milliseconds(100))
    }

    @Test("a bulk that is being cancelled cancels its running jobs")
    func bulk() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect { $0.lookInterval = .milliseconds(50) }
        let inside = try await headway.start(Article.self, id: "a-1", in: "spring")
        let outside = try await headway.start(Article.self, id: "a-1x", in: "autumn")
        let partition = scene.keyspace.partition(of: JobID(unchecked: "a-1"))
        try await scene.redis(
            "HSET", scene.keyspace.bulk(partition, BulkID(unchecked: "spring")), "cancelling", "1")
        #expect(await eventually { inside.isCancelled })
        #expect(!outside.isCancelled)
        try await headway.close(within: .milliseconds(100))
    }

    @Test("a task that is cancelled though nobody cancelled the job fails it as stopped")
    func task() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(Article.self, id: "a-1")
        let task = Task { try await job.run(.research) { _ in try await Task.sleep(for: .seconds(60)) } }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await headway.flush()
        let last = try await scene.said(of: "a-1").last
        #expect(last?["type"] == "job.failed" && last?["code"] == "worker_stopped")
        try await headway.close(within: .milliseconds(100))
    }
}
