public import HeadwayCore

/// Takes an entry's fields one by one, in any order, and makes one event of them.
///
/// A field that this version knows is checked wherever it stands; the first fault is kept until the end,
/// because an unknown type or a too large entry is the better answer.
@usableFromInline
package struct EventScan {
    private var seen: UInt64 = 0
    private var size = 0
    private var fault: WireError?
    private var type: EventType?

    private var subject = ""
    private var attempt = 0
    private var source = ""
    private var id = 0
    private var time = 0
    private var traceparent: String?
    private var pipeline: PipelineName?
    private var bulk: String?
    private var label: String?
    private var weight: Int?
    private var token: String?
    private var attributes: [String: String] = [:]
    private var worker: String?
    private var stage: String?
    private var index: Int?
    private var of: Int?
    private var stageAttempt: Int?
    private var message: String?
    private var done: Int?
    private var total: Int?
    private var percent: Fraction?
    private var substep: String?
    private var checkpoint: String?
    private var result: String?
    private var code: String?
    private var generation: Int?
    private var counts = BulkCounts()
    private var failing: String?
    private var origin: String?

    @usableFromInline
    package init() {}

    @usableFromInline
    package mutating func take(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        size += name.count + value.count
        guard size <= WireLimits.event else { return }
        guard let field = EventField.table[name] else {
            if name.starts(with: EventField.attributePrefix) { takeAttribute(name, value) }
            return
        }
        guard seen & field.bit == 0 else {
            report(.malformed, field.name, "is given twice")
            return
        }
        seen |= field.bit
        take(field, value)
    }

    private mutating func take(_ field: EventField, _ value: ArraySlice<UInt8>) {
        switch field {
        case .type: type = EventType.table[value]
        case .subject: subject = identifier(field, value) ?? ""
        case .attempt: attempt = number(field, value, from: 1) ?? 0
        case .source: source = identifier(field, value) ?? ""
        case .id: id = number(field, value, from: 1) ?? 0
        case .time: time = number(field, value, from: 0) ?? 0
        case .traceparent:
            // W3C: a reader that cannot use it goes on without it.
            if FieldValue.isTraceparent(value) { traceparent = String(decoding: value, as: UTF8.self) }
        case .pipeline:
            pipeline = identifier(field, value).flatMap(PipelineName.init)
            if pipeline == nil { report(.malformed, field.name, "is not a name, or a name@revision") }
        case .bulk: bulk = identifier(field, value)
        case .label: label = text(field, value, WireLimits.label)
        case .weight: weight = number(field, value, from: 1, to: Int64(WireLimits.weight))
        case .token:
            if FieldValue.isDigest(value) {
                token = String(decoding: value, as: UTF8.self)
            } else {
                report(.malformed, field.name, "is not a SHA-256 in lower-case hex")
            }
        case .worker: worker = text(field, value, WireLimits.label)
        case .stage: stage = identifier(field, value)
        case .index: index = number(field, value, from: 1)
        case .of: of = number(field, value, from: 1)
        case .stageAttempt: stageAttempt = number(field, value, from: 1)
        case .message: message = text(field, value, .max).map(WireLimits.cut)
        case .done: done = number(field, value, from: 0)
        case .total: total = number(field, value, from: 0)
        case .percent:
            percent = Percent.fraction(value)
            if percent == nil { report(.malformed, field.name, "is not a number from 0 to 100") }
        case .substep: substep = identifier(field, value)
        case .checkpoint: checkpoint = payload(field, value)
        case .result: result = payload(field, value)
        case .code: code = text(field, value, WireLimits.label)
        case .generation: generation = number(field, value, from: 1)
        case .queued: counts.queued = number(field, value, from: 0) ?? 0
        case .running: counts.running = number(field, value, from: 0) ?? 0
        case .completed: counts.completed = number(field, value, from: 0) ?? 0
        case .failed: counts.failed = number(field, value, from: 0) ?? 0
        case .cancelled: counts.cancelled = number(field, value, from: 0) ?? 0
        case .job: failing = identifier(field, value)
        case .origin: origin = text(field, value, WireLimits.origin)
        }
    }

    private mutating func takeAttribute(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        let key = name.dropFirst(EventField.attributePrefix.count)
        guard key.count <= WireLimits.attributeName, let key = FieldValue.identifier(key) else {
            report(.malformed, "attr", "has a name that is not 1 to 64 letters, digits or . _ : @ -")
            return
        }
        guard let text = FieldValue.text(value) else {
            report(.malformed, "attr.\(key)", "is not UTF-8")
            return
        }
        guard WireLimits.holds(text, WireLimits.attributeValue) else {
            report(.tooLarge, "attr.\(key)", "is longer than 256 characters")
            return
        }
        guard attributes.updateValue(text, forKey: key) == nil else {
            report(.malformed, "attr.\(key)", "is given twice")
            return
        }
        if attributes.count > WireLimits.attributes { report(.tooLarge, "attr", "comes more than 16 times") }
    }

    // MARK: One value

    private mutating func report(_ reason: Refusal, _ field: String, _ detail: String) {
        if fault == nil { fault = WireError(reason, field, detail) }
    }

    private mutating func number(
        _ field: EventField, _ value: ArraySlice<UInt8>, from low: Int64, to high: Int64 = FieldValue.greatest
    ) -> Int? {
        if let number = FieldValue.integer(value, in: low...high) { return number }
        let most = high == FieldValue.greatest ? "2^53" : "\(high)"
        report(.malformed, field.name, "is not a whole number from \(low) to \(most)")
        return nil
    }

    private mutating func identifier(_ field: EventField, _ value: ArraySlice<UInt8>) -> String? {
        if let text = FieldValue.identifier(value) { return text }
        report(.malformed, field.name, "is not 1 to 200 letters, digits or . _ : @ -")
        return nil
    }

    private mutating func text(_ field: EventField, _ value: ArraySlice<UInt8>, _ limit: Int) -> String? {
        guard let text = FieldValue.text(value) else {
            report(.malformed, field.name, "is not UTF-8")
            return nil
        }
        guard WireLimits.holds(text, limit) else {
            report(.tooLarge, field.name, "is longer than \(limit) characters")
            return nil
        }
        return text
    }

    private mutating func payload(_ field: EventField, _ value: ArraySlice<UInt8>) -> String? {
        guard value.count <= WireLimits.payload else {
            report(.tooLarge, field.name, "is longer than 4096 bytes")
            return nil
        }
        return text(field, value, .max)
    }

    // MARK: The whole

    @usableFromInline
    package func event() throws(WireError) -> ProgressEvent {
        guard size <= WireLimits.event else {
            throw WireError(.tooLarge, nil, "the event is larger than 64 KiB")
        }
        guard let type else {
            guard has(.type) else { throw .missing("type") }
            throw WireError(.unknownType, "type", "is not one that this version knows")
        }
        if let fault { throw fault }
        guard has(.subject) else { throw .missing("subject") }
        guard has(.source) == has(.id) else {
            throw WireError(
                .malformed, has(.source) ? "id" : "source", "is missing: source and id go together")
        }
        let sequence = has(.id) ? ProgressEvent.Sequence(source: source, id: Int64(id)) : nil
        let body = try body(type)
        var event = ProgressEvent(body, sequence: sequence, traceparent: traceparent, origin: origin)
        if case .job = body, has(.attempt) { event.attempt = attempt }
        if has(.time) { event.time = Timestamp(milliseconds: Int64(time)) }
        return event
    }

    private func has(_ field: EventField) -> Bool { seen & field.bit != 0 }

    private func body(_ type: EventType) throws(WireError) -> ProgressEvent.Body {
        switch type {
        case .jobQueued:
            guard let registration else { throw .missing("pipeline") }
            return job(.queued(registration))
        case .jobStarted: return job(.started(worker: worker, registration))
        case .stageStarted: return job(.stageStarted(try mention()))
        case .stageProgressed: return job(.stageProgressed(try mention(), try progress(), substep: substep))
        case .stageCompleted: return job(.stageCompleted(try mention(), checkpoint: checkpoint))
        case .jobCompleted: return job(.completed(result: result, message: message))
        case .jobFailed:
            guard let message else { throw .missing("message") }
            return job(.failed(message: message, code: code, stage: stage))
        case .jobCancelRequested: return job(.cancelRequested(message: message))
        case .jobCancelled: return job(.cancelled(message: message))
        case .jobHeartbeat: return job(.heartbeat(worker: worker))
        case .bulkOpened: return bulk(.opened(total: total, label: label))
        case .bulkSealed: return bulk(.sealed(total: total))
        case .bulkCancelRequested: return bulk(.cancelRequested)
        case .bulkAnnounced: return bulk(.announced)
        case .bulkCancelling: return bulk(.cancelling)
        case .bulkSettled: return bulk(.settled(generation: try known(generation, .generation), counts))
        case .bulkReopened: return bulk(.reopened(generation: try known(generation, .generation)))
        case .bulkRecount: return bulk(.recount)
        case .bulkFailing:
            let failing = BulkShare.Failing(
                job: JobID(unchecked: try known(failing, .job)),
                kind: BulkShare.FailureKind(code: code ?? "", stage: stage ?? ""))
            return bulk(.failing(generation: try known(generation, .generation), failing))
        }
    }

    private func job(_ word: JobWord) -> ProgressEvent.Body { .job(JobID(unchecked: subject), word) }
    private func bulk(_ word: BulkWord) -> ProgressEvent.Body { .bulk(BulkID(unchecked: subject), word) }

    private func known<Value>(_ value: Value?, _ field: EventField) throws(WireError) -> Value {
        guard let value else { throw .missing(field.name) }
        return value
    }

    private var registration: Registration? {
        guard let pipeline else { return nil }
        return Registration(
            pipeline: pipeline, bulk: bulk.map(BulkID.init(unchecked:)), label: label, weight: weight,
            token: token, attributes: attributes)
    }

    private func mention() throws(WireError) -> StageMention {
        let stage = try known(stage, .stage)
        if let index, let of, index > of {
            throw WireError(.malformed, "index", "is greater than of")
        }
        return StageMention(stage, index: index, of: of, stageAttempt: stageAttempt, message: message)
    }

    private func progress() throws(WireError) -> Progress {
        guard let done else {
            if has(.total) { throw .missing("done") }
            guard let percent else {
                throw WireError(.malformed, "percent", "is missing, and so is done of total")
            }
            return .fraction(percent)
        }
        let total = try known(total, .total)
        guard done <= total else { throw WireError(.malformed, "done", "is greater than total") }
        return .count(done: done, total: total)
    }
}
