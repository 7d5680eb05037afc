import HeadwayCore

/// Reads one value of a field. Nothing here traps, whatever the bytes are.
enum FieldValue {
    /// The greatest number on the wire: what a double still holds exactly, so that JavaScript agrees.
    static let greatest: Int64 = 1 << 53

    /// A whole decimal number without a plus sign.
    static func integer(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let span = bytes.span
        let isNegative = span.count > 0 && span[0] == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        guard span.count > start, span.count <= 20 else { return nil }
        var value: Int64 = 0
        for index in start..<span.count {
            let digit = span[index] &- 48
            guard digit < 10 else { return nil }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) =
                isNegative
                ? scaled.subtractingReportingOverflow(Int64(digit))
                : scaled.addingReportingOverflow(Int64(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    static func integer(_ bytes: ArraySlice<UInt8>, in range: ClosedRange<Int64>) -> Int? {
        guard let value = integer(bytes), range ~= value else { return nil }
        return Int(value)
    }

    /// Valid UTF-8 as text.
    static func text(_ bytes: ArraySlice<UInt8>) -> String? { String(validating: bytes, as: UTF8.self) }

    /// Whether the bytes keep the rule of ``Identifier``; the same rule, inlined for the hot path.
    static func isIdentifier(_ bytes: ArraySlice<UInt8>) -> Bool {
        let span = bytes.span
        guard span.count > 0, span.count <= 200 else { return false }
        // - . 0-9 : in the low word; @ A-Z _ a-z in the high one.
        let low: UInt64 = 0x07ff_6000_0000_0000
        let high: UInt64 = 0x07ff_fffe_87ff_ffff
        for index in 0..<span.count {
            let byte = span[index]
            let word = byte < 64 ? low : high
            guard byte < 128, word >> UInt64(byte & 63) & 1 == 1 else { return false }
        }
        return true
    }

    static func identifier(_ bytes: ArraySlice<UInt8>) -> String? {
        isIdentifier(bytes) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    static func bool(_ bytes: ArraySlice<UInt8>) -> Bool? {
        switch integer(bytes) {
        case 0: false
        case 1: true
        default: nil
        }
    }

    /// `64` lower-case hex digits.
    static func isDigest(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count == 64 && bytes.allSatisfy(isLowerHex)
    }

    /// Whether W3C's rules let a reader use it: version, trace id, parent id and flags, none of them void.
    static func isTraceparent(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard 55...128 ~= bytes.count else { return false }
        let text = Array(bytes)
        let version = text[0..<2]
        guard text[2] == UInt8(ascii: "-"), text[35] == UInt8(ascii: "-"), text[52] == UInt8(ascii: "-"),
            version.allSatisfy(isLowerHex), version != [0x66, 0x66], text[3..<35].allSatisfy(isLowerHex),
            text[36..<52].allSatisfy(isLowerHex), text[53..<55].allSatisfy(isLowerHex),
            text[3..<35].contains(where: { $0 != 48 }), text[36..<52].contains(where: { $0 != 48 })
        else { return false }
        guard text.count > 55 else { return true }
        return version != [48, 48] && text[55] == UInt8(ascii: "-")
            && text[56...].allSatisfy { 0x21...0x7e ~= $0 }
    }

    private static func isLowerHex(_ byte: UInt8) -> Bool {
        48...57 ~= byte || 97...102 ~= byte
    }
}
