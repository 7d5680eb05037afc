/// Names and secrets that nobody can guess.
package enum RandomText {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// - Parameter characters: each is worth 5 bits of the system's randomness.
    package static func make(_ characters: Int) -> String {
        var random = SystemRandomNumberGenerator()
        var text: [UInt8] = []
        var bits: UInt64 = 0
        for place in 0..<characters {
            if place % 12 == 0 { bits = random.next() }
            text.append(alphabet[Int(bits & 31)])
            bits >>= 5
        }
        return String(decoding: text, as: UTF8.self)
    }
}
