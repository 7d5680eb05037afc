import HTTPServer
import HeadwayCore
import HeadwayWire

extension ReadAPI {
    /// Bulks in one question: each is read from every partition.
    static let bulkLimit = 100

    /// `GET /v1/bulks/{id}?version=&wait=`
    func bulk(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.bulk()
        let wait = try call.wait()
        let access = try access(call)
        return try await poll(.bulk(try await answer(to: id)), wait, call, access)
    }

    private func answer(to id: BulkID) async throws(Problem) -> BulkAnswer {
        let current = options.live.current
        let answers = try await ask { reader throws(ReadError) in
            try await reader.bulks([id], current: current)
        }
        return answers[0]
    }

    private func snapshot(_ call: RouteCall) async throws(Problem) -> BulkSnapshot {
        let answer = try await answer(to: try call.bulk())
        guard case .bulk(let snapshot) = answer else {
            throw Self.absence(.bulk(answer)) ?? Problem(.unknownBulk, "It is not known.")
        }
        return snapshot
    }

    /// `GET /v1/bulks?ids=a,b` or `GET /v1/bulks?cursor=&limit=`: the recent ones.
    func bulks(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let ids: [BulkID] = try call.ids("ids")
        if ids.isEmpty { return try await recentBulks(call) }
        guard ids.count <= Self.bulkLimit else {
            throw .badParameter(
                "ids", "names \(ids.count) bulks; at most \(Self.bulkLimit) go into one question")
        }
        let access = try access(call)
        let current = options.live.current
        let answers = try await ask { reader throws(ReadError) in
            try await reader.read(jobs: [], bulks: ids, current: current)
        }
        var json = JSONWriter(capacity: 256 + ids.count * 1500)
        json.beginObject()
        json.key("bulks")
        json.beginArray()
        for case .bulk(let snapshot) in answers.bulks { snapshot.write(to: &json, for: access) }
        json.endArray()
        json.key("expired")
        json.beginArray()
        for answer in answers.bulks { if case .expired = answer { answer.write(to: &json, for: access) } }
        json.endArray()
        json.key("unknown")
        json.beginArray()
        for case .unknown(let id, _, _) in answers.bulks { json.value(id.description) }
        json.endArray()
        json.fields(answers.freshness)
        json.endObject()
        return .json(json.bytes, headers: Self.caching(access))
    }

    /// `{"bulks": […], "next": cursor, …}`: newest first, without what runs now.
    private func recentBulks(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let limit = try call.number("limit", in: 1...Self.bulkLimit, otherwise: 20)
        var cursor: BulkCursor?
        if let text = call.request.query("cursor") {
            guard let given = BulkCursor(text) else { throw Self.badCursor }
            cursor = given
        }
        let after = cursor
        let page = try await ask { reader throws(ReadError) in
            try await reader.recentBulks(after: after, limit: limit)
        }
        var json = JSONWriter(capacity: 256 + page.bulks.count * 1000)
        json.beginObject()
        json.key("bulks")
        json.beginArray()
        for bulk in page.bulks { bulk.write(to: &json, for: .nobody) }
        json.endArray()
        json.field("next", page.next?.description)
        json.fields(page.freshness)
        json.endObject()
        return .json(json.bytes, headers: Self.uncached)
    }

    static let badCursor = Problem.badParameter("cursor", "must be the next of the page before, unchanged")

    /// `GET /v1/bulks/{id}/jobs?status=&cursor=&limit=`
    func members(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let id = try call.bulk()
        let status = try call.status()
        let access = try access(call)
        let limit = try call.number("limit", in: 1...500, otherwise: 100)
        var cursor: MemberCursor?
        if let text = call.request.query("cursor") {
            guard let given = MemberCursor(text, partitions: keyspace.partitions) else {
                throw Self.badCursor
            }
            cursor = given
        }
        let after = cursor
        let found = try await ask { reader throws(ReadError) in
            try await reader.members(of: id, status: status, after: after, limit: limit)
        }
        guard let page = found else {
            throw Self.absence(.bulk(.unknown(id, epoch: "", .none)))
                ?? Problem(.unknownBulk, "\(id) is not known.")
        }
        var json = JSONWriter(capacity: 256 + page.members.count * 900)
        json.beginObject()
        json.field("bulk", id.description)
        json.key("jobs")
        json.beginArray()
        for member in page.members { member.write(to: &json, for: access) }
        json.endArray()
        json.field("next", page.next?.description)
        json.fields(page.freshness)
        json.endObject()
        return .json(json.bytes, headers: Self.caching(access))
    }

    /// Failed members that are looked at for samples.
    private static let sampledFailures = 100
    /// Samples of one kind of failure.
    private static let samplesPerKind = 3

    /// `GET /v1/bulks/{id}/failures`: grouped by code and stage, with ids of some that failed so.
    func failures(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let snapshot = try await snapshot(call)
        var json = JSONWriter()
        json.beginObject()
        json.field("id", snapshot.id.description)
        json.field("failed", snapshot.summary.counts.failed)
        snapshot.writeFailures(to: &json, samples: try await samples(of: snapshot))
        json.field("jobs", "/v1/bulks/\(snapshot.id)/jobs?status=failed")
        json.field("epoch", snapshot.epoch)
        json.field("version", Int(snapshot.summary.version))
        json.fields(snapshot.freshness)
        json.endObject()
        return .json(json.bytes, headers: Self.uncached)
    }

    /// From one page of the failed members: O(page), however large the bulk is.
    private func samples(of bulk: BulkSnapshot) async throws(Problem) -> [BulkShare.FailureKind: [JobID]] {
        guard bulk.summary.counts.failed > 0 else { return [:] }
        let id = bulk.id
        let page = try await ask { reader throws(ReadError) in
            try await reader.members(of: id, status: .failed, limit: Self.sampledFailures)
        }
        var samples: [BulkShare.FailureKind: [JobID]] = [:]
        for member in page?.members ?? [] {
            let kind: BulkShare.FailureKind
            switch member.answer {
            case .job(let job):
                kind = BulkShare.FailureKind(
                    code: job.state.failure?.code ?? "", stage: job.state.failure?.stage ?? "")
            case .expired(_, let tombstone, _, _):
                kind = BulkShare.FailureKind(
                    code: tombstone.failureCode ?? "", stage: tombstone.failureStage ?? "")
            case .unknown: continue
            }
            if samples[kind, default: []].count < Self.samplesPerKind {
                samples[kind, default: []].append(member.id)
            }
        }
        return samples
    }

    /// `GET /v1/bulks/{id}/blockers`: what it waits for before it can settle.
    func blockers(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let snapshot = try await snapshot(call)
        var waiting: BulkBlocker.Waiting?
        if snapshot.summary.counts.queued > 0 {
            let id = snapshot.id
            waiting = try await ask { reader throws(ReadError) in try await reader.oldestQueued(in: id) }
        }
        var json = JSONWriter()
        json.beginObject()
        json.field("id", snapshot.id.description)
        json.field("phase", snapshot.summary.phase.rawValue)
        json.key("blockers")
        json.beginArray()
        let access = try access(call)
        let named = (snapshot.current ?? []).map { job in
            BulkBlocker.Member(
                id: job.id, health: job.state.health,
                reason: access.grant(job.state.token).isAllowed ? job.reason : nil, elapsed: job.elapsed,
                startedAt: job.state.startedAt)
        }
        let silence = snapshot.summary.updatedAt.map { snapshot.readAt - $0 }
        let blockers = BulkBlocker.all(
            of: snapshot.summary, running: named, waiting: waiting, unchangedFor: silence,
            at: snapshot.readAt)
        for blocker in blockers {
            json.beginObject()
            json.field("kind", blocker.kind.rawValue)
            json.field("count", blocker.count)
            json.field("text", blocker.text)
            json.field("job", blocker.job?.description)
            json.field("since", blocker.since)
            json.endObject()
        }
        json.endArray()
        json.field("epoch", snapshot.epoch)
        json.field("version", Int(snapshot.summary.version))
        json.fields(snapshot.freshness)
        json.endObject()
        return .json(json.bytes, headers: Self.uncached)
    }
}

extension MemberPage.Member {
    /// A snapshot, or what is left of an expired member: it still counts.
    fileprivate func write(to json: inout JSONWriter, for access: ReadAccess) {
        guard case .unknown = answer else { return answer.write(to: &json, for: access) }
        json.beginObject()
        json.field("id", id.description)
        json.field("status", status.rawValue)
        json.field("expired", true)
        json.endObject()
    }
}
