/// How many columns text takes on a screen.
enum DisplayWidth {
    static func of(_ text: String) -> Int { text.reduce(0) { $0 + of($1) } }

    /// 2 for what East Asian fonts and emoji draw wide, 0 for marks that join what is before them.
    static func of(_ character: Character) -> Int {
        character.unicodeScalars.reduce(0) { max($0, of($1)) }
    }

    private static func of(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0x300...0x36f, 0x200b...0x200f, 0xfe00...0xfe0f: 0
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff,
            0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
            2
        default: 1
        }
    }

    /// At most `columns` wide; what is cut ends in `…`, or in a full stop where there is only ASCII.
    static func cut(_ text: String, to columns: Int, mark: Character = "…") -> String {
        guard of(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var out = ""
        var used = 0
        for character in text {
            let width = of(character)
            guard used + width <= columns - 1 else { break }
            out.append(character)
            used += width
        }
        return out + String(mark)
    }

    /// At least `columns` wide, filled in front.
    static func padLeft(_ text: String, to columns: Int) -> String {
        String(repeating: " ", count: max(0, columns - of(text))) + text
    }

    /// Exactly `columns` wide.
    static func pad(_ text: String, to columns: Int, mark: Character = "…") -> String {
        let short = cut(text, to: columns, mark: mark)
        return short + String(repeating: " ", count: max(0, columns - of(short)))
    }
}
