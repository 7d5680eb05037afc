import EventLoop
import HTTPServer
import HeadwayCore
import HeadwayWire

extension ReadAPI {
    /// Of the newest bulks, on one stream.
    private static let recentLimit = 100

    /// `GET /v1/stream?jobs=a,b&bulks=x&recent=20&pulse=true` or `?list=<id>`
    func stream(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        var subjects: [LiveHub.Subject] = []
        var access = try access(call)
        if let list = call.request.query("list") {
            guard let known = lists.use(list, at: loop.clock.now) else {
                throw Problem(
                    .unknownList,
                    "The list is not known here, or was not used for \(StreamLists.lifetime.inWords): make it"
                        + " again with POST /v1/streams.")
            }
            subjects = known.subjects
            access = access.joined(with: known.access)
        }
        let jobs: [JobID] = try call.ids("jobs")
        let bulks: [BulkID] = try call.ids("bulks")
        subjects += Self.subjects(jobs, bulks).filter { !subjects.contains($0) }
        let extras = try Self.extras(call)
        guard !subjects.isEmpty || extras != .none else {
            throw .badParameter(
                "jobs", "is missing, and so is bulks: name what to follow, as in /v1/stream?bulks=x")
        }
        guard subjects.count <= RouteCall.idLimit else {
            throw .badParameter("jobs", "and bulks name more than \(RouteCall.idLimit) subjects together")
        }
        return try await stream(call, subjects, access, telling: extras)
    }

    private static func extras(_ call: RouteCall) throws(Problem) -> LiveHub.StreamExtras {
        var extras = LiveHub.StreamExtras()
        if call.request.query("recent") != nil {
            extras.recent = try call.number("recent", in: 1...recentLimit, otherwise: 20)
        }
        switch call.request.query("pulse") {
        case nil, "false": break
        case "true": extras.pulse = true
        default: throw .badParameter("pulse", "must be true or false")
        }
        return extras
    }

    /// `GET /v1/jobs/{id}/events`, `GET /v1/bulks/{id}/events`
    func stream(_ call: RouteCall, _ subject: LiveHub.Subject) async throws(Problem) -> HTTPResponse {
        try await stream(call, [subject], try access(call))
    }

    /// Opens a stream; an id that is not known is watched for appearing. Refused only to somebody who may read
    /// none of the subjects; one among others that is not theirs is told by a frame.
    private func stream(
        _ call: RouteCall, _ subjects: [LiveHub.Subject], _ access: ReadAccess,
        telling extras: LiveHub.StreamExtras = .none
    ) async throws(Problem) -> HTTPResponse {
        if extras.recent == nil, let refusal = await refusal(of: subjects, to: access) { throw refusal }
        // Who wants more than its subjects' ends comes for that.
        let lastEventID = extras == .none ? call.lastEventID : nil
        switch await hub.decide(on: subjects, lastEventID: lastEventID, for: access) {
        case .nothingLeft: return HTTPResponse(status: 204, headers: [("Cache-Control", "no-store")])
        case .open:
            return .eventStream { [hub] stream in
                hub.assumeIsolated { $0.attach(stream, to: subjects, for: access, telling: extras) }
            }
        }
    }

    /// Why none of the subjects may be followed. Nil also when Redis cannot be asked now: every frame is
    /// checked again.
    private func refusal(of subjects: [LiveHub.Subject], to access: ReadAccess) async -> Problem? {
        guard !access.isOperator, !isDraining, !subjects.isEmpty else { return nil }
        var jobs: [JobID] = []
        for subject in subjects {
            guard case .job(let id) = subject else { return nil }
            jobs.append(id)
        }
        guard let answers = try? await reader.jobs(jobs) else { return nil }
        let grants = answers.map { access.grant(of: $0) }
        guard grants.allSatisfy({ !$0.isAllowed }) else { return nil }
        return (grants.contains(.wrong) ? ReadGrant.wrong : .missing).refusal
    }

    /// `POST /v1/streams {"jobs": […], "bulks": […], "tokens": […]}`: a short id for a long list, and for the
    /// tokens that it needs.
    func makeStreamList(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let body = try call.object()
        let subjects = Self.subjects(try body.ids("jobs"), try body.ids("bulks"))
        guard 1...RouteCall.idLimit ~= subjects.count else {
            throw Problem(
                subjects.isEmpty ? .badBody : .tooLarge,
                "Name 1 to \(RouteCall.idLimit) subjects in jobs and bulks together; these are \(subjects.count)."
            )
        }
        let access = try access(call, tokens: try body.tokens())
        let id = RandomText.make(20)
        lists.add(subjects, as: id, for: access, at: loop.clock.now)
        var json = JSONWriter(capacity: 160)
        json.beginObject()
        json.field("id", id)
        json.field("url", "/v1/stream?list=\(id)")
        json.field("subjects", subjects.count)
        json.field("expiresInSeconds", Int(StreamLists.lifetime.components.seconds))
        json.endObject()
        return .json(
            json.bytes, status: 201,
            headers: [("Location", "/v1/stream?list=\(id)"), ("Cache-Control", "no-store")])
    }

    private static func subjects(_ jobs: [JobID], _ bulks: [BulkID]) -> [LiveHub.Subject] {
        jobs.map { .job($0) } + bulks.map { .bulk($0) }
    }
}
