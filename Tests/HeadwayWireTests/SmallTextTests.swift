import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("Small texts")
struct SmallTextTests {
    @Test("stream ids sort by milliseconds, then by sequence")
    func streamIDs() {
        let ids = ["0-0", "5", "5-1", "5-10", "18446744073709551615-18446744073709551615"].compactMap {
            StreamID($0)
        }
        #expect(ids.count == 5)
        #expect(ids == ids.sorted())
        #expect(ids[4].timestamp == Timestamp(milliseconds: .max))
    }

    @Test(
        "what is no stream id is none",
        arguments: ["", "-", "5-", "-5", "5-1-1", "a", "5 1", "+5", "18446744073709551616"])
    func noStreamID(text: String) {
        #expect(StreamID(text) == nil)
    }

    @Test("a member's score is exact in a double, and its band holds it", arguments: JobState.Status.allCases)
    func scores(status: JobState.Status) throws {
        let range = MemberScore.range(of: status)
        for at in [Int64.min, -1, 0, 1_754_000_000_000, 9_999_999_999_999, .max] {
            let score = MemberScore(status, at: Timestamp(milliseconds: at))
            #expect(score.status == status)
            #expect(Int64(Double(score.value)) == score.value)
            #expect(try #require(Int64(range.min)) <= score.value)
            #expect(try #require(Int64(range.max)) >= score.value)
        }
    }

    @Test("a score is read however Redis writes it")
    func scoreTexts() throws {
        let score = MemberScore(.completed, at: Timestamp(milliseconds: 0))
        #expect(MemberScore("20000000000000") == score)
        #expect(MemberScore("2e+13") == score)
        #expect(MemberScore("inf") == nil)
        #expect(MemberScore("-1") == nil)
        #expect(MemberScore("50000000000000") == nil)
    }

    @Test("more than 500 changes are many")
    func manyChanges() throws {
        let changes = (0...500).map { ChangeNotice.Change(.job(JobID(unchecked: "j\($0)")), version: 1) }
        #expect(ChangeNotice(epoch: "e", commit: 7, changes: changes).text == "e 7 *")
        let fewer = ChangeNotice(epoch: "e", commit: 7, changes: Array(changes.dropLast()))
        #expect(try ChangeNotice(fewer.text) == fewer)
        #expect(try ChangeNotice("e 7") == ChangeNotice(epoch: "e", commit: 7, changes: []))
    }

    @Test("a change of a later version's kind is passed over")
    func laterChange() throws {
        let notice = ChangeNotice(
            epoch: "e", commit: 7, changes: [ChangeNotice.Change(.job(JobID(unchecked: "a:b")), version: 2)])
        #expect(try ChangeNotice("e 7 w:w-1=9 j:a:b=2") == notice)
    }

    @Test("a later version's further parts are passed over")
    func laterParts() throws {
        var dice = Dice(seed: 3)
        let tombstone = dice.tombstone()
        #expect(try JobRecord.Tombstone(text: tombstone.text + ";more;") == tombstone)
        let entry = dice.timelineEntry()
        #expect(try TimelineEntry(text: entry.text + ";more") == entry)
        #expect(
            try InstanceBeat(text: "5:2:0:7:1:more") == InstanceBeat(beat: 5, owned: 2, commits: 7, fenced: 1)
        )
    }

    struct Moment: Sendable, CustomTestStringConvertible {
        let text: String
        let milliseconds: Int64?
        var testDescription: String { "\(text) is \(milliseconds.map(String.init) ?? "no moment")" }

        init(_ text: String, _ milliseconds: Int64?) {
            self.text = text
            self.milliseconds = milliseconds
        }
    }

    static let moments = [
        Moment("1970-01-01T00:00:00Z", 0), Moment("2026-08-01T10:00:00.250Z", 1_785_578_400_250),
        Moment("2026-08-01t12:00:00.25+02:00", 1_785_578_400_250),
        Moment("2000-02-29T00:00:00Z", 951_782_400_000),
        Moment("1969-12-31T23:59:59.9999Z", -1), Moment("2016-12-31T23:59:60Z", 1_483_228_800_000),
        Moment("0001-01-01T00:00:00Z", -62_135_596_800_000),
        Moment("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        Moment("2026-08-01", nil), Moment("2026-08-01T10:00:00", nil), Moment("2026-02-29T00:00:00Z", nil),
        Moment("2026-13-01T00:00:00Z", nil), Moment("2026-00-01T00:00:00Z", nil),
        Moment("2026-08-01T24:00:00Z", nil),
        Moment("2026-08-01T10:00:00.Z", nil), Moment("2026-08-01T10:00:00+0200", nil), Moment("", nil),
        Moment("2026-08-01T10:00:00Zx", nil),
    ]

    @Test("moments are read by RFC 3339", arguments: moments)
    func moment(_ c: Moment) {
        #expect(RFC3339.timestamp(c.text)?.milliseconds == c.milliseconds)
    }

    @Test("moments are written so that they are read again", arguments: 0..<4 as Range<UInt64>)
    func momentsAgain(seed: UInt64) {
        var dice = Dice(seed: seed)
        for _ in 0..<500 {
            let timestamp = Timestamp(
                milliseconds: Int64(dice.number(-62_135_596_800_000...253_402_300_799_999)))
            #expect(RFC3339.timestamp(RFC3339.text(timestamp)) == timestamp)
        }
    }

    @Test("a refused event keeps its fields, up to 64 KiB")
    func rejections() throws {
        let event: Fields = ["type": "job.failed", "subject": "a", "reason": "x", "message": "no"]
        let error = WireError(.malformed, "stage", "is missing")
        let at = Timestamp(milliseconds: 5)
        let rejection = Rejection(error, entry: StreamID(ms: 5), at: at, event: event)
        #expect(rejection.refusal == .malformed)
        #expect(!rejection.isCut)
        #expect(Fields(rejection.event).pairs.map(\.name) == event.pairs.map(\.name))

        let large = event.with("message", String(repeating: "a", count: 70_000)).with("last", "x")
        let cut = Rejection(.tooLarge, entry: nil, at: at, event: large)
        #expect(cut.isCut)
        #expect(cut.event.byteCount == Rejection.limit)
        #expect(try Rejection(fields: FieldBuffer(cut.encode)) == cut)

        let many = (0..<300).reduce(event) { $0.with("f\($1)", "") }
        #expect(Rejection(.tooLarge, entry: nil, at: at, event: many).event.count == Rejection.fieldLimit)
    }

    @Test("a buffer that is filled again holds only the new fields")
    func buffers() {
        var buffer = FieldBuffer()
        buffer.add("a", "1")
        buffer.add("b", Int64.min)
        buffer.add("c", [1, 2] as [UInt8])
        #expect(buffer.count == 3)
        #expect(buffer.byteCount == 26)
        buffer.removeAll(keepingCapacity: true)
        buffer.add("d", 10_203_040_506_070_809)
        buffer.add("e", 0)
        #expect(buffer.description == "d 10203040506070809\ne 0")
    }

    @Test("numbers are written digit by digit", arguments: 0..<19)
    func decimals(power: Int) {
        let value = (0..<power).reduce(Int64(1)) { product, _ in product * 10 }
        for number in [value, value - 1, value + 1, -value, Int64.max, Int64.min] {
            var bytes: [UInt8] = []
            bytes.append(decimal: number)
            #expect(String(decoding: bytes, as: UTF8.self) == String(number))
            #expect(FieldValue.integer(bytes[...]) == number)
        }
    }

    @Test("the codec's rule for identifiers is the domain's, byte by byte")
    func identifiers() {
        for byte in UInt8.min...UInt8.max {
            #expect(FieldValue.isIdentifier([byte]) == isIdentifier([byte]))
        }
        #expect(!FieldValue.isIdentifier([]))
        #expect(!FieldValue.isIdentifier(ArraySlice(repeating: 97, count: 201)))
    }
}
