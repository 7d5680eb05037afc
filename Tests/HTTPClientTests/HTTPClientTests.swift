import EventLoop
import Foundation
import HTTPServer
import TestSupport
import Testing

@testable import HTTPClient

@Suite("HTTPClient", .timeLimit(.minutes(2)))
struct HTTPClientTests {
    @Test("a request arrives as it was made, and its answer comes back")
    func roundTrip() async throws {
        try await withServer { request in
            let seen = request.header("webhook-id") ?? ""
            return .text("\(request.method.rawValue) \(request.target) \(seen) \(request.body.count)")
        } _: { client, url in
            var request = HTTPClient.Request(
                url: url + "/hook", body: [UInt8](repeating: 120, count: 100_000))
            request.headers = [("webhook-id", "a-1")]
            let reply = try await client.send(request)
            #expect(reply.status == 200)
            #expect(String(decoding: reply.body, as: UTF8.self) == "POST /hook a-1 100000")
        }
    }

    @Test("a hundred at once, over and over, each with its own answer")
    func many() async throws {
        try await withServer { request in
            .text(String(decoding: request.body, as: UTF8.self))
        } _: { client, url in
            await withTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        for round in 0..<10 {
                            let body = Array("\(number).\(round)".utf8)
                            guard let reply = try? await client.send(HTTPClient.Request(url: url, body: body))
                            else { return false }
                            if reply.status != 200 || reply.body != body { return false }
                        }
                        return true
                    }
                }
                for await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test("a redirect is an answer like any other, and goes nowhere")
    func redirect() async throws {
        try await withServer { request in
            guard request.target == "/" else { return .text("never") }
            return HTTPResponse(status: 302, headers: [("location", "/elsewhere")])
        } _: { client, url in
            let reply = try await client.send(HTTPClient.Request(url: url + "/"))
            #expect(reply.status == 302)
        }
    }

    @Test("Retry-After is read, as seconds")
    func retryAfter() async throws {
        try await withServer { _ in
            HTTPResponse(status: 429, headers: [("retry-after", "7")])
        } _: { client, url in
            let reply = try await client.send(HTTPClient.Request(url: url, body: []))
            #expect(reply.status == 429 && reply.retryAfter == .seconds(7))
        }
    }

    @Test("of a body only the beginning is kept, and an endless one is cut off")
    func longBody() async throws {
        try await withServer { _ in
            .text(String(repeating: "x", count: 1_000_000))
        } _: { client, url in
            let reply = try await client.send(HTTPClient.Request(url: url, body: []))
            #expect(reply.status == 200 && reply.body.count == HTTPClient.bodyLimit)
        }
    }

    @Test("nobody there, no answer, no such name, another scheme: a reason each, in time")
    func failures() async throws {
        let directory = ScratchDirectory()
        _ = directory
        try await withServer { _ in
            try? await Task.sleep(for: .seconds(5))
            return .text("late")
        } _: { client, url in
            for (url, timeout) in [
                ("http://127.0.0.1:1/", Duration.seconds(5)), (url, .milliseconds(300)),
                ("http://no-such-host.invalid/", .seconds(5)), ("file:///etc/passwd", .seconds(5)),
                ("::", .seconds(5)),
            ] {
                let begun = ContinuousClock.now
                var request = HTTPClient.Request(url: url, body: [])
                request.timeout = timeout
                await #expect(throws: HTTPClient.Failure.self, "\(url)") { try await client.send(request) }
                #expect(ContinuousClock.now - begun < .seconds(6), "\(url)")
            }
        }
    }

    @Test("what is under way when it closes fails, and so does what comes later")
    func closing() async throws {
        try await withServer { _ in
            try? await Task.sleep(for: .seconds(2))
            return .text("late")
        } _: { client, url in
            let pending = Task { try await client.send(HTTPClient.Request(url: url, body: [])) }
            try await Task.sleep(for: .milliseconds(100))
            await client.close()
            await #expect(throws: HTTPClient.Failure.closed) { try await pending.value }
            await #expect(throws: HTTPClient.Failure.closed) {
                try await client.send(HTTPClient.Request(url: url, body: []))
            }
        }
    }

    @Test("a certificate that nobody vouches for is refused")
    func certificate() async throws {
        let directory = ScratchDirectory()
        let made = try await ChildProcess.start(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
                "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", directory.file("key"),
                "-out",
                directory.file("cert"),
            ])
        #expect(await eventually(within: .seconds(30)) { !made.isRunning } && made.exitStatus == 0)
        let script = """
            import http.server, os, ssl
            server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain("\(directory.file("cert"))", "\(directory.file("key"))")
            server.socket = context.wrap_socket(server.socket, server_side=True)
            print(server.server_address[1], flush=True)
            server.serve_forever()
            """
        let server = try await ChildProcess.start(
            ["/usr/bin/python3", "-c", script], output: directory.file("port"))
        defer { server.kill() }
        #expect(await eventually(within: .seconds(20)) { directory.text("port").contains("\n") })
        let port = directory.text("port").prefix { $0.isNumber }
        try await withServer { _ in
            .text("")
        } _: { client, _ in
            let failure = await #expect(throws: HTTPClient.Failure.self) {
                try await client.send(HTTPClient.Request(url: "https://127.0.0.1:\(port)/", body: []))
            }
            #expect("\(failure.map { "\($0)" } ?? "")".lowercased().contains("certificate"))
        }
    }

    @concurrent
    private func withServer(
        _ handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
        _ body: @concurrent (HTTPClient, String) async throws -> Void
    ) async throws {
        let loop = EventLoop(name: "http")
        let server = HTTPServer(on: loop, handler: handler)
        let port = try await server.listen(host: "127.0.0.1", port: 0)
        let clientLoop = EventLoop(name: "client")
        let client = HTTPClient(on: clientLoop)
        var failure: (any Error)?
        do { try await body(client, "http://127.0.0.1:\(port)") } catch { failure = error }
        await client.close()
        await server.drain(within: .zero)
        await clientLoop.stop()
        await loop.stop()
        if let failure { throw failure }
    }
}

extension ScratchDirectory {
    fileprivate func text(_ name: String) -> String {
        (try? String(contentsOfFile: file(name), encoding: .utf8)) ?? ""
    }
}
