/// The SHA-256 of a read token: what is stored of it, and all that is ever compared.
package struct TokenDigest: Sendable, Hashable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Of a token as somebody presents it.
    package init(of token: String) {
        self.init(words: SHA256.digest(Array(token.utf8)))
    }

    /// As it is stored and travels: 64 lower-case hex digits.
    ///
    /// - Returns: nil for anything else.
    package init?(hex: String) {
        guard hex.utf8.count == 64 else { return nil }
        var words = [UInt32](repeating: 0, count: 8)
        for (place, digit) in hex.utf8.enumerated() {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            words[place / 8] = words[place / 8] << 4 | UInt32(value)
        }
        self.init(words: words)
    }

    private init(words: [UInt32]) {
        func pair(_ place: Int) -> UInt64 { UInt64(words[place]) << 32 | UInt64(words[place + 1]) }
        self.words = (pair(0), pair(2), pair(4), pair(6))
    }

    /// In the same time wherever the two differ: every bit is looked at, whatever the ones before say.
    package static func == (a: TokenDigest, b: TokenDigest) -> Bool {
        let difference =
            (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2)
            | (a.words.3 ^ b.words.3)
        return difference == 0
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
