import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("The hash of durations")
struct DurationBookFieldsTests {
    @Test("gives back what it was given", arguments: 0..<8 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        var book = DurationBook()
        for _ in 0..<400 {
            book.add(
                .milliseconds(Int64(1) << dice.number(0...45)), pipeline: dice.identifier(),
                stage: dice.maybe { $0.identifier() })
        }
        let fields = FieldBuffer { book.encode(book.sketches.keys.sorted(), into: &$0) }
        #expect(DurationBook(fields: fields) == book)
    }

    @Test(
        "takes a value that cannot be read for none, and keeps the others",
        arguments: [
            "", "x", "-1 3=1", "5 3", "5 3=", "5 3=0", "5 3=-2", "5 =1", "5 3=1 3=2", "5 100000=1", "5 3=1.5",
            "5 3=99999999999999999999", "18446744073709551616 3=1", "5", "5 3=1,4=1",
        ])
    func unreadable(value: String) {
        let fields: Fields = [
            "a/x": value, "a/": "100 53=1", "noslash": "5 3=1", "/x": "5 3=1", "a/b/c": "5 3=1",
            "a/ ": "5 3=1",
        ]
        let book = DurationBook(fields: fields)
        #expect(book.sketches.keys.sorted() == [DurationBook.Key(pipeline: "a", stage: nil)])
        #expect(book["a", nil]?.mean == .milliseconds(100))
    }

    @Test("is read up to its bound and no further")
    func bounded() {
        var buffer = FieldBuffer()
        for number in 0..<(DurationBook.capacity + 10) { buffer.add("p/s\(number)", "5 5=1") }
        var book = DurationBook(fields: buffer)
        #expect(book.sketches.count == DurationBook.capacity)
        #expect(book.add(.seconds(1), pipeline: "other", stage: nil).isEmpty)
        #expect(book.add(.seconds(1), pipeline: "p", stage: "s0").count == 1)
    }

    @Test("an image from before there was a time of the request counts it from its last change")
    func olderImage() throws {
        let fields: Fields = [
            "pipeline": "a@1", "status": "running", "cancel": "1", "created": "1", "updated": "7",
            "alive": "9",
            "moved": "5", "version": "3", "stage": "s", "stageStarted": "2",
        ]
        let job = try JobState(id: JobID(unchecked: "j"), fields: fields)
        #expect(job.cancelRequestedAt == Timestamp(milliseconds: 7))
        #expect(job.position?.usual == nil && job.position?.indexStartedAt == nil)
        #expect(throws: WireError.self) { try JobState(id: job.id, fields: fields.with("usual", "5")) }
    }
}
