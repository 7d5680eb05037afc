import HeadwayCore

/// `headway bench estimates`: ours beside the naive rule, on fleets that are simulated.
struct BenchEstimates {
    let seed: UInt64
    let jobs: Int
    /// Of which the durations are known before.
    static let earlier = 100
    /// Moments of one bulk are much alike: it takes many bulks to see how often a range holds.
    static let fewestBulks = 40

    init(_ invocation: Invocation) {
        seed = UInt64(invocation.arguments.count("seed") ?? 1)
        jobs = invocation.arguments.count("jobs") ?? 1000
    }

    init(seed: UInt64, jobs: Int) {
        self.seed = seed
        self.jobs = jobs
    }

    func run(on terminal: Terminal) -> ExitCode {
        Terminal.say(
            "How long it will still take, asked at random moments of \(jobs) simulated jobs per fleet,")
        Terminal.say(
            "after \(Self.earlier) earlier ones (seed \(seed)). Naive: elapsed × (100 − percent) / percent.")
        Terminal.say("Errors in seconds, where both answer; shown: ours as damped for a viewer.")
        Terminal.say("")
        let bars = replay()
        var table = Table(head: [
            "FLEET", "OF", "MOMENTS", "MEAN", "NAIVE", "TIMES", "MEDIAN", "NAIVE", "TIMES", "SHOWN",
            "HIGH HOLDS",
            "ANSWERED",
        ])
        table.rows = bars.rows.map { row in
            let score = row.score
            return [
                row.fleet.rawValue, row.what, "\(score.asked)", EstimateBars.decimal(score.mean.ours, 1),
                EstimateBars.decimal(score.mean.naive, 1), EstimateBars.decimal(row.ratio, 1),
                EstimateBars.decimal(score.median.ours, 1), EstimateBars.decimal(score.median.naive, 1),
                EstimateBars.decimal(score.median.naive / max(score.median.ours, 0.001), 1),
                EstimateBars.decimal(score.shownMean, 1),
                "\(EstimateBars.decimal(score.heldShare * 100, 1)) %",
                "\(EstimateBars.decimal(score.answeredShare * 100, 1)) %",
            ]
        }
        table.print(to: terminal)
        Terminal.say("")
        let missed = bars.verdicts.filter { !$0.holds }
        for verdict in missed { Terminal.say("MISSED  \(verdict.text)") }
        if missed.isEmpty { Terminal.say("All \(bars.verdicts.count) bars hold.") }
        return missed.isEmpty ? .done : .failed
    }

    func replay() -> EstimateBars {
        EstimateBars(
            rows: ReplayFleet.allCases.flatMap { fleet in
                var replay = FleetReplay(fleet, seed: seed)
                replay.learn(jobs: Self.earlier)
                replay.test(jobs: jobs, bulks: Self.fewestBulks)
                return [
                    EstimateBars.Row(fleet: fleet, what: "jobs", score: replay.jobs),
                    EstimateBars.Row(fleet: fleet, what: "bulks", score: replay.bulks),
                ]
            })
    }
}
