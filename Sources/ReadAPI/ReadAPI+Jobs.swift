import HTTPServer
import HeadwayCore

extension ReadAPI {
    /// `GET /v1/jobs/{id}?version=&wait=`
    func job(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.job()
        let wait = try call.wait()
        let answer = try await ask { reader throws(ReadError) in try await reader.job(id) }
        return try await poll(.job(answer), wait, call)
    }

    /// Answers a poll: the state; 304 when the client has it; or, when it has it and is willing to wait, the next
    /// one.
    func poll(_ answer: LiveAnswer, _ wait: Duration, _ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let token = answer.token
        guard wait > .zero, token.version > 0, call.names(token) else { return try respond(answer, call) }
        let changed = await hub.change(of: answer.subject, after: token, within: wait)
        return try respond(changed ?? answer, call)
    }

    private func respond(_ answer: LiveAnswer, _ call: RouteCall) throws(Problem) -> HTTPResponse {
        if let problem = Self.absence(answer) { throw problem }
        let token = answer.token
        if call.names(token) {
            return HTTPResponse(status: 304, headers: [("ETag", token.entityTag), ("Cache-Control", "no-cache")])
        }
        var json = JSONWriter()
        answer.write(to: &json)
        return .json(json.bytes, headers: [("ETag", token.entityTag), ("Cache-Control", "no-cache")])
    }

    /// Why there is no snapshot; nil when there is one.
    static func absence(_ answer: LiveAnswer) -> Problem? {
        switch answer {
        case .job(.job), .bulk(.bulk): return nil
        case .job(.unknown(let id, _, let freshness)):
            return Problem(
                .unknownJob,
                "No event of \(id) has been applied yet, or it was so long ago that nothing of it is left. Check the"
                    + " id; a job that was published just now may need another moment."
            ) { $0.fields(freshness) }
        case .bulk(.unknown(let id, _, let freshness)):
            return Problem(
                .unknownBulk,
                "Nobody has opened \(id) and no job named it, or it was so long ago that nothing of it is left. Check"
                    + " the id."
            ) { $0.fields(freshness) }
        case .job(.expired(let id, let tombstone, _, _)):
            let detail = "\(id) is \(tombstone.status.rawValue) since \(tombstone.finishedAt.iso8601);"
            return Problem(.expired, "\(detail) only its outcome is still kept, in the member job.") { json in
                json.key("job")
                answer.write(to: &json)
            }
        case .bulk(.expired(let id, _, _, _)):
            return Problem(.expired, "\(id) has settled, and its counts are not kept any longer.") { json in
                json.key("bulk")
                answer.write(to: &json)
            }
        }
    }

    /// `GET /v1/jobs?ids=a,b,…`
    func jobs(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let ids: [JobID] = try call.ids("ids")
        guard !ids.isEmpty else {
            throw .badParameter("ids", "is missing: name the jobs, as in /v1/jobs?ids=a,b")
        }
        return try await answer(to: ids)
    }

    /// `POST /v1/jobs/query {"ids": […]}`
    func queryJobs(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let ids: [JobID] = try call.object().ids("ids")
        guard !ids.isEmpty else { throw Problem(.badBody, #"ids is missing: send {"ids": ["a", "b"]}."#) }
        return try await answer(to: ids)
    }

    /// `{"jobs": […], "expired": […], "unknown": ["x"], "asOf": …}`: every id is in exactly one of the three.
    private func answer(to ids: [JobID]) async throws(Problem) -> HTTPResponse {
        let answers = try await ask { reader throws(ReadError) in
            try await reader.read(jobs: ids, bulks: [], current: nil)
        }
        var json = JSONWriter(capacity: 256 + ids.count * 900)
        json.beginObject()
        json.key("jobs")
        json.beginArray()
        for case .job(let snapshot) in answers.jobs { snapshot.write(to: &json) }
        json.endArray()
        json.key("expired")
        json.beginArray()
        for answer in answers.jobs { if case .expired = answer { answer.write(to: &json) } }
        json.endArray()
        json.key("unknown")
        json.beginArray()
        for case .unknown(let id, _, _) in answers.jobs { json.value(id.description) }
        json.endArray()
        json.fields(answers.freshness)
        json.endObject()
        return .json(json.bytes, headers: Self.uncached)
    }

    /// `GET /v1/jobs/{id}/timeline`
    func timeline(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.job()
        switch try await ask({ reader throws(ReadError) in try await reader.timeline(of: id) }) {
        case .absent(let answer):
            throw Self.absence(.job(answer)) ?? Problem(.unknownJob, "\(id) has no timeline.")
        case .timeline(let timeline):
            var json = JSONWriter()
            timeline.write(to: &json)
            return .json(json.bytes, headers: Self.uncached)
        }
    }

    static let uncached = [("Cache-Control", "no-cache")]
}
