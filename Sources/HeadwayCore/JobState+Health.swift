/// The clocks of an attempt: alive, and moved. `slow` waits for a history of durations; until then nothing
/// sets it, and everything below treats it as ok.
extension JobState {
    /// A sign of life that changes no judgement: a queued job has none.
    mutating func breathe(_ hearing: Hearing, into outcome: inout JobOutcome) {
        guard hearing.now > aliveAt else { return }
        aliveAt = hearing.now
        outcome.isRecordChanged = true
    }

    /// The worker spoke, so it is not suspect; if the job moved, it is not stalled either.
    ///
    /// - Returns: whether the health changed.
    mutating func live(isMoving: Bool = false, _ hearing: Hearing, into outcome: inout JobOutcome) -> Bool {
        breathe(hearing, into: &outcome)
        if isMoving { movedAt = max(movedAt, hearing.now) }
        let judged: Health
        switch health {
        case .ok, .slow, .lost: return false
        case .suspect:
            // Silence may have hidden that it stands still; do not flash ok in between.
            judged = !isMoving && isStandingStill(hearing.now, under: hearing.pipeline) ? .stalled : .ok
        case .stalled:
            guard isMoving else { return false }
            recoveries = recoveries.successor
            judged = .ok
        }
        health = judged
        note(.health, hearing.now, detail: judged.rawValue, into: &outcome)
        return true
    }

    private func isStandingStill(_ now: Timestamp, under pipeline: Pipeline) -> Bool {
        guard !isQuiet(under: pipeline) else { return false }
        return now >= movedAt + stallLimit(under: pipeline)
    }

    /// The stage that is running now; nil before the first and between two.
    private func runningStage(under pipeline: Pipeline) -> Pipeline.Stage? {
        guard let position, phase(of: position.stage) == .running else { return nil }
        return pipeline.position(of: position.stage).map { pipeline.stages[$0] }
    }

    private func isQuiet(under pipeline: Pipeline) -> Bool { runningStage(under: pipeline)?.isQuiet ?? false }

    private func stallLimit(under pipeline: Pipeline) -> Duration {
        runningStage(under: pipeline)?.stallAfter ?? pipeline.stallAfter
    }
}

/// What silence leads to.
extension JobState {
    enum Judgement {
        case suspect, stalled, lost, abandoned
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
        let alive = floor.map { max($0, aliveAt) } ?? aliveAt
        let lost = alive + pipeline.lostAfter
        guard health != .suspect, !isQuiet(under: pipeline) else { return (lost, .lost) }
        let suspect = alive + (pipeline.heartbeat + pipeline.heartbeat)
        // Stalled is a judgement on a worker that lives, so it must come before the worker is suspect.
        if health != .stalled {
            let stalled = (floor.map { max($0, movedAt) } ?? movedAt) + stallLimit(under: pipeline)
            if stalled < suspect, stalled < lost { return (stalled, .stalled) }
        }
        return suspect <= lost ? (suspect, .suspect) : (lost, .lost)
    }

    mutating func judge(
        _ verdict: Judgement, at due: Timestamp, under pipeline: Pipeline, into outcome: inout JobOutcome
    ) {
        let now = max(due, updatedAt)
        switch verdict {
        case .suspect, .stalled:
            health = verdict == .suspect ? .suspect : .stalled
            note(.health, now, detail: health.rawValue, into: &outcome)
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
        }
        countChange(at: now, into: &outcome)
    }

    private mutating func endForUs(_ failure: Failure, at now: Timestamp, into outcome: inout JobOutcome) {
        status = .failed
        self.failure = failure
        finishedAt = now
        note(.failed, now, stage: failure.stage, detail: failure.code, into: &outcome)
    }
}
