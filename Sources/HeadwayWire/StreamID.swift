package import HeadwayCore

/// Names an entry of a stream: Redis' milliseconds and a sequence number within them.
package struct StreamID: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let ms: UInt64
    package let seq: UInt64

    /// Before every entry: `0-0`.
    package static let zero = StreamID(ms: 0, seq: 0)

    package init(ms: UInt64, seq: UInt64 = 0) {
        self.ms = ms
        self.seq = seq
    }

    /// Reads `<ms>-<seq>`, or `<ms>` with the sequence left out.
    package init?(_ bytes: some Sequence<UInt8>) {
        var ms: UInt64?
        var number: UInt64 = 0
        var digits = 0
        for byte in bytes {
            if byte == UInt8(ascii: "-"), ms == nil, digits > 0 {
                ms = number
                number = 0
                digits = 0
                continue
            }
            guard 48...57 ~= byte else { return nil }
            let (scaled, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = scaled.addingReportingOverflow(UInt64(byte - 48))
            guard !overflow, !carry else { return nil }
            number = sum
            digits += 1
        }
        guard digits > 0 else { return nil }
        self.init(ms: ms ?? number, seq: ms == nil ? 0 : number)
    }

    package init?(_ text: String) { self.init(text.utf8) }

    package var description: String { "\(ms)-\(seq)" }

    package static func < (a: Self, b: Self) -> Bool { (a.ms, a.seq) < (b.ms, b.seq) }
}

extension StreamID {
    /// When Redis gave the id, by its own clock.
    package var timestamp: Timestamp { Timestamp(milliseconds: Int64(clamping: ms)) }
}
