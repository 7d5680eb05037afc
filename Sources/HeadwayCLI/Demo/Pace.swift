/// Stretches real work over a time, so that a person can watch it; without a time it does nothing.
struct Pace: Sendable {
    private let start = ContinuousClock.now
    private let budget: Duration

    init(_ budget: Duration) { self.budget = budget }

    /// Waits until as much of the time has passed as of the work.
    ///
    /// - Parameters:
    ///   - stage: what the stage owns of the whole, in percent.
    ///   - done: of `total` steps of the stage.
    func keep(_ stage: ClosedRange<Int>, _ done: Int, of total: Int) async throws {
        guard budget > .zero, total > 0 else { return }
        let share = Double(stage.lowerBound) + Double(stage.count - 1) * Double(done) / Double(total)
        try await Task.sleep(until: start + budget * (share / 100), clock: .continuous)
    }
}
