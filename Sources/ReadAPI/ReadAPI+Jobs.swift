import HTTPServer
import HeadwayCore

extension ReadAPI {
    /// `GET /v1/jobs/{id}?version=&wait=`
    func job(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.job()
        let wait = try call.wait()
        let access = try access(call)
        let answer = try await ask { reader throws(ReadError) in try await reader.job(id) }
        return try await poll(.job(answer), wait, call, access)
    }

    /// Answers a poll: the state; 304 when the client has it; or, when it has it and is willing to wait, the
    /// next one.
    func poll(
        _ answer: LiveAnswer, _ wait: Duration, _ call: RouteCall, _ access: ReadAccess
    ) async throws(Problem) -> HTTPResponse {
        try call.checkVersion()
        let tag = AnswerTag(answer, for: access)
        guard wait > .zero, tag.token.version > 0, tag.isNamed(by: call), access.grant(of: answer).isAllowed
        else {
            return try respond(answer, call, access)
        }
        guard await !hub.isFull else {
            throw Problem(
                .busy, "As much is watched here as can be; ask without wait, or come back in a few seconds.",
                headers: [("Retry-After", "\(Int.random(in: 1...5))")])
        }
        let changed = await hub.change(of: answer.subject, after: tag.token, within: wait)
        return try respond(changed ?? answer, call, access)
    }

    private func respond(
        _ answer: LiveAnswer, _ call: RouteCall, _ access: ReadAccess
    ) throws(Problem) -> HTTPResponse {
        if let refusal = access.grant(of: answer).refusal { throw refusal }
        if let problem = Self.absence(answer) { throw problem }
        if case .job(let job) = answer { countPoll(job) }
        let tag = AnswerTag(answer, for: access)
        let headers = [("ETag", tag.entityTag)] + Self.caching(access)
        if tag.isNamed(by: call) { return HTTPResponse(status: 304, headers: headers) }
        var json = JSONWriter()
        answer.write(to: &json, for: access)
        return .json(json.bytes, headers: headers)
    }

    /// Why there is no snapshot; nil when there is one. Whether the caller may know is checked before.
    static func absence(_ answer: LiveAnswer) -> Problem? {
        switch answer {
        case .job(.job), .bulk(.bulk): return nil
        case .job(.unknown(let id, _, let freshness)):
            return Problem(
                .unknownJob,
                "No event of \(id) has been applied yet, or it was so long ago that nothing of it is left."
                    + " Check the id; a job that was published just now may need another moment."
            ) { $0.fields(freshness) }
        case .bulk(.unknown(let id, _, let freshness)):
            return Problem(
                .unknownBulk,
                "Nobody has opened \(id) and no job named it, or it was so long ago that nothing of it is"
                    + " left. Check the id."
            ) { $0.fields(freshness) }
        case .job(.expired(let id, let tombstone, _, _)):
            let detail = "\(id) is \(tombstone.status.rawValue) since \(tombstone.finishedAt.iso8601);"
            return Problem(.expired, "\(detail) only its outcome is still kept, in the member job.") { json in
                json.key("job")
                answer.write(to: &json, for: .operating)
            }
        case .bulk(.expired(let id, _, _, _)):
            return Problem(.expired, "\(id) has settled, and its counts are not kept any longer.") { json in
                json.key("bulk")
                answer.write(to: &json, for: .nobody)
            }
        }
    }

    /// `GET /v1/jobs?ids=a,b,…`
    func jobs(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let ids: [JobID] = try call.ids("ids")
        guard !ids.isEmpty else {
            throw .badParameter("ids", "is missing: name the jobs, as in /v1/jobs?ids=a,b")
        }
        return try await answer(to: ids, try access(call))
    }

    /// `POST /v1/jobs/query {"ids": […], "tokens": […]}`
    func queryJobs(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let body = try call.object()
        let ids: [JobID] = try body.ids("ids")
        guard !ids.isEmpty else { throw Problem(.badBody, #"ids is missing: send {"ids": ["a", "b"]}."#) }
        return try await answer(to: ids, try access(call, tokens: try body.tokens()))
    }

    /// `{"jobs": […], "expired": […], "unknown": ["x"], "unauthorized": ["y"], "asOf": …}`: every id is in
    /// exactly one of the four.
    private func answer(to ids: [JobID], _ access: ReadAccess) async throws(Problem) -> HTTPResponse {
        let answers = try await ask { reader throws(ReadError) in
            try await reader.read(jobs: ids, bulks: [], current: nil)
        }
        let jobs = answers.jobs.filter { access.grant(of: $0).isAllowed }
        let refused = answers.jobs.filter { !access.grant(of: $0).isAllowed }
        for answer in jobs { countPoll(answer) }
        var json = JSONWriter(capacity: 256 + ids.count * 900)
        json.beginObject()
        json.key("jobs")
        json.beginArray()
        for case .job(let snapshot) in jobs { snapshot.write(to: &json) }
        json.endArray()
        json.key("expired")
        json.beginArray()
        for answer in jobs { if case .expired = answer { answer.write(to: &json, for: access) } }
        json.endArray()
        json.key("unknown")
        json.beginArray()
        for case .unknown(let id, _, _) in jobs { json.value(id.description) }
        json.endArray()
        json.key("unauthorized")
        json.beginArray()
        for answer in refused { json.value(answer.id.description) }
        json.endArray()
        json.fields(answers.freshness)
        json.endObject()
        return .json(json.bytes, headers: Self.caching(access))
    }

    /// `GET /v1/jobs/{id}/timeline`
    func timeline(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.job()
        let access = try access(call)
        switch try await ask({ reader throws(ReadError) in try await reader.timeline(of: id) }) {
        case .absent(let answer):
            try access.check(answer)
            throw Self.absence(.job(answer)) ?? Problem(.unknownJob, "\(id) has no timeline.")
        case .timeline(let timeline):
            try access.check(timeline.tokenDigest)
            var json = JSONWriter()
            timeline.write(to: &json)
            return .json(json.bytes, headers: Self.caching(access))
        }
    }

    static let uncached = [("Cache-Control", "no-cache")]

    /// What was shown to somebody with a token is for nobody else.
    static func caching(_ access: ReadAccess) -> [(String, String)] {
        access.hasPresented ? [("Cache-Control", "private, no-cache")] : uncached
    }
}
