import HeadwayCore
import HeadwayWire

/// Compiles a pipeline's views and notes every problem with its path.
struct ViewReader {
    let file: String
    let pipeline: String
    /// Nil when they are not known, because the pipeline itself is broken: then no stage is wrong.
    let stages: [String]?
    private(set) var problems: [PipelineProblem] = []

    init(file: String, pipeline: String, stages: [String]?) {
        self.file = file
        self.pipeline = pipeline
        self.stages = stages
    }

    mutating func report(_ path: String, _ detail: String) {
        problems.append(PipelineProblem(file: file, path: path, detail: detail))
    }

    /// - Returns: those without a problem.
    mutating func views(_ list: [JSON]) -> [View] {
        if list.count > View.countLimit {
            report("views", "has \(list.count) views: at most \(View.countLimit) go into one pipeline")
        }
        var views: [View] = []
        for (number, json) in list.prefix(View.countLimit).enumerated() {
            let path = "views[\(number)]"
            let before = problems.count
            guard let view = view(json, at: path) else { continue }
            if let same = views.first(where: { $0.route == view.route }) {
                report("\(path).route", "matches the same paths as \(same.route.pattern): give it another")
            }
            if problems.count == before { views.append(view) }
        }
        return views
    }

    private static let keys = ["route", "status", "fields", "token", "errors", "events"]

    private mutating func view(_ json: JSON, at path: String) -> View? {
        // What is no object was reported by the pipeline's own reader.
        guard case .object(let members) = json else { return nil }
        let text = json.text
        guard text.utf8.count <= View.textLimit else {
            report(path, "is larger than 32 KiB: shorten it, or make it two")
            return nil
        }
        checkKeys(members, of: "a view", at: path, among: Self.keys)
        let route = route(json["route"], at: "\(path).route")
        let subject = route?.subject ?? .job
        let ground: ViewPlace.Ground = subject == .job ? .job : .bulk
        let status = json["status"].flatMap { statusMap($0, ground, at: "\(path).status") }
        let place = ViewPlace(ground, stages: stages)
        let fields = json["fields"].flatMap { value($0, in: place, at: "\(path).fields") }
        let events = json["events"].flatMap { self.events($0, ground, at: "\(path).events") }
        if json["fields"] == nil, json["events"] == nil {
            report("\(path).fields", "is missing: say what the body is, such as {\"status\": \"$status\"}")
        }
        let errors = json["errors"].map { self.errors($0, subject, at: "\(path).errors") } ?? [:]
        let token = json["token"].flatMap { self.token($0, subject, at: "\(path).token") }
        guard let route else { return nil }
        return View(
            pipeline: pipeline, route: route, status: status, fields: fields, errors: errors, events: events,
            token: token, digest: View.digest(of: text))
    }

    private mutating func route(_ json: JSON?, at path: String) -> ViewRoute? {
        guard let json else {
            report(path, "is missing: say where it answers, such as \"/api/status/{job}\"")
            return nil
        }
        guard let pattern = json.string else {
            report(path, "is not a text: write \"/api/status/{job}\"")
            return nil
        }
        do {
            return try ViewRoute(pattern)
        } catch {
            report(path, error.detail)
            return nil
        }
    }

    // MARK: The status map

    private mutating func statusMap(_ json: JSON, _ ground: ViewPlace.Ground, at path: String) -> ViewNode? {
        let words =
            ground == .bulk
            ? BulkSummary.Phase.allCases.map(\.rawValue) : JobState.Status.allCases.map(\.rawValue)
        guard case .object(let members) = json else {
            report(path, "is not an object with a value for each of \(words.joined(separator: ", "))")
            return nil
        }
        checkKeys(members, of: "a status map", at: path, among: words)
        let missing = words.filter { json[$0] == nil }
        if !missing.isEmpty {
            let isOne = missing.count == 1
            report(
                path,
                "\(missing.joined(separator: ", ")) \(isOne ? "is" : "are") missing: all of"
                    + " \(words.joined(separator: ", ")) are needed")
        }
        var place = ViewPlace(ground, stages: stages)
        place.isStatusMap = true
        var nodes: [String: ViewNode] = [:]
        for member in members where words.contains(member.name) {
            nodes[member.name] = value(member.value, in: place, at: "\(path).\(member.name)")
        }
        let raw: ViewPath = ground == .bulk ? .bulk(.plain(.phase)) : .job(.plain(.rawStatus))
        return .choice(raw, nodes, otherwise: .constant(ViewNode.Constant(.null)))
    }

    // MARK: Errors, events, token

    private mutating func errors(
        _ json: JSON, _ subject: ViewRoute.Subject, at path: String
    ) -> [ViewErrorKind: View.Reply] {
        guard case .object(let members) = json else {
            report(path, "is not an object: write {\"absent\": {\"status\": 404, \"body\": …}}")
            return [:]
        }
        checkKeys(members, of: "errors", at: path, among: ViewErrorKind.allCases.map(\.rawValue))
        var replies: [ViewErrorKind: View.Reply] = [:]
        for kind in ViewErrorKind.allCases {
            guard let json = json[kind.rawValue] else { continue }
            let path = "\(path).\(kind.rawValue)"
            guard case .object(let members) = json else {
                report(path, "is not an object: write {\"status\": 404, \"body\": …}")
                continue
            }
            checkKeys(members, of: "an error", at: path, among: ["status", "body"])
            let status = httpStatus(json["status"], at: "\(path).status")
            guard let body = json["body"] else {
                report("\(path).body", "is missing: say what the answer's body is")
                continue
            }
            let place = ViewPlace(.failure(kind.paths(isJob: subject == .job)), stages: stages)
            let node = value(body, in: place, at: "\(path).body")
            if let status, let node { replies[kind] = View.Reply(status: status, body: node) }
        }
        return replies
    }

    private mutating func httpStatus(_ json: JSON?, at path: String) -> Int? {
        if case .number(let text) = json, let status = Int(text), status == 200 || 400...599 ~= status {
            return status
        }
        report(path, "is not 200 or 400 to 599: say which HTTP status is answered")
        return nil
    }

    private mutating func events(_ json: JSON, _ ground: ViewPlace.Ground, at path: String) -> View.Events? {
        guard case .object(let members) = json else {
            report(path, "is not an object with snapshot, complete and error")
            return nil
        }
        checkKeys(members, of: "events", at: path, among: ["snapshot", "complete", "error"])
        let failures = ViewErrorKind.expired.paths(isJob: ground == .job)
        let snapshot = event(json["snapshot"], ground, at: "\(path).snapshot", isNeeded: true)
        let complete = event(json["complete"], ground, at: "\(path).complete", isNeeded: true)
        let error = event(json["error"], .failure(failures), at: "\(path).error", isNeeded: false)
        guard let snapshot, let complete else { return nil }
        return View.Events(snapshot: snapshot, complete: complete, error: error)
    }

    private mutating func event(
        _ json: JSON?, _ ground: ViewPlace.Ground, at path: String, isNeeded: Bool
    ) -> View.Event? {
        let advice = "write {\"event\": \"progress\", \"data\": …}"
        guard let json else {
            if isNeeded { report(path, "is missing: \(advice)") }
            return nil
        }
        guard case .object(let members) = json else {
            report(path, "is not an object: \(advice)")
            return nil
        }
        checkKeys(members, of: "an event", at: path, among: ["event", "data"])
        let name = json["event"]?.string
        let isName = name.map { isIdentifier($0.utf8) && $0.utf8.count <= 100 && !$0.contains("@") } ?? false
        if !isName { report("\(path).event", "is not a name of 1 to 100 letters, digits or . _ : -") }
        guard let data = json["data"] else {
            report("\(path).data", "is missing: say what the frame holds")
            return nil
        }
        let node = value(data, in: ViewPlace(ground, stages: stages), at: "\(path).data")
        guard let name, isName, let node else { return nil }
        return View.Event(name: name, data: node)
    }

    private mutating func token(_ json: JSON, _ subject: ViewRoute.Subject, at path: String) -> ViewToken? {
        guard case .object(let members) = json else {
            report(path, "is not an object: write {\"header\": \"X-Session-Token\", \"required\": true}")
            return nil
        }
        guard subject == .job else {
            report(path, "is for {job} routes: a bulk has no token")
            return nil
        }
        checkKeys(members, of: "token", at: path, among: ["header", "required", "foreign"])
        let header = json["header"]?.string ?? ""
        let isHeader =
            1...100 ~= header.utf8.count
            && header.utf8.allSatisfy { $0 != 95 && $0 != 46 && $0 != 58 && $0 != 64 && isIdentifier([$0]) }
        if !isHeader {
            report("\(path).header", "is not the name of a header: write \"X-Session-Token\"")
        }
        var isRequired = false
        switch json["required"] {
        case nil: break
        case .bool(let flag): isRequired = flag
        default: report("\(path).required", "is not true or false")
        }
        var foreign = ViewErrorKind.unauthorized
        switch json["foreign"]?.string {
        case "absent": foreign = .absent
        case "unauthorized": break
        default:
            if json["foreign"] != nil { report("\(path).foreign", "is not \"unauthorized\" or \"absent\"") }
        }
        return ViewToken(header: header, isRequired: isRequired, foreign: foreign)
    }

    mutating func checkKeys(_ members: [JSON.Member], of whole: String, at path: String, among keys: [String])
    {
        for member in members where !keys.contains(member.name) {
            let advice = Suggestion.nearest(to: member.name, among: keys).map { "did you mean \"\($0)\"?" }
            report(
                "\(path).\(member.name)",
                "is not a key of \(whole): \(advice ?? "use \(keys.joined(separator: ", "))")")
        }
    }
}
