import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("CloudEvents")
struct CloudEventTests {
    private static func event(_ attributes: String, data: String = "{}") -> String {
        #"{"specversion": "1.0", "source": "/crm", "id": "e-1", \#(attributes), "data": \#(data)}"#
    }

    private static func tick(_ data: String) -> String {
        event(#""type": "stage.progressed", "subject": "article-42""#, data: data)
    }

    private func one(_ json: String) throws -> ProgressEvent {
        try #require(try CloudEvent.parse(Array(json.utf8), batch: false).get().first).get()
    }

    @Test("become events, with their source and id as origin and no sequence of their own")
    func read() throws {
        let json = #"""
            {"specversion": "1.0", "type": "stage.progressed", "source": "https://crm.example/jobs", "id": "e-1",
             "subject": "article-42", "time": "2026-08-01T12:00:00.250+02:00", "datacontenttype": "application/json",
             "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "shard": 3,
             "data": {"stage": "writing", "done": 3, "total": "10", "attempt": 2, "message": null, "colour": [1]}}
            """#
        let expected = ProgressEvent(
            .job(
                JobID(unchecked: "article-42"),
                .stageProgressed(StageMention("writing"), .count(done: 3, total: 10), substep: nil)),
            attempt: 2, time: Timestamp(milliseconds: 1_785_578_400_250),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            origin: "https://crm.example/jobs e-1")
        #expect(try one(json) == expected)
    }

    @Test("take attributes as an object or one by one, and 5.0 for 5")
    func data() throws {
        let json = Self.event(
            #""type": "job.queued", "subject": "a""#,
            data:
                #"{"pipeline": "article", "weight": 5.0, "attributes": {"mode": "topic", "n": 7}, "attr.x": "y"}"#
        )
        let registration = Registration(
            pipeline: PipelineName(name: "article"), weight: 5,
            attributes: ["mode": "topic", "n": "7", "x": "y"])
        #expect(try one(json).body == .job(JobID(unchecked: "a"), .queued(registration)))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let json: String
        let error: WireError

        init(_ description: String, _ json: String, _ reason: Refusal, _ field: String?, _ detail: String) {
            testDescription = description
            self.json = json
            error = WireError(reason, field, detail)
        }
    }

    static let refused: [Case] = [
        Case("a list in structured mode", "[]", .malformed, nil, "an event is a JSON object"),
        Case("no specversion", "{}", .malformed, "specversion", "is missing"),
        Case("an older specversion", #"{"specversion": "0.3"}"#, .malformed, "specversion", "is not 1.0"),
        Case("no type", #"{"specversion": "1.0"}"#, .malformed, "type", "is missing"),
        Case(
            "a type that is a number", #"{"specversion": "1.0", "type": 1}"#, .malformed, "type",
            "is not a text"),
        Case(
            "a type of nobody", event(#""type": "job.paused", "subject": "a""#), .unknownType, "type",
            "is not one that producers may send"),
        Case(
            "a mistyped type", event(#""type": "job.startd", "subject": "a""#), .unknownType, "type",
            "is not one that producers may send; job.started is"),
        Case("no subject", event(#""type": "job.heartbeat""#), .malformed, "subject", "is missing"),
        Case(
            "a subject with a space", event(#""type": "job.heartbeat", "subject": "a b""#), .malformed,
            "subject",
            "is not 1 to 200 letters, digits or . _ : @ -"),
        Case(
            "no source", #"{"specversion": "1.0", "id": "1", "type": "job.heartbeat", "subject": "a"}"#,
            .malformed,
            "source", "is missing"),
        Case(
            "an empty id",
            #"{"specversion": "1.0", "id": "", "source": "x", "type": "job.heartbeat", "subject": "a"}"#,
            .malformed,
            "id", "is empty"),
        Case(
            "a time in milliseconds",
            event(#""type": "job.heartbeat", "subject": "a", "time": "1754000000000""#),
            .malformed, "time", "is not a time by RFC 3339"),
        Case(
            "data in XML", event(#""type": "job.heartbeat", "subject": "a", "datacontenttype": "text/xml""#),
            .malformed, "datacontenttype", "is not JSON"),
        Case(
            "data in base 64", event(#""type": "job.heartbeat", "subject": "a", "data_base64": "e30=""#),
            .malformed,
            "data_base64", "is not read: send data as a JSON object"),
        Case("data that is a list", tick("[]"), .malformed, "data", "is not an object"),
        Case(
            "a truth for a number", tick(#"{"stage": "x", "done": true}"#), .malformed, "data.done",
            "is neither a text nor a number"),
        Case(
            "a sequence of one's own", tick(#"{"stage": "x", "source": "w7"}"#), .malformed, "data.source",
            "belongs to the event, not into its data"),
        Case(
            "done beyond total", tick(#"{"stage": "x", "done": 2, "total": 1}"#), .malformed, "done",
            "is greater than total"),
        Case(
            "an exponent for a count", tick(#"{"stage": "x", "done": 1e3, "total": 2000}"#), .malformed,
            "done",
            "is not a whole number from 0 to 2^53"),
    ]

    @Test("are refused when they break a rule", arguments: refused)
    func refuses(_ c: Case) {
        #expect(throws: c.error) { try one(c.json) }
    }

    @Test(
        "the words that shares tell one another are refused from outside",
        arguments: [
            "bulk.announced", "bulk.cancelling", "bulk.settled", "bulk.reopened", "bulk.recount",
            "bulk.failing",
        ])
    func shareWords(type: String) {
        let json = Self.event(#""type": "\#(type)", "subject": "spring""#, data: #"{"generation": 1}"#)
        #expect(throws: WireError(.unknownType, "type", "is not one that producers may send")) {
            try one(json)
        }
    }

    @Test("a batch has a result for each, in order")
    func batch() throws {
        let good = Self.event(#""type": "job.heartbeat", "subject": "a""#)
        let results = try CloudEvent.parse(Array("[\(good), 7, \(good)]".utf8), batch: true).get()
        let beat = ProgressEvent(.job(JobID(unchecked: "a"), .heartbeat(worker: nil)), origin: "/crm e-1")
        #expect(
            results == [
                .success(beat), .failure(WireError(.malformed, nil, "an event is a JSON object")),
                .success(beat),
            ])
        #expect(try CloudEvent.parse(Array("[]".utf8), batch: true).get().isEmpty)
    }

    @Test("a body that is no batch is refused as a whole")
    func noBatch() {
        let many = "[" + Array(repeating: "0", count: 1001).joined(separator: ",") + "]"
        for (body, error) in [
            (
                "{",
                WireError(
                    .malformed, nil, "the body is not JSON: line 1, column 2: expected a name in quotes")
            ),
            ("{}", WireError(.malformed, nil, "a batch is a JSON array")),
            (many, WireError(.tooLarge, nil, "a batch holds at most 1000 events")),
        ] {
            #expect(CloudEvent.parse(Array(body.utf8), batch: true) == .failure(error))
        }
    }
}
