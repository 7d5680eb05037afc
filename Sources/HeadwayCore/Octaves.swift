/// Logarithms to base 2 by additions and multiplications only: no library, the same on every machine.
///
/// Off by less than a millionth.
enum Octaves {
    private static let ln2 = 0.693147180559945309

    /// - Parameter value: taken as one of 2⁻⁶⁰…2⁶⁰.
    static func of(_ value: Double) -> Double {
        let value = min(max(value, 0x1p-60), 0x1p60)
        // ln m = 2 artanh((m − 1) / (m + 1)), and for 1 ≤ m < 2 the argument is at most a third.
        let t = (value.significand - 1) / (value.significand + 1)
        let square = t * t
        var series = 1 / 13.0
        for divisor in stride(from: 11.0, through: 1, by: -2) { series = series * square + 1 / divisor }
        return Double(value.exponent) + 2 * t * series / ln2
    }

    static func value(_ octaves: Double) -> Double {
        let octaves = min(max(octaves, -60), 60)
        let whole = octaves.rounded()
        let x = (octaves - whole) * ln2
        var series = 1.0
        for divisor in stride(from: 9.0, through: 1, by: -1) { series = 1 + series * x / divisor }
        return Double(sign: .plus, exponent: Int(whole), significand: 1) * series
    }
}
