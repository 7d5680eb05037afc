import EventLoop
import Glibc
import HTTPServer
import Synchronization
import Testing

@Suite("EventStream", .timeLimit(.minutes(1)))
struct EventStreamTests {
    /// Keeps the streams that a server opened, for the test to write to.
    final class Streams: Sendable {
        let opened = Mutex<[EventStream]>([])
        let closed = Mutex(0)
        let writable = Mutex(0)

        var count: Int { opened.withLock { $0.count } }

        func keep(_ stream: EventStream) {
            stream.onClose { self.closed.withLock { $0 += 1 } }
            stream.onWritable { self.writable.withLock { $0 += 1 } }
            opened.withLock { $0.append(stream) }
        }

        /// Runs `body` on the loop with the first stream.
        func on<R: Sendable>(
            _ loop: EventLoop, _ body: @escaping @Sendable (EventStream) -> R
        ) async -> R {
            let stream = opened.withLock { $0[0] }
            return await withCheckedContinuation { continuation in
                loop.submit { continuation.resume(returning: body(stream)) }
            }
        }
    }

    static let get = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"

    @concurrent
    private func withStreams(
        limits: HTTPLimits = HTTPLimits(),
        _ body: @concurrent (HTTPServer, Int, Streams) async throws -> Void
    ) async throws {
        let streams = Streams()
        try await withServer(
            limits: limits, handler: { _ in .eventStream(headers: [("X-A", "b")]) { streams.keep($0) } }
        ) { server, port in
            try await body(server, port, streams)
        }
    }

    @Test("begins with the headers that keep frames flowing, and sends frames whole")
    func frames() async throws {
        try await withStreams { server, port, streams in
            let client = try RawClient(port: port)
            client.send(Self.get)
            let head = RawClient.Response(status: 0, head: try client.read(through: "\r\n\r\n"), body: "")
            #expect(head.head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(head.header("Content-Type") == "text/event-stream; charset=utf-8")
            #expect(head.header("Cache-Control") == "no-cache, no-transform")
            #expect(head.header("X-Accel-Buffering") == "no")
            #expect(head.header("Transfer-Encoding") == "chunked")
            #expect(head.header("Content-Length") == nil)
            #expect(head.header("X-A") == "b")
            #expect(await server.stats.streamsOpen == 1)
            for number in 0..<3 {
                let event = try #require(ServerSentEvent(id: "\(number)", data: "n\n\(number)"))
                #expect(await streams.on(server.loop) { $0.send(event.encoded) })
                #expect(try client.chunk() == String(decoding: event.encoded, as: UTF8.self))
            }
            #expect(await streams.on(server.loop) { $0.send(ServerSentEvent.comment("ka")) })
            #expect(try client.chunk() == ": ka\n\n")
            #expect(await streams.on(server.loop) { $0.isWritable })
            #expect(await streams.on(server.loop) { $0.send([]) })
        }
    }

    @Test("what the closure sends at once arrives after the headers")
    func immediate() async throws {
        try await withServer(handler: { _ in
            .eventStream { stream in
                stream.send(Array("data: first\n\n".utf8))
                stream.close()
                stream.send(Array("data: never\n\n".utf8))
            }
        }) { server, port in
            let client = try RawClient(port: port)
            for _ in 0..<3 {
                client.send(Self.get)
                _ = try client.read(through: "\r\n\r\n")
                #expect(try client.chunk() == "data: first\n\n")
                #expect(try client.chunk() == "")
            }
            // Ended by chunk, not by the connection.
            #expect(await server.stats.connectionsAccepted == 1)
            #expect(await server.stats.streamsOpen == 0)
        }
    }

    @Test("to HTTP/1.0 a stream is bare, and ends with the connection")
    func version10() async throws {
        try await withServer(handler: { request in
            .eventStream { stream in
                if request.path.first == "empty" { return stream.close() }
                stream.send(Array("data: x\n\n".utf8))
                stream.close()
            }
        }) { _, port in
            for (path, body) in [("/", "data: x\n\n"), ("/empty", "")] {
                let client = try RawClient(port: port)
                client.send("GET \(path) HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                let head = try client.read(through: "\r\n\r\n")
                #expect(head.contains("Connection: close\r\n"))
                #expect(!head.contains("chunked"))
                #expect(client.readToEnd() == body)
            }
        }
    }

    @Test("HEAD of a stream has its headers, and opens none")
    func head() async throws {
        try await withStreams { _, port, streams in
            let client = try RawClient(port: port)
            for _ in 0..<2 {
                client.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n")
                let response = try client.response(toHEAD: true)
                #expect(response.header("Content-Type") == "text/event-stream; charset=utf-8")
            }
            #expect(streams.count == 0)
        }
    }

    @Test("tells once when the client has gone", arguments: [false, true])
    func clientGone(busy: Bool) async throws {
        try await withStreams { server, port, streams in
            let client = try RawClient(port: port)
            client.send(Self.get)
            _ = try client.read(through: "\r\n\r\n")
            if busy {
                #expect(await streams.on(server.loop) { $0.send([UInt8](repeating: 65, count: 60_000)) })
            }
            client.close()
            await eventually { streams.closed.withLock { $0 } == 1 }
            #expect(await server.stats.streamsOpen == 0)
            #expect(await streams.on(server.loop) { !$0.isOpen && !$0.isWritable && $0.bufferedBytes == 0 })
            #expect(await streams.on(server.loop) { !$0.send([65]) })
            await streams.on(server.loop) { $0.close() }
            #expect(streams.closed.withLock { $0 } == 1)
        }
    }

    @Test("does not tell its producer what the producer did")
    func ownClose() async throws {
        try await withStreams { server, port, streams in
            let client = try RawClient(port: port)
            client.send(Self.get)
            _ = try client.read(through: "\r\n\r\n")
            await streams.on(server.loop) { $0.close() }
            #expect(try client.chunk() == "")
            client.close()
            await eventually { await server.stats.connectionsOpen == 0 }
            #expect(streams.closed.withLock { $0 } == 0)
        }
    }

    @Test("is not writable while the client does not read, and says when it is again")
    func writable() async throws {
        try await withStreams { server, port, streams in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            client.send(Self.get)
            _ = try client.read(through: "\r\n\r\n")
            let frame = ServerSentEvent(data: String(repeating: "x", count: 990))?.encoded ?? []
            var sent = 0
            while await streams.on(server.loop, { $0.isWritable && $0.send(frame) }) { sent += 1 }
            #expect(await streams.on(server.loop) { $0.bufferedBytes >= 16 * 1024 })
            #expect(streams.writable.withLock { $0 } == 0)
            for _ in 0..<sent { #expect(try client.chunk().utf8.count == frame.count) }
            await eventually { streams.writable.withLock { $0 } == 1 }
            #expect(await streams.on(server.loop) { $0.isWritable })
            #expect(await streams.on(server.loop) { $0.send(frame) })
            #expect(try client.chunk().utf8.count == frame.count)
        }
    }

    @Test("takes no frame over its cap, one large frame under it, and is cut when nothing moves")
    func stopped() async throws {
        var limits = HTTPLimits()
        limits.writeStall = .milliseconds(200)
        try await withStreams(limits: limits) { server, port, streams in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            client.send(Self.get)
            _ = try client.read(through: "\r\n\r\n")
            let frame = [UInt8](repeating: 65, count: 1000)
            await eventually {
                let takes = await streams.on(server.loop) { $0.send(frame) }
                return !takes
            }
            #expect(await streams.on(server.loop) { $0.bufferedBytes } < 64 * 1024 + 1100)
            await eventually { streams.closed.withLock { $0 } == 1 }
            #expect(await server.stats.rejected == ["writeStalled": 1])
        }
    }

    @Test("a stopped reader whose stream is still writable is left alone")
    func quiet() async throws {
        var limits = HTTPLimits()
        limits.writeStall = .milliseconds(50)
        try await withStreams(limits: limits) { server, port, streams in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            client.send(Self.get)
            _ = try client.read(through: "\r\n\r\n")
            let frame = [UInt8](repeating: 65, count: 5000)
            var sent = 0
            while await streams.on(server.loop, { $0.bufferedBytes == 0 && $0.send(frame) }) { sent += 1 }
            try await Task.sleep(for: .milliseconds(300))
            #expect(streams.closed.withLock { $0 } == 0)
            for _ in 0..<sent { #expect(try client.chunk().utf8.count == 5000) }
        }
    }

    @Test("rubbish from the client does not disturb its stream, nor grow without bound")
    func rubbish() async throws {
        try await withStreams { server, port, streams in
            let client = try RawClient(port: port)
            client.send(Self.get)
            _ = try client.read(through: "\r\n\r\n")
            client.send([UInt8](repeating: 65, count: 100_000))
            await streams.on(server.loop) {
                $0.send(Array("data: x\n\n".utf8))
                $0.close()
            }
            #expect(try client.chunk() == "data: x\n\n")
            #expect(try client.chunk() == "")
            #expect(try client.response().status / 100 == 4)
        }
    }

    @Test(
        "two thousand stopped readers cost their buffers and no more", .serialized, .timeLimit(.minutes(3)),
        .enabled(if: Descriptors.most > 5000, "needs 5,000 descriptors: ulimit -n"), arguments: [true, false])
    func manyStopped(naive: Bool) async throws {
        let frame = ServerSentEvent(data: String(repeating: "x", count: 190))?.encoded ?? []
        try await withStreams { server, port, streams in
            let clients = try (0..<2000).map { _ in
                let client = try RawClient(port: port, receiveBuffer: 4096)
                client.send(Self.get)
                return client
            }
            await eventually(within: .seconds(30)) { streams.count == 2000 }
            // A producer that conflates, and one that does not care and is refused.
            await eventually(within: .seconds(60)) {
                let all = streams.opened.withLock { $0 }
                let taken = await withCheckedContinuation { continuation in
                    server.loop.submit {
                        var taken = 0
                        for stream in all {
                            for _ in 0..<40 where (naive || stream.isWritable) && stream.send(frame) {
                                taken += 1
                            }
                        }
                        continuation.resume(returning: taken)
                    }
                }
                return taken == 0
            }
            let most = await withCheckedContinuation { continuation in
                let all = streams.opened.withLock { $0 }
                server.loop.submit {
                    continuation.resume(returning: all.map { $0.bufferedBytes }.max() ?? 0)
                }
            }
            #expect(most < (naive ? 64 : 16) * 1024 + frame.count + 10)
            #expect(clients.count == 2000)
        }
    }
}

enum Descriptors {
    /// How many this process may open, once it has asked for all it can get.
    static let most: UInt = {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return 0 }
        limit.rlim_cur = limit.rlim_max
        return unsafe setrlimit(resource, &limit) == 0 ? limit.rlim_cur : 0
    }()
}
