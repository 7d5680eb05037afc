import EventLoop
import HTTPServer
import Synchronization
import Testing

@Suite("HTTPServer's drain", .timeLimit(.minutes(1)))
struct DrainTests {
    static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    /// Drains beside the test.
    private func draining(_ server: HTTPServer, within limit: Duration = .seconds(20)) -> Task<
        Duration, Never
    > {
        Task.detached {
            let start = ContinuousClock.now
            await server.drain(within: limit)
            return start.duration(to: .now)
        }
    }

    @Test("an idle connection is closed at once, a new one refused")
    func idle() async throws {
        try await withServer { server, port in
            let client = try RawClient(port: port)
            client.send(Self.get)
            #expect(try client.response().status == 200)
            #expect(await draining(server).value < .seconds(5))
            #expect(client.readToEnd().isEmpty)
            #expect(throws: RawClient.Failure.self) { try RawClient(port: port) }
            let error = await #expect(throws: HTTPServerError.self) {
                try await server.listen(host: "127.0.0.1", port: 0)
            }
            #expect(error?.code == .drained)
        }
    }

    @Test("what is under way is answered, and the connection closes")
    func underWay() async throws {
        let gate = Gate()
        try await withServer(handler: { _ in
            await gate.wait()
            return .text("done")
        }) { server, port in
            let client = try RawClient(port: port)
            client.send(Self.get)
            let second = try RawClient(port: port)
            second.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo")
            await eventually { await server.stats.requestsUnderWay == 1 }
            await eventually { await server.stats.connectionsOpen == 2 }
            let drain = draining(server)
            try await Task.sleep(for: .milliseconds(50))
            second.send("dy")
            await gate.open()
            for client in [client, second] {
                let response = try client.response()
                #expect(response.body == "done")
                #expect(response.header("Connection") == "close")
                #expect(client.readToEnd().isEmpty)
            }
            #expect(await drain.value < .seconds(10))
        }
    }

    @Test("streams are asked to end and end in their own time")
    func streams() async throws {
        let kept = Mutex<[EventStream]>([])
        try await withServer(handler: { _ in
            .eventStream { stream in
                stream.onDrain {
                    stream.send(Array("retry: 700\nevent: bye\ndata: \n\n".utf8))
                    stream.close()
                }
                kept.withLock { $0.append(stream) }
            }
        }) { server, port in
            let clients = try (0..<10).map { _ in try RawClient(port: port) }
            for client in clients {
                client.send(Self.get)
                _ = try client.read(through: "\r\n\r\n")
            }
            #expect(await draining(server).value < .seconds(10))
            for client in clients {
                #expect(try client.chunk() == "retry: 700\nevent: bye\ndata: \n\n")
                #expect(try client.chunk() == "")
                #expect(client.readToEnd().isEmpty)
            }
        }
    }

    @Test("a stream that asked for nothing is ended")
    func unattended() async throws {
        try await withServer(handler: { _ in .eventStream { $0.send(Array("data: x\n\n".utf8)) } }) {
            server, port in
            let client = try RawClient(port: port)
            client.send(Self.get)
            _ = try client.read(through: "\r\n\r\n")
            #expect(await draining(server).value < .seconds(10))
            #expect(try client.chunk() == "data: x\n\n")
            #expect(try client.chunk() == "")
        }
    }

    @Test("what does not end is cut at the deadline, its task cancelled")
    func forced() async throws {
        let cancelled = Mutex(0)
        let closed = Mutex(0)
        let sleeper = EventLoop(name: "sleeper")
        try await withServer(handler: { request in
            if request.path == ["stream"] {
                return .eventStream { stream in
                    stream.onDrain {}
                    stream.onClose { closed.withLock { $0 += 1 } }
                }
            }
            do { try await sleeper.sleep(for: .seconds(60)) } catch { cancelled.withLock { $0 += 1 } }
            return .text("")
        }) { server, port in
            let stream = try RawClient(port: port)
            stream.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try stream.read(through: "\r\n\r\n")
            let poll = try RawClient(port: port)
            poll.send(Self.get)
            await eventually { await server.stats.requestsUnderWay == 1 }
            let took = await draining(server, within: .milliseconds(200)).value
            #expect(took >= .milliseconds(200) && took < .seconds(10))
            #expect(poll.readToEnd().isEmpty)
            #expect(stream.readToEnd().isEmpty)
            await eventually { cancelled.withLock { $0 } == 1 }
            #expect(closed.withLock { $0 } == 1)
        }
        await sleeper.stop()
    }

    @Test("connections that wait in the queue of our own socket are answered")
    func queued() async throws {
        for _ in 0..<20 {
            try await withServer { server, port in
                let client = try RawClient(port: port)
                client.send(Self.get)
                let drain = draining(server)
                #expect(try client.response().status == 200)
                _ = await drain.value
            }
        }
    }

    @Test("draining twice, or what never listened, ends")
    func twice() async throws {
        let loop = EventLoop(name: "http")
        let server = HTTPServer(on: loop) { _ in .text("") }
        await server.drain(within: .seconds(1))
        await server.drain(within: .seconds(1))
        await loop.stop()
        try await withServer { server, port in
            _ = try RawClient(port: port)
            async let first: Void = server.drain(within: .seconds(1))
            async let second: Void = server.drain(within: .seconds(1))
            _ = await (first, second)
        }
    }

    @Test("a server that was drained is freed, with its handler")
    func freed() async throws {
        final class Witness: Sendable {}
        let loop = EventLoop(name: "http")
        weak let witness: Witness?
        do {
            let kept = Witness()
            witness = kept
            let server = HTTPServer(on: loop) { _ in
                withExtendedLifetime(kept) { .text("") }
            }
            let port = try await server.listen(host: "127.0.0.1", port: 0)
            let client = try RawClient(port: port)
            client.send(Self.get)
            #expect(try client.response().status == 200)
            await server.drain(within: .seconds(1))
        }
        await eventually { witness == nil }
        await loop.stop()
    }
}
