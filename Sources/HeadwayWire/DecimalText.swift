/// A number that is not negative, in plain or scientific decimal notation: Python writes `5e-05`, and Redis
/// may write a score as `2e+13`.
struct DecimalText {
    /// The first significant digits, below 10¹⁸; the number is about this × 10^``exponent``.
    private var digits: Int64 = 0
    private var exponent = 0
    /// Whether digits beyond those were dropped that are not zero.
    private var isInexact = false

    /// - Returns: nil unless it is such a number; minus zero is zero.
    init?(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        guard readMantissa(&rest), readExponent(&rest), rest.isEmpty else { return nil }
        guard !isNegative || digits == 0 && !isInexact else { return nil }
    }

    private mutating func readMantissa(_ rest: inout ArraySlice<UInt8>) -> Bool {
        var hasDigit = false
        var hasPoint = false
        while let byte = rest.first, byte == UInt8(ascii: ".") && !hasPoint || 48...57 ~= byte {
            rest = rest.dropFirst()
            guard byte != UInt8(ascii: ".") else {
                hasPoint = true
                continue
            }
            hasDigit = true
            if digits < 100_000_000_000_000_000 {
                digits = digits * 10 + Int64(byte - 48)
                if hasPoint { exponent -= 1 }
            } else {
                if byte != 48 { isInexact = true }
                if !hasPoint { exponent += 1 }
            }
        }
        return hasDigit
    }

    private mutating func readExponent(_ rest: inout ArraySlice<UInt8>) -> Bool {
        guard let byte = rest.first else { return true }
        guard byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") else { return false }
        var power = rest.dropFirst()
        if power.first == UInt8(ascii: "+") { power = power.dropFirst() }
        guard let value = FieldValue.integer(power, in: -10_000...10_000) else { return false }
        exponent += value
        rest = rest[rest.endIndex...]
        return true
    }

    /// The number × 10^`power`, floored.
    ///
    /// - Returns: nil when it is greater than `limit`, which is at most 10¹⁷.
    func scaled(by power: Int, atMost limit: Int64) -> Int64? {
        var value = digits
        var exponent = exponent + power
        var isInexact = isInexact
        while exponent > 0, value > 0 {
            guard value <= limit / 10 else { return nil }
            value *= 10
            exponent -= 1
        }
        while exponent < 0, value > 0 {
            if value % 10 != 0 { isInexact = true }
            value /= 10
            exponent += 1
        }
        return value < limit || value == limit && !isInexact ? value : nil
    }
}
