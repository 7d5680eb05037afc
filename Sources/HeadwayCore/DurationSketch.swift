/// How long something usually takes: how many samples fell into each of fixed logarithmic buckets, eight to a
/// doubling.
///
/// Integers only, so that the same samples give the same sketch on every machine, and sketches of several
/// partitions add up in any order. A quantile is off by at most an eighth of its value. When ``capacity`` is
/// reached every count is halved, so that what was long ago weighs less and less.
public struct DurationSketch: Sendable, Equatable {
    /// Samples at which all counts are halved.
    public static let capacity = 2_000
    /// The longest that is told apart: about 34 years.
    static let longest: Int64 = 1 << 40
    /// How many buckets there are.
    public static let buckets = bucket(of: longest) + 1

    /// Bucket → samples in it; none is zero.
    public private(set) var counts: [Int: Int] = [:]
    /// Σ of the samples that ``counts`` stands for, in milliseconds.
    public private(set) var milliseconds: Int64 = 0

    public init() {}

    /// As stored. What cannot be (a bucket out of range, a count below 1) is left out.
    public init(counts: [Int: Int], milliseconds: Int64) {
        self.counts = counts.filter { 0..<Self.buckets ~= $0.key && 1...1_000_000_000 ~= $0.value }
        self.milliseconds = max(0, milliseconds)
    }

    public var count: Int { counts.values.reduce(0, +) }
    public var isEmpty: Bool { counts.isEmpty }

    public mutating func add(_ sample: Duration) {
        let value = min(max(sample.wholeMilliseconds, 0), Self.longest)
        counts[Self.bucket(of: value), default: 0] += 1
        milliseconds += value
        if count >= Self.capacity { halve() }
    }

    mutating func halve() {
        let before = count
        counts = counts.compactMapValues { $0 > 1 ? $0 / 2 : nil }
        // Single samples go, so it may be less than half.
        milliseconds = before > 0 ? Int64(Int128(milliseconds) * Int128(count) / Int128(before)) : 0
    }

    /// The mean; nil without samples.
    public var mean: Duration? {
        isEmpty ? nil : .milliseconds(milliseconds / Int64(count))
    }

    /// The value that `share` of the samples do not exceed, spread evenly within its bucket.
    ///
    /// - Parameter share: 0 to 1.
    /// - Returns: nil without samples.
    public func quantile(_ share: Double) -> Duration? {
        let total = count
        guard total > 0 else { return nil }
        let rank = min(max(share, 0), 1) * Double(total)
        var below = 0
        for (bucket, samples) in counts.sorted(by: { $0.key < $1.key }) {
            if Double(below + samples) >= rank {
                let place = (rank - Double(below)) / Double(samples)
                let lower = Self.lowerBound(of: bucket)
                let width = Self.lowerBound(of: bucket + 1) - lower
                return .milliseconds(lower + Int64(place * Double(width)))
            }
            below += samples
        }
        return nil
    }

    public static func + (a: Self, b: Self) -> Self {
        var sum = a
        sum.counts.merge(b.counts) { $0 + $1 }
        sum.milliseconds += b.milliseconds
        return sum
    }

    /// 0…7 exactly, then by the leading bit and the three that follow it.
    static func bucket(of milliseconds: Int64) -> Int {
        guard milliseconds >= 8 else { return Int(max(milliseconds, 0)) }
        let exponent = 63 - milliseconds.leadingZeroBitCount
        return (exponent - 2) * 8 + Int((milliseconds >> Int64(exponent - 3)) & 7)
    }

    static func lowerBound(of bucket: Int) -> Int64 {
        guard bucket >= 8 else { return Int64(bucket) }
        return Int64(8 + bucket % 8) << Int64(bucket / 8 - 1)
    }
}
