import HTTPServer
import HeadwayCore
import HeadwayWire

/// Manual operations and registration: each is an event that is appended, and answered 202.
extension ReadAPI {
    /// `POST /v1/jobs/{id}/cancel {"message": "…"}`; the body may be left out.
    func cancelJob(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.job()
        let message = try call.object(isOptional: true).text("message")
        let answer = try await ask { reader throws(ReadError) in try await reader.job(id) }
        if let problem = Self.absence(.job(answer)) { throw problem }
        if let status = answer.status, status.isTerminal {
            throw Problem(.conflict, "\(id) is \(status.rawValue) already; there is nothing to cancel.")
        }
        return try await accept(ProgressEvent(id, .cancelRequested(message: message)), id: id.description)
    }

    /// `POST /v1/bulks/{id}/cancel`
    func cancelBulk(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let summary = try await summary(call)
        if summary.phase == .settled {
            throw Problem(.conflict, "\(summary.id) has settled; there is nothing to cancel.")
        }
        return try await accept(ProgressEvent(summary.id, .cancelRequested), id: summary.id.description)
    }

    /// `POST /v1/bulks/{id}/seal {"total": 40}`; the total may be left out when it was declared before.
    func sealBulk(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.bulk()
        let total = try call.object(isOptional: true).number("total")
        if total == nil {
            let summary = try await summary(call)
            guard summary.total != nil else {
                throw Problem(.badBody, #"\#(id) has no declared total: say how many it has, as {"total": 40}."#)
            }
        }
        return try await accept(ProgressEvent(id, .sealed(total: total)), id: id.description)
    }

    private func summary(_ call: RouteCall) async throws(Problem) -> BulkSummary {
        let id = try call.bulk()
        let answers = try await ask { reader throws(ReadError) in try await reader.bulks([id], current: nil) }
        guard case .bulk(let snapshot) = answers[0] else {
            throw Self.absence(.bulk(answers[0])) ?? Problem(.unknownBulk, "\(id) is not known.")
        }
        return snapshot.summary
    }

    /// `POST /v1/jobs {"pipeline": "article", "id": …, "bulk": …, "label": …, "weight": …, "attributes": {…}}`
    ///
    /// Registering an id again adds what was missing and changes nothing else; only who registers a job first gets
    /// its token, for only the token's digest is kept.
    func register(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let body = try call.object()
        let given = try body.text("id")
        guard let id = given.map({ JobID($0) }) ?? JobID("job-\(RandomText.make(24))") else {
            throw Problem(.badBody, "id must be 1 to 200 letters, digits or . _ : @ -; leave it out to get one.")
        }
        var registration = try Self.registration(body)
        let name = registration.pipeline
        let pipeline = try await ask { reader throws(ReadError) in try await reader.pipeline(name) }
        guard pipeline != nil else {
            throw Problem(
                .badBody,
                "pipeline \(name) is not known: put it first, with PUT /v1/pipelines/\(name.name) or headway pipelines"
                    + " apply.")
        }
        var status = JobState.Status.queued
        var token: String? = RandomText.make(52)
        if given != nil {
            let known = try await ask { reader throws(ReadError) in try await reader.job(id) }
            status = known.status ?? .queued
            if case .job(let snapshot) = known, snapshot.state.token != nil { token = nil }
        }
        registration.token = token.map(SHA256.hex)
        let event = ProgressEvent(id, .queued(registration))
        if let fault = event.fault { throw Problem(.badBody, "\(fault).") }
        _ = try await append([event])
        stats.jobsRegistered += 1
        return Self.registered(id, status, token)
    }

    private static func registration(_ body: JSON) throws(Problem) -> Registration {
        guard let name = try body.text("pipeline") else {
            throw Problem(.badBody, #"pipeline is missing: name the job's contract, as {"pipeline": "article"}."#)
        }
        guard let pipeline = PipelineName(name) else {
            throw Problem(.badBody, "pipeline must be a name, or a name@revision.")
        }
        var registration = Registration(pipeline: pipeline)
        if let bulk = try body.text("bulk") {
            guard let id = BulkID(bulk) else {
                throw Problem(.badBody, "bulk must be 1 to 200 letters, digits or . _ : @ -.")
            }
            registration.bulk = id
        }
        registration.label = try body.text("label")
        registration.weight = try body.number("weight")
        if let attributes = body["attributes"], attributes != .null {
            guard case .object(let members) = attributes else {
                throw Problem(.badBody, "attributes must be an object of texts.")
            }
            for member in members {
                guard let value = member.value.string else {
                    throw Problem(.badBody, "attributes must be an object of texts; \(member.name) is none.")
                }
                registration.attributes[member.name] = value
            }
        }
        return registration
    }

    private static func registered(_ id: JobID, _ status: JobState.Status, _ token: String?) -> HTTPResponse {
        var json = JSONWriter(capacity: 400)
        json.beginObject()
        json.field("id", id.description)
        json.field("status", status.rawValue)
        json.field("token", token)
        json.key("links")
        json.beginObject()
        json.field("self", "/v1/jobs/\(id)")
        json.field("events", "/v1/jobs/\(id)/events")
        json.field("timeline", "/v1/jobs/\(id)/timeline")
        json.field("cancel", "/v1/jobs/\(id)/cancel")
        json.endObject()
        json.endObject()
        return .json(
            json.bytes, status: 202, headers: [("Location", "/v1/jobs/\(id)"), ("Cache-Control", "no-store")])
    }
}
