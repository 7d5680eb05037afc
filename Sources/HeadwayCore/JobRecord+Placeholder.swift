/// Words that came before anybody said which pipeline the job follows.
extension JobRecord {
    /// Holds the word, or folds all that were held when it says who the job is.
    ///
    /// Leaves `self` alone unless the job comes to life.
    mutating func hold(
        _ id: JobID, _ event: ProgressEvent, _ word: JobWord, in placeholder: inout Placeholder,
        at now: Timestamp, _ context: FoldContext
    ) -> JobOutcome {
        guard let registration = word.registration else { return keep(event, in: &placeholder, at: now) }
        guard let pipeline = context.catalog[registration.pipeline] else {
            return JobOutcome(.refused(.unknownPipeline))
        }
        guard event.attempt ?? 1 <= pipeline.maxAttempts else { return JobOutcome(.refused(.late)) }
        var outcome = JobOutcome(.applied, isRecordChanged: true)
        // As if the job had been queued when it was first spoken of.
        var job = JobState(
            id: id, registration: registration, pipeline: pipeline.reference, at: placeholder.since)
        if case .queued = word { job.attempt = event.attempt ?? 1 }
        job.traceparent = event.traceparent
        job.note(.created, placeholder.since, into: &outcome)
        for held in placeholder.held {
            guard case .job(_, let word) = held.event.body else { continue }
            let folded = job.apply(held.event, word, at: held.at, under: pipeline, context)
            outcome.transitions += folded.transitions
            outcome.durations += folded.durations
            if case .refused(let reason) = folded.verdict { outcome.refusedHeld.append((held.event, reason)) }
        }
        if case .started = word {
            let folded = job.apply(event, word, at: now, under: pipeline, context)
            outcome.transitions += folded.transitions
            outcome.durations += folded.durations
        }
        self = .job(job)
        return outcome
    }

    private func keep(
        _ event: ProgressEvent, in placeholder: inout Placeholder, at now: Timestamp
    ) -> JobOutcome {
        let held = Placeholder.Held(event: event, at: now)
        // Again in the same moment. A word without an attempt may mean another one by then, so it is kept.
        if event.attempt != nil, placeholder.held.contains(held) { return JobOutcome(.unchanged) }
        // Of a run of heartbeats the first and the last say all; the room is for words that say more.
        let last = placeholder.held.suffix(2)
        if last.count == 2, last.allSatisfy({ $0.event.isSameHeartbeat(as: event) }) {
            placeholder.held[placeholder.held.endIndex - 1] = held
            return JobOutcome(.held, isRecordChanged: true)
        }
        guard placeholder.held.count < Placeholder.capacity else { return JobOutcome(.refused(.unknownJob)) }
        placeholder.held.append(held)
        return JobOutcome(.held, isRecordChanged: true)
    }
}

extension ProgressEvent {
    fileprivate func isSameHeartbeat(as other: ProgressEvent) -> Bool {
        guard case .job(_, .heartbeat) = body else { return false }
        return body == other.body && attempt == other.attempt
    }
}
