/// A request target taken apart: path segments and query pairs, percent-decoded.
struct RequestTarget: Equatable {
    var path: [String] = []
    var query: [(name: String, value: String)] = []

    /// - Returns: nil for an escape that is not two hex digits, for NUL, and for what is not UTF-8.
    init?(_ target: String) {
        let bytes = target.utf8.span
        let start = Self.pathStart(of: bytes)
        let end = Self.first(UInt8(ascii: "?"), of: bytes, in: start..<bytes.count)
        guard takePath(bytes, start..<end) else { return nil }
        if end < bytes.count { guard takeQuery(bytes, (end + 1)..<bytes.count) else { return nil } }
    }

    static func == (a: RequestTarget, b: RequestTarget) -> Bool {
        a.path == b.path && a.query.elementsEqual(b.query, by: ==)
    }

    private mutating func takePath(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = Self.first(UInt8(ascii: "/"), of: bytes, in: start..<range.upperBound)
            if start < end {
                guard let segment = Self.decoded(bytes, start..<end, plusIsSpace: false) else { return false }
                path.append(segment)
            }
            start = end + 1
        }
        return true
    }

    private mutating func takeQuery(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = Self.first(UInt8(ascii: "&"), of: bytes, in: start..<range.upperBound)
            if start < end {
                let equals = Self.first(UInt8(ascii: "="), of: bytes, in: start..<end)
                guard let name = Self.decoded(bytes, start..<equals, plusIsSpace: true),
                    let value = Self.decoded(bytes, min(equals + 1, end)..<end, plusIsSpace: true)
                else { return false }
                query.append((name, value))
            }
            start = end + 1
        }
        return true
    }

    /// Where the path begins: proxies send `http://host/path`, and the host is the Host header's business.
    private static func pathStart(of bytes: Span<UInt8>) -> Int {
        if bytes.count > 0, bytes[0] == UInt8(ascii: "/") { return 0 }
        for scheme in 7...8 where bytes.count >= scheme {
            guard bytes.extracting(0..<scheme).matches(scheme == 7 ? "http://" : "https://") else { continue }
            return min(
                first(UInt8(ascii: "/"), of: bytes, in: scheme..<bytes.count),
                first(UInt8(ascii: "?"), of: bytes, in: scheme..<bytes.count))
        }
        return 0
    }

    /// - Returns: the range's end when there is none.
    private static func first(_ byte: UInt8, of bytes: Span<UInt8>, in range: Range<Int>) -> Int {
        var index = range.lowerBound
        while index < range.upperBound, bytes[index] != byte { index += 1 }
        return index
    }

    private static func decoded(_ text: Span<UInt8>, _ range: Range<Int>, plusIsSpace: Bool) -> String? {
        var isPlain = true
        for index in range {
            let byte = text[index]
            if byte == UInt8(ascii: "%") || byte == 0 || plusIsSpace && byte == UInt8(ascii: "+") {
                isPlain = false
            }
        }
        if isPlain {
            // Part of a string, between ASCII bytes: valid already.
            guard let part = try? UTF8Span(validating: text.extracting(range)) else { return nil }
            return String(copying: part)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            var byte = text[index]
            if byte == UInt8(ascii: "%") {
                guard range.upperBound - index > 2,
                    let high = ASCII.hexDigit(text[index + 1]), let low = ASCII.hexDigit(text[index + 2])
                else { return nil }
                byte = high << 4 | low
                index += 2
            } else if plusIsSpace, byte == UInt8(ascii: "+") {
                byte = UInt8(ascii: " ")
            }
            guard byte != 0 else { return nil }
            bytes.append(byte)
            index += 1
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
