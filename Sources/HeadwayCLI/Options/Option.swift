/// One row of a command's table: what the parser accepts, what `--help` prints and which variable stands in.
struct Option: Sendable {
    /// What follows the name, and how it is checked.
    enum Value: Sendable {
        case flag
        case text(String)
        case count(String, ClosedRange<Int>)
        /// `15s`, `500ms`, `2m`; a number alone is seconds.
        case duration(String)
        /// `HOST:PORT`, `:PORT` or a port; `fd:3`.
        case address(String)
        case choice([String])
        /// `3%`, `0.5%`.
        case percent(String)
    }

    let name: String
    let letter: Character?
    let value: Value
    let help: String
    /// Used, and shown, when neither the option nor its variable is given.
    let fallback: String?
    /// Given several times, the values are joined with commas.
    let isRepeatable: Bool

    init(
        _ name: String, _ letter: Character? = nil, _ value: Value, _ help: String, fallback: String? = nil,
        isRepeatable: Bool = false
    ) {
        self.name = name
        self.letter = letter
        self.value = value
        self.help = help
        self.fallback = fallback
        self.isRepeatable = isRepeatable
    }

    /// `--log-level` is `HEADWAY_LOG_LEVEL`.
    var variable: String {
        "HEADWAY_"
            + String(
                decoding: name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self
            )
            .uppercased()
    }

    var isFlag: Bool { if case .flag = value { true } else { false } }

    /// `URL`, `text|json`; nil for a flag.
    var placeholder: String? {
        switch value {
        case .flag: nil
        case .text(let name), .count(let name, _), .duration(let name), .address(let name),
            .percent(let name):
            name
        case .choice(let words): words.joined(separator: "|")
        }
    }

    /// What is wrong with `text`, as the end of a sentence that starts with the option's name; nil when it will do.
    func objection(to text: String) -> String? {
        switch value {
        case .flag:
            Self.truth(text) == nil ? "is on with 1, true or yes and off with 0, false or no" : nil
        case .text:
            text.isEmpty ? "is empty" : nil
        case .count(_, let range):
            Int(text).map(range.contains) == true
                ? nil : "wants a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .duration:
            TimeSpan.parse(text) == nil ? "wants a time such as 500ms, 15s or 2m" : nil
        case .address:
            ListenAddress(text) == nil
                ? "wants HOST:PORT, such as 127.0.0.1:8080 or [::1]:0, or fd:3 for an inherited socket" : nil
        case .percent:
            Self.share(text) == nil ? "wants a share such as 3% or 0.5%" : nil
        case .choice(let words):
            words.contains(text) ? nil : "is one of: \(words.joined(separator: ", "))"
        }
    }

    /// From 0 to 1.
    static func share(_ text: String) -> Double? {
        let digits = text.hasSuffix("%") ? text.dropLast() : text[...]
        guard let value = Double(digits), digits.allSatisfy({ $0.isNumber || $0 == "." }), 0...100 ~= value
        else { return nil }
        return value / 100
    }

    /// What a flag's variable says.
    static func truth(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "1", "true", "yes", "on": true
        case "", "0", "false", "no", "off": false
        default: nil
        }
    }
}
