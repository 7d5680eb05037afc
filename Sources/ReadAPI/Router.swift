import HTTPServer

/// One line of the table of routes.
struct Route: Sendable {
    typealias Answer = @Sendable (ReadAPI, RouteCall) async throws(Problem) -> HTTPResponse

    enum Segment: Sendable, Equatable {
        case literal(String)
        /// Any one segment.
        case capture
    }

    let method: HTTPRequest.Method
    /// As in the documentation: `/v1/jobs/{id}`.
    let pattern: String
    let segments: [Segment]
    /// Whether it changes nothing: a GET, or a question that is too long for one.
    let reads: Bool
    let answer: Answer

    init(
        _ method: HTTPRequest.Method, _ pattern: String, reads: Bool = false, _ answer: @escaping Answer
    ) {
        self.method = method
        self.pattern = pattern
        self.reads = reads || method == .get
        self.answer = answer
        segments = pattern.split(separator: "/").map {
            $0.hasPrefix("{") ? .capture : .literal(String($0))
        }
    }

    /// - Returns: what the captures caught; nil when the path is another one.
    func match(_ path: [String]) -> [String]? {
        guard path.count == segments.count else { return nil }
        var captures: [String] = []
        for (segment, text) in zip(segments, path) {
            switch segment {
            case .literal(let literal): if literal != text { return nil }
            case .capture: captures.append(text)
            }
        }
        return captures
    }
}

/// Finds the route of a request. The order of the table decides between two that match: literals first.
struct Router: Sendable {
    enum Match: Sendable {
        /// - Parameter number: the route's place in the table, for counting.
        case route(Route, number: Int, captures: [String])
        /// The path exists, for these methods.
        case otherMethod([String])
        case nothing
    }

    let routes: [Route]
    /// By the number of segments.
    private let shelves: [[(number: Int, route: Route)]]

    init(_ routes: [Route]) {
        self.routes = routes
        var shelves: [[(number: Int, route: Route)]] = []
        for (number, route) in routes.enumerated() {
            while shelves.count <= route.segments.count { shelves.append([]) }
            shelves[route.segments.count].append((number, route))
        }
        self.shelves = shelves
    }

    /// Every route of a path, whatever its method.
    func routes(at path: [String]) -> [Route] {
        guard path.count < shelves.count else { return [] }
        return shelves[path.count].map(\.route).filter { $0.match(path) != nil }
    }

    /// HEAD is answered as GET; the server leaves out the body.
    func match(_ method: HTTPRequest.Method, _ path: [String]) -> Match {
        guard path.count < shelves.count else { return .nothing }
        let wanted = method == .head ? .get : method
        var allowed: [String] = []
        for (number, route) in shelves[path.count] {
            guard let captures = route.match(path) else { continue }
            if route.method == wanted { return .route(route, number: number, captures: captures) }
            if route.method == .get {
                allowed += ["GET", "HEAD"]
            } else {
                allowed.append(route.method.rawValue)
            }
        }
        return allowed.isEmpty ? .nothing : .otherMethod(allowed + ["OPTIONS"])
    }
}
