package import HeadwayCore

/// How recent an answer is: of the partitions that it was read from, the one that is furthest behind.
package struct Freshness: Sendable, Equatable {
    /// The oldest watermark: everything that happened before it is in the answer. Nil when a partition was
    /// never owned.
    package var asOf: Timestamp?
    /// 0 when every checkpoint is its stream's end and its beat moves; else the time since the watermark. Nil
    /// when a partition was never owned.
    package var lagMilliseconds: Int?
    /// A partition has no living owner: what is shown may be long out of date.
    package var isStale: Bool

    package init(asOf: Timestamp?, lagMilliseconds: Int?, isStale: Bool) {
        self.asOf = asOf
        self.lagMilliseconds = lagMilliseconds
        self.isStale = isStale
    }

    /// Of an answer that needed no partition.
    package static let none = Freshness(asOf: nil, lagMilliseconds: nil, isStale: false)

    /// Of an answer from both.
    package func joined(_ other: Freshness) -> Freshness {
        Freshness(
            asOf: Self.both(asOf, other.asOf, min),
            lagMilliseconds: Self.both(lagMilliseconds, other.lagMilliseconds, max),
            isStale: isStale || other.isStale)
    }

    private static func both<Value>(_ a: Value?, _ b: Value?, _ join: (Value, Value) -> Value) -> Value? {
        guard let a, let b else { return nil }
        return join(a, b)
    }
}

extension JSONWriter {
    /// `asOf`, `lagMs`, and `stale` only when it is true.
    package mutating func fields(_ freshness: Freshness) {
        field("asOf", freshness.asOf)
        field("lagMs", freshness.lagMilliseconds)
        if freshness.isStale { field("stale", true) }
    }
}
