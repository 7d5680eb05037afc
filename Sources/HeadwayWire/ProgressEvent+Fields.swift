public import HeadwayCore

extension ProgressEvent {
    /// Reads a stream entry's fields, in any order; fields that this version does not know are ignored.
    ///
    /// - Throws: ``WireError`` with `malformed`, `unknownType` or `tooLarge`; never a trap, whatever the
    ///   bytes are.
    @inlinable
    package init(
        fields: some Swift.Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>
    ) throws(WireError) {
        var scan = EventScan()
        for (name, value) in fields { scan.take(name, value) }
        self = try scan.event()
    }

    /// Adds the event's fields to `buffer`, always in the same order. A long message is cut.
    package func encode(into buffer: inout FieldBuffer) {
        switch body {
        case .job(let id, let word):
            encodeHead(word.type, id.description, into: &buffer)
            word.encode(into: &buffer)
        case .bulk(let id, let word):
            encodeHead(word.type, id.description, into: &buffer)
            word.encode(into: &buffer)
        }
        buffer.add(.origin, origin)
    }

    /// What a reader would refuse it for, or nil: for a publisher to find out before it sends.
    package var fault: WireError? {
        var buffer = FieldBuffer()
        encode(into: &buffer)
        do {
            _ = try ProgressEvent(fields: buffer)
            return nil
        } catch {
            return error
        }
    }

    private func encodeHead(_ type: EventType, _ subject: String, into buffer: inout FieldBuffer) {
        buffer.add(.type, type.rawValue)
        buffer.add(.subject, subject)
        if case .job = body { buffer.add(.attempt, attempt) }
        if let sequence {
            buffer.add(.source, sequence.source)
            buffer.add("id", sequence.id)
        }
        if let time { buffer.add("time", time.milliseconds) }
        buffer.add(.traceparent, traceparent)
    }
}

extension JobWord {
    fileprivate var type: EventType {
        switch self {
        case .queued: .jobQueued
        case .started: .jobStarted
        case .stageStarted: .stageStarted
        case .stageProgressed: .stageProgressed
        case .stageCompleted: .stageCompleted
        case .completed: .jobCompleted
        case .failed: .jobFailed
        case .cancelRequested: .jobCancelRequested
        case .cancelled: .jobCancelled
        case .heartbeat: .jobHeartbeat
        }
    }

    fileprivate func encode(into buffer: inout FieldBuffer) {
        switch self {
        case .queued(let registration):
            registration.encode(into: &buffer)
        case .started(let worker, let registration):
            registration?.encode(into: &buffer)
            buffer.add(.worker, worker)
        case .stageStarted(let mention):
            mention.encode(into: &buffer)
        case .stageProgressed(let mention, let progress, let substep):
            mention.encode(into: &buffer)
            switch progress {
            case .count(let done, let total):
                buffer.add(.done, done)
                buffer.add(.total, total)
            case .fraction(let fraction):
                buffer.add("percent") { Percent.append(fraction, to: &$0) }
            }
            buffer.add(.substep, substep)
        case .stageCompleted(let mention, let checkpoint):
            mention.encode(into: &buffer)
            buffer.add(.checkpoint, checkpoint)
        case .completed(let result, let message):
            buffer.add(message: message)
            buffer.add(.result, result)
        case .failed(let message, let code, let stage):
            buffer.add(.stage, stage)
            buffer.add(message: message)
            buffer.add(.code, code)
        case .cancelRequested(let message), .cancelled(let message):
            buffer.add(message: message)
        case .heartbeat(let worker):
            buffer.add(.worker, worker)
        }
    }
}

extension BulkWord {
    fileprivate var type: EventType {
        switch self {
        case .opened: .bulkOpened
        case .sealed: .bulkSealed
        case .cancelRequested: .bulkCancelRequested
        case .announced: .bulkAnnounced
        case .cancelling: .bulkCancelling
        case .settled: .bulkSettled
        case .reopened: .bulkReopened
        case .recount: .bulkRecount
        case .failing: .bulkFailing
        }
    }

    fileprivate func encode(into buffer: inout FieldBuffer) {
        switch self {
        case .opened(let total, let label):
            buffer.add(.label, label)
            buffer.add(.total, total)
        case .sealed(let total):
            buffer.add(.total, total)
        case .cancelRequested, .announced, .cancelling, .recount:
            break
        case .settled(let generation, let counts):
            buffer.add(.generation, generation)
            buffer.add(.queued, counts.queued)
            buffer.add(.running, counts.running)
            buffer.add(.completed, counts.completed)
            buffer.add(.failed, counts.failed)
            buffer.add(.cancelled, counts.cancelled)
        case .reopened(let generation):
            buffer.add(.generation, generation)
        case .failing(let generation, let failing):
            if !failing.kind.stage.isEmpty { buffer.add(.stage, failing.kind.stage) }
            if !failing.kind.code.isEmpty { buffer.add(.code, failing.kind.code) }
            buffer.add(.generation, generation)
            buffer.add(.job, failing.job.description)
        }
    }
}

extension Registration {
    fileprivate func encode(into buffer: inout FieldBuffer) {
        buffer.add(.pipeline, pipeline.description)
        buffer.add(.bulk, bulk?.description)
        buffer.add(.label, label)
        buffer.add(.weight, weight)
        buffer.add(.token, token)
        for (name, value) in attributes.sorted(by: { $0.key < $1.key }) { buffer.add("attr." + name, value) }
    }
}

extension StageMention {
    fileprivate func encode(into buffer: inout FieldBuffer) {
        buffer.add(.stage, stage)
        buffer.add(.index, index)
        buffer.add(.of, of)
        buffer.add(.stageAttempt, stageAttempt)
        buffer.add(message: message)
    }
}

extension FieldBuffer {
    fileprivate mutating func add(_ field: EventField, _ text: String?) {
        if let text { add(field.name, text) }
    }

    fileprivate mutating func add(_ field: EventField, _ number: Int?) {
        if let number { add(field.name, number) }
    }

    fileprivate mutating func add(message: String?) {
        if let message { add(EventField.message.name, WireLimits.cut(message)) }
    }
}
