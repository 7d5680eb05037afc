extension JSON {
    /// Where a text stops being JSON, and why.
    package struct SyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
        /// From 1.
        package let line: Int
        /// From 1, in bytes.
        package let column: Int
        /// `expected a comma or ]`
        package let detail: String

        package var description: String { "line \(line), column \(column): \(detail)" }
    }

    /// Objects and arrays may lie this deep in one another.
    package static let depthLimit = 32

    /// Reads one JSON text by RFC 8259, strictly: valid UTF-8, no name twice in an object, bounded depth.
    package init(_ bytes: [UInt8]) throws(SyntaxError) {
        var reader = JSONReader(bytes)
        self = try reader.document()
    }
}

/// A cursor over the bytes of a JSON text.
private struct JSONReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSON.SyntaxError) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        guard place == bytes.count else { throw error("expected nothing more") }
        return value
    }

    private mutating func value(depth: Int) throws(JSON.SyntaxError) -> JSON {
        skipSpace()
        guard let byte = peek else { throw error("expected a value, found the end") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: try deeper(depth))
        case UInt8(ascii: "["): return try array(depth: try deeper(depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw error("expected a value")
        }
    }

    private func deeper(_ depth: Int) throws(JSON.SyntaxError) -> Int {
        guard depth < JSON.depthLimit else { throw error("nested deeper than \(JSON.depthLimit) levels") }
        return depth + 1
    }

    private mutating func object(depth: Int) throws(JSON.SyntaxError) -> JSON {
        place += 1
        var members: [JSON.Member] = []
        var names: Set<String> = []
        skipSpace()
        guard !take("}") else { return .object(members) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("expected a name in quotes") }
            let start = place
            let name = try string()
            guard names.insert(name).inserted else {
                place = start
                throw error("this name is given twice")
            }
            skipSpace()
            guard take(":") else { throw error("expected a colon") }
            members.append(JSON.Member(name, try value(depth: depth)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw error("expected a comma or }") }
        }
    }

    private mutating func array(depth: Int) throws(JSON.SyntaxError) -> JSON {
        place += 1
        var elements: [JSON] = []
        skipSpace()
        guard !take("]") else { return .array(elements) }
        while true {
            elements.append(try value(depth: depth))
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw error("expected a comma or ]") }
        }
    }

    private mutating func word(_ word: String, _ value: JSON) throws(JSON.SyntaxError) -> JSON {
        guard bytes[place...].starts(with: word.utf8) else { throw error("expected a value") }
        place += word.utf8.count
        return value
    }

    private mutating func number() throws(JSON.SyntaxError) -> String {
        let start = place
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        guard place - start <= 100 else { throw error("a number of more than 100 characters") }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func digits() throws(JSON.SyntaxError) {
        let start = place
        while let byte = peek, 48...57 ~= byte { place += 1 }
        guard place > start else { throw error("expected a digit") }
    }

    private mutating func string() throws(JSON.SyntaxError) -> String {
        place += 1
        var text: [UInt8] = []
        let start = place
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else {
                    place = start
                    throw error("a text that is not UTF-8")
                }
                place += 1
                return text
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw error("a control character in a text: escape it")
            default:
                text.append(byte)
                place += 1
            }
        }
        throw error("a text without its closing quote")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSON.SyntaxError) {
        place += 1
        let byte = peek
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte ?? 0)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(try scalar()).utf8)
        default:
            place -= 2
            throw error("an escape that JSON does not have")
        }
    }

    /// After `\u`: one scalar, from one or two units.
    private mutating func scalar() throws(JSON.SyntaxError) -> Unicode.Scalar {
        let first = try unit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard 0xd800..<0xdc00 ~= first, take("\\"), take("u") else { throw error("half of a surrogate pair") }
        let second = try unit()
        guard 0xdc00..<0xe000 ~= second,
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00))
        else { throw error("half of a surrogate pair") }
        return scalar
    }

    private mutating func unit() throws(JSON.SyntaxError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 128
            else {
                throw error("expected four hex digits")
            }
            unit = unit << 4 | UInt16(digit)
            place += 1
        }
        return unit
    }

    private var peek: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { place += 1 }
    }

    private func error(_ detail: String) -> JSON.SyntaxError {
        let before = bytes[..<min(place, bytes.count)]
        let line = before.count(where: { $0 == 0x0a }) + 1
        let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        return JSON.SyntaxError(line: line, column: before.count - start + 1, detail: detail)
    }
}
