import EventLoop
import HTTPServer
import Synchronization
import Testing

@Suite("A long poll", .timeLimit(.minutes(1)))
struct LongPollTests {
    /// What became of the handlers.
    final class Fates: Sendable {
        let answered = Mutex(0)
        let cancelled = Mutex(0)
    }

    /// Waits for 25 s, as a long poll does, unless its client leaves.
    static func patient(_ fates: Fates, _ loop: EventLoop) -> @Sendable (HTTPRequest) async -> HTTPResponse {
        { request in
            guard request.path == ["wait"] else { return .text("at once") }
            do {
                try await loop.sleep(for: .seconds(25))
                fates.answered.withLock { $0 += 1 }
            } catch {
                fates.cancelled.withLock { $0 += 1 }
            }
            return .text("late")
        }
    }

    @Test("ends when its client leaves, however it leaves", arguments: ["close", "reset", "half"])
    func leaves(how: String) async throws {
        let fates = Fates()
        let loop = EventLoop(name: "sleeper")
        try await withServer(limits: Self.brisk, handler: Self.patient(fates, loop)) { server, port in
            for round in 1...3 {
                let clients = try (0..<20).map { _ in try RawClient(port: port) }
                for client in clients { client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n") }
                await eventually { await server.stats.requestsUnderWay == 20 }
                for client in clients {
                    switch how {
                    case "half": client.finishSending()
                    case "reset": client.reset()
                    default: client.close()
                    }
                }
                await eventually { fates.cancelled.withLock { $0 } == 20 * round }
                await eventually { await server.stats.connectionsOpen == 0 }
            }
            #expect(fates.answered.withLock { $0 } == 0)
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.response().body == "at once")
        }
        await loop.stop()
    }

    static let brisk: HTTPLimits = {
        var limits = HTTPLimits()
        limits.idleKeepAlive = .milliseconds(40)  // A tick of 10 ms.
        return limits
    }()

    @Test("is answered after its client was watched for leaving, and the connection goes on")
    func answered() async throws {
        let gate = Gate()
        try await withServer(
            limits: Self.brisk,
            handler: { _ in
                await gate.wait()
                return .text("now")
            }
        ) { _, port in
            let client = try RawClient(port: port)
            client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
            try await Task.sleep(for: .milliseconds(100))
            client.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\nGET /c HTTP/1.1\r\nHo")
            try await Task.sleep(for: .milliseconds(50))
            await gate.open()
            #expect(try client.response().body == "now")
            #expect(try client.response().body == "now")
            client.send("st: h\r\n\r\n")
            #expect(try client.response().body == "now")
        }
    }

    @Test("that is sent ahead of without end makes its client wait, not the server swell")
    func flooded() async throws {
        let gate = Gate()
        try await withServer(
            limits: Self.brisk,
            handler: { request in
                if request.path == ["wait"] { await gate.wait() }
                return .text("ok")
            }
        ) { server, port in
            let client = try RawClient(port: port)
            client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
            await eventually { await server.stats.requestsUnderWay == 1 }
            let request = Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
            let count = 20_000
            let sender = Task.detached { [descriptor = client.descriptor] in
                RawClient.send([[UInt8]](repeating: request, count: count).flatMap { $0 }, to: descriptor)
            }
            try await Task.sleep(for: .milliseconds(200))
            await gate.open()
            for _ in 0...count { #expect(try client.response().body == "ok") }
            await sender.value
        }
    }
}
