/// What the words about the whole job do.
extension JobState {
    /// Adds what was missing; what is known never changes.
    ///
    /// - Returns: refused, and nothing changed, when the job belongs to another bulk.
    mutating func fillIn(_ registration: Registration) -> Verdict {
        if let bulk, let other = registration.bulk, bulk != other { return .refused(.bulkConflict) }
        var isNew = false
        if bulk == nil, registration.bulk != nil {
            bulk = registration.bulk
            isNew = true
        }
        if label == nil, registration.label != nil {
            label = registration.label
            isNew = true
        }
        if token == nil, registration.token != nil {
            token = registration.token
            isNew = true
        }
        if status == .queued, weight == 1, let given = registration.weight, given != 1 {
            weight = given
            isNew = true
        }
        for (name, value) in registration.attributes.sorted(by: { $0.key < $1.key })
        where attributes[name] == nil && attributes.count < ProgressEvent.mostAttributes {
            attributes[name] = value
            isNew = true
        }
        return isNew ? .applied : .unchanged
    }

    /// Who works on it.
    ///
    /// Another worker takes over by a start that is surely news (sequenced), or when the known one is silent:
    /// a start without a sequence could be an old one delivered again, and would put back the old worker.
    ///
    /// - Returns: whether the worker changed.
    mutating func name(
        _ worker: String?, isStart: Bool, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Bool {
        guard let worker, worker != self.worker else { return false }
        if self.worker != nil {
            let isSilent = health == .suspect || hearing.isWorkerSilent
            guard isSilent || (isStart && hearing.isSequenced) else { return false }
            note(.workerReplaced, hearing.now, detail: worker, into: &outcome)
        }
        self.worker = worker
        return true
    }

    mutating func complete(
        result: String?, message: String?, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        let pipeline = hearing.pipeline
        let passedBy = mandatory(in: pipeline.stages.indices, of: pipeline, isRunningDone: true)
        guard passedBy.isEmpty || !pipeline.isStrict else { return .refused(.skippedStage) }
        completeRunningStage(hearing, into: &outcome)
        skip(passedBy, hearing, into: &outcome)
        end(.completed, hearing)
        fraction = .one
        self.result = result
        if let message { self.message = message }
        note(.completed, hearing.now, detail: message, into: &outcome)
        if let startedAt { measure(nil, since: startedAt, hearing, into: &outcome) }
        return .applied
    }

    /// The last percent and the last message stay.
    mutating func fail(
        message: String, code: String?, stage: String?, _ hearing: Hearing, into outcome: inout JobOutcome
    ) {
        end(.failed, hearing)
        let known = stage.flatMap { hearing.pipeline.position(of: $0) == nil ? nil : $0 }
        failure = Failure(message: message, code: code, stage: known ?? position?.stage)
        note(.failed, hearing.now, stage: failure?.stage, detail: code ?? message, into: &outcome)
    }

    mutating func cancel(_ message: String?, _ hearing: Hearing, into outcome: inout JobOutcome) {
        end(.cancelled, hearing)
        if let message { self.message = message }
        note(.cancelled, hearing.now, detail: message, into: &outcome)
    }

    /// Of a running job: only a flag, which its worker may heed. No sign of life, since it is not the worker
    /// who asks.
    mutating func requestCancel(
        _ message: String?, _ hearing: Hearing, into outcome: inout JobOutcome
    ) -> Verdict {
        guard !isCancelRequested else { return .unchanged }
        cancelRequestedAt = hearing.now
        note(.cancelRequested, hearing.now, detail: message, into: &outcome)
        return .applied
    }

    private mutating func end(_ status: Status, _ hearing: Hearing) {
        self.status = status
        health = .ok
        finishedAt = hearing.now
        aliveAt = max(aliveAt, hearing.now)
        movedAt = max(movedAt, hearing.now)
    }
}
