/// Text from outside, made safe to print: a message must not move the cursor or forge a line.
enum Printable {
    /// One line: control characters escaped as `\x1b`, then cut to `limit` characters with `…`.
    static func line(_ text: String, limit: Int = 2000) -> String {
        var out = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < limit else {
                out.append("…")
                break
            }
            count += 1
            if isSafe(scalar) {
                out.append(scalar)
            } else {
                out.append(contentsOf: escape(scalar).unicodeScalars)
            }
        }
        return String(out)
    }

    /// Neither C0, DEL, C1 nor a mark that turns the direction of writing.
    static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028...0x202e, 0x2066...0x2069: false
        default: true
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": return "\\n"
        case "\t": return "\\t"
        case "\r": return "\\r"
        default:
            let hex = String(scalar.value, radix: 16)
            return scalar.value < 0x100 ? "\\x\(hex.count < 2 ? "0" : "")\(hex)" : "\\u{\(hex)}"
        }
    }
}
