import Glibc
import HeadwayCore
import TestSupport
import Testing

@testable import Headway

@Suite("Heartbeats", .timeLimit(.minutes(1)), .serialized)
struct HeartbeatTests {
    private func beats(_ scene: Scene, _ id: String) async throws -> Int {
        try await scene.said(of: id).filter { $0["type"] == "job.heartbeat" }.count
    }

    @Test("a job beats while its worker blocks every thread that Swift has")
    func blocked() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect { $0.defaultHeartbeat = .milliseconds(40) }
        let job = try await headway.start(Article.self, id: "a-1")
        try await job.run(.research) { _ in
            await withTaskGroup(of: Void.self) { group in
                // More than there are threads in the pool.
                for _ in 0..<24 { group.addTask { usleep(20_000) } }
            }
        }
        let beats = try await scene.said(of: "a-1").filter { $0["type"] == "job.heartbeat" }
        #expect(beats.count >= 3)
        #expect(beats.allSatisfy { $0["worker"] == "w-1" && $0["attempt"] == "1" && $0["id"] == nil })
        try await job.complete()
        try await headway.flush()
        let ended = try await self.beats(scene, "a-1")
        try await Task.sleep(for: .milliseconds(250))
        #expect(try await self.beats(scene, "a-1") == ended, "it beats after its end")
        try await headway.close(within: .milliseconds(100))
    }

    @Test("a job that speaks anyway needs no beat")
    func speaking() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect {
            $0.defaultHeartbeat = .milliseconds(600)
            $0.tickInterval = .milliseconds(20)
        }
        let job = try await headway.start(Article.self, id: "a-1")
        try await job.run(.research) { stage in
            for n in 1...50 {
                stage.report(n, of: 50)
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try await headway.flush()
        #expect(try await beats(scene, "a-1") == 0)
        try await headway.close(within: .milliseconds(100))
    }

    @Test("a job whose last handle is gone stops beating, so that it is noticed as lost")
    func dropped() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect { $0.defaultHeartbeat = .milliseconds(50) }
        do {
            let job = try await headway.start(Article.self, id: "a-1")
            #expect(headway.statistics.openJobs == 1)
            _ = job.id
        }
        #expect(headway.statistics.openJobs == 0)
        try await headway.flush()
        try await Task.sleep(for: .milliseconds(200))
        #expect(try await beats(scene, "a-1") == 0)
        try await headway.close(within: .milliseconds(100))
    }

    @Test("the pipeline's definition says how often")
    func interval() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(Article.self, id: "a-1")
        #expect(try await eventually { try await self.beats(scene, "a-1") == 1 })
        try await job.complete()
        try await headway.close(within: .milliseconds(100))
    }

    @Test("after an outage the open jobs say first that they live, before anything is sent again")
    func first() async throws {
        let scene = try await Scene.open(appendOnly: .always)
        let headway = try await scene.connect { $0.defaultHeartbeat = .seconds(60) }
        let job = try await headway.start(Article.self, id: "a-1")
        try await headway.flush()
        try await scene.applyAll()
        #expect(await eventually { headway.statistics.unapplied == 0 })
        await scene.server.kill()
        try await job.run(.research) { $0.report(1, of: 1) }
        try await scene.server.restart()
        try await headway.flush()
        let types = try await scene.said(of: "a-1").types
        #expect(
            types == ["job.started", "job.heartbeat", "stage.started", "stage.progressed", "stage.completed"])
        try await headway.close(within: .milliseconds(100))
    }
}
