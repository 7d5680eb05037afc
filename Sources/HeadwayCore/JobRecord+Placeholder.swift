/// Words that came before anybody said which pipeline the job follows.
extension JobRecord {
    /// Holds the word, or folds all that were held when it says who the job is.
    ///
    /// Leaves `self` alone unless the job comes to life.
    mutating func hold(
        _ id: JobID, _ event: ProgressEvent, _ word: JobWord, in placeholder: inout Placeholder,
        at now: Timestamp, catalog: PipelineCatalog
    ) -> JobOutcome {
        guard let registration = word.registration else {
            // The same word again would change nothing. A word without an attempt may mean another one by then.
            if event.attempt != nil, placeholder.held.contains(where: { $0.event == event }) {
                return JobOutcome(.unchanged)
            }
            guard placeholder.held.count < Placeholder.capacity else {
                return JobOutcome(.refused(.unknownJob))
            }
            placeholder.held.append(Placeholder.Held(event: event, at: now))
            return JobOutcome(.held, isRecordChanged: true)
        }
        guard let pipeline = catalog[registration.pipeline] else {
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
            let folded = job.apply(held.event, word, at: held.at, under: pipeline)
            outcome.transitions += folded.transitions
            if case .refused(let reason) = folded.verdict { outcome.refusedHeld.append((held.event, reason)) }
        }
        if case .started = word {
            outcome.transitions += job.apply(event, word, at: now, under: pipeline).transitions
        }
        self = .job(job)
        return outcome
    }
}
