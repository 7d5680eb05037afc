import HeadwayWire

/// A view's route as an OpenAPI operation: what it answers under each status, in its own words. Several pipelines
/// may declare one route; it then answers as any of them. Pure.
struct ViewOperation {
    let route: ViewRoute
    private var pipelines: [String] = []
    private var headers: [String] = []
    private var isPolled = false
    /// By the event's name.
    private var events: [JSON.Member] = []
    /// By status, then by content type.
    private var answers: [Int: [String: [JSON]]] = [:]

    init(_ route: ViewRoute) { self.route = route }

    private static let json = "application/json"
    private static let problem = "application/problem+json"
    private static let stream = "text/event-stream"

    /// - Parameters:
    ///   - view: compiled.
    ///   - json: that it was compiled from.
    mutating func add(_ view: View, _ json: JSON) {
        let shape = ViewShape(json)
        pipelines.append(view.pipeline)
        if let token = view.token, !headers.contains(token.header) { headers.append(token.header) }
        if let response = shape.response {
            isPolled = true
            add(response.schema, Self.json, 200)
        }
        if view.events != nil {
            add(.object([JSON.Member("type", .string("string"))]), Self.stream, 200)
            for event in shape.events where !events.contains(where: { $0.name == event.name }) {
                events.append(JSON.Member(event.name, event.shape.schema))
            }
        }
        add(Self.reference("schemas", "Problem"), Self.problem, 400, 500)
        for kind in ViewErrorKind.allCases where view.fields != nil || kind == .unauthorized {
            guard let reply = view.errors[kind] else {
                add(Self.reference("schemas", "Problem"), Self.problem, kind.status)
                continue
            }
            let body = json["errors"]?[kind.rawValue]?["body"] ?? .null
            let said = ViewTyping(subject: .problem(kind.rawValue), status: .text).value(body).shape
            add(said.schema, Self.json, reply.status)
        }
    }

    private mutating func add(_ schema: JSON, _ type: String, _ statuses: Int...) {
        for status in statuses where answers[status]?[type]?.contains(schema) != true {
            answers[status, default: [:]][type, default: []].append(schema)
        }
    }

    // MARK: Writing

    /// The path as OpenAPI has it, and what is there.
    var path: JSON.Member { JSON.Member(route.pattern, .object([JSON.Member("get", operation)])) }

    private var operation: JSON {
        let name = route.pattern.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
        let of = pipelines.joined(separator: ", ")
        var members = [
            JSON.Member("operationId", .string("view\(name)")),
            JSON.Member("tags", .array([.string("Views")])),
            JSON.Member("summary", .string("A \(route.subject.rawValue) in the words of \(of)")),
            JSON.Member("parameters", .array(parameters)),
            JSON.Member("responses", .object(responses)),
            JSON.Member("security", .array(security)),
        ]
        if route.subject == .bulk { members.removeLast() }
        return .object(members)
    }

    private var parameters: [JSON] {
        let subject = route.subject.rawValue
        var list: [JSON] = [
            .object([
                JSON.Member("name", .string(subject)), JSON.Member("in", .string("path")),
                JSON.Member("required", .bool(true)),
                JSON.Member("schema", .object([JSON.Member("type", .string("string"))])),
            ])
        ]
        if isPolled { list += ["Version", "Wait", "IfNoneMatch"].map { Self.reference("parameters", $0) } }
        if !events.isEmpty { list.append(Self.reference("parameters", "LastEventID")) }
        return list
            + headers.map { header in
                .object([
                    JSON.Member("name", .string(header)), JSON.Member("in", .string("header")),
                    JSON.Member("description", .string("The job's read token.")),
                    JSON.Member("schema", .object([JSON.Member("type", .string("string"))])),
                ])
            }
    }

    private var security: [JSON] {
        [.object([])] + ["bearer", "token"].map { .object([JSON.Member($0, .array([]))]) }
    }

    private var responses: [JSON.Member] {
        var list: [JSON.Member] = []
        for (status, types) in answers.sorted(by: { $0.key < $1.key }) {
            if status > 304, isPolled, !list.contains(where: { $0.name == "304" }) {
                list.append(JSON.Member("304", Self.reference("responses", "NotModified")))
            }
            if status > 204, !events.isEmpty, !list.contains(where: { $0.name == "204" }) {
                list.append(JSON.Member("204", Self.reference("responses", "NothingLeft")))
            }
            let content = types.sorted { $0.key < $1.key }.map { type, schemas in
                var members = [
                    JSON.Member(
                        "schema",
                        schemas.count == 1
                            ? schemas[0] : .object([JSON.Member("anyOf", .array(schemas))]))
                ]
                if type == Self.stream { members.append(JSON.Member("x-events", .object(events))) }
                return JSON.Member(type, .object(members))
            }
            list.append(
                JSON.Member(
                    String(status),
                    .object([
                        JSON.Member(
                            "description",
                            .string(
                                status == 200
                                    ? "In the words of the view." : "No answer, for the reason in it.")),
                        JSON.Member("content", .object(content)),
                    ])))
        }
        return list
    }

    private static func reference(_ kind: String, _ name: String) -> JSON {
        .object([JSON.Member("$ref", .string("#/components/\(kind)/\(name)"))])
    }
}

extension ViewErrorKind {
    /// What it is answered with where the view says nothing.
    fileprivate var status: Int {
        switch self {
        case .absent: 404
        case .expired: 410
        case .unauthorized: 401
        case .unavailable: 503
        }
    }
}
