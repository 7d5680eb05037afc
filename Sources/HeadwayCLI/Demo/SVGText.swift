/// Writes SVG elements, with what is inside quotes escaped.
struct SVGText {
    private(set) var text = ""

    typealias Attributes = [(String, String)]

    mutating func open(_ name: String, _ attributes: Attributes) {
        text += "<\(name)\(Self.list(attributes))>\n"
    }

    mutating func close(_ name: String) { text += "</\(name)>\n" }

    mutating func leaf(_ name: String, _ attributes: Attributes) {
        text += "<\(name)\(Self.list(attributes))/>\n"
    }

    mutating func text(_ content: String, _ attributes: Attributes) {
        text += "<text\(Self.list(attributes))>\(HTMLText.escape(content))</text>\n"
    }

    mutating func raw(_ markup: String) { text += markup }

    private static func list(_ attributes: Attributes) -> String {
        attributes.map { " \($0)=\"\(HTMLText.escape($1))\"" }.joined()
    }
}

extension Double {
    /// With one decimal, `12.5` or `12`: short, and the same on every machine.
    var tenths: String {
        let scaled = Int((self * 10).rounded())
        let whole = scaled / 10
        let rest = abs(scaled % 10)
        if rest == 0 { return "\(whole)" }
        return (scaled < 0 && whole == 0 ? "-" : "") + "\(whole).\(rest)"
    }
}

/// Text inside HTML and SVG.
enum HTMLText {
    static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default:
                // What XML cannot hold at all.
                if scalar.value >= 0x20 || scalar == "\n" || scalar == "\t" {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out
    }
}
