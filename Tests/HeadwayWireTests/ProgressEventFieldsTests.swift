import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("An event's fields")
struct ProgressEventFieldsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let fields: Fields
        let error: WireError

        init(_ description: String, _ fields: Fields, _ reason: Refusal, _ field: String?, _ detail: String) {
            testDescription = description
            self.fields = fields
            error = WireError(reason, field, detail)
        }
    }

    static let tick: Fields = [
        "type": "stage.progressed", "subject": "article-42", "attempt": "1", "source": "w7", "id": "12",
        "stage": "writing", "done": "3", "total": "10",
    ]
    static let queued: Fields = ["type": "job.queued", "subject": "article-42", "pipeline": "article"]
    static let failed: Fields = ["type": "job.failed", "subject": "article-42", "message": "no"]
    static let completed: Fields = ["type": "job.completed", "subject": "article-42"]
    static let settled: Fields = ["type": "bulk.settled", "subject": "spring", "generation": "1"]

    private static let id = "is not 1 to 200 letters, digits or . _ : @ -"
    private static let count = "is not a whole number from 0 to 2^53"
    private static let ordinal = "is not a whole number from 1 to 2^53"
    private static let share = "is not a number from 0 to 100"

    static let refused: [Case] = [
        Case("nothing at all", [:], .malformed, "type", "is missing"),
        Case("no type", tick.without("type"), .malformed, "type", "is missing"),
        Case(
            "a type of tomorrow, whatever its fields are",
            tick.with("type", "job.paused").with("done", "many"),
            .unknownType, "type", "is not one that this version knows"),
        Case(
            "a type in other letters", tick.with("type", "Job.Queued"), .unknownType, "type",
            "is not one that this version knows"),
        Case("no subject", tick.without("subject"), .malformed, "subject", "is missing"),
        Case("an empty subject", tick.with("subject", ""), .malformed, "subject", id),
        Case("a subject with a space", tick.with("subject", "a b"), .malformed, "subject", id),
        Case("a subject with a brace", tick.with("subject", "a{0}"), .malformed, "subject", id),
        Case(
            "a subject of 201 bytes", tick.with("subject", String(repeating: "a", count: 201)), .malformed,
            "subject",
            id),
        Case("attempt 0", tick.with("attempt", "0"), .malformed, "attempt", ordinal),
        Case("an attempt in words", tick.with("attempt", "first"), .malformed, "attempt", ordinal),
        Case("an attempt with a plus", tick.with("attempt", "+1"), .malformed, "attempt", ordinal),
        Case("an attempt with a space", tick.with("attempt", " 1"), .malformed, "attempt", ordinal),
        Case(
            "a source without an id", tick.without("id"), .malformed, "id",
            "is missing: source and id go together"),
        Case(
            "an id without a source", tick.without("source"), .malformed, "source",
            "is missing: source and id go together"),
        Case("id 0", tick.with("id", "0"), .malformed, "id", ordinal),
        Case("an id below zero", tick.with("id", "-1"), .malformed, "id", ordinal),
        Case("an id beyond 2^53", tick.with("id", "9007199254740993"), .malformed, "id", ordinal),
        Case("an id beyond 64 bits", tick.with("id", "18446744073709551616"), .malformed, "id", ordinal),
        Case("a source with a space", tick.with("source", "w 7"), .malformed, "source", id),
        Case("a time in ISO 8601", tick.with("time", "2026-08-01T00:00:00Z"), .malformed, "time", count),
        Case(
            "a time in seconds with a fraction", tick.with("time", "1754000000.5"), .malformed, "time", count),
        Case("no stage", tick.without("stage"), .malformed, "stage", "is missing"),
        Case("a stage with a space", tick.with("stage", "the end"), .malformed, "stage", id),
        Case("done without total", tick.without("total"), .malformed, "total", "is missing"),
        Case("total without done", tick.without("done"), .malformed, "done", "is missing"),
        Case(
            "a tick that says nothing", tick.without("done").without("total"), .malformed, "percent",
            "is missing, and so is done of total"),
        Case("done beyond total", tick.with("done", "11"), .malformed, "done", "is greater than total"),
        Case("done below zero", tick.with("done", "-1"), .malformed, "done", count),
        Case("done with a fraction", tick.with("done", "3.5"), .malformed, "done", count),
        Case("a total beyond 2^53", tick.with("total", "9007199254740993"), .malformed, "total", count),
        Case("index 0", tick.with("index", "0"), .malformed, "index", ordinal),
        Case(
            "an index beyond of", tick.with("index", "9").with("of", "8"), .malformed, "index",
            "is greater than of"),
        Case("of 0", tick.with("of", "0"), .malformed, "of", ordinal),
        Case("stage attempt 0", tick.with("stageAttempt", "0"), .malformed, "stageAttempt", ordinal),
        Case("101 percent", tick.with("percent", "101"), .malformed, "percent", share),
        Case(
            "a little more than 100 percent", tick.with("percent", "100.00001"), .malformed, "percent", share),
        Case("less than 0 percent", tick.with("percent", "-0.1"), .malformed, "percent", share),
        Case("not a number in percent", tick.with("percent", "nan"), .malformed, "percent", share),
        Case("a percentage with its sign", tick.with("percent", "50%"), .malformed, "percent", share),
        Case("an empty percentage", tick.with("percent", ""), .malformed, "percent", share),
        Case("a substep with a slash", tick.with("substep", "a/b"), .malformed, "substep", id),
        Case(
            "a message that is not UTF-8", tick.with("message", bytes: [0xff]), .malformed, "message",
            "is not UTF-8"),
        Case(
            "a message cut within a character", tick.with("message", bytes: [0xe2, 0x82]), .malformed,
            "message",
            "is not UTF-8"),
        Case("queued without a pipeline", queued.without("pipeline"), .malformed, "pipeline", "is missing"),
        Case(
            "a pipeline of revision 0", queued.with("pipeline", "article@0"), .malformed, "pipeline",
            "is not a name, or a name@revision"),
        Case("a bulk with a space", queued.with("bulk", "a b"), .malformed, "bulk", id),
        Case(
            "weight 0", queued.with("weight", "0"), .malformed, "weight",
            "is not a whole number from 1 to 1000000"),
        Case(
            "a weight of more than a million", queued.with("weight", "1000001"), .malformed, "weight",
            "is not a whole number from 1 to 1000000"),
        Case(
            "a token in the clear", queued.with("token", "secret"), .malformed, "token",
            "is not a SHA-256 in lower-case hex"),
        Case(
            "a label of 201 characters", queued.with("label", String(repeating: "ä", count: 201)), .tooLarge,
            "label",
            "is longer than 200 characters"),
        Case(
            "an attribute with a space in its name", queued.with("attr.a b", "1"), .malformed, "attr",
            "has a name that is not 1 to 64 letters, digits or . _ : @ -"),
        Case(
            "an attribute without a name", queued.with("attr.", "1"), .malformed, "attr",
            "has a name that is not 1 to 64 letters, digits or . _ : @ -"),
        Case(
            "an attribute's value of 257 characters",
            queued.with("attr.a", String(repeating: "a", count: 257)),
            .tooLarge, "attr.a", "is longer than 256 characters"),
        Case(
            "17 attributes", (0..<17).reduce(queued) { $0.with("attr.a\($1)", "1") }, .tooLarge, "attr",
            "comes more than 16 times"),
        Case("failed without a message", failed.without("message"), .malformed, "message", "is missing"),
        Case(
            "a code of 201 characters", failed.with("code", String(repeating: "a", count: 201)), .tooLarge,
            "code",
            "is longer than 200 characters"),
        Case(
            "a result of 4097 bytes", completed.with("result", String(repeating: "a", count: 4097)),
            .tooLarge,
            "result", "is longer than 4096 bytes"),
        Case(
            "a checkpoint of 4097 bytes",
            tick.with("type", "stage.completed").with("checkpoint", String(repeating: "a", count: 4097)),
            .tooLarge,
            "checkpoint", "is longer than 4096 bytes"),
        Case(
            "more than 64 KiB, though of an unknown field",
            tick.with("extra", String(repeating: "a", count: 65_536)),
            .tooLarge, nil, "the event is larger than 64 KiB"),
        Case(
            "a settlement without a generation", settled.without("generation"), .malformed, "generation",
            "is missing"),
        Case("generation 0", settled.with("generation", "0"), .malformed, "generation", ordinal),
    ]

    @Test("are refused when they break a rule", arguments: refused)
    func refuses(_ c: Case) {
        #expect(throws: c.error) { try ProgressEvent(fields: c.fields) }
    }

    @Test("are refused when a known one is given twice")
    func twice() {
        for name in ["type", "subject", "done", "attr.a"] {
            var fields = Self.tick
            fields.pairs.append((Array(name.utf8), Array("1".utf8)))
            fields.pairs.append((Array(name.utf8), Array("1".utf8)))
            #expect(throws: WireError(.malformed, name, "is given twice")) {
                try ProgressEvent(fields: fields)
            }
        }
    }

    @Test("that are not known are passed over, even twice")
    func unknown() throws {
        var fields = Self.tick.with("colour", "red").with("", "x").with("stage\u{0}", "x").with("Stage", "x")
        fields.pairs.append((Array("colour".utf8), [0xff]))
        #expect(try ProgressEvent(fields: fields) == ProgressEvent(fields: Self.tick))
    }

    @Test("that belong to another type are checked and passed over")
    func foreign() throws {
        let beat: Fields = ["type": "job.heartbeat", "subject": "a", "done": "3", "label": "x"]
        #expect(
            try ProgressEvent(fields: beat)
                == ProgressEvent(.job(JobID(unchecked: "a"), .heartbeat(worker: nil))))
        #expect(throws: WireError.self) { try ProgressEvent(fields: beat.with("done", "x")) }
    }

    @Test("a bulk has no attempt: it is passed over")
    func bulkAttempt() throws {
        let fields: Fields = ["type": "bulk.opened", "subject": "spring", "attempt": "2", "total": "20"]
        let event = try ProgressEvent(fields: fields)
        #expect(event == ProgressEvent(BulkID(unchecked: "spring"), .opened(total: 20, label: nil)))
    }

    @Test("a trace context that W3C's rules void is dropped, and the event stays")
    func traceparents() throws {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        #expect(try ProgressEvent(fields: Self.tick.with("traceparent", good)).traceparent == good)
        let later = "cc" + good.dropFirst(2) + "-what-comes"
        #expect(try ProgressEvent(fields: Self.tick.with("traceparent", later)).traceparent == later)
        for bad in [
            "", "x", "ff" + good.dropFirst(2), good + "-00", good.uppercased(),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        ] {
            #expect(try ProgressEvent(fields: Self.tick.with("traceparent", bad)).traceparent == nil)
        }
    }

    @Test("a message of 1,000 characters stays, a longer one ends with …")
    func messages() throws {
        let full = String(repeating: "ä", count: 1000)
        let long = try ProgressEvent(fields: Self.failed.with("message", full + "x"))
        #expect(
            try ProgressEvent(fields: Self.failed.with("message", full)).word
                == .failed(message: full, code: nil, stage: nil))
        let cut = String(repeating: "ä", count: 999) + "…"
        #expect(long.word == .failed(message: cut, code: nil, stage: nil))
        #expect(WireLimits.cut(cut) == cut)
    }

    @Test("an empty text is a text: it clears a message")
    func empties() throws {
        let event = try ProgressEvent(fields: Self.completed.with("message", "").with("result", ""))
        #expect(event.word == .completed(result: "", message: ""))
    }

    struct Percentage: Sendable, CustomTestStringConvertible {
        let text: String
        let parts: Int
        var testDescription: String { "\"\(text)\" is \(parts) parts per million" }
    }

    static let percentages = [
        Percentage(text: "0", parts: 0), Percentage(text: "-0.0", parts: 0),
        Percentage(text: "100", parts: 1_000_000),
        Percentage(text: "100.000", parts: 1_000_000), Percentage(text: "33.333333333333336", parts: 333_333),
        Percentage(text: "99.99999999999999999999", parts: 999_999), Percentage(text: "5e-05", parts: 0),
        Percentage(text: "1e-4", parts: 1), Percentage(text: "1E+2", parts: 1_000_000),
        Percentage(text: ".5", parts: 5000), Percentage(text: "7.", parts: 70_000),
        Percentage(text: "000000000000000000000000000050", parts: 500_000),
        Percentage(text: "0.00000000000000000000000000005", parts: 0),
        Percentage(text: "0e9999", parts: 0),
    ]

    @Test("a percentage is read as every language writes it", arguments: percentages)
    func percents(_ c: Percentage) throws {
        let fields = Self.tick.without("done").without("total").with("percent", c.text)
        let event = try ProgressEvent(fields: fields)
        let progress = Progress.fraction(Fraction(partsPerMillion: c.parts))
        #expect(event.word == .stageProgressed(StageMention("writing"), progress, substep: nil))
    }

    @Test("counts are read before a percentage")
    func both() throws {
        #expect(try ProgressEvent(fields: Self.tick.with("percent", "1")) == ProgressEvent(fields: Self.tick))
    }

    @Test("are always written in the same order")
    func order() {
        var dice = Dice(seed: 5)
        let places = Dictionary(
            uniqueKeysWithValues: EventField.allCases.map { ($0.name, Int($0.rawValue) * 2) })
        for _ in 0..<500 {
            let names = FieldBuffer(dice.event().encode).names
            let order = names.map { places[$0] ?? Int(EventField.token.rawValue) * 2 + 1 }
            #expect(order == order.sorted())
        }
    }

    @Test("a number that breaks its bounds is no publisher's number, though the rest is readable")
    func sequences() {
        let sequence = ProgressEvent.Sequence(source: "w7", id: 12)
        #expect(ProgressEvent.Sequence(fields: Self.tick.with("done", "x")) == sequence)
        #expect(ProgressEvent.Sequence(fields: Self.tick.with("id", "9007199254740993")) == nil)
        #expect(ProgressEvent.Sequence(fields: Self.tick.with("id", "9223372036854775807")) == nil)
        #expect(ProgressEvent.Sequence(fields: Self.tick.with("id", "0")) == nil)
        #expect(ProgressEvent.Sequence(fields: Self.tick.with("source", "w 7")) == nil)
        #expect(ProgressEvent.Sequence(fields: Self.tick.without("source")) == nil)
    }

    @Test("a publisher learns before it sends what a reader would refuse")
    func faults() {
        let job = JobID(unchecked: "a")
        let large = ProgressEvent(job, .completed(result: String(repeating: "a", count: 5000), message: nil))
        #expect(large.fault == WireError(.tooLarge, "result", "is longer than 4096 bytes"))
        #expect(ProgressEvent(job, .heartbeat(worker: nil)).fault == nil)
    }
}

extension ProgressEvent {
    fileprivate var word: JobWord? {
        guard case .job(_, let word) = body else { return nil }
        return word
    }
}
