/// Makes a failing run smaller for as long as it still fails.
enum Shrink {
    /// - Returns: the smallest settings found, and what they fail with.
    static func smallest(
        of settings: Settings, _ outcome: Course.Outcome, within tries: Int = 150
    ) -> (Settings, Course.Outcome) {
        var best = (settings, outcome)
        var left = tries
        /// Whether a change still fails; then it is kept.
        func keeps(_ change: (inout Settings) -> Void) -> Bool {
            guard left > 0 else { return false }
            left -= 1
            var smaller = best.0
            change(&smaller)
            guard smaller != best.0 else { return false }
            let outcome = Course(smaller).run()
            guard outcome.violation != nil else { return false }
            best = (smaller, outcome)
            return true
        }
        if best.0.faults == nil {
            let seen = Fault.allCases.filter { outcome.counts[$0.rawValue] != nil }
            _ = keeps { $0.faults = seen }
        }
        _ = keeps { $0.hasReader = false }
        for few in [1, 2] {
            _ = keeps { $0.workers = few }
            _ = keeps { $0.hands = few }
            _ = keeps { $0.partitions = few }
            _ = keeps { $0.aggregators = few }
        }
        for fault in best.0.faults ?? [] { _ = keeps { $0.faults?.removeAll { $0 == fault } } }
        // Nothing after the last fault that matters.
        var low = 0
        var high = best.1.faults
        while low < high, left > 0 {
            let middle = (low + high) / 2
            if keeps({ $0.faultLimit = middle }) { high = middle } else { low = middle + 1 }
        }
        var steps = best.0.steps / 2
        while steps > 100, left > 0 {
            if !keeps({ $0.steps = steps }) { break }
            steps /= 2
        }
        return best
    }
}
