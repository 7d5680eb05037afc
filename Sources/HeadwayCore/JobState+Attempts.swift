/// Which attempt a word speaks of, and how attempts begin.
extension JobState {
    enum Reach {
        case current
        /// A higher one, which begins with this word.
        case next(Int)
        case refused(Refusal)
    }

    /// - Parameters:
    ///   - named: the word's attempt; nil means the current one, but a `job.started` after a real end means the
    ///     next one. A cancelled job is started again only by name.
    ///   - limit: the pipeline's `maxAttempts`.
    func reach(of word: JobWord, attempt named: Int?, limit: Int) -> Reach {
        let isStart = if case .started = word { true } else { false }
        let wanted: Int
        if let named {
            guard named != attempt else { return .current }
            guard named > attempt else { return .refused(.superseded) }
            wanted = named
        } else {
            guard isStart, status == .completed || (status == .failed && !isWorkerLost) else {
                return .current
            }
            wanted = attempt.successor
        }
        switch status {
        case .queued, .running, .failed: break
        case .completed, .cancelled: guard isStart else { return .refused(.late) }
        }
        return wanted <= limit ? .next(wanted) : .refused(.late)
    }

    /// Begins a higher attempt: running, or waiting when the word is not its worker's. Who the job is, its
    /// checkpoint and its version stay.
    mutating func begin(
        _ attempt: Int, with word: JobWord, _ hearing: Hearing, into outcome: inout JobOutcome
    ) {
        self.attempt = attempt
        status = .queued
        health = .ok
        worker = nil
        position = nil
        stages = []
        substeps = []
        fraction = .zero
        message = nil
        result = nil
        failure = nil
        cancelRequestedAt = nil
        startedAt = nil
        finishedAt = nil
        aliveAt = max(aliveAt, hearing.now)
        movedAt = aliveAt
        switch word {
        case .queued, .cancelRequested: note(.requeued, hearing.now, into: &outcome)
        case .started, .stageStarted, .stageProgressed, .stageCompleted, .completed, .failed, .cancelled,
            .heartbeat:
            start(with: word, hearing, into: &outcome)
        }
    }

    /// From queued to running, whatever the word that shows it.
    mutating func start(with word: JobWord, _ hearing: Hearing, into outcome: inout JobOutcome) {
        status = .running
        startedAt = hearing.now
        aliveAt = max(aliveAt, hearing.now)
        movedAt = max(movedAt, hearing.now)
        switch word {
        case .started(let worker, _), .heartbeat(let worker): self.worker = worker ?? self.worker
        case .queued, .stageStarted, .stageProgressed, .stageCompleted, .completed, .failed, .cancelRequested,
            .cancelled:
            break
        }
        note(.started, hearing.now, detail: worker, into: &outcome)
    }

    /// Takes `worker_lost` back. The silence does not count as standing still.
    mutating func takeBackLoss(_ hearing: Hearing, into outcome: inout JobOutcome) {
        status = .running
        health = pace(hearing)
        failure = nil
        finishedAt = nil
        recoveries = recoveries.successor
        aliveAt = max(aliveAt, hearing.now)
        movedAt = max(movedAt, hearing.now)
        note(.recovered, hearing.now, into: &outcome)
    }

    mutating func note(
        _ kind: Transition.Kind, _ at: Timestamp, stage: String? = nil, index: Int? = nil,
        detail: String? = nil,
        into outcome: inout JobOutcome
    ) {
        outcome.transitions.append(
            Transition(at: at, kind: kind, attempt: attempt, stage: stage, index: index, detail: detail))
    }
}
