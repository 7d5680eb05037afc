/// A share of a whole in parts per million, 0 to 1,000,000.
///
/// An integer, so that sums over jobs do not depend on their order.
public struct Fraction: Sendable, Hashable, Comparable {
    public let partsPerMillion: Int

    public static let zero = Fraction(partsPerMillion: 0)
    public static let one = Fraction(partsPerMillion: 1_000_000)

    /// Clamped to 0…1,000,000.
    public init(partsPerMillion: Int) {
        self.partsPerMillion = min(max(partsPerMillion, 0), 1_000_000)
    }

    /// `done / total`, floored; zero when `total` is not positive.
    public init(_ done: Int, of total: Int) {
        guard total > 0, done > 0 else {
            self = .zero
            return
        }
        let (product, overflow) = done.multipliedReportingOverflow(by: 1_000_000)
        self.init(partsPerMillion: overflow ? done / max(total / 1_000_000, 1) : product / total)
    }

    /// Floored: 99.99 % is 99.
    public var percent: Int { partsPerMillion / 10_000 }

    public static func < (a: Self, b: Self) -> Bool { a.partsPerMillion < b.partsPerMillion }
}
