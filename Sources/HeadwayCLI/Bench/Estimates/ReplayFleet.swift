import HeadwayCore

/// A kind of fleet: a pipeline, and how its jobs go. What the estimator is judged on, and knows nothing of.
enum ReplayFleet: String, CaseIterable, Sendable {
    /// Frames of about the same size, rendered one after the other; the ranges fit.
    case steady
    /// A model is loaded and warmed up before the first step counts; later steps run faster.
    case slowStart = "slow start"
    /// A few calls to somebody else's service, each of which may take long; now and then one very long.
    case heavyTail = "heavy tail"
    /// A sketch and then a refinement that takes several times as long, each half of the bar.
    case twoPass = "two-pass"
    /// Images by many workers at once, with ranges that somebody guessed.
    case parallel

    /// Workers at the beginning, and how many seconds until the next one joins, up to `most`.
    var pool: (first: Int, every: Double, most: Int) {
        switch self {
        case .steady, .twoPass: (3, 0, 3)
        case .slowStart, .heavyTail: (4, 0, 4)
        case .parallel: (8, 0, 8)
        }
    }

    /// Jobs in a bulk.
    var size: Int { self == .parallel ? 40 : 20 }

    var pipeline: Pipeline {
        func stage(_ id: String, _ start: Int, _ end: Int, isOptional: Bool = false) -> Pipeline.Stage {
            Pipeline.Stage(
                id: id, start: Fraction(partsPerMillion: start * 10_000),
                end: Fraction(partsPerMillion: end * 10_000), isOptional: isOptional)
        }
        let stages =
            switch self {
            case .steady: [stage("prepare", 0, 10), stage("render", 10, 90), stage("encode", 90, 100)]
            case .slowStart: [stage("train", 0, 100)]
            case .heavyTail:
                [stage("research", 0, 33, isOptional: true), stage("writing", 33, 66), stage("seo", 66, 100)]
            case .twoPass: [stage("sketch", 0, 50), stage("refine", 50, 100)]
            case .parallel:
                [
                    stage("prompt", 0, 10), stage("generate", 30, 70), stage("upload", 80, 90),
                    stage("save", 90, 100),
                ]
            }
        return Pipeline(
            reference: Pipeline.Reference(name: "bench", revision: 1), stages: stages,
            stallAfter: .seconds(86_400), lostAfter: .seconds(86_400))
    }

    /// What one job will do and when, in seconds from its start.
    func script(_ dice: inout ReplayDice) -> [(at: Double, word: JobWord)] {
        var script = JobScript()
        switch self {
        case .steady:
            let speed = dice.spread(around: 1, sigma: 0.08)
            script.stage("prepare", 6 * speed, steps: 6, noise: 0.15, &dice)
            script.stage("render", 48 * speed, steps: 24, noise: 0.15, &dice)
            script.stage("encode", 6 * speed, steps: 6, noise: 0.15, &dice)
        case .slowStart:
            let steps = dice.whole(30...50)
            let step = dice.spread(around: 1, sigma: 0.1)
            script.begin("train")
            script.pass(dice.spread(around: 35, sigma: 0.2))
            for done in 1...steps {
                // The first steps fill caches.
                let warm = 1 + 2 / (1 + Double(done) / 3)
                script.pass(step * warm * dice.spread(around: 1, sigma: 0.15))
                script.tell("train", done, of: steps)
            }
        case .heavyTail:
            let size = dice.spread(around: 1, sigma: 0.3)
            if dice.chance(0.6) { script.calls("research", 3, each: 8 * size, sigma: 0.8, &dice) }
            script.calls("writing", 5, each: 10 * size, sigma: 0.8, &dice)
            script.calls("seo", 1, each: 6 * size, sigma: 1, &dice)
        case .twoPass:
            let speed = dice.spread(around: 1, sigma: 0.2)
            script.stage("sketch", 15 * speed, steps: 20, noise: 0.1, &dice)
            script.stage(
                "refine", 70 * speed * dice.spread(around: 1, sigma: 0.15), steps: 20, noise: 0.1, &dice)
        case .parallel:
            let speed = dice.spread(around: 1, sigma: 0.25)
            script.stage("prompt", dice.spread(around: 3, sigma: 0.3), steps: 1, noise: 0, &dice)
            script.stage(
                "generate", dice.spread(around: 28, sigma: 0.35) * speed, steps: 8, noise: 0.2, &dice)
            script.stage("upload", dice.spread(around: 4, sigma: 0.5), steps: 1, noise: 0, &dice)
            script.stage("save", dice.spread(around: 9, sigma: 0.6), steps: 1, noise: 0, &dice)
        }
        return script.finished()
    }
}

/// A job's words, as they are written down.
private struct JobScript {
    private var words: [(at: Double, word: JobWord)] = []
    private var now = 0.0

    mutating func pass(_ seconds: Double) { now += seconds }

    mutating func begin(_ stage: String) { words.append((now, .stageStarted(StageMention(stage)))) }

    mutating func tell(_ stage: String, _ done: Int, of total: Int) {
        words.append(
            (now, .stageProgressed(StageMention(stage), .count(done: done, total: total), substep: nil)))
    }

    /// Even steps that together take about `seconds`.
    mutating func stage(_ id: String, _ seconds: Double, steps: Int, noise: Double, _ dice: inout ReplayDice)
    {
        begin(id)
        for done in 1...steps {
            pass(seconds / Double(steps) * dice.spread(around: 1, sigma: noise))
            tell(id, done, of: steps)
        }
    }

    /// A few calls, each as long as it takes.
    mutating func calls(_ id: String, _ count: Int, each: Double, sigma: Double, _ dice: inout ReplayDice) {
        begin(id)
        for done in 1...count {
            pass(dice.spread(around: each, sigma: sigma))
            tell(id, done, of: count)
        }
    }

    mutating func finished() -> [(at: Double, word: JobWord)] {
        words + [(now, .completed(result: nil, message: nil))]
    }
}
