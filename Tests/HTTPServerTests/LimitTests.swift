import EventLoop
import HTTPServer
import Testing

@Suite("HTTPServer's limits", .timeLimit(.minutes(1)))
struct LimitTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
        let status: Int
    }

    static let filler = String(repeating: "a", count: 9000)

    static let refused: [Case] = [
        Case(
            testDescription: "9 kB of headers",
            request: "GET / HTTP/1.1\r\nHost: h\r\nX-A: \(filler)\r\n\r\n",
            status: 431),
        Case(
            testDescription: "101 headers",
            request: "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "a: b\r\n", count: 100) + "\r\n",
            status: 431),
        Case(
            testDescription: "a URL of 9 kB", request: "GET /\(filler) HTTP/1.1\r\nHost: h\r\n\r\n",
            status: 414),
        Case(
            testDescription: "a body over a megabyte, announced",
            request: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\nabc", status: 413),
        Case(
            testDescription: "a body over a megabyte, asked for",
            request: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n",
            status: 413),
        Case(
            testDescription: "a body over a megabyte, in chunks",
            request: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\nabc",
            status: 413),
        Case(testDescription: "no Host", request: "GET / HTTP/1.1\r\n\r\n", status: 400),
        Case(
            testDescription: "a length and chunks",
            request:
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            status: 400),
        Case(
            testDescription: "a negative length",
            request: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", status: 400),
        Case(
            testDescription: "GET with a body",
            request: "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", status: 400),
        Case(
            testDescription: "a folded header", request: "GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n",
            status: 400),
        Case(testDescription: "rubbish", request: "\u{16}\u{3}\u{1}\u{2}\r\n\r\n", status: 400),
        Case(
            testDescription: "an unknown method", request: "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", status: 501),
        Case(testDescription: "HTTP/2.0", request: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 505),
        Case(
            testDescription: "another expectation",
            request: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n", status: 417),
    ]

    @Test("what is refused is told why, as problem details, and the connection ends", arguments: refused)
    func refuses(_ c: Case) async throws {
        try await withServer { server, port in
            let client = try RawClient(port: port)
            client.send(c.request)
            let response = try client.response()
            #expect(response.status == c.status)
            #expect(response.header("Content-Type") == "application/problem+json")
            #expect(response.header("Connection") == "close")
            #expect(response.body.contains("\"status\":\(c.status)"))
            #expect(client.readToEnd().isEmpty)
            client.close()
            #expect(await server.stats.rejected.values.reduce(0, +) == 1)
            await eventually { await server.stats.connectionsOpen == 0 }
        }
    }

    @Test("what is refused behind a good request is refused just the same", arguments: refused)
    func refusesPipelined(_ c: Case) async throws {
        try await withServer { server, port in
            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok" + c.request)
            #expect(try client.response().status == 200)
            let response = try client.response()
            #expect(response.status == c.status)
            #expect(response.header("Content-Type") == "application/problem+json")
            #expect(client.readToEnd().isEmpty)
            client.close()
            await eventually { await server.stats.connectionsOpen == 0 }
        }
    }

    @Test("a client that is still sending reads why it was refused")
    func lingers() async throws {
        try await withServer { _, port in
            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n")
            client.send([UInt8](repeating: 65, count: 3_000_000))
            #expect(try client.response().status == 413)
        }
    }

    static let impatient: HTTPLimits = {
        var limits = HTTPLimits()
        limits.headerDeadline = .milliseconds(150)
        limits.bodyDeadline = .milliseconds(150)
        limits.idleKeepAlive = .milliseconds(150)
        limits.writeStall = .milliseconds(150)
        return limits
    }()

    static let dripped: [Case] = [
        Case(testDescription: "request line", request: "G", status: 408),
        Case(testDescription: "header", request: "GET / HTTP/1.1\r\nHost: h\r\nX-", status: 408),
        Case(
            testDescription: "body", request: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
            status: 408),
        Case(
            testDescription: "chunk",
            request: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\n", status: 408),
    ]

    @Test("a drip does not extend a deadline", arguments: dripped)
    func drips(_ c: Case) async throws {
        try await withServer(limits: Self.impatient) { server, port in
            let client = try RawClient(port: port)
            let start = ContinuousClock.now
            client.send(c.request)
            while await server.stats.rejected.isEmpty, start.duration(to: .now) < .seconds(8) {
                client.send("a")
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(try client.response().status == c.status)
            #expect(start.duration(to: .now) < .seconds(4))
            client.close()
            await eventually { await server.stats.connectionsOpen == 0 }
        }
    }

    @Test("a connection that says nothing is closed without a word")
    func silent() async throws {
        try await withServer(limits: Self.impatient) { server, port in
            let client = try RawClient(port: port)
            #expect(client.readToEnd().isEmpty)
            #expect(await server.stats.rejected == ["headerTimeout": 1])
        }
    }

    @Test("a connection that idles between requests is closed")
    func idle() async throws {
        try await withServer(limits: Self.impatient) { server, port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.response().status == 200)
            #expect(client.readToEnd().isEmpty)
            #expect(await server.stats.rejected == ["idle": 1])
        }
    }

    @Test("a client that does not read its answer is cut")
    func stalled() async throws {
        try await withServer(
            limits: Self.impatient,
            handler: { _ in .init(type: "x/y", [UInt8](repeating: 65, count: 20_000_000)) }
        ) { server, port in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await eventually { await server.stats.rejected["writeStalled"] == 1 }
            await eventually { await server.stats.connectionsOpen == 0 }
        }
    }

    @Test("a client that reads slowly is not cut")
    func slow() async throws {
        var limits = Self.impatient
        limits.writeStall = .seconds(8)
        try await withServer(
            limits: limits, handler: { _ in .init(type: "x/y", [UInt8](repeating: 65, count: 8_000_000)) }
        ) { _, port in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            _ = try client.read(through: "\r\n\r\n")
            for _ in 0..<50 {
                _ = try client.read(count: 10_000)
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(client.readToEnd().utf8.count == 7_500_000)
        }
    }

    @Test("over the cap a connection is told 503, and the next one served once there is room")
    func connectionCap() async throws {
        var limits = HTTPLimits()
        limits.maxConnections = 5
        try await withServer(limits: limits) { server, port in
            let clients = try (0..<5).map { _ in try RawClient(port: port) }
            await eventually { await server.stats.connectionsOpen == 5 }
            let refused = try RawClient(port: port)
            let response = try refused.response()
            #expect(response.status == 503)
            #expect(response.header("Retry-After") == "1")
            #expect(refused.readToEnd().isEmpty)
            refused.close()
            for client in clients {
                client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try client.response().status == 200)
            }
            clients[0].close()
            await eventually { await server.stats.connectionsOpen == 4 }
            let served = try RawClient(port: port)
            served.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try served.response().status == 200)
        }
    }

    @Test("a flood of connections leaves the server as it was")
    func flood() async throws {
        var limits = HTTPLimits()
        limits.maxConnections = 5
        try await withServer(limits: limits) { server, port in
            for round in 1...3 {
                let clients = try (0..<300).map { _ in try RawClient(port: port) }
                await eventually { await server.stats.rejected["tooManyConnections", default: 0] > 100 }
                #expect(await server.stats.connectionsOpen <= 5 + 128)
                for client in clients { client.close() }
                // Some still wait in the kernel's queue, closed as they are.
                await eventually {
                    let stats = await server.stats
                    return stats.connectionsAccepted == 300 * round && stats.connectionsOpen == 0
                }
            }
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.response().status == 200)
        }
    }

    @Test("one address has no more connections than one may have")
    func perAddress() async throws {
        var limits = HTTPLimits()
        limits.maxConnectionsPerAddress = 2
        try await withServer(limits: limits) { server, port in
            let clients = try (0..<2).map { _ in try RawClient(port: port) }
            await eventually { await server.stats.connectionsOpen == 2 }
            #expect(try RawClient(port: port).response().status == 503)
            #expect(await server.stats.rejected == ["tooManyConnectionsOfAddress": 1])
            for client in clients { client.close() }
            await eventually { await server.stats.connectionsOpen == 0 }
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.response().status == 200)
        }
    }

    @Test("bodies under way are bounded together")
    func bodiesUnderWay() async throws {
        var limits = HTTPLimits()
        limits.bodyBytesUnderWay = 100
        try await withServer(limits: limits) { server, port in
            let first = try RawClient(port: port)
            first.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\n\r\n")
            await eventually { await server.stats.connectionsOpen == 1 }
            // The first head may still be on its way; ask until the second is the one too many.
            await eventually {
                guard let second = try? RawClient(port: port) else { return false }
                second.send(
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\nExpect: 100-continue\r\n\r\n")
                return (try? second.read(through: "\r\n\r\n"))?.hasPrefix("HTTP/1.1 503") == true
            }
            first.send([UInt8](repeating: 65, count: 60))
            #expect(try first.response().status == 200)
            first.send(
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\n\r\n" + String(repeating: "a", count: 60)
            )
            #expect(try first.response().status == 200)
        }
    }
}
