public import HeadwayCore

/// Takes the fields of `job:<id>` one by one: a job's image, or a placeholder's.
@usableFromInline
package struct JobScan {
    private var seen: UInt64 = 0
    private var fault: WireError?
    private var pipeline: Pipeline.Reference?
    private var status: JobState.Status?
    private var attempt: Int64 = 1
    private var bulk: String?
    private var label: String?
    private var weight: Int64 = 1
    private var token: String?
    private var traceparent: String?
    private var attributes: [String: String] = [:]
    private var health = Health.ok
    private var worker: String?
    private var stage: String?
    private var stageAttempt: Int64 = 1
    private var index: Int64?
    private var of: Int64?
    private var progress: Progress?
    private var stageStarted: Int64?
    private var indexStarted: Int64?
    private var usual: UsualDuration?
    private var halfAt: Int64?
    private var stages: [JobState.StageRecord] = []
    private var substeps: [JobState.Substep] = []
    private var fraction: Int64 = 0
    private var message: String?
    private var result: String?
    private var error: String?
    private var code: String?
    private var errorStage: String?
    private var checkpoint: String?
    private var cancel: Int64 = 0
    private var cancelAsked: Int64?
    private var recoveries: Int64 = 0
    private var created: Int64?
    private var started: Int64?
    private var updated: Int64?
    private var finished: Int64?
    private var alive: Int64?
    private var moved: Int64?
    private var version: Int64?
    private var since: Int64?
    private var held: [JobRecord.Placeholder.Held] = []

    @usableFromInline
    package init() {}

    @usableFromInline
    package mutating func take(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        guard let field = JobField.table[name] else {
            if name.starts(with: EventField.attributePrefix) { takeAttribute(name, value) }
            return
        }
        seen |= field.bit
        switch field {
        case .pipeline: pipeline = read(field, Pipeline.Reference(bytes: value))
        case .status: status = read(field, FieldValue.text(value).flatMap(JobState.Status.init(rawValue:)))
        case .health: health = read(field, FieldValue.text(value).flatMap(Health.init(rawValue:))) ?? .ok
        case .bulk: bulk = read(field, FieldValue.identifier(value))
        case .stage: stage = read(field, FieldValue.identifier(value))
        case .label: label = read(field, FieldValue.text(value))
        case .token: token = read(field, FieldValue.text(value))
        case .traceparent: traceparent = read(field, FieldValue.text(value))
        case .worker: worker = read(field, FieldValue.text(value))
        case .message: message = read(field, FieldValue.text(value))
        case .result: result = read(field, FieldValue.text(value))
        case .error: error = read(field, FieldValue.text(value))
        case .code: code = read(field, FieldValue.text(value))
        case .errorStage: errorStage = read(field, FieldValue.text(value))
        case .checkpoint: checkpoint = read(field, FieldValue.text(value))
        case .attempt: attempt = number(field, value, in: 1...FieldValue.greatest) ?? 1
        case .stageAttempt: stageAttempt = number(field, value, in: 1...FieldValue.greatest) ?? 1
        case .index: index = number(field, value, in: 1...FieldValue.greatest)
        case .of: of = number(field, value, in: 1...FieldValue.greatest)
        case .weight: weight = number(field, value, in: 1...Int64(WireLimits.weight)) ?? 1
        case .fraction: fraction = number(field, value, in: 0...1_000_000) ?? 0
        case .cancel: cancel = number(field, value, in: 0...1) ?? 0
        case .recoveries: recoveries = number(field, value, in: 0...FieldValue.greatest) ?? 0
        case .version: version = number(field, value, in: 0...FieldValue.greatest)
        case .stageStarted: stageStarted = number(field, value)
        case .indexStarted: indexStarted = number(field, value)
        case .usual: usual = read(field, UsualText.usual(value))
        case .halfAt: halfAt = number(field, value)
        case .cancelAsked: cancelAsked = number(field, value)
        case .created: created = number(field, value)
        case .started: started = number(field, value)
        case .updated: updated = number(field, value)
        case .finished: finished = number(field, value)
        case .alive: alive = number(field, value)
        case .moved: moved = number(field, value)
        case .since: since = number(field, value)
        case .progress: progress = read(field, ProgressText.progress(value))
        case .stages: stages = read(field, StageText.records(value)) ?? []
        case .substeps: substeps = read(field, Self.substeps(value)) ?? []
        case .held: held = read(field, HeldText.held(value)) ?? []
        }
    }

    @usableFromInline
    package func state(_ id: JobID) throws(WireError) -> JobState {
        if let fault { throw fault }
        guard let pipeline else { throw .missing(JobField.pipeline.name) }
        guard let status else { throw .missing(JobField.status.name) }
        let registration = Registration(
            pipeline: PipelineName(name: pipeline.name, revision: pipeline.revision),
            bulk: bulk.map(BulkID.init(unchecked:)), label: label, weight: Int(weight), token: token,
            attributes: attributes)
        var job = JobState(
            id: id, registration: registration, pipeline: pipeline, at: try time(.created, created))
        job.traceparent = traceparent
        job.status = status
        job.health = health
        job.attempt = Int(attempt)
        job.worker = worker
        job.position = try position()
        job.stages = stages
        job.substeps = substeps
        job.fraction = Fraction(partsPerMillion: Int(fraction))
        job.message = message
        job.result = result
        job.failure = error.map { JobState.Failure(message: $0, code: code, stage: errorStage) }
        job.checkpoint = checkpoint
        job.recoveries = Int(recoveries)
        job.startedAt = started.map(Timestamp.init(milliseconds:))
        job.updatedAt = try time(.updated, updated)
        if cancel == 1 {
            job.cancelRequestedAt = cancelAsked.map(Timestamp.init(milliseconds:)) ?? job.updatedAt
        }
        job.finishedAt = finished.map(Timestamp.init(milliseconds:))
        job.aliveAt = try time(.alive, alive)
        job.movedAt = try time(.moved, moved)
        guard let version else { throw .missing(JobField.version.name) }
        job.version = version
        return job
    }

    /// The hash decides; the tombstone counts only when there is none.
    @usableFromInline
    package func record(_ id: JobID, _ tombstone: ArraySlice<UInt8>?) throws(WireError) -> JobRecord {
        if seen & JobField.status.bit == 0, seen & JobField.since.bit != 0 {
            if let fault { throw fault }
            return .placeholder(JobRecord.Placeholder(held: held, since: try time(.since, since)))
        }
        guard seen == 0 else { return .job(try state(id)) }
        guard let tombstone else { return .unknown }
        return .expired(try JobRecord.Tombstone(text: tombstone))
    }

    // MARK: One value

    private mutating func read<Value>(_ field: JobField, _ value: Value?) -> Value? {
        if value == nil, fault == nil { fault = .unreadable(field.name) }
        return value
    }

    private mutating func number(
        _ field: JobField, _ value: ArraySlice<UInt8>, in range: ClosedRange<Int64> = .min ... .max
    ) -> Int64? {
        read(field, FieldValue.integer(value).flatMap { range ~= $0 ? $0 : nil })
    }

    private mutating func takeAttribute(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        guard let key = FieldValue.identifier(name.dropFirst(EventField.attributePrefix.count)),
            let text = FieldValue.text(value)
        else {
            if fault == nil { fault = .unreadable("attr") }
            return
        }
        attributes[key] = text
    }

    private static func substeps(_ bytes: ArraySlice<UInt8>) -> [JobState.Substep]? {
        var substeps: [JobState.Substep] = []
        for item in PackedText.items(bytes) {
            guard let (name, value) = PackedText.pair(item), let id = PackedText.text(name),
                let progress = ProgressText.progress(value)
            else { return nil }
            substeps.append(JobState.Substep(id: id, progress: progress))
        }
        return substeps
    }

    private func position() throws(WireError) -> JobState.Position? {
        guard let stage else { return nil }
        return JobState.Position(
            stage: stage, attempt: Int(stageAttempt), index: index.map { Int($0) }, of: of.map { Int($0) },
            progress: progress, startedAt: try time(.stageStarted, stageStarted),
            indexStartedAt: indexStarted.map(Timestamp.init(milliseconds:)), usual: usual,
            halfAt: halfAt.map(Timestamp.init(milliseconds:)))
    }

    private func time(_ field: JobField, _ milliseconds: Int64?) throws(WireError) -> Timestamp {
        guard let milliseconds else { throw .missing(field.name) }
        return Timestamp(milliseconds: milliseconds)
    }
}
