/// What is known of a time in the future, in seconds: where its middle is, and how far it may reach.
///
/// Sums of independent times keep all four numbers in closed form: means and variances add, skewness makes the
/// mean run ahead of the median less and less, and the reach grows with the root.
struct Spread: Equatable {
    var mean: Double
    var variance: Double
    /// Mean less median.
    var gap: Double
    /// From the median to the value that nine of ten do not exceed.
    var reach: Double

    static let zero = Spread(mean: 0, variance: 0, gap: 0, reach: 0)
    /// Standard deviations from the median to nine of ten, when it is symmetric.
    static let nineOfTen = 1.28

    var median: Double { max(mean - gap, 0) }
    var high: Double { median + reach }
    /// Variance in units of the mean.
    var relativeVariance: Double { mean > 0 ? variance / (mean * mean) : 0 }

    /// Of independent times.
    static func + (a: Self, b: Self) -> Self {
        let variance = a.variance + b.variance
        return Spread(
            mean: a.mean + b.mean, variance: variance,
            gap: variance > 0 ? (a.gap * a.variance + b.gap * b.variance) / variance : 0,
            reach: (a.reach * a.reach + b.reach * b.reach).squareRoot())
    }

    /// The same, slower or faster by one factor.
    static func * (a: Self, factor: Double) -> Self {
        Spread(
            mean: a.mean * factor, variance: a.variance * factor * factor, gap: a.gap * factor,
            reach: a.reach * factor)
    }

    /// `count` of them, one after the other.
    func repeated(_ count: Double) -> Self {
        Spread(
            mean: mean * count, variance: variance * count, gap: count > 0 ? gap : 0,
            reach: reach * count.squareRoot())
    }

    /// More uncertain by something that moves all its parts together.
    func widened(by variance: Double) -> Self {
        guard variance > 0 else { return self }
        var wide = self
        wide.variance += variance
        wide.reach = (reach * reach + Self.nineOfTen * Self.nineOfTen * variance).squareRoot()
        return wide
    }

    /// What happens with this probability, and else takes no time.
    func happening(_ probability: Double) -> Self {
        guard probability < 1 else { return self }
        let mean = mean * probability
        let variance = probability * (self.variance + self.mean * self.mean) - mean * mean
        let median = probability > 0.5 ? self.median * (2 * probability - 1) : 0
        let high = probability > 0.1 ? self.high * min(1, (probability - 0.1) / 0.4) : 0
        return Spread(
            mean: mean, variance: max(variance, 0), gap: mean - median, reach: max(high - median, 0))
    }

    /// How uncertain it is on the scale of ``Octaves``.
    var octaves: Double {
        max(Octaves.of(max(high, 0.001)) - Octaves.of(max(median, 0.001)), 0) / Self.nineOfTen
    }

    /// As spread evenly to both sides on the scale of ``Octaves``.
    init(median: Double, octaves: Double) {
        let middle = Octaves.of(max(median, 0.001))
        let high = Octaves.value(middle + Self.nineOfTen * octaves)
        let relative = octaves * 0.69
        gap = median * min(relative * relative / 2, 2)
        mean = median + gap
        variance = mean * mean * min(relative * relative, 4)
        reach = max(high - median, 0)
    }

    init(mean: Double, variance: Double, gap: Double, reach: Double) {
        self.mean = mean
        self.variance = variance
        self.gap = gap
        self.reach = reach
    }
}
