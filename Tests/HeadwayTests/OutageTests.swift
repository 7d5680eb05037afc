import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import Headway

@Suite("Outages", .timeLimit(.minutes(1)), .serialized)
struct OutageTests {
    /// A worker that ticks through three stages.
    private func work(_ headway: Headway, _ id: String, ticks: Int = 40, pause: Duration = .milliseconds(5))
        async throws
    {
        let job = try await headway.start(Article.self, id: id)
        for stage in Article.Stage.allCases {
            try await job.run(stage) { handle in
                for n in 1...ticks {
                    handle.report(n, of: ticks)
                    try await Task.sleep(for: pause)
                }
            }
        }
        try await job.complete()
    }

    private static let lifecycle = [
        "job.started", "stage.started", "stage.completed", "stage.started", "stage.completed",
        "stage.started",
        "stage.completed", "job.completed",
    ]

    private func expectWhole(_ scene: Scene, _ id: String) async throws {
        let (events, isExact) = try await scene.heard(of: id)
        #expect(isExact, "a gap in front of \(id)")
        #expect(events.types.filter { $0 != "stage.progressed" } == Self.lifecycle, "\(id)")
        for stage in Article.Stage.allCases {
            let last = events.last { $0["type"] == "stage.progressed" && $0["stage"] == stage.rawValue }
            #expect(last?["done"] == last?["total"] && last != nil, "the last value of \(stage) in \(id)")
        }
    }

    @Test(
        "Redis killed and started again in mid-run: no worker notices, nothing is missing, each event counts once"
    )
    func killed() async throws {
        let scene = try await Scene.open(appendOnly: .always)
        let headway = try await scene.connect()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for n in 0..<6 { group.addTask { try await work(headway, "a-\(n)") } }
            group.addTask {
                for _ in 0..<3 {
                    try await Task.sleep(for: .milliseconds(120))
                    await scene.server.kill()
                    try await scene.server.restart()
                }
            }
            try await group.waitForAll()
        }
        try await headway.flush(within: .seconds(10))
        for n in 0..<6 { try await expectWhole(scene, "a-\(n)") }
        #expect(headway.statistics.connections > 1)
        #expect(headway.statistics.resent > 0)
        try await scene.applyAll()
        try await headway.close()
    }

    @Test("Redis stopped in its tracks: the same")
    func stopped() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect { $0.replyTimeout = .milliseconds(200) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for n in 0..<4 { group.addTask { try await work(headway, "a-\(n)") } }
            group.addTask {
                try await Task.sleep(for: .milliseconds(150))
                scene.server.pause()
                try await Task.sleep(for: .milliseconds(800))
                scene.server.resume()
            }
            try await group.waitForAll()
        }
        try await headway.flush(within: .seconds(10))
        for n in 0..<4 { try await expectWhole(scene, "a-\(n)") }
        try await scene.applyAll()
        try await headway.close()
    }

    @Test("a reply lost after its command was executed: the copies carry the same number")
    func cut() async throws {
        let scene = try await Scene.open()
        let proxy = CuttingProxy(to: scene.server.socketPath)
        let headway = try await Headway.connect(proxy.url, options: scene.options())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for n in 0..<4 { group.addTask { try await work(headway, "a-\(n)") } }
            group.addTask {
                for _ in 0..<8 {
                    try await Task.sleep(for: .milliseconds(50))
                    proxy.cut(after: 100)
                }
            }
            try await group.waitForAll()
        }
        try await headway.flush(within: .seconds(10))
        #expect(proxy.cuts >= 3)
        var copies = 0
        for n in 0..<4 {
            try await expectWhole(scene, "a-\(n)")
            var seen: [String: Scene.Fields] = [:]
            for fields in try await scene.said(of: "a-\(n)") {
                guard let id = fields["id"] else { continue }
                if let first = seen[id] {
                    copies += 1
                    #expect(first == fields, "two events under one number")
                }
                seen[id] = fields
            }
        }
        #expect(copies > 0, "no cut fell between an execution and its reply")
        try await scene.applyAll()
        try await headway.close()
        proxy.shutDown()
    }

    @Test("a full Redis refuses: nothing is skipped, and all of it comes in order when there is room again")
    func full() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        try await scene.redis("CONFIG", "SET", "maxmemory", "1")
        try await work(headway, "a-1", ticks: 5)
        #expect(await eventually { headway.statistics.refused > 0 })
        #expect(try await scene.said(of: "a-1").isEmpty)
        let error = await #expect(throws: HeadwayError.self) {
            try await headway.flush(within: .milliseconds(50))
        }
        #expect(error?.code == .timedOut)
        try await scene.redis("CONFIG", "SET", "maxmemory", "0")
        try await headway.flush(within: .seconds(5))
        try await expectWhole(scene, "a-1")
        #expect(headway.statistics.connections == 1)
        try await headway.close(within: .milliseconds(100))
    }

    @Test(
        "a partition that needs a person keeps its events and says so; the others go on; mended, all is there"
    )
    func parked() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect { $0.parking = .milliseconds(100) }
        let broken = scene.keyspace.partition(of: JobID(unchecked: "a-1"))
        let other = try #require(
            (2...50).first { scene.keyspace.partition(of: JobID(unchecked: "a-\($0)")) != broken })
        try await scene.redis("SET", scene.keyspace.events(broken), "somebody else's")
        try await work(headway, "a-1", ticks: 3)
        try await work(headway, "a-\(other)", ticks: 3)
        #expect(await eventually { headway.statistics.fault != nil })
        let error = await #expect(throws: HeadwayError.self) { try await headway.flush() }
        #expect(error?.code == .unfit)
        #expect(error?.description.contains("WRONGTYPE") == true)
        #expect(error?.description.contains("something else using this namespace") == true)
        #expect(
            try await eventually {
                try await scene.heard(of: "a-\(other)").events.types.last == "job.completed"
            })
        try await scene.redis("DEL", scene.keyspace.events(broken))
        #expect(await eventually { headway.statistics.unacknowledged == 0 })
        try await expectWhole(scene, "a-1")
        #expect(headway.statistics.fault == nil)
        try await headway.close(within: .milliseconds(100))
    }

    @Test("at the bound a lifecycle call waits and a tick does not; both are there when Redis is back")
    func bound() async throws {
        let scene = try await Scene.open(appendOnly: .always)
        let headway = try await scene.connect { $0.bufferLimit = 64 << 10 }
        let job = try await headway.start(Article.self, id: "a-0")
        try await headway.flush()
        await scene.server.kill()
        #expect(await eventually { !headway.statistics.isConnected })

        let filling = Task {
            for n in 1...400 { try await headway.queue(Article.self, id: "a-\(n)") }
            try await job.run(.research) { stage in
                let clock = ContinuousClock()
                let took = clock.measure { for n in 1...1_000 { stage.report(n, of: 1_000) } }
                #expect(took < .milliseconds(200), "\(took)")
            }
            try await job.complete()
        }
        #expect(await eventually { headway.statistics.waits > 0 })
        let statistics = headway.statistics
        #expect(statistics.bufferedBytes <= 64 << 10)
        #expect(statistics.bufferedBytes > 48 << 10)
        try await scene.server.restart()
        // Room comes only as an aggregator applies what is there.
        let applying = Task {
            while !Task.isCancelled {
                try await scene.applyAll()
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try await filling.value
        try await headway.flush(within: .seconds(10))
        applying.cancel()
        let (events, isExact) = try await scene.heard(of: "a-0")
        #expect(isExact)
        let told = events.filter { $0["type"] != "stage.progressed" || $0["done"] == "1000" }
        #expect(
            told.types == [
                "job.started", "stage.started", "stage.progressed", "stage.completed", "job.completed",
            ])
        for n in 1...400 { #expect(try await scene.heard(of: "a-\(n)").events.count == 1) }
        #expect(headway.statistics.evicted > 0)
        try await headway.close(within: .milliseconds(100))
    }

    @Test("too many unapplied events are held back until an aggregator applies them")
    func holdBack() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect {
            $0.holdBack = 3
            $0.lookInterval = .milliseconds(20)
        }
        try await work(headway, "a-1", ticks: 1, pause: .zero)
        #expect(await eventually { headway.statistics.heldBack > 0 && headway.statistics.sent == 3 })
        #expect(try await scene.said(of: "a-1").count == 3)
        #expect(
            try await eventually {
                try await scene.applyAll()
                return headway.statistics.unapplied == 0
            })
        try await expectWhole(scene, "a-1")
        try await headway.close()
    }

    @Test("a cancelled task stops waiting for room; the end of a job does not")
    func cancelledWait() async throws {
        let scene = try await Scene.open(appendOnly: .always)
        let headway = try await scene.connect { $0.bufferLimit = 16 << 10 }
        let job = try await headway.start(Article.self, id: "a-0")
        try await headway.flush()
        await scene.server.kill()
        let filling = Task { for n in 1...400 { try await headway.queue(Article.self, id: "a-\(n)") } }
        #expect(await eventually { headway.statistics.waits == 1 })
        let ending = Task { try await job.complete() }
        #expect(await eventually { headway.statistics.waits == 2 })
        filling.cancel()
        ending.cancel()
        await #expect(throws: CancellationError.self) { try await filling.value }
        let error = await #expect(throws: HeadwayError.self) {
            try await headway.close(within: .milliseconds(50))
        }
        #expect(error?.code == .timedOut)
        let last = await #expect(throws: HeadwayError.self) { try await ending.value }
        #expect(last?.code == .closed)
    }
}
