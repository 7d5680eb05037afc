/// The book that an attempt keeps of its stages.
extension JobState {
    func phase(of stage: String) -> StageRecord.Phase? {
        // From the end: the stage that is asked for is nearly always the last that began.
        stages.last { $0.stage == stage }?.phase
    }

    func record(of stage: String) -> StageRecord? { stages.last { $0.stage == stage } }

    /// Writes `stage`'s line, keeping the book in pipeline order.
    mutating func put(_ phase: StageRecord.Phase, at place: Int, attempt: Int, of pipeline: Pipeline) {
        let stage = pipeline.stages[place].id
        let record = StageRecord(stage: stage, attempt: attempt, phase: phase)
        if let line = stages.lastIndex(where: { $0.stage == stage }) {
            stages[line] = record
        } else {
            let line = stages.firstIndex { (pipeline.position(of: $0.stage) ?? .max) > place }
            stages.insert(record, at: line ?? stages.endIndex)
        }
    }

    /// The mandatory stages among `places` that this attempt has not completed.
    func mandatory(
        in places: Range<Int>, of pipeline: Pipeline, isRunningDone: Bool = false
    ) -> [Int] {
        places.filter { place in
            guard !pipeline.stages[place].isOptional else { return false }
            switch phase(of: pipeline.stages[place].id) {
            case .completed: return false
            case .running: return !isRunningDone
            case .skipped, .withdrawn, nil: return true
            }
        }
    }

    mutating func completeRunningStage(_ hearing: Hearing, into outcome: inout JobOutcome) {
        guard let position, let line = stages.lastIndex(where: { $0.stage == position.stage }),
            stages[line].phase == .running
        else { return }
        stages[line].phase = .completed
        note(.stageCompleted, hearing.now, stage: position.stage, into: &outcome)
        measureHalf(hearing, into: &outcome)
        guard let place = hearing.pipeline.position(of: position.stage) else { return }
        if hearing.pipeline.stages[place].isIndexed {
            completeIndex(hearing, into: &outcome)
        } else {
            measure(position.stage, since: position.startedAt, hearing, into: &outcome)
        }
    }

    /// What is measured of an indexed stage is one index: how many there are differs from job to job.
    mutating func completeIndex(_ hearing: Hearing, into outcome: inout JobOutcome) {
        guard let position, let began = position.indexStartedAt else { return }
        self.position?.indexStartedAt = nil
        measure(position.stage, since: began, hearing, into: &outcome)
    }

    /// How even the stage's progress was: what tells how far its pace can be trusted.
    private mutating func measureHalf(_ hearing: Hearing, into outcome: inout JobOutcome) {
        guard let position, let half = position.halfAt else { return }
        self.position?.halfAt = nil
        let whole = (hearing.now - position.startedAt).wholeMilliseconds
        let part = (half - position.startedAt).wholeMilliseconds
        guard whole > 0, whole < 1 << 50, 0...whole ~= part else { return }
        outcome.durations.append(
            DurationSample(
                stage: position.stage, duration: .milliseconds(part * 1000 / whole), isHalf: true))
    }

    func measure(
        _ stage: String?, since began: Timestamp, _ hearing: Hearing, into outcome: inout JobOutcome
    ) {
        outcome.durations.append(DurationSample(stage: stage, duration: max(hearing.now - began, .zero)))
    }

    /// Passes by. The line counts the try that did not happen: 1, or the one after the try that was withdrawn.
    mutating func skip(_ places: [Int], _ hearing: Hearing, into outcome: inout JobOutcome) {
        for place in places {
            let stage = hearing.pipeline.stages[place].id
            let record = record(of: stage)
            guard record?.phase != .skipped else { continue }
            put(.skipped, at: place, attempt: record?.attempt.successor ?? 1, of: hearing.pipeline)
            note(.stageSkipped, hearing.now, stage: stage, into: &outcome)
        }
    }

    /// Going back to `place` takes its completion back, and all that came later.
    ///
    /// What began and is taken back waits for a higher stage attempt than it had. What was only passed by may
    /// come for the first time.
    mutating func withdraw(from place: Int, _ hearing: Hearing, into outcome: inout JobOutcome) {
        var kept: [StageRecord] = []
        for var record in stages {
            let line = hearing.pipeline.position(of: record.stage) ?? .max
            switch record.phase {
            case _ where line < place: break
            case .withdrawn: break
            // Its next try follows at once.
            case .running where line == place: break
            case .running, .completed:
                record.phase = .withdrawn
                note(.stageWithdrawn, hearing.now, stage: record.stage, into: &outcome)
            case .skipped:
                guard record.attempt > 1 else { continue }
                record.phase = .withdrawn
                record.attempt -= 1
            }
            kept.append(record)
        }
        stages = kept
    }
}
