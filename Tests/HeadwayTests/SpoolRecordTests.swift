import HeadwayCore
import HeadwayWire
import Seeded
import Testing

@testable import Headway

@Suite("SpoolRecord")
struct SpoolRecordTests {
    static func records(_ count: Int, seed: UInt64) -> [SpoolRecord] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { number in
            let job = JobID(unchecked: "a-\(Int.random(in: 0..<5, using: &random))")
            var event = ProgressEvent(job, .cancelRequested(message: text(&random)), attempt: 1)
            event.sequence = ProgressEvent.Sequence(source: "s", id: Int64(number) + 1)
            var fields = FieldBuffer()
            event.encode(into: &fields)
            return SpoolRecord(time: Timestamp(milliseconds: Int64(number)), fields: fields)
        }
    }

    private static func text(_ random: inout SplitMix64) -> String {
        let letters = Array("aZ09 ä中😀\n\u{0}HW")
        return String(
            (0..<Int.random(in: 0..<30, using: &random)).map { _ in
                letters.randomElement(using: &random) ?? "a"
            })
    }

    private static func file(_ records: [SpoolRecord]) -> (bytes: [UInt8], ends: [Int]) {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for record in records {
            record.encode(into: &bytes)
            ends.append(bytes.count)
        }
        return (bytes, ends)
    }

    @Test("the checksum is the one that everybody calls CRC-32")
    func checkValue() {
        #expect(CRC32.checksum("123456789".utf8) == 0xcbf4_3926)
        #expect(CRC32.checksum([]) == 0)
    }

    @Test("a file cut at any byte gives back exactly the records that were whole by then", arguments: 0..<6)
    func cuts(seed: UInt64) {
        let records = Self.records(8, seed: seed)
        let (bytes, ends) = Self.file(records)
        for cut in 0...bytes.count {
            let reading = SpoolReading(Array(bytes[..<cut]))
            let whole = ends.count { $0 <= cut }
            #expect(reading.records == Array(records[..<whole]), "cut at \(cut), seed \(seed)")
            #expect(reading.damages == 0)
            #expect(reading.tornBytes == cut - (whole == 0 ? 0 : ends[whole - 1]))
        }
    }

    @Test(
        "a byte that changed costs the record it is in and no other, and never passes for another",
        arguments: 0..<4)
    func flips(seed: UInt64) {
        let records = Self.records(6, seed: seed)
        let (bytes, ends) = Self.file(records)
        var random = SplitMix64(seed: seed)
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= UInt8.random(in: 1...255, using: &random)
            let reading = SpoolReading(damaged)
            let hit = ends.count { $0 <= place }
            var rest = records
            rest.remove(at: hit)
            #expect(reading.records == rest, "byte \(place), seed \(seed)")
            // A last record whose length grew looks as if it had not been written to its end.
            #expect(reading.damages == 1 || hit == records.count - 1 && reading.tornBytes > 0)
        }
    }

    @Test(
        "pieces of files in any order, and noise: never a trap, and every whole record is found",
        arguments: 0..<40)
    func noise(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        var whole: [SpoolRecord] = []
        for _ in 0..<30 {
            let record = Self.records(1, seed: UInt64.random(in: .min ... .max, using: &random))[0]
            var piece: [UInt8] = []
            record.encode(into: &piece)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes += piece.prefix(Int.random(in: 0..<piece.count, using: &random))
            case 1: bytes += (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
            default:
                bytes += piece
                whole.append(record)
            }
        }
        let reading = SpoolReading(bytes)
        #expect(reading.records == whole)
    }

    @Test("a file's name says whose it is", arguments: ["hw.8.ab12.spool", "a.b-c_d.1024.f.spool"])
    func names(text: String) throws {
        #expect(try #require(SpoolName(text)).description == text)
    }

    @Test(
        "what is none of ours has no such name",
        arguments: [
            "", "x", "spool", ".8.a.spool", "hw.0.a.spool", "hw.x.a.spool", "hw.8..spool",
            "hw.8.a.spool.draft",
        ])
    func foreignNames(text: String) {
        #expect(SpoolName(text) == nil)
    }
}
