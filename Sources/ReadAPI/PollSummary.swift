import HeadwayCore
import HeadwayWire

/// How often the jobs of one pipeline were looked at within one period, by their stage then. No ids of jobs.
struct PollSummary: Sendable, Equatable {
    let pipeline: String
    /// Names this summary among all of all instances: what came twice is told by it.
    let name: String
    let from: Timestamp
    let to: Timestamp
    /// By stage; "" before the first one.
    let polls: [String: Int]

    /// The webhook that says so.
    var entry: OutboxEntry {
        .polls(
            pipeline: pipeline, summary: name, from: from, to: to,
            stages: polls.sorted { $0.key < $1.key }.map {
                (stage: $0.key.isEmpty ? nil : $0.key, polls: $0.value)
            })
    }
}

/// Cuts what was polled into summaries, period by period: each poll is in exactly one. Pure.
struct PollPeriods: Sendable {
    /// Of this process.
    private let run: String
    private var number = 0
    /// What all summaries together have told.
    private var told: [PollTally.Key: Int] = [:]
    private var from: Timestamp?

    /// - Parameter run: names the process among all that ever were.
    init(run: String) { self.run = run }

    /// - Parameters:
    ///   - tallies: all that this process ever counted.
    ///   - now: the end of this period, and the begin of the next; the first call only begins one.
    /// - Returns: one summary for each pipeline of which jobs were looked at since the last call.
    mutating func cut(_ tallies: [PollTally], at now: Timestamp) -> [PollSummary] {
        guard let from else {
            self.from = now
            return []
        }
        self.from = now
        var sums: [PollTally.Key: Int] = [:]
        for tally in tallies { sums.merge(tally.counts, uniquingKeysWith: +) }
        var news: [String: [String: Int]] = [:]
        for (key, sum) in sums where sum > told[key] ?? 0 {
            news[key.pipeline, default: [:]][key.stage] = sum - (told[key] ?? 0)
        }
        told = sums
        return news.sorted { $0.key < $1.key }.map { pipeline, polls in
            number += 1
            return PollSummary(
                pipeline: pipeline, name: "\(run)-\(number)", from: from, to: max(from, now), polls: polls)
        }
    }
}
