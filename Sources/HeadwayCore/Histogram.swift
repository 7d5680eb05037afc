/// How often values fell into fixed ranges, with their sum: what a metrics page shows of a distribution.
public struct Histogram: Sendable, Equatable {
    /// Upper ends, inclusive, ascending; above the last one there is a range without an end.
    public let bounds: [Double]
    /// One for each bound, and one for what is above all; not cumulative.
    public private(set) var counts: [Int64]
    public private(set) var sum: Double = 0

    /// - Parameter bounds: ascending.
    public init(bounds: [Double]) {
        self.bounds = bounds
        counts = [Int64](repeating: 0, count: bounds.count + 1)
    }

    public var count: Int64 { counts.reduce(0, +) }

    /// Takes in another one with the same bounds; one with others is left alone.
    public mutating func add(_ other: Histogram) {
        guard other.bounds == bounds else { return }
        for place in counts.indices { counts[place] += other.counts[place] }
        sum += other.sum
    }

    public mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
