extension JobRecord {
    /// Folds one word into the record: a pure function of the record, the word and the partition's time.
    ///
    /// A refused word leaves no trace. A word that is heard again changes nothing, if it says all (attempt,
    /// stage attempt, index); see docs/wire.md for the whole table.
    ///
    /// - Parameters:
    ///   - id: the word's subject.
    ///   - now: the partition's time, never falling.
    ///   - catalog: what is known of pipelines. The caller has read it anew before it asks with a name that is
    ///     missing here.
    ///   - book: how long stages took up to this word, in the order of the stream: what a stage that begins is
    ///     compared with.
    ///   - floor: silence before this does not count, as in ``fire(_:at:catalog:countingFrom:)``.
    public mutating func apply(
        _ id: JobID, _ event: ProgressEvent, at now: Timestamp, catalog: PipelineCatalog,
        book: DurationBook = DurationBook(), countingFrom floor: Timestamp? = nil
    ) -> JobOutcome {
        let context = FoldContext(catalog: catalog, book: book, floor: floor)
        guard case .job(_, let word) = event.body, isWithinBounds(word, attempt: event.attempt) else {
            return JobOutcome(.refused(.malformed))
        }
        // Taken out and put back, so that its arrays are changed in place and never copied.
        switch consume self {
        case .unknown:
            self = .unknown
            return meet(id, event, word, at: now, context)
        case .placeholder(var placeholder):
            self = .unknown
            let outcome = hold(id, event, word, in: &placeholder, at: now, context)
            if case .unknown = self { self = .placeholder(placeholder) }
            return outcome
        case .job(var job):
            var outcome = JobOutcome(.refused(.unknownPipeline))
            if let pipeline = context.catalog[job.pipeline] {
                outcome = job.apply(event, word, at: now, under: pipeline, context)
            }
            self = .job(job)
            return outcome
        case .expired(let tombstone):
            self = .expired(tombstone)
            return revive(id, tombstone, event, word, at: now, context)
        }
    }
}

/// The first word of an id, and the first after its end was forgotten.
extension JobRecord {
    /// Unknown: a registration creates the job, anything else waits for one.
    private mutating func meet(
        _ id: JobID, _ event: ProgressEvent, _ word: JobWord, at now: Timestamp, _ context: FoldContext
    ) -> JobOutcome {
        guard let registration = word.registration else {
            self = .placeholder(Placeholder(held: [Placeholder.Held(event: event, at: now)], since: now))
            return JobOutcome(.held, isRecordChanged: true)
        }
        guard let pipeline = context.catalog[registration.pipeline] else {
            return JobOutcome(.refused(.unknownPipeline))
        }
        let attempt = event.attempt ?? 1
        guard attempt <= pipeline.maxAttempts else { return JobOutcome(.refused(.late)) }
        var outcome = JobOutcome(.applied, isRecordChanged: true)
        var job = JobState(id: id, registration: registration, pipeline: pipeline.reference, at: now)
        job.attempt = attempt
        job.traceparent = event.traceparent
        job.note(.created, now, into: &outcome)
        if case .started = word {
            job.start(
                with: word, Hearing(now: now, pipeline: pipeline, isSequenced: false, context), into: &outcome
            )
        }
        self = .job(job)
        return outcome
    }

    /// Expired: only a start that the pipeline still allows begins a new life. It goes on from the tombstone.
    private mutating func revive(
        _ id: JobID, _ tombstone: Tombstone, _ event: ProgressEvent, _ word: JobWord, at now: Timestamp,
        _ context: FoldContext
    ) -> JobOutcome {
        guard case .started(_, let given) = word, event.attempt != nil || tombstone.status != .cancelled
        else {
            return JobOutcome(.refused(.late))
        }
        guard let pipeline = context.catalog[tombstone.pipeline] else {
            return JobOutcome(.refused(.unknownPipeline))
        }
        let attempt = event.attempt ?? tombstone.attempt.successor
        guard attempt > tombstone.attempt, attempt <= pipeline.maxAttempts else {
            return JobOutcome(.refused(.late))
        }
        if let bulk = tombstone.bulk, let other = given?.bulk, bulk != other {
            return JobOutcome(.refused(.bulkConflict))
        }
        let registration = Registration(
            pipeline: PipelineName(name: pipeline.name, revision: pipeline.reference.revision),
            bulk: tombstone.bulk ?? given?.bulk, label: given?.label, weight: tombstone.weight,
            token: tombstone.token ?? given?.token, attributes: given?.attributes ?? [:])
        var outcome = JobOutcome(.applied, isRecordChanged: true)
        var job = JobState(id: id, registration: registration, pipeline: tombstone.pipeline, at: now)
        job.attempt = attempt
        job.version = tombstone.version.successor
        job.traceparent = event.traceparent
        job.note(.created, now, into: &outcome)
        job.start(
            with: word, Hearing(now: now, pipeline: pipeline, isSequenced: false, context), into: &outcome)
        self = .job(job)
        return outcome
    }
}

extension JobWord {
    /// Who the job is, when the word says so.
    package var registration: Registration? {
        switch self {
        case .queued(let registration): registration
        case .started(_, let registration): registration
        case .stageStarted, .stageProgressed, .stageCompleted, .completed, .failed, .cancelRequested,
            .cancelled,
            .heartbeat:
            nil
        }
    }
}
