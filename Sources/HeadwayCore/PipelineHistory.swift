/// What finished jobs say of a pipeline: per stage, and of what is left after each.
struct PipelineHistory {
    /// Of one stage that is still to come.
    struct Stage {
        /// Of one run of it: of an indexed stage, one index.
        let table: DurationTable?
        /// How many runs a job makes: less than 1 for a stage that is sometimes left out, more for an indexed one.
        let runs: Double
        /// All its runs in a job.
        let whole: Spread
        /// How even its progress is.
        let bend: ProgressBend
        /// Enough is known, be it that it never happens.
        let isKnown: Bool
    }

    let stages: [Stage]
    /// From start to completion.
    let job: DurationTable?
    /// How much a whole job is slower or faster than others, as relative variance: what the stages of a job have
    /// in common. The more of it, the more its first stages tell of the later ones.
    let common: Double
    /// What passes between two stages, in seconds.
    let pause: Double

    init(_ pipeline: Pipeline, _ book: DurationBook) {
        let tables = pipeline.stages.map { stage in
            book[pipeline.name, stage.id].map { DurationTable($0) }.flatMap { $0.count > 0 ? $0 : nil }
        }
        let job = book[pipeline.name, nil].map { DurationTable($0, isJob: true) }.flatMap {
            $0.count > 0 ? $0 : nil
        }
        self.job = job
        // Those who came this far: jobs that fail later leave samples too.
        var passed = job?.count ?? 0
        var known: [Stage] = []
        for (stage, table) in zip(pipeline.stages, tables).reversed() {
            if !stage.isOptional, !stage.isIndexed { passed = max(passed, table?.count ?? 0) }
            known.append(
                Self.stage(
                    stage, table, ProgressBend(book.half(of: stage.id, in: pipeline.name)), passed: passed))
        }
        stages = known.reversed()
        common = Self.common(stages, job)
        let sum = stages.reduce(0) { $0 + $1.whole.mean }
        let isMeasured = (job?.count ?? 0) >= DurationTable.fewest && stages.allSatisfy(\.isKnown)
        let over = isMeasured ? max((job?.whole.mean ?? 0) - sum, 0) : 0
        pause = min(over, sum / 4) / Double(max(stages.count, 1))
    }

    private static func stage(
        _ stage: Pipeline.Stage, _ table: DurationTable?, _ bend: ProgressBend, passed: Int
    ) -> Stage {
        let count = table?.count ?? 0
        let share = passed > 0 ? Double(count) / Double(passed) : 1
        let isKnown = count >= DurationTable.fewest || stage.isOptional && passed >= DurationTable.fewest
        guard let table else {
            return Stage(
                table: nil, runs: stage.isOptional ? 0 : 1, whole: .zero, bend: bend, isKnown: isKnown)
        }
        if stage.isIndexed {
            let runs = stage.isOptional ? share : max(share, 1)
            // How many there are differs from job to job, by how much is not counted: say a third.
            let differs = table.whole.mean * runs / 3
            return Stage(
                table: table, runs: runs,
                whole: table.whole.repeated(runs).widened(by: differs * differs), bend: bend,
                isKnown: isKnown)
        }
        let runs = stage.isOptional ? min(share, 1) : 1
        return Stage(
            table: table, runs: runs, whole: table.whole.happening(runs), bend: bend, isKnown: isKnown)
    }

    /// By how much whole jobs vary beyond what independent stages would.
    private static func common(_ stages: [Stage], _ job: DurationTable?) -> Double {
        let means = stages.map(\.whole.mean)
        let sum = means.reduce(0, +)
        let cross = sum * sum - means.reduce(0) { $0 + $1 * $1 }
        guard cross > 0 else { return 0 }
        let main = stages.filter { $0.whole.mean * 10 > sum }.map(\.whole.relativeVariance)
        let most = main.min() ?? 0
        guard let job, job.count >= 20 else { return most / 2 }
        let own = stages.reduce(0) { $0 + $1.whole.variance }
        return min(max((job.whole.variance - own) / cross, 0), most)
    }

    /// All of `places`, when what they have in common varies by `common`.
    func sum(of places: some Sequence<Int>, common: Double) -> Spread {
        var sum = Spread.zero
        var squares = 0.0
        for place in places {
            let whole = stages[place].whole
            sum = sum + whole
            sum.mean += pause
            squares += whole.mean * whole.mean
        }
        let cross = sum.mean * sum.mean - squares
        return sum.widened(by: common * max(cross, 0))
    }

    func isKnown(_ places: some Sequence<Int>) -> Bool { places.allSatisfy { stages[$0].isKnown } }
}
