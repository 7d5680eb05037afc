package import EventLoop
package import HTTPServer
package import HeadwayCore
package import HeadwayWire
package import Redis

/// The read API: answers HTTP about jobs and bulks, live and polled, and takes events in for producers
/// without Redis.
///
///     let api = ReadAPI(keyspace: keyspace, endpoint: endpoint, on: loop)
///     let server = HTTPServer(on: loop, handler: api.handler)
///     await api.start()
///     _ = try await server.listen(host: "127.0.0.1", port: 8080)
///     …
///     await api.drain()                        // not ready any more; streams say goodbye
///     await server.drain(within: .seconds(10))
///     await api.stop()
///
/// Everything lives on one loop; any number of instances may serve the same namespace.
package actor ReadAPI {
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    package nonisolated let keyspace: Keyspace
    package nonisolated let reader: StatusReader
    package nonisolated let hub: LiveHub
    let appender: EventAppender
    nonisolated let options: ReadAPIOptions
    var lists = StreamLists()
    private(set) var isDraining = false
    private(set) var isStopped = false
    var views = ViewTable()
    /// As of the shelf with this number.
    var openAPIDocument: (generation: Int, document: OpenAPIDocument)?
    var stats = ReadAPIStats()
    var polls = PollPeriods(run: RandomText.make(12))
    /// Summaries that no outbox has yet.
    var waitingPolls: [PollSummary] = []
    var isTellingPolls = false
    /// Why Redis took no summaries the last time, which is told once.
    var refusedPolls: RedisError?
    nonisolated let namespaceMetrics: NamespaceMetrics
    var metricsSources: [@Sendable () async -> [MetricFamily]] = []

    package init(
        keyspace: Keyspace, endpoint: RedisEndpoint, on loop: EventLoop,
        options: ReadAPIOptions = ReadAPIOptions()
    ) {
        self.keyspace = keyspace
        self.loop = loop
        self.options = options
        let client = RedisClient(endpoint, on: loop, name: "headway-api")
        reader = StatusReader(keyspace: keyspace, client: client, on: loop)
        namespaceMetrics = NamespaceMetrics(reader)
        appender = EventAppender(keyspace: keyspace, client: client)
        hub = LiveHub(
            keyspace: keyspace, endpoint: endpoint, reader: reader, on: loop, options: options.live)
        stats.requests = [Int](repeating: 0, count: Self.router.routes.count)
    }

    // MARK: Life

    package func start() async {
        await hub.start()
        lookForPipelines()
        countPollPeriods()
    }

    /// Turns newcomers away from here on: `/readyz` says 503, new streams are told to come back, open ones
    /// say goodbye within `drainSpread`, long polls are answered at once. Plain questions are answered to the
    /// end.
    package func drain() async {
        isDraining = true
        await hub.drain()
    }

    package func stop() async {
        isDraining = true
        isStopped = true
        await hub.stop()
        await tellPolls()
        await reader.close()
    }

    package var currentStats: ReadAPIStats {
        get async {
            var stats = stats
            stats.live = await hub.currentStats
            return stats
        }
    }

    // MARK: Answering

    /// What ``HTTPServer`` calls.
    package nonisolated var handler: @Sendable (HTTPRequest) async -> HTTPResponse {
        { [self] request in await answer(request) }
    }

    package func answer(_ request: HTTPRequest) async -> HTTPResponse {
        let began = loop.clock.now
        let match = Self.router.match(request.method, request.path)
        var (response, route) = await answer(request, match)
        response.headers += originHeaders(of: response, for: request)
        stats.count(response.status, route: route)
        // A long poll takes as long as it was told to.
        if request.query("wait") == nil { stats.time(loop.clock.now - began, route: route) }
        return response
    }

    /// - Returns: also the route, as ``ReadAPIStats`` counts them.
    private func answer(
        _ request: HTTPRequest, _ match: Router.Match
    ) async -> (response: HTTPResponse, route: Int) {
        switch match {
        case .route(let route, let number, let captures):
            stats.requests[number] += 1
            do throws(Problem) {
                if options.allowedOrigins.refuses(request, reads: route.reads) { throw Self.foreignPage }
                let call = RouteCall(request: request, captures: captures)
                return (try await route.answer(self, call), number)
            } catch {
                return (problem(error, request), number)
            }
        case .otherMethod(let allowed):
            let allow = [("Allow", allowed.joined(separator: ", "))]
            if request.method == .options {
                return (HTTPResponse(status: 204, headers: allow), ReadAPIStats.noRoute)
            }
            let words = "Use \(allowed.joined(separator: " or "))."
            return (
                problem(Problem(.methodNotAllowed, words, headers: allow), request), ReadAPIStats.noRoute
            )
        case .nothing:
            if let match = await view(for: request) {
                return (await answer(request, match), ReadAPIStats.viewRoute)
            }
            return (
                problem(
                    Problem(
                        .unknownRoute, "GET /docs shows what there is, /openapi.json says it to programs."),
                    request),
                ReadAPIStats.noRoute
            )
        }
    }

    func problem(_ problem: Problem, _ request: HTTPRequest) -> HTTPResponse {
        stats.problems[problem.kind.rawValue, default: 0] += 1
        let path = request.target.prefix { $0 != "?" }
        return problem.response(instance: String(path))
    }

    /// A question to the reader, with its failure as a problem.
    func ask<Value: Sendable>(
        _ question: (StatusReader) async throws(ReadError) -> Value
    ) async throws(Problem) -> Value {
        do {
            return try await question(reader)
        } catch {
            throw Problem(error)
        }
    }
}

/// What an instance of the read API may be told.
package struct ReadAPIOptions: Sendable {
    package var live = LiveOptions()
    /// A position that was not seen for longer than this makes `/readyz` say 503.
    package var readiness = Duration.seconds(10)
    /// How often it looks for new pipelines, and so for new views.
    package var pipelinePause = Duration.seconds(1)
    /// The parts of this process that stand still, by name: any makes `/healthz` say 503.
    package var stuck: @Sendable () async -> [String] = { [] }
    /// Told each stored view that cannot be read, once.
    package var onBrokenView: (@Sendable (PipelineProblem) -> Void)?
    /// How often webhooks are told how often jobs were looked at; nil tells nobody.
    package var pollSummaries: Duration?
    /// Told why Redis refuses summaries of polls for good, once until it takes them again.
    package var onRefusedPolls: (@Sendable (RedisError) -> Void)?
    /// Pages of other origins that may ask here.
    package var allowedOrigins = AllowedOrigins.none
    /// Of the token that opens every job, and that every write needs; nil leaves writes to everybody.
    package var operatorDigest: TokenDigest?

    package init() {}
}

/// What the read API did since it was made.
package struct ReadAPIStats: Sendable {
    /// Per route, in the table's order.
    package var requests: [Int] = []
    /// By route (its place in the table; one behind the last is no route, two are views) and class of status.
    package var responses: [Int: [Int]] = [:]
    /// By route as in ``responses``, in seconds; long polls left out.
    package var durations: [Int: Histogram] = [:]
    /// By the problem's kind.
    package var problems: [String: Int] = [:]
    /// Requests of views, by the route as it is written.
    package var viewRequests: [String: Int] = [:]
    package var eventsAppended = 0
    package var jobsRegistered = 0
    package var jobPolls = PollTally()
    package var viewPolls = PollTally()
    package var live = LiveStats()

    /// `GET /v1/jobs/{id}`, … with how often each was asked.
    package var requestsByRoute: [(route: String, count: Int)] {
        zip(ReadAPI.router.routes, requests).map { ("\($0.method.rawValue) \($0.pattern)", $1) }
    }
}
