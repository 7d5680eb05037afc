import Seeded
import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

@Suite("JSONWriter")
struct JSONWriterTests {
    struct Escape: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let text: String
        let json: String
    }

    static let texts = [
        Escape(testDescription: "plain", text: "abc", json: #""abc""#),
        Escape(testDescription: "empty", text: "", json: #""""#),
        Escape(testDescription: "quotes and backslashes", text: #"a"b\c"#, json: #""a\"b\\c""#),
        Escape(testDescription: "line breaks and tabs", text: "a\nb\rc\td", json: #""a\nb\rc\td""#),
        Escape(testDescription: "other controls", text: "\u{0}\u{1f}", json: #""\u0000\u001f""#),
        Escape(testDescription: "other scripts stay as they are", text: "żółć 進捗 🐢", json: "\"żółć 進捗 🐢\""),
    ]

    @Test("texts are escaped so that they are one line and come back as they were", arguments: texts)
    func escapes(_ c: Escape) throws {
        var json = JSONWriter()
        json.value(c.text)
        #expect(String(decoding: json.bytes, as: UTF8.self) == c.json)
        #expect(try JSON(json.bytes) == .string(c.text))
    }

    @Test("commas stand between members and elements, and nowhere else")
    func commas() {
        var json = JSONWriter()
        json.beginObject()
        json.field("a", 1)
        json.key("b")
        json.beginArray()
        json.endArray()
        json.key("c")
        json.beginArray()
        json.beginObject()
        json.endObject()
        json.value(true)
        json.null()
        json.endArray()
        json.field("d", nil as String?)
        json.endObject()
        #expect(String(decoding: json.bytes, as: UTF8.self) == #"{"a":1,"b":[],"c":[{},true,null],"d":null}"#)
    }

    @Test("numbers are written whole, also at the ends of their range")
    func numbers() {
        var json = JSONWriter()
        json.beginArray()
        for number in [0, 7, -1, Int.max, Int.min] { json.value(number) }
        json.value(tenths: 742)
        json.value(tenths: 3)
        json.value(tenths: -3)
        json.endArray()
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(text == "[0,7,-1,9223372036854775807,-9223372036854775808,74.2,0.3,-0.3]")
    }

    @Test("a moment is ISO-8601 in UTC with milliseconds, as the wire's own spelling says it")
    func moments() {
        #expect(Timestamp(milliseconds: 0).iso8601 == "1970-01-01T00:00:00.000Z")
        #expect(Timestamp(milliseconds: 951_782_400_000).iso8601 == "2000-02-29T00:00:00.000Z")
        #expect(Timestamp(milliseconds: -1).iso8601 == "1969-12-31T23:59:59.999Z")
        var random = SplitMix64(seed: 1)
        for _ in 0..<2000 {
            let moment = Timestamp(
                milliseconds: Int64.random(in: -60_000_000_000_000...250_000_000_000_000, using: &random))
            #expect(moment.iso8601 == RFC3339.text(moment))
        }
    }

    @Test("a moment beyond the calendar is moved to its end, never a trap")
    func absurdMoments() {
        #expect(Timestamp(milliseconds: .max).iso8601 == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: .min).iso8601 == "0001-01-01T00:00:00.000Z")
    }
}
