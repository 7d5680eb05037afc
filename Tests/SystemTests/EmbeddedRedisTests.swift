import Glibc
import Redis
import Testing
import TestSupport

@testable import HeadwayCLI

@Suite("Embedded Redis", .timeLimit(.minutes(2)))
struct EmbeddedRedisTests {
    @Test("outlives a killed headway, is adopted by the next one with all it holds, and is never doubled")
    func adoption() async throws {
        let directory = ScratchDirectory()
        var up: HeadwayUp? = try await HeadwayUp.start(in: directory)
        let first = try #require(up?.redis)
        let published = try await up?.run("publish", "job.started", "j1", "pipeline=none")
        #expect(published?.code == 0)

        up?.running.signal(SIGKILL)
        #expect(await up?.running.end() == 137)
        #expect(kill(first, 0) == 0)
        let running = try await HeadwayBinary.start([
            "up", "--state", directory.file("state"), "--listen", "127.0.0.1:0", "--lease", "1s",
        ])
        #expect(await eventually(within: .seconds(15)) { running.output.contains("Stop it with") })
        #expect(running.error.contains("adopted, it was still alive pid=\(first)"))
        #expect(up?.redis == first)
        #expect(Self.servers(in: up?.state ?? "") == [first])

        running.signal(SIGTERM)
        #expect(await running.end() == 0)
        #expect(Self.servers(in: up?.state ?? "") == [])
        up = nil
    }

    @Test("a second headway on the same directory is told who has it")
    func doubled() async throws {
        let up = try await HeadwayUp.start()
        let second = try await up.run("up", "--listen", "127.0.0.1:0")
        #expect(second.code == 1)
        #expect(second.error.contains("another headway (process \(up.running.pid)) runs on"))
        #expect(second.error.contains("--state DIR"))
        #expect(Self.servers(in: up.state).count == 1)
    }

    @Test("is started again when it dies, with all that it had acknowledged")
    func revival() async throws {
        let up = try await HeadwayUp.start()
        #expect(try await up.run("pipelines", "apply", Self.pipeline()).code == 0)
        #expect(try await up.run("publish", "job.started", "j1", "pipeline=plain").code == 0)
        let first = try #require(up.redis)
        kill(first, SIGKILL)
        #expect(await eventually(within: .seconds(10)) { up.redis.map { $0 != first } ?? false })
        #expect(
            await eventually(within: .seconds(15)) {
                (try? await up.run("status", "j1").output.contains("running")) ?? false
            })
        #expect(up.running.error.contains("killed by SIGKILL; starting it again"))
    }

    @Test("is ready soon, and SIGTERM takes everything down in order")
    func speed() async throws {
        let start = ContinuousClock.now
        let up = try await HeadwayUp.start()
        let took = ContinuousClock.now - start
        // Generous: the machine also runs other tests. What is reached is in the report of `make latency`.
        #expect(took < .seconds(5) * Patience.factor)
        let redis = try #require(up.redis)
        up.running.signal(SIGTERM)
        #expect(await up.running.end() == 0)
        #expect(kill(redis, 0) == -1)
        #expect(up.running.error.contains("draining"))
        #expect(up.running.error.hasSuffix("stopped\n"))
    }

    @Test("a ^C reaches headway and not its Redis")
    func session() async throws {
        let up = try await HeadwayUp.start()
        let redis = try #require(up.redis)
        #expect(getsid(redis) == redis)
        #expect(getsid(redis) != getsid(up.running.pid))
    }

    @Test("without a redis-server there is a sentence that says what to install")
    func missing() async throws {
        let directory = ScratchDirectory()
        let outcome = try await HeadwayBinary.start(
            ["up", "--state", directory.file("s"), "--listen", "127.0.0.1:0"],
            through: ["env", "PATH=/nonexistent", HeadwayBinary.path, "up", "--state", directory.file("s")]
        )
        #expect(await outcome.end() == 1)
        #expect(outcome.error.contains("redis-server is not installed"))
        #expect(outcome.error.contains("apt-get install redis-server, or give --redis URL"))
    }

    @Test("a state directory too deep for a socket gets one elsewhere, always the same")
    func deep() throws {
        let deep = StateDirectory(path: "/tmp/" + String(repeating: "d", count: 120))
        let socket = try deep.socketPath()
        #expect(socket.utf8.count <= 107)
        #expect(try deep.socketPath() == socket)
        #expect(try StateDirectory(path: deep.path + "x").socketPath() != socket)
        #expect(try StateDirectory(path: "/tmp/short").socketPath() == "/tmp/short/redis.sock")
    }

    @Test("the URL of a socket survives being read again", arguments: ["/a/b.sock", "/with space/ü?#%.sock"])
    func url(path: String) throws {
        #expect(try RedisChoice(url: RedisURL.unix(path)).endpoint.address == .unix(path: path))
    }

    static func servers(in state: String) -> [pid_t] {
        let path = FileAccess.realPath(state) ?? state
        return ((try? FileAccess.names(in: "/proc")) ?? []).compactMap { pid_t($0) }
            .filter { RunningRedis.isRedis($0, in: path) }
    }

    /// A pipeline of one stage, in a file.
    static func pipeline() throws -> String {
        let path = "/tmp/headway-system-test-plain.json"
        try FileAccess.write(
            #"{"name": "plain", "stages": [{"id": "work", "label": "Working", "range": [0, 100]}]}"#, to: path
        )
        return path
    }
}
