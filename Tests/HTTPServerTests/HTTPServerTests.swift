import EventLoop
import HTTPServer
import Synchronization
import Testing

@Suite("HTTPServer", .timeLimit(.minutes(1)))
struct HTTPServerTests {
    /// Answers with what it was asked.
    static let echo: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
        let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
        let body = String(decoding: request.body, as: UTF8.self)
        return .text(
            "\(request.method.rawValue) \(request.path) [\(query)] \(request.header("x-test") ?? "-") \(body)"
        )
    }

    @Test("a handler gets method, path, query, headers and body")
    func parts() async throws {
        try await withServer(handler: Self.echo) { _, port in
            let client = try RawClient(port: port)
            client.send(
                "POST /v1//jobs/a%2Fb?wait=25s&wait=1&x HTTP/1.1\r\nHost: h\r\nX-TEST:  yes \r\n"
                    + "Content-Length: 4\r\n\r\nbody")
            let response = try client.response()
            #expect(response.status == 200)
            #expect(response.body == #"POST ["v1", "jobs", "a/b"] [wait=25s;wait=1;x=] yes body"#)
            #expect(response.header("Content-Type") == "text/plain; charset=utf-8")
            #expect(response.header("Date")?.hasSuffix(" GMT") == true)
        }
    }

    @Test("a request knows where it comes from and what was sent")
    func origin() async throws {
        try await withServer(handler: { .text("\($0.remoteAddress) \($0.target)") }) { _, port in
            let client = try RawClient(port: port)
            client.send("GET /a?b=%20 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.response().body == "127.0.0.1 /a?b=%20")
        }
    }

    @Test("a proxy may send the whole URL")
    func absoluteForm() async throws {
        try await withServer(handler: Self.echo) { _, port in
            let client = try RawClient(port: port)
            client.send("GET http://h:80/a/b?c=d HTTP/1.1\r\nHost: h:80\r\n\r\n")
            #expect(try client.response().body == #"GET ["a", "b"] [c=d] - "#)
        }
    }

    @Test("a connection takes one request after the other")
    func keepAlive() async throws {
        try await withServer(handler: Self.echo) { server, port in
            let client = try RawClient(port: port)
            for number in 0..<50 {
                client.send("GET /\(number) HTTP/1.1\r\nHost: h\r\n\r\n")
                let response = try client.response()
                #expect(response.body == #"GET ["\#(number)"] [] - "#)
                #expect(response.header("Connection") == nil)
            }
            #expect(await server.stats.connectionsAccepted == 1)
            #expect(await server.stats.responses[2] == 50)
        }
    }

    @Test("requests sent ahead are answered in order", arguments: [1, 7, 40, 100_000])
    func pipelined(piece: Int) async throws {
        try await withServer(handler: Self.echo) { _, port in
            let client = try RawClient(port: port)
            var all: [UInt8] = []
            for number in 0..<20 {
                all += "PUT /\(number) HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc".utf8
                all +=
                    "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
                    .utf8
            }
            for start in stride(from: 0, to: all.count, by: piece) {
                client.send(Array(all[start..<min(start + piece, all.count)]))
            }
            for number in 0..<20 {
                #expect(try client.response().body == #"PUT ["\#(number)"] [] - abc"#)
                #expect(try client.response().body == #"POST ["c"] [] - de"#)
            }
        }
    }

    @Test("requests sent ahead wait for a handler that takes its time")
    func pipelinedBehindSlow() async throws {
        let loop = EventLoop(name: "other")
        try await withServer(handler: { request in
            if request.path == ["slow"] { try? await loop.sleep(for: .milliseconds(100)) }
            return .text("\(request.path)")
        }) { _, port in
            let client = try RawClient(port: port)
            client.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n")
            client.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            client.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
            for path in ["slow", "a", "slow", "b"] { #expect(try client.response().body == #"["\#(path)"]"#) }
        }
        await loop.stop()
    }

    @Test("HEAD has the headers of GET and no body")
    func head() async throws {
        try await withServer { _, port in
            let client = try RawClient(port: port)
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let head = try client.response(toHEAD: true)
            #expect(head.status == 200)
            #expect(head.header("Content-Length") == "5")
            #expect(try client.response().body == "hello")
        }
    }

    @Test("204 and 304 have neither body nor length", arguments: [204, 304])
    func bodyless(status: Int) async throws {
        try await withServer(handler: { _ in .text("gone", status: status) }) { _, port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
            for _ in 0..<2 {
                let response = try client.response()
                #expect(response.status == status)
                #expect(response.header("Content-Length") == nil)
            }
        }
    }

    struct Ending: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
        let connection: String?
        let closes: Bool
    }

    static let endings: [Ending] = [
        Ending(
            testDescription: "1.1", request: "GET / HTTP/1.1\r\nHost: h\r\n", connection: nil, closes: false),
        Ending(
            testDescription: "1.1 that closes", request: "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n",
            connection: "close", closes: true),
        Ending(
            testDescription: "1.1 that closes, in a list",
            request: "GET / HTTP/1.1\r\nHost: h\r\nConnection: TE, Close\r\n", connection: "close",
            closes: true),
        Ending(testDescription: "1.0", request: "GET / HTTP/1.0\r\n", connection: "close", closes: true),
        Ending(
            testDescription: "1.0 that stays", request: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n",
            connection: "keep-alive", closes: false),
        Ending(
            testDescription: "a handler that closes", request: "GET /close HTTP/1.1\r\nHost: h\r\n",
            connection: "close", closes: true),
    ]

    @Test("the connection ends when version, client or handler say so, and says it", arguments: endings)
    func connectionHeader(_ c: Ending) async throws {
        try await withServer(handler: { request in
            HTTPResponse(
                headers: request.path == ["close"] ? [("Connection", "close")] : [], body: .bytes([65]))
        }) { _, port in
            let client = try RawClient(port: port)
            client.send(c.request + "\r\n")
            let response = try client.response()
            #expect(response.header("Connection") == c.connection)
            #expect(response.body == "A")
            if c.closes {
                #expect(client.readToEnd().isEmpty)
            } else {
                client.send(c.request + "\r\n")
                #expect(try client.response().body == "A")
            }
        }
    }

    @Test("a body of a megabyte comes and goes whole, by length and in chunks", arguments: [true, false])
    func largeBody(chunked: Bool) async throws {
        try await withServer(handler: { HTTPResponse(type: "x/y", $0.body) }) { _, port in
            let client = try RawClient(port: port)
            let body = (0..<(1024 * 1024)).map { UInt8(ascii: "a") + UInt8($0 % 26) }
            if chunked {
                client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                for start in stride(from: 0, to: body.count, by: 60_000) {
                    let piece = body[start..<min(start + 60_000, body.count)]
                    client.send("\(String(piece.count, radix: 16))\r\n")
                    client.send(Array(piece))
                    client.send("\r\n")
                }
                client.send("0\r\n\r\n")
            } else {
                client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.count)\r\n\r\n")
                client.send(body)
            }
            #expect(try client.response().body == String(decoding: body, as: UTF8.self))
        }
    }

    @Test("a client that asks first is told to go on")
    func expectContinue() async throws {
        try await withServer(handler: Self.echo) { _, port in
            let client = try RawClient(port: port)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.read(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("ok")
            #expect(try client.response().body == "POST [] [] - ok")
        }
    }

    static let unsendable: [[(String, String)]] = [
        [("X-A", "b\r\nSet-Cookie: c=d")], [("X-A", "b\r\n c")], [("X-A", "b\nc")], [("X-A", "b\u{0}c")],
        [("X A", "b")], [("X-A\r\nX-B", "b")], [("", "b")], [("X-A:", "b")],
    ]

    @Test("a header that would not survive the wire is a 500, never sent", arguments: unsendable.indices)
    func injection(_ index: Int) async throws {
        try await withServer(handler: { _ in HTTPResponse(headers: Self.unsendable[index]) }) {
            server, port in
            let client = try RawClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let response = try client.response()
            #expect(response.status == 500)
            #expect(response.header("Content-Type") == "application/problem+json")
            #expect(response.header("Set-Cookie") == nil)
            #expect(await server.stats.rejected["unsendableHeader"] == 1)
        }
    }

    @Test(
        "a target that does not decode is a 400 before any handler",
        arguments: ["/%", "/%4", "/%zz", "/%00", "/%ff", "/?a=%"])
    func badTarget(target: String) async throws {
        let asked = Mutex(0)
        try await withServer(handler: { _ in
            asked.withLock { $0 += 1 }
            return .text("")
        }) { _, port in
            let client = try RawClient(port: port)
            client.send("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
            let response = try client.response()
            #expect(response.status == 400)
            #expect(response.header("Content-Type") == "application/problem+json")
            #expect(asked.withLock { $0 } == 0)
        }
    }

    @Test("handlers on one loop answer in their own time")
    func concurrent() async throws {
        let gate = Gate()
        try await withServer(handler: { request in
            if request.path == ["wait"] { await gate.wait() }
            return .text("done")
        }) { server, port in
            let waiting = try (0..<20).map { _ in try RawClient(port: port) }
            for client in waiting { client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n") }
            await eventually { await server.stats.requestsUnderWay == 20 }
            let quick = try RawClient(port: port)
            quick.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try quick.response().body == "done")
            await gate.open()
            for client in waiting { #expect(try client.response().body == "done") }
        }
    }
}

/// Holds callers until it is opened.
actor Gate {
    private var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        if isOpen { return }
        await withCheckedContinuation { waiters.append($0) }
    }

    func open() {
        isOpen = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
