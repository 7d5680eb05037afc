/// A request target taken apart: path segments and query pairs, percent-decoded.
struct RequestTarget: Equatable {
    var path: [String] = []
    var query: [(name: String, value: String)] = []

    /// - Returns: nil for an escape that is not two hex digits, for NUL, and for what is not UTF-8.
    init?(_ target: String) {
        if target == "/" { return }
        let bytes = Array(target.utf8)
        let start = Self.pathStart(of: bytes)
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        for segment in bytes[start..<end].split(separator: UInt8(ascii: "/")) {
            guard let text = Self.decoded(segment, plusIsSpace: false) else { return nil }
            path.append(text)
        }
        guard end < bytes.endIndex else { return }
        for pair in bytes[(end + 1)...].split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = Self.decoded(pair[..<equals], plusIsSpace: true),
                let value = Self.decoded(pair[equals...].dropFirst(), plusIsSpace: true)
            else { return nil }
            query.append((name, value))
        }
    }

    static func == (a: RequestTarget, b: RequestTarget) -> Bool {
        a.path == b.path && a.query.elementsEqual(b.query, by: ==)
    }

    /// Where the path begins: proxies send `http://host/path`, and the host is the Host header's business.
    private static func pathStart(of bytes: [UInt8]) -> Int {
        for scheme in ["http://", "https://"] where bytes.starts(with: scheme.utf8) {
            let authority = bytes[scheme.utf8.count...]
            return authority.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
                ?? bytes.endIndex
        }
        return 0
    }

    private static func decoded(_ text: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            var byte = text[index]
            if byte == UInt8(ascii: "%") {
                guard text.endIndex - index > 2,
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
