import HeadwayCore

/// What one simulated job will do, decided before anything runs. Pure: a value of the pipeline, the wishes and the
/// seed.
struct SimulationScript: Sendable, Equatable {
    /// One report, after some work.
    struct Tick: Sendable, Equatable {
        /// Of work before it.
        var work: Duration
        var done: Int
        var message: String?
    }

    enum Ending: Sendable, Equatable {
        case completes
        case fails(Trouble)
        /// The worker goes silent.
        case goesSilent
    }

    /// A stage, or one index of an indexed one.
    struct Act: Sendable, Equatable {
        var stage: String
        var index: Int?
        var of: Int?
        var message: String?
        var total: Int
        var ticks: [Tick]
        /// A counter inside, as far as each tick.
        var substep: String?
        /// Alive, but still, in front of the middle tick: this long.
        var stall: Duration?
        var ending = Ending.completes
    }

    struct Attempt: Sendable, Equatable {
        var acts: [Act]
        /// That of its last act.
        var ending: Ending { acts.last?.ending ?? .completes }
    }

    /// Ways to fail, as they are called in front of people.
    enum Trouble: String, Sendable, CaseIterable {
        case rateLimited = "rate_limited"
        case contentFilter = "content_filter"
        case timeout

        var message: String {
            switch self {
            case .rateLimited: "The service is busy: too many requests."
            case .contentFilter: "The content filter refused the text."
            case .timeout: "The service did not answer in time."
            }
        }
    }

    /// What becomes of a job's first attempt, besides that it takes time.
    struct Fate: Sendable, Equatable {
        var fails = false
        var stalls = false
        var goesSilent = false
    }

    /// The attempts that will be made, in order; the last one decides.
    var attempts: [Attempt]

    /// - Parameters:
    ///   - pace: how long a usual attempt takes.
    ///   - retries: whether a failed attempt is followed by another, as far as the pipeline allows.
    init(
        _ pipeline: Pipeline, fate: Fate, pace: Duration, retries: Bool, chance: inout Chance
    ) {
        attempts = []
        var fate = fate
        while true {
            let attempt = Self.attempt(pipeline, fate, pace, &chance)
            attempts.append(attempt)
            guard retries, attempt.ending != .completes, attempts.count < pipeline.maxAttempts else { return }
            // What went wrong once goes wrong again more often than not at all.
            fate = Fate(fails: chance.happens(0.25))
        }
    }

    private static func attempt(
        _ pipeline: Pipeline, _ fate: Fate, _ pace: Duration, _ chance: inout Chance
    ) -> Attempt {
        var chosen = pipeline.stages.filter { !$0.isOptional || !chance.happens(0.3) }
        if chosen.isEmpty { chosen = pipeline.stages }
        let widths = chosen.map { max(20_000, $0.end.partsPerMillion - $0.start.partsPerMillion) }
        let whole = Double(max(1, widths.reduce(0, +)))
        var acts: [Act] = []
        for (stage, width) in zip(chosen, widths) {
            let time = pace * (Double(width) / whole) * chance.logNormal(spread: 0.35)
            acts += Self.acts(of: stage, lasting: time, &chance)
        }
        if fate.stalls {
            let still = pipeline.stages.filter { !$0.isQuiet }.map(\.id)
            let places = acts.indices.filter { still.contains(acts[$0].stage) }
            if !places.isEmpty {
                let place = chance.pick(places)
                let limit = pipeline.stages.first { $0.id == acts[place].stage }?.stallAfter
                acts[place].stall = (limit ?? pipeline.stallAfter) * 1.1 + .seconds(2)
                // One that came to a halt does not always come round.
                if chance.happens(0.3) {
                    cut(&acts, at: place, with: .fails(.timeout), keepsAll: true, &chance)
                }
            }
        }
        if fate.goesSilent || fate.fails, acts.last?.ending == .completes {
            let place = chance.pick(Array(acts.indices))
            let ending: Ending = fate.goesSilent ? .goesSilent : .fails(chance.pick(Trouble.allCases))
            cut(&acts, at: place, with: ending, keepsAll: false, &chance)
        }
        return Attempt(acts: acts)
    }

    /// Ends an attempt inside one of its acts.
    private static func cut(
        _ acts: inout [Act], at place: Int, with ending: Ending, keepsAll: Bool, _ chance: inout Chance
    ) {
        acts.removeSubrange((place + 1)...)
        acts[place].ending = ending
        guard !keepsAll, !acts[place].ticks.isEmpty else { return }
        let kept = Int(chance.next() % UInt64(acts[place].ticks.count))
        acts[place].ticks.removeSubrange((kept + 1)...)
        if kept < acts[place].ticks.count / 2 { acts[place].stall = nil }
    }

    private static func acts(
        of stage: Pipeline.Stage, lasting time: Duration, _ chance: inout Chance
    ) -> [Act] {
        let label = stage.label ?? stage.id
        guard stage.isIndexed else { return [act(stage.id, label, lasting: time, &chance)] }
        let of = Int.random(in: 2...8, using: &chance)
        return (1...of).map { index in
            var act = act(
                stage.id, "\(label) \(index) of \(of)",
                lasting: time / of * chance.logNormal(spread: 0.2), &chance)
            act.index = index
            act.of = of
            return act
        }
    }

    private static func act(
        _ stage: String, _ label: String, lasting time: Duration, _ chance: inout Chance
    ) -> Act {
        let total = Int.random(in: 3...12, using: &chance)
        let steps = (0..<total).map { _ in chance.logNormal(spread: 0.4) }
        let sum = steps.reduce(0, +)
        let noun = chance.pick(["sources", "paragraphs", "pictures", "checks", "pages"])
        let ticks = steps.enumerated().map { number, step in
            Tick(
                work: time * (step / sum), done: number + 1,
                message: "\(label): \(number + 1) of \(total) \(noun) done.")
        }
        return Act(
            stage: stage, message: chance.happens(0.5) ? "\(label) has begun." : nil, total: total,
            ticks: ticks, substep: chance.happens(0.4) ? noun : nil)
    }

    /// How long the attempts take altogether, without what silence costs.
    var work: Duration {
        attempts.reduce(.zero) { sum, attempt in
            attempt.acts.reduce(sum) { $1.ticks.reduce($0) { $0 + $1.work } + ($1.stall ?? .zero) }
        }
    }

    var stalls: Bool { attempts.contains { $0.acts.contains { $0.stall != nil } } }
    var goesSilent: Bool { attempts.contains { $0.ending == .goesSilent } }
}
