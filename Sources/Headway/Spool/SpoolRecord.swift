import HeadwayCore
import HeadwayWire

/// One event as it lies in a spool file: its wire fields, and when it was said.
///
///     F5 48 57 01   mark; F5 never occurs in UTF-8, so a reader that lost its place finds the next record
///     length        of the body, 32 bits; all numbers little-endian
///     check         CRC-32 of length and body
///     body          time (64 bits, ms) · fields (16 bits) · where each name and value ends (32 bits each) · text
///
/// A record is valid whole or not at all, so a file that was cut anywhere gives back exactly what was written
/// before the cut.
struct SpoolRecord: Sendable, Equatable {
    var time: Timestamp
    var fields: FieldBuffer

    static let mark: [UInt8] = [0xf5, 0x48, 0x57, 0x01]
    static let headLength = 12
    /// An event has at most 64 KiB of text; no body is longer than this.
    static let longestBody = 256 << 10

    func encode(into bytes: inout [UInt8]) {
        let text = fields.bytes
        let bodyLength = 8 + 2 + 4 * fields.ends.count + text.count
        let start = bytes.count
        bytes.reserveCapacity(start + Self.headLength + bodyLength)
        bytes += Self.mark
        bytes.append(little: UInt32(bodyLength))
        bytes.append(little: UInt32(0))
        bytes.append(little: UInt64(bitPattern: time.milliseconds))
        bytes.append(little: UInt16(fields.count))
        for end in fields.ends { bytes.append(little: UInt32(end)) }
        bytes += text
        let check = Self.check(bytes[start...])
        for place in 0..<4 { bytes[start + 8 + place] = UInt8(truncatingIfNeeded: check >> (8 * place)) }
    }

    /// Of length and body; `frame` begins with the mark.
    private static func check(_ frame: ArraySlice<UInt8>) -> UInt32 {
        let start = frame.startIndex
        var sum = frame[(start + 4)..<(start + 8)]
        sum += frame[(start + headLength)...]
        return CRC32.checksum(sum)
    }

    enum Found: Equatable {
        /// And where the next one begins.
        case record(SpoolRecord, end: Int)
        /// The bytes end before the record does, if it is one.
        case cut
        case invalid
    }

    /// Reads the record that begins at `start`.
    static func read(_ bytes: ArraySlice<UInt8>, at start: Int) -> Found {
        let available = bytes.endIndex - start
        guard bytes[start..<min(bytes.endIndex, start + 4)].elementsEqual(mark.prefix(available)) else {
            return .invalid
        }
        guard available >= headLength else { return .cut }
        let length = Int(bytes.little(UInt32.self, at: start + 4))
        guard length <= longestBody else { return .invalid }
        let end = start + headLength + length
        guard end <= bytes.endIndex else { return .cut }
        guard bytes.little(UInt32.self, at: start + 8) == check(bytes[start..<end]),
            let record = SpoolRecord(body: bytes[(start + headLength)..<end])
        else { return .invalid }
        return .record(record, end: end)
    }

    private init?(body: ArraySlice<UInt8>) {
        guard body.count >= 10 else { return nil }
        let start = body.startIndex
        let count = Int(body.little(UInt16.self, at: start + 8))
        let text = start + 10 + 8 * count
        guard text <= body.endIndex else { return nil }
        var fields = FieldBuffer()
        var place = text
        for number in 0..<count {
            let nameEnd = text + Int(body.little(UInt32.self, at: start + 10 + 8 * number))
            let valueEnd = text + Int(body.little(UInt32.self, at: start + 14 + 8 * number))
            guard place <= nameEnd, nameEnd <= valueEnd, valueEnd <= body.endIndex else { return nil }
            fields.add(name: body[place..<nameEnd], value: body[nameEnd..<valueEnd])
            place = valueEnd
        }
        guard place == body.endIndex else { return nil }
        time = Timestamp(milliseconds: Int64(bitPattern: body.little(UInt64.self, at: start)))
        self.fields = fields
    }

    init(time: Timestamp, fields: FieldBuffer) {
        self.time = time
        self.fields = fields
    }
}

/// All that can be read of a spool file, whatever happened to it.
struct SpoolReading: Sendable, Equatable {
    private(set) var records: [SpoolRecord] = []
    /// Behind the last record: one that was being written when its process died, and was never accepted.
    private(set) var tornBytes = 0
    /// Stretches between records, or as a whole, that are no records: a disk or a hand has changed them.
    private(set) var damages = 0

    init(_ bytes: [UInt8]) {
        let bytes = bytes[...]
        var place = 0
        var isLost = false
        while place < bytes.endIndex {
            switch SpoolRecord.read(bytes, at: place) {
            case .record(let record, let end):
                records.append(record)
                if isLost { damages += 1 }
                isLost = false
                place = end
            case .cut where !isLost && Self.next(in: bytes, after: place) == nil:
                tornBytes = bytes.endIndex - place
                return
            case .cut, .invalid:
                isLost = true
                guard let next = Self.mark(in: bytes, after: place) else {
                    damages += 1
                    return
                }
                place = next
            }
        }
        if isLost { damages += 1 }
    }

    /// Where the next byte is that may begin a record.
    private static func mark(in bytes: ArraySlice<UInt8>, after place: Int) -> Int? {
        bytes[(place + 1)...].firstIndex(of: SpoolRecord.mark[0])
    }

    /// Where the next valid record begins.
    private static func next(in bytes: ArraySlice<UInt8>, after place: Int) -> Int? {
        var place = place
        while let candidate = mark(in: bytes, after: place) {
            if case .record = SpoolRecord.read(bytes, at: candidate) { return candidate }
            place = candidate
        }
        return nil
    }
}

extension [UInt8] {
    fileprivate mutating func append<Number: FixedWidthInteger>(little number: Number) {
        for place in 0..<(Number.bitWidth / 8) { append(UInt8(truncatingIfNeeded: number >> (8 * place))) }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func little<Number: FixedWidthInteger>(_: Number.Type, at place: Int) -> Number {
        (0..<(Number.bitWidth / 8)).reduce(0) { $0 | Number(self[place + $1]) << (8 * $1) }
    }
}
