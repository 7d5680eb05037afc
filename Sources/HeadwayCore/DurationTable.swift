/// A sketch laid out for asking: what such a thing takes, and what is left of it after a while.
struct DurationTable {
    /// Seconds; ascending, without overlap.
    private let spans: [(low: Double, high: Double, count: Double)]
    private let rests: [Double]
    let count: Int
    let whole: Spread

    /// Samples before they count as a history.
    static let fewest = 5

    /// - Parameter isJob: whether ``rest(_:)`` will be asked.
    init(_ sketch: DurationSketch, isJob: Bool = false) {
        var spans = sketch.counts.sorted { $0.key < $1.key }.map { bucket, count in
            (
                low: Double(DurationSketch.lowerBound(of: bucket)) / 1000,
                high: Double(DurationSketch.lowerBound(of: bucket + 1)) / 1000, count: Double(count)
            )
        }
        // The sum is exact where buckets are coarse.
        let sum = spans.reduce(0) { $0 + $1.count * ($1.low + $1.high) / 2 }
        if sum > 0 {
            let factor = min(max(Double(sketch.milliseconds) / 1000 / sum, 0.9), 1.1)
            for place in spans.indices {
                spans[place].low *= factor
                spans[place].high *= factor
            }
        }
        self.spans = spans
        count = sketch.count
        whole = Self.spread(of: spans, beyond: 0, samples: Double(count))
        rests = isJob ? Self.rests(of: spans) : []
    }

    /// What is left when `elapsed` seconds are over and it has not ended: of those that took longer, not the
    /// mean less what is over.
    ///
    /// One more sample is made up that goes on as long again, so that something can be said of what takes longer
    /// than anything before it.
    func remaining(after elapsed: Double) -> Spread {
        guard elapsed > 0, let last = spans.last else { return whole }
        var rest: [(low: Double, high: Double, count: Double)] = []
        if elapsed < last.high {
            rest.reserveCapacity(spans.count + 4)
            for span in spans where span.high > elapsed {
                let low = max(span.low, elapsed)
                rest.append((low, span.high, span.count * (span.high - low) / (span.high - span.low)))
            }
        }
        let samples = rest.reduce(0) { $0 + $1.count }
        guard samples < 50 else { return Self.spread(of: rest, beyond: elapsed, samples: samples) }
        // The quarters of a Pareto distribution that begins here.
        for (from, to) in [(1, 1.155), (1.155, 1.414), (1.414, 2), (2, 4.0)] {
            rest.append((elapsed * from, elapsed * to, 0.25))
        }
        return Self.spread(of: rest, beyond: elapsed, samples: samples)
    }

    /// The length that `share` of all do not exceed.
    func length(_ share: Double) -> Double { Self.quantile(share * Double(count), of: spans) }

    /// What is left of one that is seen running at any moment, where `share` of such have less left.
    func rest(_ share: Double) -> Double {
        guard let last = rests.indices.last else { return 0 }
        return rests[min(max(Int(share * Double(rests.count)), 0), last)]
    }

    /// ``rest(_:)`` at evenly spaced shares.
    private static func rests(
        of spans: [(low: Double, high: Double, count: Double)]
    ) -> [Double] {
        (0..<Rehearsal.plays).map { place in
            let wanted = 1 - (Double(place) + 0.5) / Double(Rehearsal.plays)
            var low = 0.0
            var high = spans.last?.high ?? 0
            for _ in 0..<20 {
                let middle = (low + high) / 2
                if share(of: spans, running: middle) > wanted { low = middle } else { high = middle }
            }
            return high
        }
    }

    /// How many of those that are seen running at any moment will still run `time` later.
    private static func share(
        of spans: [(low: Double, high: Double, count: Double)], running time: Double
    ) -> Double {
        var left = 0.0
        var all = 0.0
        for span in spans {
            let middle = (span.low + span.high) / 2
            left += span.count * max(middle - time, 0)
            all += span.count * middle
        }
        return all > 0 ? left / all : 0
    }

    /// - Parameter samples: how many of `spans` were seen; the fewer, the further it may reach.
    private static func spread(
        of spans: [(low: Double, high: Double, count: Double)], beyond start: Double, samples: Double
    ) -> Spread {
        let total = spans.reduce(0) { $0 + $1.count }
        guard total > 0 else { return .zero }
        var first = 0.0
        var second = 0.0
        for span in spans {
            let middle = (span.low + span.high) / 2 - start
            let width = span.high - span.low
            first += span.count * middle
            second += span.count * (middle * middle + width * width / 12)
        }
        let mean = first / total
        let median = quantile(0.5 * total, of: spans) - start
        let high = quantile(0.9 * total, of: spans) - start
        return Spread(
            mean: mean, variance: max(second / total - mean * mean, 0), gap: mean - median,
            reach: max(high - median, 0) * (1 + 2 / max(samples, 1)))
    }

    /// The value below which `rank` samples lie.
    private static func quantile(
        _ rank: Double, of spans: [(low: Double, high: Double, count: Double)]
    ) -> Double {
        var low = spans[0].low
        var high = low
        var isOrdered = true
        for span in spans {
            if span.low < high { isOrdered = false }
            high = max(high, span.high)
        }
        if isOrdered {
            var below = 0.0
            for span in spans {
                if below + span.count >= rank {
                    return span.low + (span.high - span.low) * (rank - below) / span.count
                }
                below += span.count
            }
            return high
        }
        for _ in 0..<30 {
            let middle = (low + high) / 2
            let below = spans.reduce(0) {
                $0 + $1.count * min(max((middle - $1.low) / ($1.high - $1.low), 0), 1)
            }
            if below < rank { low = middle } else { high = middle }
        }
        return high
    }
}
