/// Names one incarnation of a publisher.
enum SourceName {
    /// 128 random bits in hex.
    static func random(using dice: some RandomNumberGenerator) -> String {
        var dice = dice
        return hex(dice.next()) + hex(dice.next())
    }

    private static func hex(_ bits: UInt64) -> String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
