package import HeadwayCore

/// Writes one JSON value, in the order it is told, into one buffer of bytes.
///
///     var json = JSONWriter()
///     json.beginObject()
///     json.field("id", "article-42")
///     json.field("bulk", nil as String?)       // "bulk":null: what is absent is said
///     json.endObject()
///
/// Nothing is checked: a value without a key, or a bracket left open, is our own bug and shows in the golden
/// tests. Every byte below 0x20 is escaped, so the text is one line and may stand in a `data:` field.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(capacity: Int = 1024) { bytes.reserveCapacity(capacity) }

    // MARK: Structure

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    /// - Parameter name: of our own making: it is not escaped.
    package mutating func key(_ name: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A key that somebody chose, such as an attribute's name.
    package mutating func key(chosen name: String) {
        value(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A key that was quoted and escaped before, with its colon.
    package mutating func key(encoded key: [UInt8]) {
        separate()
        bytes.append(contentsOf: key)
        needsComma = false
    }

    // MARK: Values

    package mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    package mutating func value(_ flag: Bool) {
        separate()
        bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    }

    package mutating func value(_ number: Int) {
        separate()
        append(decimal: number)
    }

    /// With exactly one decimal, floored: 74.2.
    package mutating func value(tenths: Int64) {
        separate()
        if tenths < 0 { bytes.append(UInt8(ascii: "-")) }
        let magnitude = Int(clamping: tenths.magnitude)
        append(decimal: magnitude / 10)
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(48 + magnitude % 10))
    }

    package mutating func value(_ text: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        let plain = text.utf8.span.isPlainJSON
        if plain {
            bytes.append(contentsOf: text.utf8)
        } else {
            for byte in text.utf8 { append(escaped: byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// ISO-8601 in UTC: `2026-11-21T11:00:48.415Z`, or without the milliseconds.
    package mutating func value(_ moment: Timestamp, hasMilliseconds: Bool = true) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        moment.appendISO8601(to: &bytes)
        if !hasMilliseconds {
            bytes.replaceSubrange((bytes.count - 5)..., with: CollectionOfOne(UInt8(ascii: "Z")))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// One JSON value that was written before.
    package mutating func value(encoded json: [UInt8]) {
        separate()
        bytes.append(contentsOf: json)
    }

    // MARK: Fields

    package mutating func field(_ name: String, _ text: String?) {
        key(name)
        if let text { value(text) } else { null() }
    }

    package mutating func field(_ name: String, _ number: Int?) {
        key(name)
        if let number { value(number) } else { null() }
    }

    package mutating func field(_ name: String, _ flag: Bool) {
        key(name)
        value(flag)
    }

    /// ISO-8601 in UTC with milliseconds.
    package mutating func field(_ name: String, _ moment: Timestamp?) {
        key(name)
        if let moment { value(moment) } else { null() }
    }

    package mutating func field(_ name: String, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { value(text) }
        endArray()
    }

    package mutating func null(_ name: String) {
        key(name)
        null()
    }

    // MARK: Bytes

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func append(decimal number: Int) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        bytes.append(decimal: number.magnitude)
    }

    private mutating func append(escaped byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
        case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
        case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
        case 0..<0x20:
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(Self.hex(byte >> 4))
            bytes.append(Self.hex(byte & 15))
        default: bytes.append(byte)
        }
    }

    private static func hex(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
}

extension Span<UInt8> {
    /// Whether the text can stand in a JSON string as it is.
    fileprivate var isPlainJSON: Bool {
        for index in indices {
            let byte = self[index]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return false }
        }
        return true
    }
}

extension [UInt8] {
    /// Appends the digits of a number, at least `width` of them.
    mutating func append(decimal number: UInt, width: Int = 1) {
        let start = count
        var rest = number
        var digits = 0
        repeat {
            append(UInt8(truncatingIfNeeded: 48 + rest % 10))
            rest /= 10
            digits += 1
        } while rest > 0 || digits < width
        if digits > 1 { self[start...].reverse() }
    }
}
