import EventLoop
import Redis
import TestSupport
import Testing

@Suite("RedisClient", .timeLimit(.minutes(1)))
struct RedisClientTests {
    /// Draws the longest wait there is.
    struct Longest: RandomNumberGenerator { func next() -> UInt64 { .max } }

    static let quick = Backoff(base: .milliseconds(5), cap: .milliseconds(50))

    @Test("connects on first use, once for all who ask at the same time")
    func firstUse() async throws {
        try await withServer { server, redis in
            let client = RedisClient(server.endpoint, on: loop, name: "shared")
            try await withThrowingTaskGroup(of: RESPValue.self) { group in
                for number in 0..<50 { group.addTask { try await client.send("ECHO", "\(number)") } }
                var seen = Set<Int>()
                for try await value in group { seen.insert(value.number ?? -1) }
                #expect(seen == Set(0..<50))
            }
            let list = try await redis.send("CLIENT", "LIST").string ?? ""
            #expect(list.split(separator: "\n").filter { $0.contains("name=shared") }.count == 1)
            await client.close()
            let error = await #expect(throws: RedisError.self) { try await client.send("PING") }
            #expect(error?.code == .closed)
        }
    }

    @Test("comes back after the server was killed; what was under way is not repeated")
    func reconnects() async throws {
        let server = try await RedisServer.start(appendOnly: .always)
        let client = RedisClient(server.endpoint, on: loop, backoff: Self.quick)
        _ = try await client.send("SET", "k", "v")
        async let waiting = outcome { try await client.send("BLPOP", "q", "0", deadline: .seconds(20)) }
        try await waitUntilBlocked(on: server)
        await server.kill()
        let result = await waiting
        let lost = #expect(throws: RedisError.self) { try result.get() }
        #expect(lost?.outcome == .unknown)

        let down = await outcome { try await client.send("GET", "k") }
        let refused = #expect(throws: RedisError.self) { try down.get() }
        #expect(refused?.code == .unreachable)
        #expect(refused?.outcome == .refused)

        try await server.restart()
        #expect(await eventually { (try? await client.send("GET", "k").string) == "v" })
        await client.close()
    }

    @Test("fails fast while it backs off, with the last cause")
    func failsFast() async throws {
        let scratch = ScratchDirectory()
        let client = RedisClient(
            RedisEndpoint(.unix(path: scratch.file("none"))), on: loop,
            backoff: Backoff(base: .seconds(60), cap: .seconds(60)), random: Longest())
        _ = await outcome { try await client.send("PING") }
        for _ in 0..<100 {
            let result = await outcome { try await client.send("XADD", "k", "secret") }
            let error = #expect(throws: RedisError.self) { try result.get() }
            #expect(error?.code == .unreachable)
            #expect(error?.detail.contains("next attempt in 5") == true)
            #expect(error?.detail.contains("No such file") == true)
            #expect(error?.command == "XADD")
        }
        await client.close()
    }

    @Test("waits for the server when told to, as long as the deadline allows")
    func waits() async throws {
        let server = try await RedisServer.start()
        await server.kill()
        let client = RedisClient(server.endpoint, on: loop, whenDown: .wait, backoff: Self.quick)
        let started = ContinuousClock.now
        let early = await outcome { try await client.send("PING", deadline: .milliseconds(200)) }
        let error = #expect(throws: RedisError.self) { try early.get() }
        #expect(error?.outcome == .refused)
        #expect(.milliseconds(190)...(.seconds(8)) ~= started.duration(to: .now))

        async let patient = outcome { try await client.send("PING", deadline: .seconds(10)) }
        try await server.restart()
        #expect(try await patient.get().string == "PONG")
        await client.close()
    }

    @Test("a wrong password is said at once, even to those who would wait")
    func wrongPassword() async throws {
        let server = try await RedisServer.start(password: "right")
        var endpoint = server.endpoint
        endpoint.password = "wrong"
        let client = RedisClient(endpoint, on: loop, whenDown: .wait)
        for _ in 0..<3 {
            let result = await outcome { try await client.send("PING", deadline: .seconds(20)) }
            let error = #expect(throws: RedisError.self) { try result.get() }
            #expect(error?.code == .authenticationFailed)
        }
        await client.close()
    }

    @Test("a stopped server costs one timeout, then calls fail fast, and it recovers")
    func stopped() async throws {
        let server = try await RedisServer.start()
        let client = RedisClient(
            server.endpoint, on: loop, backoff: Self.quick, connectTimeout: .seconds(1))
        _ = try await client.send("PING")
        server.pause()
        let result = await outcome { try await client.send("PING", deadline: .milliseconds(500)) }
        let error = #expect(throws: RedisError.self) { try result.get() }
        #expect(error?.code == .timedOut)
        server.resume()
        #expect(await eventually { (try? await client.send("PING")) != nil })
        await client.close()
    }
}
