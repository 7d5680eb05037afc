import EventLoop
import HTTPServer
import HeadwayCore
import HeadwayWire

extension ReadAPI {
    /// `GET /v1/stream?jobs=a,b&bulks=x` or `?list=<id>`
    func stream(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        var subjects: [LiveHub.Subject] = []
        if let list = call.request.query("list") {
            guard let known = lists.use(list, at: loop.clock.now) else {
                throw Problem(
                    .unknownList,
                    "The list is not known here, or was not used for \(StreamLists.lifetime.inWords): make it again with"
                        + " POST /v1/streams.")
            }
            subjects = known
        }
        let jobs: [JobID] = try call.ids("jobs")
        let bulks: [BulkID] = try call.ids("bulks")
        subjects += Self.subjects(jobs, bulks).filter { !subjects.contains($0) }
        guard !subjects.isEmpty else {
            throw .badParameter("jobs", "is missing, and so is bulks: name what to follow, as in /v1/stream?bulks=x")
        }
        guard subjects.count <= RouteCall.idLimit else {
            throw .badParameter("jobs", "and bulks name more than \(RouteCall.idLimit) subjects together")
        }
        return await stream(call, subjects)
    }

    /// Opens a stream; an id that is not known is watched for appearing.
    func stream(_ call: RouteCall, _ subjects: [LiveHub.Subject]) async -> HTTPResponse {
        switch await hub.decide(on: subjects, lastEventID: call.lastEventID) {
        case .nothingLeft: return HTTPResponse(status: 204, headers: [("Cache-Control", "no-store")])
        case .open:
            return .eventStream { [hub] stream in hub.assumeIsolated { $0.attach(stream, to: subjects) } }
        }
    }

    /// `POST /v1/streams {"jobs": […], "bulks": […]}`: a short id for a long list.
    func makeStreamList(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let body = try call.object()
        let subjects = Self.subjects(try body.ids("jobs"), try body.ids("bulks"))
        guard 1...RouteCall.idLimit ~= subjects.count else {
            throw Problem(
                subjects.isEmpty ? .badBody : .tooLarge,
                "Name 1 to \(RouteCall.idLimit) subjects in jobs and bulks together; these are \(subjects.count).")
        }
        let id = RandomText.make(20)
        lists.add(subjects, as: id, at: loop.clock.now)
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
