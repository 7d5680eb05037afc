/// The alphabets of RFC 9110 and 9112, as one bit per byte.
enum ASCII {
    /// A method or a header name.
    static func isToken(_ byte: UInt8) -> Bool { byte < 128 && tokens >> byte & 1 == 1 }

    /// A byte of a request target: printable, not a space, not `#`, which is never sent. UTF-8 passes here
    /// and is checked when it is decoded.
    static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte != 0x7f && byte != UInt8(ascii: "#") }

    /// A byte of a header's value: no control bytes but the tab.
    static func isHeaderValue(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t")
    }

    static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Where `range` of `text` is without spaces and tabs at either end.
    static func trimmed(_ text: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isBlank(text[start]) { start += 1 }
        while end > start, isBlank(text[end - 1]) { end -= 1 }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static let tokens: UInt128 = {
        let alphabet = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        return alphabet.utf8.reduce(0) { $0 | 1 << UInt128($1) }
    }()
}

extension Span<UInt8> {
    /// Byte for byte.
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { other in
            for index in indices where unsafe self[index] != other[index] { return false }
            return true
        }
    }

    /// Whatever the case of its ASCII letters.
    ///
    /// - Parameter text: in lower case.
    func matches(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { other in
            for index in indices {
                let byte = self[index]
                let folded = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
                if unsafe folded != other[index] { return false }
            }
            return true
        }
    }
}
