import HeadwayCore
import HeadwayWire

extension HeadwayBus {
    // MARK: For those who enqueue

    /// Announces a job that a worker will run later, so that it counts from now on.
    ///
    /// - Parameters:
    ///   - contract: the pipeline that it follows.
    ///   - id: 1 to 200 letters, digits or `. _ : @ -`, unique in the namespace.
    ///   - bulk: the id of the bulk that it belongs to.
    ///   - label: what people call it.
    ///   - weight: its share of the bulk's percent, from 1 to 1,000,000; 1 when nil.
    ///   - attributes: at most 16, served with the job.
    ///   - tokenDigest: SHA-256 in lower-case hex of a token that may read this job.
    ///   - traceparent: W3C trace context, kept on the job.
    /// - Throws: ``HeadwayError`` with `invalid`, `unknownPipeline`, `contractMismatch` or `closed`.
    public func queue<Contract: PipelineContract>(
        _ contract: Contract.Type, id: String, in bulk: String? = nil, label: String? = nil,
        weight: Int? = nil,
        attributes: [String: String] = [:], tokenDigest: String? = nil, traceparent: String? = nil
    ) async throws {
        let pipeline = try await behind.definition(of: contract)
        var registration = Registration(
            pipeline: pipeline.reference.name(pinned: true), label: label, weight: weight, token: tokenDigest,
            attributes: attributes)
        registration.bulk = try BulkID.checked(bulk)
        try await announce(JobID.checked(id), registration, traceparent)
    }

    /// As ``queue(_:id:in:label:weight:attributes:tokenDigest:traceparent:)``, by the pipeline's name or
    /// `name@revision`.
    public func queue(
        pipeline: String, id: String, in bulk: String? = nil, label: String? = nil, weight: Int? = nil,
        attributes: [String: String] = [:], tokenDigest: String? = nil, traceparent: String? = nil
    ) async throws {
        let definition = try await behind.definition(named: pipeline)
        var registration = Registration(
            pipeline: definition.reference.name(pinned: pipeline.contains("@")), label: label, weight: weight,
            token: tokenDigest, attributes: attributes)
        registration.bulk = try BulkID.checked(bulk)
        try await announce(JobID.checked(id), registration, traceparent)
    }

    private func announce(_ id: JobID, _ registration: Registration, _ traceparent: String?) async throws {
        // No attempt: what is known already only gains what it lacks.
        var event = ProgressEvent(id, .queued(registration))
        event.traceparent = traceparent
        try await behind.publish(event, called: "Job \(id)")
    }

    // MARK: For those who work

    /// Begins to work on a job, whether it was queued before or not.
    ///
    /// What is known already stays, whatever is said here.
    ///
    /// - Parameters:
    ///   - contract: the pipeline that it follows.
    ///   - id: as it was queued, or a new one: 1 to 200 letters, digits or `. _ : @ -`.
    ///   - bulk: the id of the bulk that it belongs to.
    ///   - attempt: the try of the whole job, from 1, as your queue counts it. When nil, what Redis knows decides: a
    ///     job that waits or runs is taken over with the stages it has completed, one that failed or completed is
    ///     tried again if its pipeline allows it, and 1 otherwise, also when Redis is away at this moment.
    ///   - label: what people call it.
    ///   - weight: its share of the bulk's percent, from 1 to 1,000,000; 1 when nil.
    ///   - attributes: at most 16, served with the job.
    ///   - tokenDigest: SHA-256 in lower-case hex of a token that may read this job.
    ///   - traceparent: W3C trace context, kept on the job.
    /// - Throws: ``HeadwayError`` with `ended` when this attempt, or the last one allowed, is over or was
    ///   cancelled: there is nothing to do. Also `invalid`, `unknownPipeline`, `contractMismatch`, `closed`.
    public func start<Contract: PipelineContract>(
        _ contract: Contract.Type, id: String, in bulk: String? = nil, attempt: Int? = nil,
        label: String? = nil,
        weight: Int? = nil, attributes: [String: String] = [:], tokenDigest: String? = nil,
        traceparent: String? = nil
    ) async throws -> Job<Contract> {
        let pipeline = try await behind.definition(of: contract)
        var registration = Registration(
            pipeline: pipeline.reference.name(pinned: true), label: label, weight: weight, token: tokenDigest,
            attributes: attributes)
        registration.bulk = try BulkID.checked(bulk)
        let life = try await begin(
            JobID.checked(id), registration, pipeline, attempt: attempt, traceparent, isChecked: false)
        return Job(life: life, disclosesErrors: behind.disclosesErrors)
    }

    /// As ``start(_:id:in:attempt:label:weight:attributes:tokenDigest:traceparent:)``, by the pipeline's name or
    /// `name@revision`; its stages are then named by text: `job.run("research") { … }`.
    public func start(
        pipeline: String, id: String, in bulk: String? = nil, attempt: Int? = nil, label: String? = nil,
        weight: Int? = nil, attributes: [String: String] = [:], tokenDigest: String? = nil,
        traceparent: String? = nil
    ) async throws -> Job<AnyPipeline> {
        let definition = try await behind.definition(named: pipeline)
        var registration = Registration(
            pipeline: definition.reference.name(pinned: pipeline.contains("@")), label: label, weight: weight,
            token: tokenDigest, attributes: attributes)
        registration.bulk = try BulkID.checked(bulk)
        let life = try await begin(
            JobID.checked(id), registration, definition, attempt: attempt, traceparent, isChecked: true)
        return Job(life: life, disclosesErrors: behind.disclosesErrors)
    }

    private func begin(
        _ id: JobID, _ registration: Registration, _ pipeline: Pipeline, attempt: Int?,
        _ traceparent: String?,
        isChecked: Bool
    ) async throws -> JobLife {
        let behind = behind
        let beginning = try Beginning(
            id: id, attempt: attempt, known: await behind.record(of: id, within: .seconds(2), waits: false),
            limit: pipeline.maxAttempts)
        let followed = beginning.job.flatMap { behind.definition($0.pipeline) } ?? pipeline
        var event = ProgressEvent(
            id, .started(worker: behind.worker, registration), attempt: beginning.attempt)
        event.traceparent = traceparent
        if let fault = event.fault { throw HeadwayError(fault, in: "Job \(id)") }
        let cancellation = CancelFlag()
        if beginning.isCancelRequested { cancellation.set() }
        let key = try await behind.open(
            JobOpening(
                id: id, start: event, attempt: beginning.attempt,
                bulk: beginning.job?.bulk ?? registration.bulk, heartbeat: followed.heartbeat,
                cancellation: cancellation))
        let course = JobCourse(
            pipeline: followed, isChecked: isChecked, from: beginning.goesOn ? beginning.job : nil)
        return JobLife(
            behind, id: id, attempt: beginning.attempt, key: key, cancellation: cancellation, course: course)
    }

    // MARK: What is known

    /// What an earlier worker got done of a job; nil when nothing is known of it.
    ///
    /// ``start(_:id:in:attempt:label:weight:attributes:tokenDigest:traceparent:)`` reads the same, to number stages;
    /// this is for skipping work that is done.
    ///
    /// - Throws: ``HeadwayError`` with `unreachable`, `denied` or `unfit`.
    public func resume(_ id: String) async throws -> Resumption? {
        switch try await behind.record(of: JobID.checked(id), within: .seconds(5), waits: true) {
        case .job(let job): Resumption(job)
        case .unknown, .placeholder, .expired, nil: nil
        }
    }
}

extension JobID {
    static func checked(_ text: String) throws(HeadwayError) -> JobID {
        guard let id = JobID(text) else { throw .id(text, of: "job") }
        return id
    }
}

extension BulkID {
    static func checked(_ text: String?) throws(HeadwayError) -> BulkID? {
        guard let text else { return nil }
        guard let id = BulkID(text) else { throw .id(text, of: "bulk") }
        return id
    }
}

extension Pipeline.Reference {
    /// - Parameter isPinned: this very revision; otherwise the latest.
    func name(pinned isPinned: Bool) -> PipelineName {
        PipelineName(name: name, revision: isPinned ? revision : nil)
    }
}
