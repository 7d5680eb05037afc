import HeadwayCore

// The small world of these tests: a few pipelines, one job, one moment.

let jobID = JobID(unchecked: "article-42")
let spring = BulkID(unchecked: "spring")
let autumn = BulkID(unchecked: "autumn")
let noon = Timestamp(milliseconds: 1_700_000_000_000)

func percent(_ value: Int) -> Fraction { Fraction(partsPerMillion: value * 10_000) }

extension Timestamp {
    func after(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds + seconds * 1000) }
}

extension Pipeline {
    /// a, b, c: thirds. Up to three attempts.
    static let plain = Pipeline(
        reference: Reference(name: "plain", revision: 1), stages: thirds(), maxAttempts: 3)
    /// b may be left out.
    static let lenient = Pipeline(
        reference: Reference(name: "lenient", revision: 1), stages: thirds(isOptional: true), maxAttempts: 3)
    /// b comes in pages.
    static let paged = Pipeline(
        reference: Reference(name: "paged", revision: 1), stages: thirds(isIndexed: true), maxAttempts: 3)
    /// Nothing may be left out.
    static let strict = Pipeline(
        reference: Reference(name: "strict", revision: 1), stages: thirds(), maxAttempts: 3, isStrict: true)
    /// b says nothing for long, c is given more time.
    static let patient = Pipeline(
        reference: Reference(name: "patient", revision: 1),
        stages: [
            Stage(id: "a", label: "Asking", start: percent(0), end: percent(40)),
            Stage(id: "b", start: percent(40), end: percent(80), isQuiet: true),
            Stage(id: "c", start: percent(80), end: percent(100), stallAfter: .seconds(300)),
        ], maxAttempts: 3)

    static let four = [plain, lenient, paged, strict]

    private static func thirds(isOptional: Bool = false, isIndexed: Bool = false) -> [Stage] {
        [
            Stage(id: "a", start: percent(0), end: percent(30)),
            Stage(
                id: "b", label: "Building", start: percent(30), end: percent(60), isOptional: isOptional,
                isIndexed: isIndexed),
            Stage(id: "c", start: percent(60), end: percent(100)),
        ]
    }

    func registration(
        bulk: BulkID? = nil, label: String? = nil, weight: Int? = nil, token: String? = nil,
        attributes: [String: String] = [:]
    ) -> Registration {
        Registration(
            pipeline: PipelineName(name: name), bulk: bulk, label: label, weight: weight, token: token,
            attributes: attributes)
    }
}

let catalog = PipelineCatalog(Pipeline.four + [.patient])

/// What a producer would say, without the ceremony.
func say(_ word: JobWord, attempt: Int? = nil, at sequence: Int64? = nil) -> ProgressEvent {
    ProgressEvent(
        jobID, word, attempt: attempt,
        sequence: sequence.map { ProgressEvent.Sequence(source: "w", id: $0) })
}

func stage(
    _ stage: String, _ index: Int? = nil, of: Int? = nil, try tries: Int? = nil, saying message: String? = nil
) -> StageMention {
    StageMention(stage, index: index, of: of, stageAttempt: tries, message: message)
}

extension JobWord {
    static func begins(_ mention: StageMention) -> JobWord { .stageStarted(mention) }
    static func tells(_ mention: StageMention, percent value: Int) -> JobWord {
        .stageProgressed(mention, .fraction(percent(value)), substep: nil)
    }
    static func counts(
        _ mention: StageMention, _ done: Int, _ total: Int, substep: String? = nil
    ) -> JobWord { .stageProgressed(mention, .count(done: done, total: total), substep: substep) }
    static func ends(_ mention: StageMention, checkpoint: String? = nil) -> JobWord {
        .stageCompleted(mention, checkpoint: checkpoint)
    }
    static let works = JobWord.started(worker: "w-1", nil)
    static let done = JobWord.completed(result: nil, message: nil)
    static let breaks = JobWord.failed(message: "It broke.", code: "broken", stage: nil)
    static let beats = JobWord.heartbeat(worker: "w-1")
}

extension JobRecord {
    /// A queued job of `pipeline`.
    init(_ pipeline: Pipeline, bulk: BulkID? = nil, at now: Timestamp = noon) {
        self = .unknown
        hear(.queued(pipeline.registration(bulk: bulk)), at: now)
    }

    /// A job of `pipeline` that heard `words`, all at `now`.
    init(_ pipeline: Pipeline, _ words: JobWord..., at now: Timestamp = noon) {
        self.init(pipeline, at: now)
        for word in words { hear(word, at: now) }
    }

    @discardableResult
    mutating func hear(
        _ word: JobWord, attempt: Int? = nil, at now: Timestamp = noon, sequence: Int64? = nil,
        book: DurationBook = DurationBook(), countingFrom floor: Timestamp? = nil
    ) -> JobOutcome {
        apply(
            jobID, say(word, attempt: attempt, at: sequence), at: now, catalog: catalog, book: book,
            countingFrom: floor)
    }

    func after(_ event: ProgressEvent, at now: Timestamp = noon) -> (record: JobRecord, outcome: JobOutcome) {
        var record = self
        let outcome = record.apply(jobID, event, at: now, catalog: catalog)
        return (record, outcome)
    }

    var job: JobState? {
        if case .job(let job) = self { job } else { nil }
    }

    /// Forgotten but for the tombstone.
    var buried: JobRecord { job.map { .expired(Tombstone(of: $0)) } ?? self }
}
