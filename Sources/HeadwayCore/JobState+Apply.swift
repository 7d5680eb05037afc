/// The state machine of one job.
///
///     queued ──▶ running ──▶ completed | failed | cancelled
///        └─────────────────▶ failed (abandoned) | cancelled
///     failed (worker_lost) ──▶ running             any later word of the worker takes our verdict back
///     any ──▶ running | queued                     a higher attempt that the pipeline allows
///
/// A refused word leaves no trace: it is judged before anything changes, or on a draft.
extension JobState {
    var isWorkerLost: Bool { status == .failed && failure?.code == Failure.workerLost }

    mutating func apply(
        _ event: ProgressEvent, _ word: JobWord, at now: Timestamp, under pipeline: Pipeline,
        _ context: FoldContext
    ) -> JobOutcome {
        var outcome = JobOutcome()
        let hearing = Hearing(now: now, pipeline: pipeline, isSequenced: event.sequence != nil, context)
        outcome.verdict = hear(word, attempt: event.attempt, hearing, into: &outcome)
        switch outcome.verdict {
        case .applied:
            countChange(at: now, into: &outcome)
            if traceparent == nil { traceparent = event.traceparent }
        case .unchanged, .held: break
        case .refused: outcome = JobOutcome(outcome.verdict)
        }
        return outcome
    }

    /// One visible change: the version rises by one, however much of the job it touched.
    mutating func countChange(at now: Timestamp, into outcome: inout JobOutcome) {
        version = version.successor
        updatedAt = max(updatedAt, now)
        outcome.isRecordChanged = true
    }

    private mutating func hear(
        _ word: JobWord, attempt named: Int?, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        switch reach(of: word, attempt: named, limit: hearing.pipeline.maxAttempts) {
        case .current: return hear(word, hearing, into: &outcome)
        case .refused(let reason): return .refused(reason)
        case .next(let attempt):
            var draft = self
            draft.begin(attempt, with: word, hearing, into: &outcome)
            let verdict = draft.hear(word, hearing, into: &outcome)
            if case .refused = verdict { return verdict }
            self = draft
            return .applied
        }
    }

    /// A word of the current attempt.
    private mutating func hear(_ word: JobWord, _ hearing: Hearing, into outcome: inout JobOutcome) -> Verdict
    {
        switch status {
        case .queued: return hearWhileQueued(word, hearing, into: &outcome)
        case .running: return hearWhileRunning(word, hearing, into: &outcome)
        case .failed where isWorkerLost: return hearWhileLost(word, hearing, into: &outcome)
        case .completed, .failed, .cancelled: return hearAfterTheEnd(word)
        }
    }

    private mutating func hearWhileQueued(
        _ word: JobWord, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        switch word {
        case .queued(let registration): return fillIn(registration)
        case .heartbeat(let worker):
            breathe(hearing, into: &outcome)
            return name(worker, isStart: false, hearing, into: &outcome) ? .applied : .unchanged
        case .cancelRequested(let message), .cancelled(let message):
            cancel(message, hearing, into: &outcome)
            return .applied
        case .started, .stageStarted, .stageProgressed, .stageCompleted, .completed, .failed:
            var draft = self
            draft.start(with: word, hearing, into: &outcome)
            let verdict = draft.hearWhileRunning(word, hearing, into: &outcome)
            if case .refused = verdict { return verdict }
            self = draft
            return .applied
        }
    }

    private mutating func hearWhileRunning(
        _ word: JobWord, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        switch word {
        case .queued(let registration): return fillIn(registration)
        case .started(let worker, let registration):
            let filled = registration.map { fillIn($0) } ?? .unchanged
            if case .refused = filled { return filled }
            let isReplaced = name(worker, isStart: true, hearing, into: &outcome)
            let isHealed = live(hearing, into: &outcome)
            return filled == .applied || isReplaced || isHealed ? .applied : .unchanged
        case .stageStarted(let mention): return hear(.started, of: mention, hearing, into: &outcome)
        case .stageProgressed(let mention, let progress, let substep):
            return hear(.progressed(progress, substep: substep), of: mention, hearing, into: &outcome)
        case .stageCompleted(let mention, let checkpoint):
            return hear(.completed(checkpoint: checkpoint), of: mention, hearing, into: &outcome)
        case .completed(let result, let message):
            return complete(result: result, message: message, hearing, into: &outcome)
        case .failed(let message, let code, let stage):
            fail(message: message, code: code, stage: stage, hearing, into: &outcome)
            return .applied
        case .cancelRequested(let message): return requestCancel(message, hearing, into: &outcome)
        case .cancelled(let message):
            cancel(message, hearing, into: &outcome)
            return .applied
        case .heartbeat(let worker):
            let isReplaced = name(worker, isStart: false, hearing, into: &outcome)
            let isHealed = live(hearing, into: &outcome)
            return isReplaced || isHealed ? .applied : .unchanged
        }
    }

    /// `worker_lost` was our verdict, not a report: when the worker speaks, it is taken back.
    private mutating func hearWhileLost(
        _ word: JobWord, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        switch word {
        // These two come from whoever waits for the job, and say nothing about its worker.
        case .queued(let registration): return fillIn(registration)
        case .cancelRequested: return .refused(.late)
        case .started, .stageStarted, .stageProgressed, .stageCompleted, .completed, .failed, .cancelled,
            .heartbeat:
            var draft = self
            draft.takeBackLoss(hearing, into: &outcome)
            var hearing = hearing
            hearing.isWorkerSilent = true
            let verdict = draft.hearWhileRunning(word, hearing, into: &outcome)
            if case .refused = verdict { return verdict }
            self = draft
            return .applied
        }
    }

    /// Terminal means terminal. Saying the same end again is harmless; a registration still tells who it was.
    private mutating func hearAfterTheEnd(_ word: JobWord) -> Verdict {
        switch word {
        case .queued(let registration): return fillIn(registration)
        case .completed(let result, _):
            return status == .completed && (result == nil || result == self.result)
                ? .unchanged : .refused(.late)
        case .failed(let message, let code, _):
            let isSame = status == .failed && failure?.message == message && failure?.code == code
            return isSame ? .unchanged : .refused(.late)
        case .cancelled, .cancelRequested: return status == .cancelled ? .unchanged : .refused(.late)
        case .started, .stageStarted, .stageProgressed, .stageCompleted, .heartbeat: return .refused(.late)
        }
    }
}
