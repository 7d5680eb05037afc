import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

@Suite("Bad input", .timeLimit(.minutes(2)))
struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let method: String
        let target: String
        var body: String?
        var type = "application/json"
        let status: Int
        let kind: String
        /// What the detail must name.
        var names = ""

        var testDescription: String { "\(method) \(target.prefix(60)) is \(status)" }
    }

    static let cases: [Case] = [
        Case(method: "GET", target: "/v1/nothing", status: 404, kind: "unknown-route"),
        Case(method: "DELETE", target: "/v1/jobs/a", status: 405, kind: "method-not-allowed", names: "GET"),
        Case(method: "GET", target: "/v1/events", status: 405, kind: "method-not-allowed", names: "POST"),
        Case(method: "GET", target: "/v1/jobs", status: 400, kind: "bad-parameter", names: "ids"),
        Case(method: "GET", target: "/v1/jobs?ids=a,b%20c", status: 400, kind: "bad-parameter", names: "ids"),
        Case(method: "GET", target: "/v1/jobs/a%2Fb", status: 400, kind: "bad-parameter", names: "id"),
        Case(method: "GET", target: "/v1/jobs/a?wait=61s", status: 400, kind: "bad-parameter", names: "wait"),
        Case(method: "GET", target: "/v1/jobs/a?wait=-1s", status: 400, kind: "bad-parameter", names: "wait"),
        Case(
            method: "GET", target: "/v1/jobs/a?wait=soon", status: 400, kind: "bad-parameter", names: "wait"),
        Case(
            method: "GET", target: "/v1/jobs/a?wait=99999999999999999999", status: 400, kind: "bad-parameter",
            names: "wait"),
        Case(method: "GET", target: "/v1/bulks?limit=0", status: 400, kind: "bad-parameter", names: "limit"),
        Case(
            method: "GET", target: "/v1/bulks?cursor=x", status: 400, kind: "bad-parameter", names: "cursor"),
        Case(
            method: "GET", target: "/v1/bulks?ids=" + (0..<101).map { "b\($0)" }.joined(separator: ","),
            status: 400,
            kind: "bad-parameter", names: "101"),
        Case(
            method: "GET", target: "/v1/bulks/x/jobs?status=happy", status: 400, kind: "bad-parameter",
            names: "status"),
        Case(
            method: "GET", target: "/v1/bulks/x/jobs?limit=501", status: 400, kind: "bad-parameter",
            names: "limit"),
        Case(
            method: "GET", target: "/v1/bulks/x/jobs?cursor=9.1.1.a", status: 400, kind: "bad-parameter",
            names: "cursor"),
        Case(method: "GET", target: "/v1/stream", status: 400, kind: "bad-parameter", names: "jobs"),
        Case(method: "GET", target: "/v1/stream?jobs=%00", status: 400, kind: ""),
        Case(method: "POST", target: "/v1/jobs/query", body: "[1]", status: 400, kind: "bad-body"),
        Case(
            method: "POST", target: "/v1/jobs/query", body: "{", status: 400, kind: "bad-body",
            names: "line 1"),
        Case(
            method: "POST", target: "/v1/jobs/query", body: "{}", status: 400, kind: "bad-body", names: "ids"),
        Case(
            method: "POST", target: "/v1/jobs/query", body: #"{"ids":["a",7]}"#, status: 400,
            kind: "bad-body",
            names: "ids[1]"),
        Case(
            method: "POST", target: "/v1/jobs/query", body: "ids=a",
            type: "application/x-www-form-urlencoded",
            status: 415, kind: "unsupported-media-type"),
        Case(method: "POST", target: "/v1/streams", body: "{}", status: 400, kind: "bad-body", names: "jobs"),
        Case(
            method: "POST", target: "/v1/streams", body: #"{"jobs":"a"}"#, status: 400, kind: "bad-body",
            names: "jobs"),
        Case(
            method: "POST", target: "/v1/events", body: "x", type: "text/plain", status: 415,
            kind: "unsupported-media-type", names: "cloudevents"),
        Case(method: "POST", target: "/v1/events", body: "not json", status: 400, kind: "bad-body"),
        Case(
            method: "POST", target: "/v1/events", body: "{}", status: 400, kind: "bad-events",
            names: "specversion"),
        Case(
            method: "POST", target: "/v1/events",
            body: "[" + Array(repeating: "{}", count: 1001).joined(separator: ",") + "]", status: 413,
            kind: "too-large", names: "1000"),
        Case(
            method: "POST", target: "/v1/jobs", body: "{}", status: 400, kind: "bad-body", names: "pipeline"),
        Case(
            method: "POST", target: "/v1/jobs", body: #"{"pipeline":"a b"}"#, status: 400, kind: "bad-body",
            names: "pipeline"),
        Case(
            method: "POST", target: "/v1/jobs", body: #"{"pipeline":"p","id":"a b"}"#, status: 400,
            kind: "bad-body",
            names: "id"),
        Case(
            method: "POST", target: "/v1/jobs", body: #"{"pipeline":"p","attributes":{"a":1}}"#, status: 400,
            kind: "bad-body", names: "attributes"),
        Case(
            method: "POST", target: "/v1/jobs", body: #"{"pipeline":"p","weight":1.5}"#, status: 400,
            kind: "bad-body",
            names: "weight"),
        Case(
            method: "POST", target: "/v1/bulks/x/seal", body: #"{"total":"many"}"#, status: 400,
            kind: "bad-body",
            names: "total"),
        Case(method: "PUT", target: "/v1/pipelines/p", body: "{}", status: 422, kind: "bad-pipeline"),
    ]

    @Test("each is refused with a problem document that says what to do")
    func refused() async throws {
        try await APIHouse.with { house in
            for c in Self.cases {
                let headers = c.body == nil ? [:] : ["Content-Type": c.type]
                let answer = try await house.client.send(c.method, c.target, headers, c.body)
                #expect(answer.status == c.status, "\(c.testDescription): \(answer.text)")
                // What the server itself refuses never reaches a route.
                guard !c.kind.isEmpty else { continue }
                #expect(answer["Content-Type"] == "application/problem+json", "\(c.testDescription)")
                #expect(
                    answer.json["type"] == .string("urn:headway:problem:\(c.kind)"), "\(c.testDescription)")
                #expect(answer.json["status"] == .number("\(c.status)"))
                #expect(answer.json["title"]?.string?.isEmpty == false)
                #expect(answer.json["instance"]?.string == String(c.target.prefix { $0 != "?" }))
                let detail = answer.json["detail"]?.string ?? ""
                #expect(detail.contains(c.names), "\(c.testDescription): \(detail)")
            }
        }
    }

    @Test("another method is told which ones there are")
    func allow() async throws {
        try await APIHouse.with { house in
            let answer = try await house.client.send("DELETE", "/v1/jobs", [:], nil)
            #expect(answer["Allow"] == "GET, HEAD, POST, OPTIONS")
            let options = try await house.client.send("OPTIONS", "/v1/jobs/a", [:], nil)
            #expect(options.status == 204)
            #expect(options["Allow"] == "GET, HEAD, OPTIONS")
        }
    }
}

@Suite("Health", .timeLimit(.minutes(2)))
struct HealthTests {
    @Test("ready while Redis answers and is listened to; healthy also without it")
    func ready() async throws {
        var options = ReadAPIOptions()
        options.readiness = .seconds(1)
        try await APIHouse.with(options: options) { house in
            #expect(await eventually { (try? await house.client.get("/readyz"))?.status == 200 })
            await house.writer.stopBeating()
            await house.redis.stop()
            #expect(await eventually { (try? await house.client.get("/readyz"))?.status == 503 })
            #expect(try await house.client.get("/healthz").status == 200)
            try await house.redis.restart()
            #expect(
                await eventually(within: .seconds(10)) {
                    (try? await house.client.get("/readyz"))?.status == 200
                })
        }
    }
}
