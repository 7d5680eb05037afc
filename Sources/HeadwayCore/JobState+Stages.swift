/// What the words about a stage do. Order inside an attempt: stage, then stage attempt, then index, then value.
///
/// An absent stage attempt or index means the current one, so such a word may mean something else when it is
/// heard again later. The promise that repeating a word changes nothing is for words that say all.
extension JobState {
    enum StageWord {
        case started
        case progressed(Progress, substep: String?)
        case completed(checkpoint: String?)
    }

    static let mostSubsteps = 32

    mutating func hear(
        _ word: StageWord, of mention: StageMention, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        guard let place = hearing.pipeline.position(of: mention.stage) else { return .refused(.unknownStage) }
        guard hearing.pipeline.stages[place].isIndexed || (mention.index == nil && mention.of == nil) else {
            return .refused(.malformed)
        }
        guard let current = position?.stage else {
            return enter(place, after: -1, word, mention, hearing, into: &outcome)
        }
        if current == mention.stage { return goOn(at: place, word, mention, hearing, into: &outcome) }
        let currentPlace = hearing.pipeline.position(of: current) ?? -1
        return place > currentPlace
            ? enter(place, after: currentPlace, word, mention, hearing, into: &outcome)
            : goBack(to: place, word, mention, hearing, into: &outcome)
    }

    /// A later stage: completes the running one and passes by what lies between.
    private mutating func enter(
        _ place: Int, after current: Int, _ word: StageWord, _ mention: StageMention, _ hearing: Hearing,
        into outcome: inout JobOutcome
    ) -> Verdict {
        let tried = record(of: mention.stage)?.attempt ?? 0
        let attempt = mention.stageAttempt ?? tried.successor
        guard attempt > tried else { return .refused(.backwards) }
        let passedBy = mandatory(in: (current + 1)..<place, of: hearing.pipeline)
        guard passedBy.isEmpty || !hearing.pipeline.isStrict else { return .refused(.skippedStage) }
        completeRunningStage(hearing, into: &outcome)
        skip(passedBy, hearing, into: &outcome)
        return begin(place, attempt, word, mention, hearing, into: &outcome)
    }

    /// An earlier stage: only a higher stage attempt goes back.
    private mutating func goBack(
        to place: Int, _ word: StageWord, _ mention: StageMention, _ hearing: Hearing,
        into outcome: inout JobOutcome
    ) -> Verdict {
        let record = record(of: mention.stage)
        let tried = record?.attempt ?? 1
        if let attempt = mention.stageAttempt, attempt > tried {
            withdraw(from: place, hearing, into: &outcome)
            return begin(place, attempt, word, mention, hearing, into: &outcome)
        }
        guard case .completed = word, record?.phase == .completed, mention.stageAttempt ?? tried == tried
        else {
            return .refused(.backwards)
        }
        return live(hearing, into: &outcome) ? .applied : .unchanged
    }

    /// The current stage: its next try, or more of this one.
    private mutating func goOn(
        at place: Int, _ word: StageWord, _ mention: StageMention, _ hearing: Hearing,
        into outcome: inout JobOutcome
    ) -> Verdict {
        let attempt = position?.attempt ?? 1
        let named = mention.stageAttempt ?? attempt
        guard named >= attempt else { return .refused(.backwards) }
        guard named == attempt else {
            withdraw(from: place, hearing, into: &outcome)
            return begin(place, named, word, mention, hearing, into: &outcome)
        }
        if phase(of: mention.stage) == .completed { return repeatEnd(word, mention, hearing, into: &outcome) }

        let of = highest(position?.of, mention.of)
        if let index = mention.index, let of, index > of { return .refused(.malformed) }
        if let index = mention.index, index < position?.index ?? 1 {
            guard case .completed = word else { return .refused(.backwards) }
            return live(hearing, into: &outcome) ? .applied : .unchanged
        }
        let isNext = mention.index.map { $0 > position?.index ?? 0 } ?? false
        let advance = advance(word, mention, isNext: isNext, of: of)
        switch advance {
        case .refused(let reason): return .refused(reason)
        case .none:
            let isTold = position?.of != of
            position?.of = of
            return settle(place, isTold: isTold, mention, hearing, into: &outcome)
        case .moves:
            let before = position?.halfAt == nil ? stageFraction(under: hearing.pipeline) : nil
            if isNext { turn(to: mention, hearing, into: &outcome) }
            position?.of = of
            land(word, at: place, mention, hearing, into: &outcome)
            if let before { passHalf(from: before, hearing) }
            return moved(at: place, hearing, into: &outcome)
        }
    }

    /// Notes when half of the stage was done: between the word before and this one, as if it went evenly.
    private mutating func passHalf(from before: Fraction, _ hearing: Hearing) {
        let half = 500_000
        guard let position, phase(of: position.stage) == .running else { return }
        let after = stageFraction(under: hearing.pipeline)
        let leap = after.partsPerMillion - before.partsPerMillion
        guard before.partsPerMillion < half, after.partsPerMillion >= half, 1...half ~= leap else { return }
        let since = max(movedAt, position.startedAt)
        let passed = max((hearing.now - since).wholeMilliseconds, 0)
        guard passed < 1 << 40 else { return }
        let share = Int64(half - before.partsPerMillion)
        self.position?.halfAt = since + .milliseconds(passed * share / Int64(leap))
    }

    private enum Advance {
        case none, moves
        case refused(Refusal)
    }

    /// Whether `word` is ahead of what is known of the running stage.
    private func advance(_ word: StageWord, _ mention: StageMention, isNext: Bool, of: Int?) -> Advance {
        guard !isNext else { return .moves }
        switch word {
        case .started: return .none
        case .progressed(let value, nil):
            guard let known = position?.progress, known >= value else { return .moves }
            return known == value ? .none : .refused(.backwards)
        case .progressed(let value, let substep?):
            guard let known = substeps.first(where: { $0.id == substep })?.progress else {
                return substeps.count < Self.mostSubsteps ? .moves : .refused(.tooLarge)
            }
            guard known >= value else { return .moves }
            return known == value ? .none : .refused(.backwards)
        case .completed:
            guard let index = mention.index else { return .moves }
            return index == of || position?.progress != .fraction(.one) ? .moves : .none
        }
    }

    /// The current stage is complete: hearing its start or its end again is harmless.
    private mutating func repeatEnd(
        _ word: StageWord, _ mention: StageMention, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        if case .progressed = word { return .refused(.backwards) }
        if let index = mention.index, index > position?.index ?? .max { return .refused(.backwards) }
        return settle(nil, isTold: false, mention, hearing, into: &outcome)
    }

    /// Nothing moved. A new sentence still counts, when it surely is one: without a sequence it could be an
    /// old word delivered again.
    private mutating func settle(
        _ place: Int?, isTold: Bool, _ mention: StageMention, _ hearing: Hearing,
        into outcome: inout JobOutcome
    ) -> Verdict {
        var isNews = isTold
        if hearing.isSequenced, let message = mention.message, message != self.message {
            self.message = message
            isNews = true
        }
        if isTold, let place { raiseFraction(at: place, of: hearing.pipeline) }
        let isHealed = live(hearing, into: &outcome)
        return isNews || isHealed ? .applied : .unchanged
    }

    /// A try of a stage begins.
    private mutating func begin(
        _ place: Int, _ attempt: Int, _ word: StageWord, _ mention: StageMention, _ hearing: Hearing,
        into outcome: inout JobOutcome
    ) -> Verdict {
        put(.running, at: place, attempt: attempt, of: hearing.pipeline)
        position = Position(
            stage: mention.stage, attempt: attempt, index: mention.index, of: mention.of,
            startedAt: hearing.now, indexStartedAt: mention.index.map { _ in hearing.now },
            usual: hearing.usual(of: mention.stage))
        substeps = []
        message = mention.message
        note(.stageStarted, hearing.now, stage: mention.stage, index: mention.index, into: &outcome)
        land(word, at: place, mention, hearing, into: &outcome)
        return moved(at: place, hearing, into: &outcome)
    }

    /// The next page begins. What was said of the last one says nothing of this.
    private mutating func turn(to mention: StageMention, _ hearing: Hearing, into outcome: inout JobOutcome) {
        completeIndex(hearing, into: &outcome)
        position?.indexStartedAt = hearing.now
        position?.usual = hearing.usual(of: mention.stage)
        position?.index = mention.index
        position?.progress = nil
        if !substeps.isEmpty { substeps = [] }
        message = nil
        note(.stageStarted, hearing.now, stage: mention.stage, index: mention.index, into: &outcome)
    }

    /// Takes over what `word` says of the stage, which is known to be ahead of what was there.
    private mutating func land(
        _ word: StageWord, at place: Int, _ mention: StageMention, _ hearing: Hearing,
        into outcome: inout JobOutcome
    ) {
        if let message = mention.message { self.message = message }
        switch word {
        case .started: break
        case .progressed(let value, nil): position?.progress = value
        case .progressed(let value, let substep?):
            if let line = substeps.firstIndex(where: { $0.id == substep }) {
                substeps[line].progress = value
            } else {
                substeps.append(Substep(id: substep, progress: value))
            }
        case .completed(let checkpoint):
            if let checkpoint { self.checkpoint = checkpoint }
            guard let index = mention.index else { return completeRunningStage(hearing, into: &outcome) }
            position?.progress = .fraction(.one)
            if index == position?.of {
                completeRunningStage(hearing, into: &outcome)
            } else {
                completeIndex(hearing, into: &outcome)
                note(.stageCompleted, hearing.now, stage: mention.stage, index: index, into: &outcome)
            }
        }
    }

    private mutating func moved(
        at place: Int, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        raiseFraction(at: place, of: hearing.pipeline)
        _ = live(isMoving: true, hearing, into: &outcome)
        return .applied
    }
}

/// Of two numbers that may be unknown.
private func highest(_ a: Int?, _ b: Int?) -> Int? {
    guard let a, let b else { return a ?? b }
    return max(a, b)
}
