import EventLoop
import HTTPServer
import HeadwayCore
import HeadwayWire

extension ReadAPI {
    // MARK: Finding them

    /// Looks for new pipelines, again and again.
    func lookForPipelines() {
        guard !isStopped else { return }
        Task { [weak self, reader] in
            try? await reader.refreshPipelines()
            await self?.lookAgain()
        }
    }

    private func lookAgain() {
        guard !isStopped else { return }
        refreshViews()
        loop.schedule(after: options.pipelinePause) { [weak self] in
            self?.assumeIsolated { $0.lookForPipelines() }
        }
    }

    /// Compiles the views when there are other pipelines than before.
    private func refreshViews() {
        let (generation, shelf) = knownShelf
        guard generation != views.generation else { return }
        let known = Set(views.problems.map(\.description))
        views = ViewTable(shelf, generation: generation)
        guard let tell = options.onBrokenView else { return }
        for problem in views.problems where !known.contains(problem.description) { tell(problem) }
    }

    /// The pipelines as they are known, and the number of that state.
    func currentShelf() async -> (generation: Int, shelf: PipelineShelf) {
        if views.generation == 0 { try? await reader.refreshPipelines() }
        return knownShelf
    }

    private var knownShelf: (generation: Int, shelf: PipelineShelf) {
        reader.assumeIsolated { ($0.shelfGeneration, $0.shelf) }
    }

    /// The views of a path that is none of our own. Asks Redis only as long as no pipeline was ever read.
    func view(for request: HTTPRequest) async -> ViewMatch? {
        if views.generation == 0 { try? await reader.refreshPipelines() }
        refreshViews()
        return views.match(request.path)
    }

    // MARK: Answering

    func answer(_ request: HTTPRequest, _ match: ViewMatch) async -> HTTPResponse {
        let allowed = [("Allow", "GET, HEAD, OPTIONS")]
        switch request.method {
        case .get, .head: break
        case .options: return HTTPResponse(status: 204, headers: allowed)
        default: return problem(Problem(.methodNotAllowed, "Use GET or HEAD.", headers: allowed), request)
        }
        stats.viewRequests[match.views.first.route.pattern, default: 0] += 1
        let call = RouteCall(request: request, captures: [match.id])
        do throws(Problem) {
            return try await answer(call, match)
        } catch {
            return problem(error, request)
        }
    }

    private func answer(_ call: RouteCall, _ match: ViewMatch) async throws(Problem) -> HTTPResponse {
        let wait = try call.wait()
        try call.checkVersion()
        let first = match.views.first
        if match.views.views.allSatisfy({ $0.token?.isRequired ?? false }),
            try !presents(call, match.views.views)
        {
            return try refuse(.unauthorized, first, match.id)
        }
        let read: LiveAnswer?
        do throws(ReadError) {
            read = try await self.read(match)
        } catch {
            guard case .redis = error else { throw Problem(error) }
            // EventSource gives up for ever on any status but 200.
            if isStream(first, call) { return bye() }
            return try refuse(.unavailable, first, match.id, Problem(error))
        }
        guard let read else {
            if isStream(first, call) { return nothingToWatch(first, match.id) }
            return try refuse(.absent, first, match.id)
        }
        return try await respond(read, wait, call, match)
    }

    private func presents(_ call: RouteCall, _ views: [View]) throws(Problem) -> Bool {
        for view in views where try access(call, header: view.token?.header).hasPresented { return true }
        return false
    }

    /// - Returns: nil for what is no id.
    private func read(_ match: ViewMatch) async throws(ReadError) -> LiveAnswer? {
        switch match.views.first.route.subject {
        case .job:
            guard let id = JobID(match.id) else { return nil }
            return .job(try await reader.job(id))
        case .bulk:
            guard let id = BulkID(match.id) else { return nil }
            return .bulk(try await reader.bulks([id], current: options.live.current)[0])
        }
    }

    private func respond(
        _ answer: LiveAnswer, _ wait: Duration, _ call: RouteCall, _ match: ViewMatch
    ) async throws(Problem) -> HTTPResponse {
        let own = match.views.view(of: answer)
        let view = own ?? match.views.first
        let access = try access(call, header: view.token?.header)
        if view.token?.isRequired ?? false, !access.hasPresented {
            return try refuse(.unauthorized, view, match.id)
        }
        let isForeign = own != nil && !access.grant(of: answer).isAllowed
        if isForeign, !access.hasPresented || view.token?.foreign != .absent {
            return try refuse(.unauthorized, view, match.id)
        }
        if isStream(view, call) {
            return stream(
                ViewLens(views: match.views, opened: view, subject: answer.subject), answer, access, call)
        }
        if own == nil || isForeign { return try refuse(.absent, view, match.id, answer: answer) }
        return try await poll(answer, wait, view, access, call, match)
    }

    private func poll(
        _ answer: LiveAnswer, _ wait: Duration, _ view: View, _ access: ReadAccess, _ call: RouteCall,
        _ match: ViewMatch
    ) async throws(Problem) -> HTTPResponse {
        let tag = ViewTag(token: answer.token, digest: view.digest)
        let isKnown = tag.isNamed(by: call)
        if isKnown, wait > .zero, answer.outcomeOfExpired == nil {
            guard await !hub.isFull else {
                return try refuse(
                    .unavailable, view, match.id,
                    Problem(
                        .busy,
                        "As much is watched here as can be; ask without wait, or come back in a few seconds.",
                        headers: [("Retry-After", "\(Int.random(in: 1...5))")]))
            }
            if let changed = await hub.change(of: answer.subject, after: answer.token, within: wait) {
                return try await respond(changed, .zero, call, match)
            }
        }
        let headers = [("ETag", tag.entityTag)] + Self.caching(access)
        guard let subject = ViewSubject(answer) else {
            return try refuse(.expired, view, match.id, answer: answer)
        }
        if let job = subject.job { countViewPoll(job) }
        if isKnown { return HTTPResponse(status: 304, headers: headers) }
        guard let fields = view.fields else { return try refuse(.absent, view, match.id, answer: answer) }
        return .json(view.write(fields, of: subject), headers: headers)
    }

    // MARK: Streams

    /// Whether this request of a view gets a stream: one with fields too is polled by who asks for JSON.
    private func isStream(_ view: View, _ call: RouteCall) -> Bool {
        guard view.events != nil else { return false }
        guard view.fields != nil else { return true }
        let accept = (call.request.header("Accept") ?? "").lowercased()
        return !accept.contains("application/json") || accept.contains("text/event-stream")
    }

    private func stream(
        _ lens: ViewLens, _ answer: LiveAnswer, _ access: ReadAccess, _ call: RouteCall
    ) -> HTTPResponse {
        if let last = call.lastEventID, !isDraining, access.grant(of: answer).isAllowed,
            last == lens.frame(of: answer).end?.id
        {
            return HTTPResponse(status: 204, headers: [("Cache-Control", "no-store")])
        }
        return .eventStream { [hub] stream in
            hub.assumeIsolated { $0.attach(stream, to: [lens.subject], for: access, through: lens) }
        }
    }

    /// Of what can be no id: said as of any absent one, but there is nothing to wait for.
    private func nothingToWatch(_ view: View, _ id: String) -> HTTPResponse {
        let retry = Int.random(in: options.live.retry)
        let frame = view.errorFrame(ViewFailure(.absent, id: id), id: "-0")
        return .eventStream { stream in
            stream.send(StreamFrame.retry(retry) + frame)
            stream.close()
        }
    }

    private func bye() -> HTTPResponse {
        let retry = Int.random(in: options.live.retry)
        return .eventStream { stream in
            stream.send(StreamFrame.bye(retry: retry))
            stream.close()
        }
    }

    // MARK: Errors

    /// An error in the view's words, or else in our own.
    private func refuse(
        _ kind: ViewErrorKind, _ view: View, _ id: String, _ cause: Problem? = nil, answer: LiveAnswer? = nil
    ) throws(Problem) -> HTTPResponse {
        let problem = cause ?? Self.problem(kind, view, id, answer)
        guard let reply = view.errors[kind] else { throw problem }
        stats.problems[problem.kind.rawValue, default: 0] += 1
        let failure = answer.map { ViewFailure(kind, $0, id: id) } ?? ViewFailure(kind, id: id)
        return .json(
            view.write(reply.body, of: ViewSubject(failure)), status: reply.status,
            headers: [("Cache-Control", "no-store")] + problem.headers)
    }

    private static func problem(
        _ kind: ViewErrorKind, _ view: View, _ id: String, _ answer: LiveAnswer?
    ) -> Problem {
        switch kind {
        case .unauthorized:
            let header = view.token.map { " \($0.header) or" } ?? ""
            return .unauthorized(
                "This is read with a token: send the job's in\(header) Authorization: Bearer.")
        case .expired: if let answer, let problem = absence(answer) { return problem }
        case .unavailable: return Problem(.unavailable, "It cannot be read now; try again in a second.")
        case .absent: break
        }
        let freshness = answer?.freshness
        return Problem(
            view.route.subject == .job ? .unknownJob : .unknownBulk,
            "Nothing of that id is shown here. Check it; what was published just now may need another moment."
        ) { json in
            if let freshness { json.fields(freshness) }
        }
    }
}

/// Names one state in one view: `<epoch>-<version>.<digest>`.
struct ViewTag: Sendable {
    let token: VersionToken
    let digest: String

    var entityTag: String { "W/\"\(token).\(digest)\"" }

    /// Whether the client has this state already: by `If-None-Match` with this view's own tag, or by
    /// `?version=`, which may be the bare token too.
    func isNamed(by call: RouteCall) -> Bool {
        if let version = call.request.query("version") {
            if token.isNamed(by: version) || VersionToken.bare(version) == own { return true }
        }
        return call.request.header("If-None-Match").map { VersionToken.isNamed(own, byTags: $0) } ?? false
    }

    private var own: Substring { "\(token).\(digest)"[...] }
}

extension ViewSubject {
    /// Nil when there is no snapshot.
    convenience init?(_ answer: LiveAnswer) {
        switch answer {
        case .job(.job(let snapshot)): self.init(snapshot)
        case .bulk(.bulk(let snapshot)): self.init(snapshot)
        default: return nil
        }
    }
}

extension LiveAnswer {
    /// Of one whose snapshot has expired: it will not change by waiting.
    fileprivate var outcomeOfExpired: String? {
        switch self {
        case .job(.expired), .bulk(.expired): outcome
        default: nil
        }
    }
}
