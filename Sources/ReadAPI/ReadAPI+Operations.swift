import HTTPServer
import HeadwayCore
import HeadwayWire

/// Manual operations and registration: each is an event that is appended, and answered 202.
extension ReadAPI {
    /// `POST /v1/jobs/{id}/cancel {"message": "…"}`; the body may be left out. A job with a token needs it, or
    /// the operator's.
    func cancelJob(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.job()
        let message = try call.object(isOptional: true).text("message")
        let access = try access(call)
        let answer = try await ask { reader throws(ReadError) in try await reader.job(id) }
        if answer.tokenDigest == nil { try checkWrite(call) } else { try access.check(answer) }
        if let problem = Self.absence(.job(answer)) { throw problem }
        if let status = answer.status, status.isTerminal {
            throw Problem(.conflict, "\(id) is \(status.rawValue) already; there is nothing to cancel.")
        }
        return try await accept(ProgressEvent(id, .cancelRequested(message: message)), id: id.description)
    }

    /// `POST /v1/bulks/{id}/cancel`
    func cancelBulk(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        try checkWrite(call)
        let summary = try await summary(call)
        if summary.phase == .settled {
            throw Problem(.conflict, "\(summary.id) has settled; there is nothing to cancel.")
        }
        return try await accept(ProgressEvent(summary.id, .cancelRequested), id: summary.id.description)
    }

    /// `POST /v1/bulks/{id}/seal {"total": 40}`; the total may be left out when it was declared before.
    func sealBulk(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        try checkWrite(call)
        let id = try call.bulk()
        let total = try call.object(isOptional: true).number("total")
        if total == nil {
            let summary = try await summary(call)
            guard summary.total != nil else {
                throw Problem(
                    .badBody, #"\#(id) has no declared total: say how many it has, as {"total": 40}."#)
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

    /// `POST /v1/jobs {"pipeline": …, "id": …, "bulk": …, "label": …, "weight": …, "attributes": {…}, "token":
    /// false, "tokenDigest": …}`
    ///
    /// Registering an id again adds what was missing and changes nothing else; only who registers a job first
    /// gets its token, for only the token's digest is kept. A job that has one is registered again by those
    /// who have its token, or name the same digest.
    func register(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        try checkWrite(call)
        let body = try call.object()
        let given = try body.text("id")
        guard let id = given.map({ JobID($0) }) ?? JobID("job-\(RandomText.make(24))") else {
            throw Problem(
                .badBody, "id must be 1 to 200 letters, digits or . _ : @ -; leave it out to get one.")
        }
        var registration = try Self.registration(body)
        let name = registration.pipeline
        let pipeline = try await ask { reader throws(ReadError) in try await reader.pipeline(name) }
        guard pipeline != nil else {
            throw Problem(
                .badBody,
                "pipeline \(name) is not known: put it first, with PUT /v1/pipelines/\(name.name) or with"
                    + " headway pipelines apply.")
        }
        var status = JobState.Status.queued
        var (token, digest) = try Self.token(body)
        if given != nil {
            let access = try access(call)
            let known = try await ask { reader throws(ReadError) in try await reader.job(id) }
            // Who registers a job first decides whether it has a token: none is made for a known one without.
            if known.status != nil, known.tokenDigest == nil, token != nil { (token, digest) = (nil, nil) }
            if let stored = known.tokenDigest {
                let isSame = digest.flatMap(TokenDigest.init(hex:)) == TokenDigest(hex: stored)
                if !isSame { try access.check(known) }
                (token, digest) = (nil, stored)
            }
            status = known.status ?? .queued
        }
        registration.token = digest
        let event = ProgressEvent(id, .queued(registration))
        if let fault = event.fault { throw Problem(.badBody, "\(fault).") }
        _ = try await append([event])
        stats.jobsRegistered += 1
        return Self.registered(id, status, token, registration.bulk)
    }

    /// The token that a job gets, and its digest: a new one unless the body says `"token": false`, which makes
    /// the job everybody's, or brings the digest of a token of its own.
    private static func token(_ body: JSON) throws(Problem) -> (token: String?, digest: String?) {
        var isWanted = true
        switch body["token"] {
        case nil, .null, .bool(true): break
        case .bool(false): isWanted = false
        default:
            throw Problem(
                .badBody,
                "token must be true or false; send tokenDigest, its SHA-256 in lower-case hex, to bring one.")
        }
        if let digest = try body.text("tokenDigest") {
            guard isWanted else {
                throw Problem(.badBody, "tokenDigest and \"token\": false exclude each other.")
            }
            guard TokenDigest(hex: digest) != nil else {
                throw Problem(.badBody, "tokenDigest must be a SHA-256 in lower-case hex: 64 digits.")
            }
            return (nil, digest)
        }
        guard isWanted else { return (nil, nil) }
        let token = RandomText.make(52)
        return (token, SHA256.hex(token))
    }

    private static func registration(_ body: JSON) throws(Problem) -> Registration {
        guard let name = try body.text("pipeline") else {
            throw Problem(
                .badBody, #"pipeline is missing: name the job's contract, as {"pipeline": "article"}."#)
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

    /// The links carry no token: they end in logs. Whoever opens one adds it.
    private static func registered(
        _ id: JobID, _ status: JobState.Status, _ token: String?, _ bulk: BulkID?
    ) -> HTTPResponse {
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
        if let bulk { json.field("bulk", "/v1/bulks/\(bulk)") }
        json.endObject()
        json.endObject()
        return .json(
            json.bytes, status: 202, headers: [("Location", "/v1/jobs/\(id)"), ("Cache-Control", "no-store")])
    }
}
