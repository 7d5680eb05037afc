import Testing

@testable import HTTPServer

@Suite("RequestTarget")
struct RequestTargetTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let path: [String]
        let query: [String]
    }

    static let targets: [Case] = [
        Case(testDescription: "/", path: [], query: []),
        Case(testDescription: "*", path: ["*"], query: []),
        Case(testDescription: "/v1/jobs", path: ["v1", "jobs"], query: []),
        Case(testDescription: "//v1///jobs/", path: ["v1", "jobs"], query: []),
        Case(testDescription: "/a%2Fb/%C3%A9/é", path: ["a/b", "é", "é"], query: []),
        Case(testDescription: "/a+b/%2B", path: ["a+b", "+"], query: []),
        Case(testDescription: "/.././%2e", path: ["..", ".", "."], query: []),
        Case(testDescription: "/?", path: [], query: []),
        Case(testDescription: "/a?b=c&d=e", path: ["a"], query: ["b", "c", "d", "e"]),
        Case(testDescription: "/?a=b=c", path: [], query: ["a", "b=c"]),
        Case(testDescription: "/?a&b=&=c&&", path: [], query: ["a", "", "b", "", "", "c"]),
        Case(testDescription: "/?a+b=c%20d%2B+", path: [], query: ["a b", "c d+ "]),
        Case(testDescription: "/?a%26b=%3D?/", path: [], query: ["a&b", "=?/"]),
        Case(testDescription: "http://h/a?b", path: ["a"], query: ["b", ""]),
        Case(testDescription: "HTTPS://h:1", path: [], query: []),
        Case(testDescription: "http://h?a=b", path: [], query: ["a", "b"]),
    ]

    @Test("takes a target apart", arguments: targets)
    func parts(_ c: Case) throws {
        let target = try #require(RequestTarget(c.testDescription))
        #expect(target.path == c.path)
        #expect(target.query.flatMap { [$0.name, $0.value] } == c.query)
    }

    @Test(
        "refuses what does not decode",
        arguments: ["/%", "/%4", "/%4/", "/%g0", "/%0g", "/%00", "/%ff", "/%C3", "/?%", "/?a=%f"])
    func refuses(target: String) { #expect(RequestTarget(target) == nil) }

    @Test("a request finds its query values and headers")
    func request() throws {
        let request = try #require(
            HTTPRequest(
                .get, "/a?b=1&c=2&b=3",
                headers: [("If-None-Match", "\"x\""), ("Accept", "a"), ("accept", "b")]))
        #expect(request.query("b") == "1")
        #expect(request.queryAll("b") == ["1", "3"])
        #expect(request.query("d") == nil)
        #expect(request.header("if-none-match") == "\"x\"")
        #expect(request.header("ACCEPT") == "a")
        #expect(request.header("acc") == nil)
    }

    @Test("a problem is JSON whatever its detail")
    func problem() {
        guard case .bytes(let bytes) = HTTPResponse.problem(409, "a \"b\" \\ \n\u{1}é").body else { return }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"type":"about:blank","title":"Conflict","status":409,"detail":"a \"b\" \\ \u000a\u0001é"}"#
                + "\n")
    }
}
