import HeadwayCore
import HeadwayWire
import Redis

extension Headway {
    // MARK: For those who enqueue

    /// Announces a job that a worker will run later, so that it counts from now on.
    ///
    /// - Parameters:
    ///   - id: 1 to 200 letters, digits or `. _ : @ -`, unique in the namespace.
    ///   - bulk: the id of the bulk that it belongs to.
    ///   - label: what people call it.
    ///   - weight: its share of the bulk's percent, from 1 to 1,000,000; 1 when nil.
    ///   - attributes: at most 16, served with the job.
    ///   - tokenDigest: SHA-256 in lower-case hex of a token that may read this job.
    /// - Throws: ``HeadwayError`` with `invalid`, `unknownPipeline`, `contractMismatch` or `closed`.
    public func queue<Contract: PipelineContract>(
        _ contract: Contract.Type, id: String, in bulk: String? = nil, label: String? = nil,
        weight: Int? = nil,
        attributes: [String: String] = [:], tokenDigest: String? = nil, traceparent: String? = nil
    ) async throws {
        let pipeline = try await definitions.definition(of: contract)
        var registration = Registration(
            pipeline: pipeline.reference.name(pinned: true), label: label, weight: weight, token: tokenDigest,
            attributes: attributes)
        registration.bulk = try Self.bulkID(bulk)
        try await announce(Self.jobID(id), registration, traceparent)
    }

    /// As ``queue(_:id:in:label:weight:attributes:tokenDigest:traceparent:)``, by the pipeline's name or
    /// `name@revision`.
    public func queue(
        pipeline: String, id: String, in bulk: String? = nil, label: String? = nil, weight: Int? = nil,
        attributes: [String: String] = [:], tokenDigest: String? = nil, traceparent: String? = nil
    ) async throws {
        let definition = try await definitions.definition(named: pipeline)
        var registration = Registration(
            pipeline: definition.reference.name(pinned: pipeline.contains("@")), label: label, weight: weight,
            token: tokenDigest, attributes: attributes)
        registration.bulk = try Self.bulkID(bulk)
        try await announce(Self.jobID(id), registration, traceparent)
    }

    private func announce(_ id: JobID, _ registration: Registration, _ traceparent: String?) async throws {
        // No attempt: what is known already only gains what it lacks.
        var event = ProgressEvent(id, .queued(registration))
        event.traceparent = traceparent
        try await publish(event, called: "Job \(id)")
    }

    /// Checks an event and puts it into the buffer.
    func publish(_ event: ProgressEvent, called subject: String) async throws {
        if let fault = event.fault { throw HeadwayError(fault, in: subject) }
        try await outbox.submit { state, now throws(HeadwayError) -> Outbox.Attempt<Void> in
            if case .full(let cost) = try state.append(event, at: now) { return .full(cost) }
            return .done(())
        }
    }

    // MARK: For those who work

    /// Begins to work on a job, whether it was queued before or not.
    ///
    /// - Parameters:
    ///   - attempt: the try of the whole job, from 1, as your queue counts it. When nil, what Redis knows decides: a
    ///     job that waits or runs is taken over with the stages it has completed, one that failed or completed is
    ///     tried again if its pipeline allows it, and 1 otherwise, also when Redis is away at this moment.
    ///   - id: and the others as in `queue`; what is known already stays.
    /// - Throws: ``HeadwayError`` with `ended` when this attempt, or the last one allowed, is over or was
    ///   cancelled: there is nothing to do. Also `invalid`, `unknownPipeline`, `contractMismatch`, `closed`.
    public func start<Contract: PipelineContract>(
        _ contract: Contract.Type, id: String, in bulk: String? = nil, attempt: Int? = nil,
        label: String? = nil,
        weight: Int? = nil, attributes: [String: String] = [:], tokenDigest: String? = nil,
        traceparent: String? = nil
    ) async throws -> Job<Contract> {
        let pipeline = try await definitions.definition(of: contract)
        var registration = Registration(
            pipeline: pipeline.reference.name(pinned: true), label: label, weight: weight, token: tokenDigest,
            attributes: attributes)
        registration.bulk = try Self.bulkID(bulk)
        let life = try await begin(
            Self.jobID(id), registration, pipeline, attempt: attempt, traceparent, isChecked: false)
        return Job(life: life, disclosesErrors: options.disclosesErrors)
    }

    /// As ``start(_:id:in:attempt:label:weight:attributes:tokenDigest:traceparent:)``, by the pipeline's name or
    /// `name@revision`; its stages are then named by text: `job.run("research") { … }`.
    public func start(
        pipeline: String, id: String, in bulk: String? = nil, attempt: Int? = nil, label: String? = nil,
        weight: Int? = nil, attributes: [String: String] = [:], tokenDigest: String? = nil,
        traceparent: String? = nil
    ) async throws -> Job<AnyPipeline> {
        let definition = try await definitions.definition(named: pipeline)
        var registration = Registration(
            pipeline: definition.reference.name(pinned: pipeline.contains("@")), label: label, weight: weight,
            token: tokenDigest, attributes: attributes)
        registration.bulk = try Self.bulkID(bulk)
        let life = try await begin(
            Self.jobID(id), registration, definition, attempt: attempt, traceparent, isChecked: true)
        return Job(life: life, disclosesErrors: options.disclosesErrors)
    }

    private func begin(
        _ id: JobID, _ registration: Registration, _ pipeline: Pipeline, attempt: Int?,
        _ traceparent: String?,
        isChecked: Bool
    ) async throws -> JobLife {
        let beginning = try Beginning(
            id: id, attempt: attempt, known: await record(of: id, within: .seconds(2), waits: false),
            limit: pipeline.maxAttempts)
        let followed = beginning.job.flatMap { definitions[$0.pipeline] } ?? pipeline
        var event = ProgressEvent(id, .started(worker: worker, registration), attempt: beginning.attempt)
        event.traceparent = traceparent
        if let fault = event.fault { throw HeadwayError(fault, in: "Job \(id)") }
        let cancellation = CancelFlag()
        if beginning.isCancelRequested { cancellation.set() }
        let partition = keyspace.partition(of: id)
        let heartbeat = options.defaultHeartbeat ?? followed.heartbeat
        let bulk = beginning.job?.bulk ?? registration.bulk
        let key = try await outbox.submit { [event] state, now throws(HeadwayError) -> Outbox.Attempt<Int> in
            switch try state.append(event, at: now) {
            case .full(let cost): return .full(cost)
            case .taken(let number):
                state.lastKey += 1
                state.jobs[state.lastKey] = OutboxState.OpenJob(
                    id: id, attempt: beginning.attempt, partition: partition, bulk: bulk,
                    heartbeat: heartbeat,
                    started: number, source: state.queue.senders[partition].source, beatDue: now + heartbeat,
                    cancellation: cancellation)
                state.nextBeats = min(state.nextBeats, now + heartbeat)
                return .done(state.lastKey)
            }
        }
        let course = JobCourse(
            pipeline: followed, isChecked: isChecked, from: beginning.goesOn ? beginning.job : nil)
        return JobLife(
            self, id: id, attempt: beginning.attempt, key: key, cancellation: cancellation, course: course)
    }

    // MARK: What is known

    /// What an earlier worker got done of a job; nil when nothing is known of it.
    ///
    /// ``start(_:id:in:attempt:label:weight:attributes:tokenDigest:traceparent:)`` reads the same, to number stages;
    /// this is for skipping work that is done.
    ///
    /// - Throws: ``HeadwayError`` with `unreachable`, `denied` or `unfit`.
    public func resume(_ id: String) async throws -> Resumption? {
        switch try await record(of: Self.jobID(id), within: .seconds(5), waits: true) {
        case .job(let job): Resumption(job)
        case .unknown, .placeholder, .expired, nil: nil
        }
    }

    /// - Parameter waits: for a connection, and throws; otherwise nil when Redis cannot be asked at once.
    private func record(of id: JobID, within limit: Duration, waits: Bool) async throws -> JobRecord? {
        let partition = keyspace.partition(of: id)
        var batch = CommandBatch()
        batch.add("HGETALL", keyspace.job(partition, id))
        batch.add("GET", keyspace.tombstone(partition, id))
        do {
            if !waits, !statistics.isConnected { return nil }
            let replies = try await outbox.asking { try await courier.ask(batch, within: limit) }
            if let error = batch.firstError(in: replies) { throw error }
            guard let fields = replies[0].elements else { return nil }
            return try JobRecord(id: id, job: FieldBuffer(fields), tombstone: replies[1].bytes)
        } catch {
            guard waits else { return nil }
            switch error {
            case let error as RedisError: throw HeadwayError(error)
            case let error as WireError:
                throw HeadwayError(.unfit, "What Redis holds of job \(id) cannot be read: \(error).")
            default: throw error
            }
        }
    }

    // MARK: Ids

    static func jobID(_ text: String) throws(HeadwayError) -> JobID {
        guard let id = JobID(text) else { throw .id(text, of: "job") }
        return id
    }

    static func bulkID(_ text: String?) throws(HeadwayError) -> BulkID? {
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
