import HeadwayCore

/// How far off two rules were, asked at the same moments.
struct EstimateScore {
    private var ours: [Double] = []
    private var naive: [Double] = []
    private(set) var asked = 0
    private var answered = 0
    private var held = 0
    private var over = 0
    private var shown = 0.0

    /// - Parameters:
    ///   - outlook: ours.
    ///   - damped: what a viewer who asks at these moments is shown of it.
    mutating func count(_ outlook: Outlook, shown damped: Outlook, naive guess: Double?, truth: Double) {
        asked += 1
        guard let estimate = outlook.estimate else { return }
        answered += 1
        if truth <= Double(estimate.high.wholeMilliseconds) / 1000 { held += 1 }
        if truth <= Double(estimate.remaining.wholeMilliseconds) / 1000 { over += 1 }
        guard let guess, let damped = damped.estimate else { return }
        ours.append(abs(Double(estimate.remaining.wholeMilliseconds) / 1000 - truth))
        shown += abs(Double(damped.remaining.wholeMilliseconds) / 1000 - truth)
        naive.append(abs(guess - truth))
    }

    /// Of the moments asked.
    var answeredShare: Double { Double(answered) / Double(max(asked, 1)) }
    /// How often it took no longer than the high end.
    var heldShare: Double { Double(held) / Double(max(answered, 1)) }

    /// How often it took no longer than said: half, if the middle is right.
    var overShare: Double { Double(over) / Double(max(answered, 1)) }

    /// Where both answered, in seconds.
    var mean: (ours: Double, naive: Double) { (Self.mean(ours), Self.mean(naive)) }
    var median: (ours: Double, naive: Double) { (Self.median(ours), Self.median(naive)) }

    var shownMean: Double { shown / Double(max(ours.count, 1)) }

    private static func mean(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(max(values.count, 1))
    }

    private static func median(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.sorted()[values.count / 2]
    }
}
