import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Headway

@Suite("Connecting", .timeLimit(.minutes(1)))
struct ConnectingTests {
    @Test("a URL that cannot be used says why")
    func badURL() async throws {
        let error = await #expect(throws: HeadwayError.self) {
            _ = try await Headway.connect("localhost:6379")
        }
        #expect(error?.code == .badURL)
        #expect(error?.description.contains("redis://127.0.0.1:6379") == true)
    }

    @Test("a server that is not there is said after the time given, and can be tried again")
    func unreachable() async throws {
        var options = Headway.Options()
        options.connectTimeout = .milliseconds(100)
        let error = await #expect(throws: HeadwayError.self) {
            _ = try await Headway.connect("unix:///tmp/no-such-headway.sock", options: options)
        }
        #expect(error?.code == .unreachable)
        #expect(error?.isRetryable == true)
        #expect(error?.description.contains("/tmp/no-such-headway.sock") == true)
    }

    @Test(
        "whatever breaks before the namespace is agreed is tried again within the time given",
        arguments: [1, 100, 200])
    func brokenOnTheWay(bytes: Int) async throws {
        let scene = try await Scene.open()
        let proxy = CuttingProxy(to: scene.server.socketPath)
        defer { proxy.shutDown() }
        proxy.cut(after: bytes)
        var options = Headway.Options()
        options.connectTimeout = .seconds(20)
        let headway = try await Headway.connect(proxy.url, options: options)
        #expect(proxy.cuts == 1)
        try await headway.close(within: .seconds(5))
    }

    @Test("a wrong password is said at once, without the password")
    func wrongPassword() async throws {
        let scene = try await Scene.open(password: "open-sesame")
        let url = "unix://\(scene.server.socketPath)?password=guess"
        let begun = ContinuousClock.now
        let error = await #expect(throws: HeadwayError.self) { _ = try await Headway.connect(url) }
        #expect(ContinuousClock.now - begun < .seconds(2))
        #expect(error?.code == .denied)
        #expect(error?.description.contains("guess") == false)
        #expect(error?.description.contains("correct them in the URL") == true)
    }

    @Test("the first to use a namespace fixes its partitions; a later wish counts for nothing")
    func partitions() async throws {
        let scene = try await Scene.open()
        let first = try await scene.connect {
            $0.namespace = "other"
            $0.partitions = 3
        }
        let second = try await scene.connect {
            $0.namespace = "other"
            $0.partitions = 5
        }
        #expect(first.keyspace.partitions == 3)
        #expect(second.keyspace == first.keyspace)
        try await first.close(within: .milliseconds(100))
        try await second.close(within: .milliseconds(100))
    }

    @Test("a namespace of a later version is left alone")
    func laterWire() async throws {
        let scene = try await Scene.open()
        try await scene.redis("HSET", scene.keyspace.config, "partitions", "8", "wire", "2")
        let error = await #expect(throws: HeadwayError.self) { _ = try await scene.connect() }
        #expect(error?.code == .unfit)
        #expect(error?.description.contains("update it") == true)
    }

    @Test("close waits for the mark and then takes its source away")
    func closing() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(Article.self, id: "a-1")
        try await job.complete()
        let applying = Task {
            try await Task.sleep(for: .milliseconds(150))
            try await scene.applyAll()
        }
        let begun = ContinuousClock.now
        try await headway.close(within: .seconds(5))
        #expect(ContinuousClock.now - begun < .seconds(2))
        try await applying.value
        let partition = scene.keyspace.partition(of: JobID(unchecked: "a-1"))
        #expect(try await scene.redis("HLEN", scene.keyspace.sources(partition)).integer == 0)
        let error = await #expect(throws: HeadwayError.self) {
            _ = try await headway.start(Article.self, id: "a-2")
        }
        #expect(error?.code == .closed)
        try await headway.close()
    }

    @Test("without an aggregator close gives up after its time, and leaves the events and no error")
    func closingAlone() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        try await headway.queue(Article.self, id: "a-1")
        try await headway.close(within: .milliseconds(100))
        #expect(try await scene.said(of: "a-1").count == 1)
    }

    @Test("close says what did not get to Redis")
    func closingAway() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        await scene.server.kill()
        try await headway.queue(Article.self, id: "a-1")
        let error = await #expect(throws: HeadwayError.self) {
            try await headway.close(within: .milliseconds(100))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.description.contains("1 events") == true)
    }
}
