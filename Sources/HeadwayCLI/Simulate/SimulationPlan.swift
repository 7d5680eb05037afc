import HeadwayCore

/// A whole simulation before it runs: who does what, and what must come out. Pure.
struct SimulationPlan: Sendable, Equatable {
    struct Wishes: Sendable, Equatable {
        var jobs = 20
        /// Shares of the jobs, from 0 to 1.
        var fail = 0.0
        var stall = 0.0
        var lost = 0.0
        var retries = false
        var pace = Duration.seconds(20)
        var seed: UInt64 = 1
    }

    struct Job: Sendable, Equatable {
        var id: String
        var label: String
        var script: SimulationScript
    }

    let pipeline: Pipeline
    let bulk: String
    let wishes: Wishes
    let jobs: [Job]

    init(_ pipeline: Pipeline, bulk: String, _ wishes: Wishes) {
        self.pipeline = pipeline
        self.bulk = bulk
        self.wishes = wishes
        var chance = Chance(seed: wishes.seed)
        // Whose turn it is; the first of them fail, the next go silent. A stall may come on top of either.
        let order = (0..<wishes.jobs).shuffled(using: &chance)
        let failing = Self.share(wishes.fail, of: wishes.jobs)
        let silent = min(Self.share(wishes.lost, of: wishes.jobs), wishes.jobs - failing)
        let stalling = min(Self.share(wishes.stall, of: wishes.jobs), wishes.jobs - failing - silent)
        var fates = [SimulationScript.Fate](repeating: SimulationScript.Fate(), count: wishes.jobs)
        for (place, job) in order.enumerated() {
            fates[job] = SimulationScript.Fate(
                fails: place < failing,
                stalls: (failing + silent..<failing + silent + stalling).contains(place),
                goesSilent: (failing..<failing + silent).contains(place))
        }
        jobs = fates.enumerated().map { number, fate in
            var chance = Chance(seed: wishes.seed, stream: UInt64(number) + 1)
            return Job(
                id: "\(bulk).\(number + 1)", label: "\(pipeline.name) \(number + 1)",
                script: SimulationScript(
                    pipeline, fate: fate, pace: wishes.pace, retries: wishes.retries, chance: &chance))
        }
    }

    /// Rounded; of a share above nothing at least one, so that a small run shows it, too.
    private static func share(_ share: Double, of jobs: Int) -> Int {
        share > 0 ? min(jobs, max(1, Int((share * Double(jobs)).rounded()))) : 0
    }

    // MARK: What it intends

    /// Jobs by how their last attempt ends.
    var intended: (completed: Int, failed: [String: Int]) {
        var completed = 0
        var failed: [String: Int] = [:]
        for job in jobs {
            switch job.script.attempts.last?.ending ?? .completes {
            case .completes: completed += 1
            case .fails(let trouble): failed[trouble.rawValue, default: 0] += 1
            case .goesSilent: failed[JobState.Failure.workerLost, default: 0] += 1
            }
        }
        return (completed, failed)
    }

    var attempts: Int { jobs.reduce(0) { $0 + $1.script.attempts.count } }
    var stalling: [Job] { jobs.filter(\.script.stalls) }
    var silent: [Job] { jobs.filter(\.script.goesSilent) }

    func lines(workers: Int, processes: Int = 0) -> [String] {
        let stages = pipeline.stages.map {
            $0.id + ($0.isIndexed ? " ×2–8" : "") + ($0.isOptional ? "?" : "")
        }
        let (completed, failed) = intended
        var outcome = ["\(completed) completed"]
        let kinds = failed.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
        let sum = failed.values.reduce(0, +)
        if sum > 0 { outcome.append("\(sum) failed (\(kinds.joined(separator: ", ")))") }
        if attempts > jobs.count { outcome.append("\(attempts) attempts") }
        if !stalling.isEmpty { outcome.append("\(stalling.count) standing still for a while") }
        let work = jobs.reduce(Duration.zero) { $0 + $1.script.work } / max(1, min(workers, jobs.count))
        let place =
            processes > 0 ? " in \(processes) \(processes == 1 ? "process" : "processes") of their own" : ""
        var lines = [
            "Simulating \(jobs.count) jobs of \(pipeline.reference) with \(workers) workers\(place), seed \(wishes.seed); "
                + "bulk \(bulk)",
            "  \(stages.joined(separator: " → "))",
            "  meant to come out: \(outcome.joined(separator: ", ")); \(TimeSpan.of(work)) of work per worker",
        ]
        if !silent.isEmpty {
            lines.append(
                "  \(silent.count) of the workers' attempts will fall silent; the verdict on that takes "
                    + "\(TimeSpan.of(pipeline.lostAfter)) (lostAfter)")
        }
        return lines
    }
}
