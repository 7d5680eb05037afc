import HTTPServer
import HeadwayCore
import HeadwayWire

extension ReadAPI {
    /// `POST /v1/events`: CloudEvents, one or a batch; 202 once Redis has them.
    ///
    /// All or nothing: when one event of a batch cannot be accepted, none is, and the answer names each with
    /// its index and reason. So a client that is told 400 corrects the batch and sends it whole.
    func takeEvents(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        try checkWrite(call)
        let isBatch = try Self.isBatch(call)
        let parsed: [Result<ProgressEvent, WireError>]
        switch CloudEvent.parse(call.request.body, batch: isBatch) {
        case .success(let results): parsed = results
        case .failure(let error):
            throw Problem(error.reason == .tooLarge ? .tooLarge : .badBody, "Nothing was accepted: \(error).")
        }
        var events: [ProgressEvent] = []
        var faults: [(index: Int, error: WireError)] = []
        for (index, result) in parsed.enumerated() {
            switch result {
            case .success(let event): events.append(event)
            case .failure(let error): faults.append((index, error))
            }
        }
        guard faults.isEmpty else { throw Self.refusal(of: faults, among: parsed.count) }
        let receipts = try await append(events)
        var json = JSONWriter(capacity: 64 + receipts.count * 60)
        json.beginObject()
        json.field("accepted", receipts.count)
        json.key("events")
        json.beginArray()
        for (event, receipt) in zip(events, receipts) {
            json.beginObject()
            json.field("subject", event.subjectText)
            json.field("partition", receipt.partition)
            json.field("entry", receipt.entry)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return .json(json.bytes, status: 202)
    }

    private static func isBatch(_ call: RouteCall) throws(Problem) -> Bool {
        switch call.mediaType {
        case "application/cloudevents+json": return false
        case "application/cloudevents-batch+json": return true
        case "application/json", "":
            let first = call.request.body.first { $0 > 0x20 }
            return first == UInt8(ascii: "[")
        default:
            let accepted =
                "application/cloudevents+json, application/cloudevents-batch+json, application/json"
            throw Problem(
                .unsupportedMediaType, "Send CloudEvents as one of \(accepted).",
                headers: [("Accept", accepted)])
        }
    }

    private static func refusal(of faults: [(index: Int, error: WireError)], among count: Int) -> Problem {
        let detail =
            "None of \(count) was accepted: \(faults.count) cannot be."
            + " Event \(faults[0].index): \(faults[0].error)."
        return Problem(.badEvents, detail) { json in
            json.key("errors")
            json.beginArray()
            for (index, error) in faults {
                json.beginObject()
                json.field("index", index)
                json.field("reason", error.reason.rawValue)
                json.field("field", error.field)
                json.field("detail", error.description)
                json.endObject()
            }
            json.endArray()
        }
    }

    func append(_ events: [ProgressEvent]) async throws(Problem) -> [EventAppender.Receipt] {
        do {
            let receipts = try await appender.append(events)
            stats.eventsAppended += events.count
            return receipts
        } catch {
            throw Problem(
                .unavailable,
                "Redis does not answer, so it is not certain that it has what you sent. Send it again in a"
                    + " second: what arrives twice counts once.",
                headers: [("Retry-After", "1")])
        }
    }

    /// One event, answered 202 with where it went.
    func accept(_ event: ProgressEvent, id: String) async throws(Problem) -> HTTPResponse {
        if let fault = event.fault { throw Problem(.badBody, "\(fault).") }
        let receipt = try await append([event])[0]
        var json = JSONWriter(capacity: 96)
        json.beginObject()
        json.field("id", id)
        json.field("partition", receipt.partition)
        json.field("entry", receipt.entry)
        json.endObject()
        return .json(json.bytes, status: 202)
    }
}

extension ProgressEvent {
    var subjectText: String {
        switch subject {
        case .job(let id): id.description
        case .bulk(let id): id.description
        }
    }
}
