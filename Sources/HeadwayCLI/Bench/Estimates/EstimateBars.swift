/// What the replay must show.
struct EstimateBars {
    struct Row {
        let fleet: ReplayFleet
        let what: String
        let score: EstimateScore

        /// How many times further off the naive rule is, on average.
        var ratio: Double { score.mean.naive / max(score.mean.ours, 0.001) }
        var name: String { "\(fleet.rawValue) \(what)" }
    }

    let rows: [Row]

    /// - Returns: a sentence each, and whether it holds.
    var verdicts: [(text: String, holds: Bool)] {
        var verdicts: [(String, Bool)] = []
        for row in rows where row.fleet == .steady {
            let mean = row.score.mean
            verdicts.append(
                (
                    "\(row.name): not worse than naive by more than 5 % or 1 s",
                    mean.ours <= max(mean.naive * 1.05, mean.naive + 1)
                ))
        }
        for row in rows where row.fleet != .steady {
            verdicts.append(("\(row.name): better than naive", row.score.mean.ours < row.score.mean.naive))
        }
        let ratios = rows.filter { $0.fleet != .steady && $0.isMain }.map(\.ratio).sorted()
        let middle = ratios.isEmpty ? 0 : (ratios[(ratios.count - 1) / 2] + ratios[ratios.count / 2]) / 2
        verdicts.append(
            (
                "in the median of those at least twice as good (\(EstimateBars.decimal(middle, 1)) times)",
                middle >= 2
            ))
        for row in rows {
            verdicts.append(
                (
                    "\(row.name): the high end holds in 80 to 97 of 100",
                    0.80...0.97 ~= row.score.heldShare
                ))
        }
        for row in rows {
            verdicts.append(("\(row.name): answered in 95 of 100", row.score.answeredShare >= 0.95))
        }
        return verdicts
    }
}

extension EstimateBars.Row {
    /// What its fleet is about: of many at once it is the bulk.
    var isMain: Bool { (what == "bulks") == (fleet == .parallel) }
}

extension EstimateBars {
    /// Rounded to so many digits behind the point.
    static func decimal(_ number: Double, _ digits: Int) -> String {
        let scale = [1.0, 10, 100, 1000][min(max(digits, 0), 3)]
        guard number.isFinite, abs(number) < 1e12 else { return "-" }
        let scaled = Int((abs(number) * scale).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let rest = String(scaled % Int(scale))
        return "\(sign)\(scaled / Int(scale))." + String(repeating: "0", count: digits - rest.count) + rest
    }
}
