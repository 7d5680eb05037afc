import EventLoop
import Redis
import TestSupport
import Testing

@Suite("RedisSubscriber", .timeLimit(.minutes(1)))
struct RedisSubscriberTests {
    /// What a subscriber has said, in words.
    final class Notes: Sendable {
        let lines = Box<[String]>([])

        var note: @Sendable (RedisSubscriber.Event) -> Void {
            { [lines] event in
                precondition(loop.isOnLoop)
                let line =
                    switch event {
                    case .subscribed(let channel): "subscribed \(channel)"
                    case .message(let channel, let payload):
                        "\(channel): \(String(decoding: payload, as: UTF8.self))"
                    case .lost(let error): "lost: \(error.code.rawValue)"
                    }
                lines.change { $0.append(line) }
            }
        }

        func has(_ line: String, times: Int = 1) -> Bool { lines.value.filter { $0 == line }.count >= times }
    }

    static let quick = Backoff(base: .milliseconds(5), cap: .milliseconds(50))

    @Test("gets what is published, in order, on its channels only")
    func messages() async throws {
        try await withServer { server, redis in
            let notes = Notes()
            let subscriber = RedisSubscriber(
                server.endpoint, on: loop, channels: ["a", "b"], onEvent: notes.note)
            await subscriber.start()
            await subscriber.start()
            #expect(await eventually { notes.has("subscribed a") && notes.has("subscribed b") })
            for number in 0..<100 {
                _ = try await redis.send("PUBLISH", number % 2 == 0 ? "a" : "b", "\(number)")
            }
            _ = try await redis.send("PUBLISH", "c", "not for us")
            #expect(await eventually { notes.lines.value.count == 102 })
            #expect(
                notes.lines.value.dropFirst(2) == (0..<100).map { "\($0 % 2 == 0 ? "a" : "b"): \($0)" }[...])
            await subscriber.close()
            _ = try await redis.send("PUBLISH", "a", "after the end")
            #expect(try await eventually { try await redis.send("PUBLISH", "a", "x").integer == 0 })
            #expect(notes.lines.value.count == 102)
        }
    }

    @Test("channels are added and left while it runs")
    func channels() async throws {
        try await withServer { server, redis in
            let notes = Notes()
            let subscriber = RedisSubscriber(server.endpoint, on: loop, channels: [], onEvent: notes.note)
            await subscriber.start()
            await subscriber.subscribe("a")
            await subscriber.subscribe("a", "b")
            #expect(await eventually { notes.has("subscribed a") && notes.has("subscribed b") })
            #expect(notes.lines.value.count == 2)
            await subscriber.unsubscribe("a", "never subscribed")
            #expect(try await eventually { try await redis.send("PUBLISH", "a", "1").integer == 0 })
            let receivers = try await redis.send("PUBLISH", "b", "2")
            #expect(receivers.integer == 1)
            #expect(await eventually { notes.has("b: 2") })
            await subscriber.close()
        }
    }

    @Test("a killed server is said, and after its return it subscribes again by itself")
    func resubscribes() async throws {
        try await withServer { server, _ in
            let notes = Notes()
            let subscriber = RedisSubscriber(
                server.endpoint, on: loop, channels: ["a"], backoff: Self.quick, onEvent: notes.note)
            await subscriber.start()
            #expect(await eventually { notes.has("subscribed a") })
            await server.kill()
            #expect(await eventually { notes.has("lost: connectionLost") })
            try await server.restart()
            #expect(await eventually { notes.has("subscribed a", times: 2) })
            let again = try await RedisConnection.connect(to: server.endpoint, on: loop)
            _ = try await again.send("PUBLISH", "a", "back")
            #expect(await eventually { notes.has("a: back") })
            await again.close()
            await subscriber.close()
        }
    }

    @Test("a server that is stopped is found out by its silence")
    func silence() async throws {
        try await withServer { server, _ in
            let notes = Notes()
            let subscriber = RedisSubscriber(
                server.endpoint, on: loop, channels: ["a"], heartbeat: .milliseconds(500),
                backoff: Self.quick,
                connectTimeout: .seconds(1), onEvent: notes.note)
            await subscriber.start()
            #expect(await eventually { notes.has("subscribed a") })
            try await Task.sleep(for: .milliseconds(1_200))
            #expect(notes.lines.value.count == 1)
            server.pause()
            #expect(await eventually { notes.has("lost: timedOut") })
            server.resume()
            #expect(await eventually { notes.has("subscribed a", times: 2) })
            await subscriber.close()
        }
    }

    @Test("starts before its server does, and says why it waits once per cause")
    func early() async throws {
        let server = try await RedisServer.start()
        await server.kill()
        let notes = Notes()
        let subscriber = RedisSubscriber(
            server.endpoint, on: loop, channels: ["a"], backoff: Self.quick, onEvent: notes.note)
        await subscriber.start()
        try await Task.sleep(for: .milliseconds(300))
        #expect(notes.lines.value == ["lost: unreachable"])
        try await server.restart()
        #expect(await eventually { notes.has("subscribed a") })
        await subscriber.close()
    }

    @Test("a channel that it may not read is said, and not tried in a hurry")
    func notPermitted() async throws {
        try await withServer { server, redis in
            _ = try await redis.send(
                "ACL", "SETUSER", "ann", "on", ">pw", "+@all", "~*", "resetchannels", "&open")
            var endpoint = server.endpoint
            (endpoint.user, endpoint.password) = ("ann", "pw")
            let notes = Notes()
            let subscriber = RedisSubscriber(endpoint, on: loop, channels: ["shut"], onEvent: notes.note)
            await subscriber.start()
            #expect(await eventually { notes.has("lost: commandRejected") })
            try await Task.sleep(for: .milliseconds(300))
            #expect(notes.lines.value == ["lost: commandRejected"])
            await subscriber.close()
        }
    }

    @Test("a subscriber that nobody holds any more leaves")
    func released() async throws {
        try await withServer { server, redis in
            let notes = Notes()
            do {
                let subscriber = RedisSubscriber(
                    server.endpoint, on: loop, channels: ["a"], onEvent: notes.note)
                await subscriber.start()
                #expect(await eventually { notes.has("subscribed a") })
                let receivers = try await redis.send("PUBLISH", "a", "1")
                #expect(receivers.integer == 1)
            }
            #expect(try await eventually { try await redis.send("PUBLISH", "a", "2").integer == 0 })
        }
    }
}
