package import HTTPServer
import HeadwayCore

/// `/metrics`: what this instance did, and what those in the same process say besides. No label is ever an id.
extension ReadAPI {
    func metrics(_ call: RouteCall) async -> HTTPResponse {
        var families = await currentStats.families
        families += await namespaceMetrics.families
        for source in metricsSources { families += await source() }
        return .metrics(families, for: call.request)
    }

    /// Adds to the page what others in this process count.
    package func addMetrics(_ source: @escaping @Sendable () async -> [MetricFamily]) {
        metricsSources.append(source)
    }

    /// One look at a job, in the API's own shape.
    func countPoll(_ answer: JobAnswer) {
        guard case .job(let snapshot) = answer else { return }
        stats.jobPolls.count(
            pipeline: snapshot.state.pipeline.name, stage: snapshot.state.position?.stage)
    }

    /// One look at a job through a view of its pipeline.
    func countViewPoll(_ snapshot: JobSnapshot) {
        stats.viewPolls.count(
            pipeline: snapshot.state.pipeline.name, stage: snapshot.state.position?.stage)
    }
}

extension ReadAPIStats {
    /// - Parameter status: of what was answered.
    mutating func count(_ status: Int, route: Int) {
        let place = min(max(status / 100, 0), 5)
        responses[route, default: [Int](repeating: 0, count: 6)][place] += 1
    }

    /// In seconds.
    static let durationBounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// - Parameter duration: from the whole request to its answer; of a stream, to its beginning.
    mutating func time(_ duration: Duration, route: Int) {
        durations[route, default: Histogram(bounds: Self.durationBounds)].add(duration / .seconds(1))
    }

    /// Method and pattern of a route; `none` for what has none, `view` for all that pipelines declare.
    private static func labels(of route: Int) -> (method: String, pattern: String) {
        let routes = ReadAPI.router.routes
        if routes.indices.contains(route) { return (routes[route].method.rawValue, routes[route].pattern) }
        return ("", route == Self.viewRoute ? "view" : "none")
    }

    /// Behind the table's routes: no route, then views.
    static let noRoute = ReadAPI.router.routes.count
    static let viewRoute = noRoute + 1

    package var families: [MetricFamily] {
        var families: [MetricFamily] = []
        var requests = MetricFamily(
            "headway_http_requests", .counter,
            "Requests by route and class of answer; streams when they begin.")
        for (route, classes) in responses.sorted(by: { $0.key < $1.key }) {
            let (method, pattern) = Self.labels(of: route)
            for (number, count) in classes.enumerated() where count > 0 {
                requests.add(count, ["method": method, "route": pattern, "class": "\(number)xx"])
            }
        }
        families.append(requests)
        var times = MetricFamily(
            "headway_http_request_duration_seconds", .histogram,
            "From a request to its answer, by route; streams to their beginning, long polls left out.")
        for (route, one) in durations.sorted(by: { $0.key < $1.key }) {
            let (method, pattern) = Self.labels(of: route)
            times.add(
                .histogram(bounds: one.bounds, counts: one.counts, sum: one.sum),
                ["method": method, "route": pattern])
        }
        families.append(times)
        var views = MetricFamily("headway_view_requests", .counter, "Requests of views, by route.")
        for (route, count) in viewRequests.sorted(by: { $0.key < $1.key }) {
            views.add(count, ["route": route])
        }
        families.append(views)
        var problems = MetricFamily("headway_http_problems", .counter, "Requests that were not met, by kind.")
        for (kind, count) in self.problems.sorted(by: { $0.key < $1.key }) {
            problems.add(count, ["kind": kind])
        }
        families.append(problems)
        families.append(
            Self.family("headway_job_polls", "Looks at a job, by pipeline and its stage then.", jobPolls))
        families.append(
            Self.family(
                "headway_view_polls", "Looks at a job through a view, by pipeline and its stage then.",
                viewPolls))
        families += [
            .of("headway_sse_clients", .gauge, live.streams, "Event streams that are open."),
            .of("headway_sse_streams", .counter, live.streamsOpened, "Event streams that were opened."),
            .of("headway_sse_frames", .counter, live.frames, "Frames sent on event streams."),
            .of(
                "headway_sse_conflated", .counter, live.conflated,
                "Changes that a slow client never saw, because a later one came first."),
            .of("headway_watched_subjects", .gauge, live.watched, "Jobs and bulks that somebody follows."),
            .of(
                "headway_subscriptions_lost", .counter, live.subscriptionsLost,
                "Times that Redis' messages were lost and the state was read anew."),
            .of("headway_events_appended", .counter, eventsAppended, "Events that came over HTTP."),
            .of("headway_jobs_registered", .counter, jobsRegistered, "Jobs registered over HTTP."),
        ]
        return families
    }

    private static func family(_ name: String, _ help: String, _ polls: PollTally) -> MetricFamily {
        var family = MetricFamily(name, .counter, help)
        for (key, count) in polls.counts.sorted(by: { $0.key < $1.key }) {
            family.add(count, ["pipeline": key.pipeline, "stage": key.stage])
        }
        return family
    }
}

extension HTTPStats {
    package var families: [MetricFamily] {
        var refused = MetricFamily(
            "headway_http_refused", .counter, "Requests refused or cut before any route, by reason.")
        for (reason, count) in rejected.sorted(by: { $0.key < $1.key }) {
            refused.add(count, ["reason": reason])
        }
        return [
            .of("headway_http_connections", .gauge, connectionsOpen, "Connections that are open."),
            .of(
                "headway_http_connections_accepted", .counter, connectionsAccepted,
                "Connections that were accepted."),
            .of(
                "headway_http_requests_under_way", .gauge, requestsUnderWay,
                "Requests that are not answered yet, long polls too."),
            refused,
        ]
    }
}
