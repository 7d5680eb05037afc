import HeadwayCore

/// A percentage as text: `0` to `100`, exact down to a part per million (four decimals).
enum Percent {
    /// Finer digits are floored away.
    ///
    /// - Returns: nil unless it is a number from 0 to 100.
    static func fraction(_ bytes: ArraySlice<UInt8>) -> Fraction? {
        guard let parts = DecimalText(bytes)?.scaled(by: 4, atMost: 1_000_000) else { return nil }
        return Fraction(partsPerMillion: Int(parts))
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
