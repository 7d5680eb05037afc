import HTTPServer
import HeadwayWire
import ReadAPI
import Testing

@Suite("Pages of other origins", .timeLimit(.minutes(1)))
struct OriginTests {
    private static let methods = [(name: "GET", reads: true), (name: "POST", reads: false)]

    private func headers(
        _ origins: AllowedOrigins, _ sent: [(String, String)], by method: HTTPRequest.Method = .get
    ) throws -> [String: String] {
        let request = try #require(HTTPRequest(method, "/v1/jobs", headers: sent))
        return Dictionary(
            origins.headers(for: request, methods: Self.methods), uniquingKeysWith: { "\($0), \($1)" })
    }

    private static let preflight = [
        ("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "authorization"),
    ]

    @Test(
        "an origin is spelled as browsers do",
        arguments: [
            ("https://app.example", ["https://app.example"]),
            ("HTTPS://App.Example:443", ["https://app.example"]),
            ("http://localhost:3000, http://[::1]:80", ["http://localhost:3000", "http://[::1]"]),
        ])
    func spelling(_ list: String, _ names: [String]) throws {
        #expect(try AllowedOrigins(list).names == Set(names))
    }

    @Test(
        "what is no origin is refused",
        arguments: [
            "", ",", "app.example", "https://", "https://app.example/", "https://a b", "ftp://x", "null",
            "https://:80",
            "https://*.example",
        ])
    func mistakes(_ list: String) {
        #expect(throws: AllowedOrigins.Mistake.self) { try AllowedOrigins(list) }
    }

    @Test("by default no page is let in, and nothing is said of it")
    func none() throws {
        #expect(try headers(.none, Self.preflight, by: .options).isEmpty)
        #expect(try headers(.none, [("Origin", "https://app.example")]).isEmpty)
    }

    @Test("everybody may read, but only read")
    func everybody() throws {
        let open = try AllowedOrigins("*")
        #expect(
            try headers(open, [("Origin", "https://app.example")]) == [
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Expose-Headers": "Allow, ETag, Location, Retry-After",
            ])
        #expect(
            try headers(open, Self.preflight, by: .options) == [
                "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET",
                "Access-Control-Allow-Headers": "authorization", "Access-Control-Max-Age": "600",
            ])
        #expect(try headers(open, []).isEmpty)
    }

    @Test("an origin that is named may write too; another one may do nothing")
    func named() throws {
        let named = try AllowedOrigins("https://app.example")
        let answer = try headers(named, Self.preflight, by: .options)
        #expect(answer["Access-Control-Allow-Origin"] == "https://app.example")
        #expect(answer["Access-Control-Allow-Methods"] == "GET, POST")
        #expect(answer["Vary"] == "Origin")
        // What a cache keeps for one page must not be shown to another.
        #expect(try headers(named, [("Origin", "https://evil.example")]) == ["Vary": "Origin"])
        #expect(try headers(named, []) == ["Vary": "Origin"])
    }

    @Test(
        "a write that a browser sends for a foreign page is refused, a program's never",
        arguments: [
            ("cross-site", "https://evil.example", false, true),
            ("same-site", "http://localhost:1", false, true),
            ("cross-site", "https://app.example", false, false),
            ("cross-site", "https://evil.example", true, false),
            ("same-origin", "http://localhost:8080", false, false), ("none", "", false, false),
            ("", "", false, false),
        ])
    func writes(_ site: String, _ origin: String, _ reads: Bool, _ isRefused: Bool) throws {
        let named = try AllowedOrigins("https://app.example, *")
        var sent: [(String, String)] = []
        if !site.isEmpty { sent.append(("Sec-Fetch-Site", site)) }
        if !origin.isEmpty { sent.append(("Origin", origin)) }
        let request = try #require(HTTPRequest(.post, "/v1/jobs", headers: sent))
        #expect(named.refuses(request, reads: reads) == isRefused)
    }

    @Test(
        "where browsers leave Sec-Fetch-Site out, a write's Origin has to be named or that of Host",
        arguments: [
            ("http://evil.example", "10.0.0.5:8080", true), ("null", "10.0.0.5:8080", true),
            ("http://10.0.0.5:8080", "10.0.0.5:8080", false), ("http://10.0.0.5:8081", "10.0.0.5:8080", true),
            ("http://10.0.0.5", "10.0.0.5:8080", true),
            ("http://10.0.0.5:8080.evil.example", "10.0.0.5:8080", true),
            ("http://status.example", "Status.example:80", false),
            ("https://status.example", "status.example", false),
            ("https://status.example", "status.example:443", false),
            ("https://status.example", "status.example:80", true),
            ("http://[::1]:8080", "[::1]:8080", false), ("http://", "", true), ("", "", true),
            ("https://app.example", "10.0.0.5:8080", false), ("file://", "10.0.0.5:8080", true),
        ])
    func plainWrites(_ origin: String, _ host: String, _ isRefused: Bool) throws {
        let named = try AllowedOrigins("https://app.example, *")
        let request = try #require(
            HTTPRequest(.post, "/v1/jobs", headers: [("Host", host), ("Origin", origin)]))
        #expect(named.refuses(request, reads: false) == isRefused)
        #expect(!named.refuses(request, reads: true))
        // A server that is asked without Host knows no name of its own; a program that says nothing passes.
        let bare = try #require(HTTPRequest(.post, "/v1/jobs", headers: [("Origin", "http://10.0.0.5:8080")]))
        #expect(AllowedOrigins.none.refuses(bare, reads: false))
        let program = try #require(HTTPRequest(.post, "/v1/jobs", headers: [("Host", host)]))
        #expect(!AllowedOrigins.none.refuses(program, reads: false))
    }

    @Test("the server says so: on answers, on problems, on streams' statuses and before a request")
    func served() async throws {
        var options = ReadAPIOptions()
        options.allowedOrigins = try AllowedOrigins("*")
        try await APIHouse.with(options: options) { house in
            let page = ["Origin": "https://app.example"]
            for target in ["/healthz", "/v1/jobs/absent", "/nowhere", "/v1/stream?jobs=%20"] {
                #expect(try await house.client.get(target, page)["Access-Control-Allow-Origin"] == "*")
            }
            var ask = page
            ask["Access-Control-Request-Headers"] = "content-type"
            for (target, method, allowed) in [
                ("/v1/jobs", "GET", "GET"), ("/v1/streams", "POST", "POST"), ("/v1/events", "POST", ""),
            ] {
                ask["Access-Control-Request-Method"] = method
                let answer = try await house.client.send("OPTIONS", target, ask, nil)
                #expect(answer.status == 204)
                #expect(answer["Access-Control-Allow-Methods"] == allowed, "\(target)")
                #expect(answer["Access-Control-Allow-Headers"] == "content-type")
            }
        }
    }

    @Test("a foreign page cannot cancel a bulk behind the back of who looks at it; the dashboard can")
    func forgery() async throws {
        try await APIHouse.with { house in
            let foreign = ["Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"]
            let refused = try await house.client.send(
                "POST", "/v1/bulks/spring/seal", foreign, #"{"total":1}"#)
            #expect(refused.status == 403)
            #expect(refused.json["type"] == .string("urn:headway:problem:forbidden"))
            // Over plain http, with a body that needs no leave of ours to be sent.
            for origin in ["http://evil.example", "null"] {
                for target in ["/v1/bulks/spring/cancel", "/v1/bulks/spring/seal", "/v1/events"] {
                    let refused = try await house.client.send(
                        "POST", target, ["Origin": origin], #"{"total":1}"#)
                    #expect(refused.status == 403, "\(target) from \(origin)")
                }
            }
            let plain = ["Origin": "http://localhost"]
            #expect(
                try await house.client.send("POST", "/v1/bulks/spring/seal", plain, #"{"total":1}"#).status
                    == 202)
            let own = ["Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"]
            let taken = try await house.client.send("POST", "/v1/bulks/spring/seal", own, #"{"total":1}"#)
            #expect(taken.status == 202)
        }
    }
}
