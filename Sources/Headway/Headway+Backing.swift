package import HeadwayCore
import HeadwayWire
import Redis

/// Words go into the outbox, and the courier carries them to Redis.
extension Headway: Backing {
    var disclosesErrors: Bool { options.disclosesErrors }

    // MARK: Definitions

    func definition<Contract: PipelineContract>(of contract: Contract.Type) async throws -> Pipeline {
        try await definitions.definition(of: contract)
    }

    func definition(named text: String) async throws -> Pipeline {
        try await definitions.definition(named: text)
    }

    func definition(_ reference: Pipeline.Reference) -> Pipeline? { definitions[reference] }

    // MARK: Words

    func partition(of id: JobID) -> Int { keyspace.partition(of: id) }

    func publish(_ event: ProgressEvent) async throws {
        try await outbox.submit { state, now throws(HeadwayError) -> Outbox.Attempt<Void> in
            if case .full(let cost) = try state.append(event, at: now) { return .full(cost) }
            return .done(())
        }
    }

    /// One event as it is, such as a script gives it.
    ///
    /// - Throws: ``HeadwayError`` with `invalid` when a reader would refuse it, or `closed`.
    package func append(_ event: ProgressEvent) async throws {
        try await publish(event, called: "The event")
    }

    func open(_ opening: JobOpening) async throws -> Int {
        let partition = partition(of: opening.id)
        let heartbeat = options.defaultHeartbeat ?? opening.heartbeat
        return try await outbox.submit { state, now throws(HeadwayError) -> Outbox.Attempt<Int> in
            switch try state.append(opening.start, at: now) {
            case .full(let cost): return .full(cost)
            case .taken(let number):
                state.lastKey += 1
                state.jobs[state.lastKey] = OutboxState.OpenJob(
                    id: opening.id, attempt: opening.attempt, partition: partition, bulk: opening.bulk,
                    heartbeat: heartbeat, started: number, source: state.queue.senders[partition].source,
                    beatDue: now + heartbeat, cancellation: opening.cancellation)
                state.nextBeats = min(state.nextBeats, now + heartbeat)
                return .done(state.lastKey)
            }
        }
    }

    func say<Value: Sendable>(
        obeysCancellation: Bool, _ draft: @Sendable () throws(HeadwayError) -> Speech<Value>
    ) async throws -> Value {
        try await outbox.submit(obeysCancellation: obeysCancellation) {
            state, now throws(HeadwayError) -> Outbox.Attempt<Value> in
            let speech = try draft()
            for slot in speech.slots {
                if case .full(let cost) = try state.flush(slot, at: now) { return .full(cost) }
            }
            if let event = speech.event {
                if case .full(let cost) = try state.append(event, at: now) { return .full(cost) }
                state.spoke(speech.key, at: now)
            }
            if speech.isLast { state.jobs[speech.key] = nil }
            return .done(speech.taken())
        }
    }

    func flush(_ slots: [TickSlot], then done: @Sendable () -> Void) {
        outbox.withState { state, now in
            for slot in slots { _ = try? state.flush(slot, at: now) }
            done()
        }
        outbox.bell.ring()
    }

    var ticks: any TickTaker { outbox.ticker }

    func forget(_ key: Int) { outbox.withState { state, _ in state.jobs[key] = nil } }

    // MARK: What is known

    func record(of id: JobID, within limit: Duration, waits: Bool) async throws -> JobRecord? {
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
}
