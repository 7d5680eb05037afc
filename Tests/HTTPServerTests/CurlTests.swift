import HTTPServer
import Testing

@Suite("curl and wrk", .timeLimit(.minutes(1)))
struct CurlTests {
    @Test(
        "curl gets, posts with 100-continue and in chunks, and follows a stream")
    func curl() async throws {
        let large = String(repeating: "0123456789", count: 100_000)
        try await withServer(handler: { request in
            if request.path == ["stream"] {
                return .eventStream { stream in
                    for number in 0..<3 { stream.send(ServerSentEvent(data: "\(number)")?.encoded ?? []) }
                    stream.close()
                }
            }
            return .text("\(request.method.rawValue) \(request.body.count) \(request.query("q") ?? "")")
        }) { _, port in
            let url = "http://127.0.0.1:\(port)"
            #expect(try Tool.run("curl", "-sS", "\(url)/a?q=%C3%A9+1") == "GET 0 é 1")
            #expect(try Tool.run("curl", "-sS0", url) == "GET 0 ")
            let post = ["-sS", "--data-binary", "@-", "-H", "Expect: 100-continue", url]
            #expect(try Tool.run("curl", post, input: large) == "POST 1000000 ")
            #expect(try Tool.run("curl", ["-sS", "-T", "-", "\(url)/up"], input: large) == "PUT 1000000 ")
            #expect(try Tool.run("curl", "-sSN", "\(url)/stream") == "data: 0\n\ndata: 1\n\ndata: 2\n\n")
            let head = try Tool.run("curl", "-sSI", url)
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            let refused = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-", url]
            #expect(try Tool.run("curl", refused, input: large + large) == "413")
        }
    }

    @Test("wrk finds no error in a second of load")
    func wrk() async throws {
        try await withServer { server, port in
            let report = try Tool.run("wrk", "-t1", "-c32", "-d1", "http://127.0.0.1:\(port)/")
            #expect(report.contains("requests in"))
            #expect(!report.contains("Non-2xx"))
            #expect(!report.contains("Socket errors"))
            #expect(await server.stats.responses[2] > 100)
        }
    }
}
