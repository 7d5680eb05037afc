import HeadwayCore

/// Takes the fields of `job:<id>` one by one: a job's image, or a placeholder's.
struct JobScan {
    private var seen: UInt64 = 0
    private var fault: WireError?
    private var texts: [JobField: String] = [:]
    private var numbers: [JobField: Int64] = [:]
    private var attributes: [String: String] = [:]
    private var status: JobState.Status?
    private var health = Health.ok
    private var pipeline: Pipeline.Reference?
    private var progress: Progress?
    private var stages: [JobState.StageRecord] = []
    private var substeps: [JobState.Substep] = []
    private var held: [JobRecord.Placeholder.Held] = []

    var isEmpty: Bool { seen == 0 }
    /// Whether the hash is a placeholder's: it has no status, and words that wait.
    var isPlaceholder: Bool { seen & JobField.status.bit == 0 && seen & JobField.since.bit != 0 }

    mutating func take(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        guard let field = JobField.table[name] else {
            if name.starts(with: EventField.attributePrefix) { takeAttribute(name, value) }
            return
        }
        seen |= field.bit
        switch field {
        case .pipeline: pipeline = read(field, FieldValue.text(value).flatMap(Pipeline.Reference.init(text:)))
        case .status: status = read(field, FieldValue.text(value).flatMap(JobState.Status.init(rawValue:)))
        case .health: health = read(field, FieldValue.text(value).flatMap(Health.init(rawValue:))) ?? .ok
        case .bulk, .stage: texts[field] = read(field, FieldValue.identifier(value))
        case .label, .token, .traceparent, .worker, .message, .result, .error, .code, .errorStage,
            .checkpoint:
            texts[field] = read(field, FieldValue.text(value))
        case .attempt, .stageAttempt, .index, .of:
            number(field, value, in: 1...FieldValue.greatest)
        case .weight: number(field, value, in: 1...Int64(WireLimits.weight))
        case .fraction: number(field, value, in: 0...1_000_000)
        case .cancel: number(field, value, in: 0...1)
        case .recoveries, .version: number(field, value, in: 0...FieldValue.greatest)
        case .stageStarted, .created, .started, .updated, .finished, .alive, .moved, .since:
            number(field, value, in: Int64.min...Int64.max)
        case .progress: progress = read(field, ProgressText.progress(value))
        case .stages: stages = read(field, StageText.records(value)) ?? []
        case .substeps: substeps = read(field, Self.substeps(value)) ?? []
        case .held: held = read(field, HeldText.held(value)) ?? []
        }
    }

    func state(_ id: JobID) throws(WireError) -> JobState {
        if let fault { throw fault }
        guard let pipeline else { throw .missing(JobField.pipeline.name) }
        guard let status else { throw .missing(JobField.status.name) }
        let registration = Registration(
            pipeline: PipelineName(name: pipeline.name, revision: pipeline.revision),
            bulk: texts[.bulk].map(BulkID.init(unchecked:)), label: texts[.label],
            weight: numbers[.weight].map { Int($0) }, token: texts[.token], attributes: attributes)
        var job = JobState(id: id, registration: registration, pipeline: pipeline, at: try time(.created))
        job.traceparent = texts[.traceparent]
        job.status = status
        job.health = health
        job.attempt = int(.attempt) ?? 1
        job.worker = texts[.worker]
        job.position = try position()
        job.stages = stages
        job.substeps = substeps
        job.fraction = Fraction(partsPerMillion: int(.fraction) ?? 0)
        job.message = texts[.message]
        job.result = texts[.result]
        job.failure = texts[.error].map {
            JobState.Failure(message: $0, code: texts[.code], stage: texts[.errorStage])
        }
        job.checkpoint = texts[.checkpoint]
        job.isCancelRequested = int(.cancel) == 1
        job.recoveries = int(.recoveries) ?? 0
        job.startedAt = optionalTime(.started)
        job.updatedAt = try time(.updated)
        job.finishedAt = optionalTime(.finished)
        job.aliveAt = try time(.alive)
        job.movedAt = try time(.moved)
        guard let version = numbers[.version] else { throw .missing(JobField.version.name) }
        job.version = version
        return job
    }

    func placeholder() throws(WireError) -> JobRecord.Placeholder {
        if let fault { throw fault }
        return JobRecord.Placeholder(held: held, since: try time(.since))
    }

    // MARK: One value

    private mutating func read<Value>(_ field: JobField, _ value: Value?) -> Value? {
        if value == nil, fault == nil { fault = .unreadable(field.name) }
        return value
    }

    private mutating func number(_ field: JobField, _ value: ArraySlice<UInt8>, in range: ClosedRange<Int64>)
    {
        let number = FieldValue.integer(value).flatMap { range ~= $0 ? $0 : nil }
        numbers[field] = read(field, number)
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
        guard let stage = texts[.stage] else { return nil }
        return JobState.Position(
            stage: stage, attempt: int(.stageAttempt) ?? 1, index: int(.index), of: int(.of),
            progress: progress, startedAt: try time(.stageStarted))
    }

    private func int(_ field: JobField) -> Int? { numbers[field].map { Int($0) } }

    private func optionalTime(_ field: JobField) -> Timestamp? {
        numbers[field].map(Timestamp.init(milliseconds:))
    }

    private func time(_ field: JobField) throws(WireError) -> Timestamp {
        guard let time = optionalTime(field) else { throw .missing(field.name) }
        return time
    }
}
