import HeadwayCore

/// A percentage as text: `0` to `100`, exact down to a part per million (four decimals).
enum Percent {
    /// Reads a plain or scientific decimal (Python writes `5e-05`); finer digits are floored away.
    ///
    /// - Returns: nil unless it is a number from 0 to 100.
    static func fraction(_ bytes: ArraySlice<UInt8>) -> Fraction? {
        var digits = 0  // the first 18 significant digits
        var exponent = 4  // parts per million are percent × 10⁴
        var hasDigit = false
        var hasPoint = false
        var isInexact = false
        var rest = bytes
        if rest.first == UInt8(ascii: "-") {
            // Minus zero is zero; everything else below it is refused further down.
            guard let zero = fraction(rest.dropFirst()), zero == .zero,
                rest.dropFirst().first != UInt8(ascii: "-"),
                !rest.contains(where: { 49...57 ~= $0 })
            else { return nil }
            return zero
        }
        while let byte = rest.first, byte == UInt8(ascii: ".") || 48...57 ~= byte {
            rest = rest.dropFirst()
            guard byte != UInt8(ascii: ".") else {
                guard !hasPoint else { return nil }
                hasPoint = true
                continue
            }
            hasDigit = true
            if digits < 100_000_000_000_000_000 {
                digits = digits * 10 + Int(byte - 48)
                if hasPoint { exponent -= 1 }
            } else {
                if byte != 48 { isInexact = true }
                if !hasPoint { exponent += 1 }
            }
        }
        guard hasDigit else { return nil }
        if let byte = rest.first {
            guard byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") else { return nil }
            var power = rest.dropFirst()
            if power.first == UInt8(ascii: "+") { power = power.dropFirst() }
            guard let value = FieldValue.integer(power, in: -10_000...10_000) else { return nil }
            exponent += value
        }
        return scaled(digits, exponent, isInexact)
    }

    private static func scaled(_ digits: Int, _ exponent: Int, _ isInexact: Bool) -> Fraction? {
        var value = digits
        var exponent = exponent
        var isInexact = isInexact
        while exponent > 0, value > 0 {
            guard value <= 100_000 else { return nil }
            value *= 10
            exponent -= 1
        }
        while exponent < 0, value > 0 {
            if value % 10 != 0 { isInexact = true }
            value /= 10
            exponent += 1
        }
        guard value < 1_000_000 || value == 1_000_000 && !isInexact else { return nil }
        return Fraction(partsPerMillion: value)
    }

    /// Without trailing zeros: `0`, `33.5`, `0.0001`, `100`.
    static func append(_ fraction: Fraction, to bytes: inout [UInt8]) {
        bytes.append(decimal: Int64(fraction.partsPerMillion / 10_000))
        var rest = fraction.partsPerMillion % 10_000
        guard rest > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var unit = 1000
        while rest > 0 {
            bytes.append(UInt8(48 + rest / unit))
            rest %= unit
            unit /= 10
        }
    }

    static func text(_ fraction: Fraction) -> String {
        var bytes: [UInt8] = []
        append(fraction, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
