/// The clocks of an attempt: alive, moved, and when the stage began.
///
///     ok ──▶ slow ──▶ stalled ──▶ suspect ──▶ lost      silence only leads to the right, past any in between
///     ok ◀── any but lost                              by a sign of life, by movement, or by the stage's end
extension JobState {
    /// A sign of life that changes no judgement: a queued job has none.
    mutating func breathe(_ hearing: Hearing, into outcome: inout JobOutcome) {
        guard hearing.now > aliveAt else { return }
        aliveAt = hearing.now
        outcome.isRecordChanged = true
    }

    /// The worker spoke, so it is not suspect; if the job moved, it is not stalled; if its stage has ended, it
    /// is not slow.
    ///
    /// - Returns: whether the health changed.
    mutating func live(isMoving: Bool = false, _ hearing: Hearing, into outcome: inout JobOutcome) -> Bool {
        breathe(hearing, into: &outcome)
        if isMoving { movedAt = max(movedAt, hearing.now) }
        let judged: Health
        switch health {
        case .ok, .lost: return false
        case .slow: judged = pace(hearing)
        case .suspect:
            // Silence may have hidden that it stands still; do not flash ok in between.
            judged = !isMoving && isStandingStill(hearing) ? .stalled : pace(hearing)
        case .stalled:
            guard isMoving else { return false }
            recoveries = recoveries.successor
            judged = pace(hearing)
        }
        guard judged != health else { return false }
        health = judged
        note(.health, hearing.now, detail: judged.rawValue, into: &outcome)
        return true
    }

    /// Of a worker that lives and moves: ok, or slow.
    func pace(_ hearing: Hearing) -> Health {
        // What was called slow stays so while its stage lasts, whatever was away since.
        let floor = health == .slow ? nil : hearing.floor
        let stage = runningStage(under: hearing.pipeline)
        guard let since = slowSince(in: stage, countingFrom: floor) else { return .ok }
        return hearing.now >= since ? .slow : .ok
    }

    private func isStandingStill(_ hearing: Hearing) -> Bool {
        let stage = runningStage(under: hearing.pipeline)
        guard stage?.isQuiet != true else { return false }
        let moved = hearing.floor.map { max($0, movedAt) } ?? movedAt
        return hearing.now >= moved + (stage?.stallAfter ?? hearing.pipeline.stallAfter)
    }

    /// The stage that is running now; nil before the first and between two.
    private func runningStage(under pipeline: Pipeline) -> Pipeline.Stage? {
        guard let position, phase(of: position.stage) == .running else { return nil }
        return pipeline.position(of: position.stage).map { pipeline.stages[$0] }
    }

    /// When the running stage (its index) has taken longer than 95 of 100; nil while nothing is usual.
    private func slowSince(in stage: Pipeline.Stage?, countingFrom floor: Timestamp?) -> Timestamp? {
        guard let stage, let position, let usual = position.usual,
            let began = stage.isIndexed ? position.indexStartedAt : position.startedAt
        else { return nil }
        return (floor.map { max($0, began) } ?? began) + usual.slowAfter
    }
}

/// What silence leads to.
extension JobState {
    enum Judgement {
        case slow, suspect, stalled, lost, abandoned
        /// Asked to cancel, and not answered.
        case unanswered
    }

    /// The next judgement if nobody says anything; nil when the job has ended.
    ///
    /// - Parameter floor: silence before this does not count.
    func nextJudgement(
        under pipeline: Pipeline, countingFrom floor: Timestamp?
    ) -> (at: Timestamp, verdict: Judgement)? {
        switch status {
        case .completed, .failed, .cancelled: return nil
        case .queued: return (max(updatedAt, aliveAt) + pipeline.retention.abandoned, .abandoned)
        case .running: break
        }
        func counted(_ moment: Timestamp) -> Timestamp { floor.map { max($0, moment) } ?? moment }
        let stage = runningStage(under: pipeline)
        let isQuiet = stage?.isQuiet ?? false
        let alive = counted(aliveAt)
        var next = (at: alive + pipeline.lostAfter, verdict: Judgement.lost)
        if health != .suspect {
            let suspect = alive + (pipeline.heartbeat + pipeline.heartbeat)
            if !isQuiet, suspect <= next.at { next = (suspect, .suspect) }
            // Stalled and slow are judgements on a worker that lives, so they must come before it is suspect.
            if !isQuiet, health != .stalled {
                let stalled = counted(movedAt) + (stage?.stallAfter ?? pipeline.stallAfter)
                if stalled < next.at { next = (stalled, .stalled) }
            }
            if health == .ok, let slow = slowSince(in: stage, countingFrom: floor), slow < next.at {
                next = (slow, .slow)
            }
        }
        // No sign of life puts this off: only the end is an answer.
        if let cancelRequestedAt {
            let unanswered = counted(cancelRequestedAt) + pipeline.cancelAfter
            if unanswered <= next.at { next = (unanswered, .unanswered) }
        }
        return next
    }

    mutating func judge(
        _ verdict: Judgement, at due: Timestamp, under pipeline: Pipeline, into outcome: inout JobOutcome
    ) {
        let now = max(due, updatedAt)
        switch verdict {
        case .slow: judge(.slow, at: now, into: &outcome)
        case .suspect: judge(.suspect, at: now, into: &outcome)
        case .stalled: judge(.stalled, at: now, into: &outcome)
        case .lost:
            let stage = position?.stage
            let label = stage.flatMap { pipeline.position(of: $0) }.map {
                pipeline.stages[$0].label ?? pipeline.stages[$0].id
            }
            let silence = "No sign of life from the worker for \(pipeline.lostAfter.inWords), the limit"
            health = .lost
            endForUs(
                Failure(
                    message: label.map { "\(silence), in \($0)." } ?? "\(silence).", code: Failure.workerLost,
                    stage: stage), at: now, into: &outcome)
        case .abandoned:
            let patience = pipeline.retention.abandoned.inWords
            endForUs(
                Failure(message: "Nobody started this job within \(patience).", code: Failure.abandoned),
                at: now,
                into: &outcome)
        case .unanswered:
            let text = "Cancelled; its worker did not answer within \(pipeline.cancelAfter.inWords)."
            status = .cancelled
            health = .ok
            message = text
            finishedAt = now
            note(.cancelled, now, stage: position?.stage, detail: text, into: &outcome)
        }
        countChange(at: now, into: &outcome)
    }

    private mutating func judge(_ health: Health, at now: Timestamp, into outcome: inout JobOutcome) {
        self.health = health
        note(.health, now, detail: health.rawValue, into: &outcome)
    }

    private mutating func endForUs(_ failure: Failure, at now: Timestamp, into outcome: inout JobOutcome) {
        status = .failed
        self.failure = failure
        finishedAt = now
        note(.failed, now, stage: failure.stage, detail: failure.code, into: &outcome)
    }
}
