import HTTPServer
import HeadwayCore
import HeadwayWire

/// A request on its route: its captures and parameters, each checked as it is taken.
struct RouteCall: Sendable {
    let request: HTTPRequest
    let captures: [String]

    /// Ids in one question.
    static let idLimit = 1000

    // MARK: Ids

    func job() throws(Problem) -> JobID {
        guard let id = JobID(captures[0]) else { throw Self.badID }
        return id
    }

    func bulk() throws(Problem) -> BulkID {
        guard let id = BulkID(captures[0]) else { throw Self.badID }
        return id
    }

    private static let badID = Problem.badParameter(
        "id", "must be 1 to 200 letters, digits or . _ : @ -")

    /// The ids of `?name=a,b,c` (which may come several times), each once, in order; none when there is no
    /// such parameter.
    func ids<ID: Identifier>(_ name: String) throws(Problem) -> [ID] {
        var ids: [ID] = []
        var seen: Set<ID> = []
        for list in request.queryAll(name) {
            for text in list.split(separator: ",") {
                guard let id = ID(String(text)) else {
                    throw .badParameter(
                        name,
                        "has an id (number \(ids.count + 1)) that is not 1 to 200 letters, digits or . _ : @ -"
                    )
                }
                if seen.insert(id).inserted { ids.append(id) }
            }
        }
        guard ids.count <= Self.idLimit else {
            throw .badParameter(name, "names \(ids.count) ids; at most \(Self.idLimit) go into one question")
        }
        return ids
    }

    // MARK: Parameters

    func number(_ name: String, in range: ClosedRange<Int>, otherwise value: Int) throws(Problem) -> Int {
        guard let text = request.query(name) else { return value }
        guard let number = Int(text), range ~= number else {
            throw .badParameter(
                name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `25s`, `500ms`, or `25` for seconds; zero when it is not given.
    func wait() throws(Problem) -> Duration {
        guard let text = request.query("wait") else { return .zero }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number <= 60_000 else { throw Self.badWait }
        let wait: Duration
        switch text.dropFirst(digits.count) {
        case "s", "": wait = .seconds(number)
        case "ms": wait = .milliseconds(number)
        default: throw Self.badWait
        }
        guard wait <= .seconds(60) else { throw Self.badWait }
        return wait
    }

    private static let badWait = Problem.badParameter(
        "wait", "must be a time from 0 to 60s, such as 25s or 500ms")

    func status() throws(Problem) -> JobState.Status? {
        guard let text = request.query("status") else { return nil }
        guard let status = JobState.Status(rawValue: text) else {
            let known = JobState.Status.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badParameter("status", "must be one of \(known)")
        }
        return status
    }

    /// - Throws: when `version` is a bare number: the snapshot's `version` without its epoch. It names no state,
    ///   so a long poll with it would be answered at once, again and again.
    func checkVersion() throws(Problem) {
        guard let text = request.query("version") else { return }
        let bare = VersionToken.bare(text)
        guard !bare.isEmpty, bare.allSatisfy({ $0.isASCII && $0.isNumber }) else { return }
        throw .badParameter(
            "version",
            "is a bare number; send the whole ETag of the answer that you have, as in version=e7f3-\(bare.prefix(20)), "
                + "or leave it out to get the state at once")
    }

    var lastEventID: String? { request.header("Last-Event-ID") ?? request.query("lastEventId") }

    // MARK: Bodies

    /// The media type without its parameters, in lower case; empty when none was named.
    var mediaType: String {
        let type = request.header("Content-Type") ?? ""
        return String(type.prefix { $0 != ";" }[...].trimmingBlanks).lowercased()
    }

    /// The body as a JSON object.
    ///
    /// - Parameter isOptional: an empty body counts as `{}`.
    func object(isOptional: Bool = false) throws(Problem) -> JSON {
        if isOptional, request.body.isEmpty { return .object([]) }
        let type = mediaType
        guard type.isEmpty || type == "application/json" || type.hasSuffix("+json") else {
            throw Problem(
                .unsupportedMediaType, "Send the body as application/json.",
                headers: [("Accept", "application/json")])
        }
        let json: JSON
        do {
            json = try JSON(request.body)
        } catch {
            throw Problem(.badBody, "The body is not JSON: \(error).")
        }
        guard case .object = json else { throw Problem(.badBody, "The body must be a JSON object.") }
        return json
    }
}

extension JSON {
    /// The ids in the array `name`, each once, in order; none when there is no such member.
    func ids<ID: Identifier>(_ name: String, limit: Int = RouteCall.idLimit) throws(Problem) -> [ID] {
        guard let list = self[name], list != .null else { return [] }
        guard case .array(let elements) = list else {
            throw Problem(.badBody, "\(name) must be an array of ids.")
        }
        guard elements.count <= limit else {
            throw Problem(
                .tooLarge, "\(name) names \(elements.count) ids; at most \(limit) go into one question.")
        }
        var ids: [ID] = []
        var seen: Set<ID> = []
        for (place, element) in elements.enumerated() {
            guard let id = element.string.flatMap({ ID($0) }) else {
                throw Problem(
                    .badBody, "\(name)[\(place)] must be an id: 1 to 200 letters, digits or . _ : @ -.")
            }
            if seen.insert(id).inserted { ids.append(id) }
        }
        return ids
    }

    /// The text in the member `name`; nil when there is none.
    func text(_ name: String) throws(Problem) -> String? {
        guard let value = self[name], value != .null else { return nil }
        guard let text = value.string else { throw Problem(.badBody, "\(name) must be a text.") }
        return text
    }

    /// The whole number in the member `name`; nil when there is none.
    func number(_ name: String) throws(Problem) -> Int? {
        guard let value = self[name], value != .null else { return nil }
        guard case .number(let text) = value, let number = Int(text) else {
            throw Problem(.badBody, "\(name) must be a whole number.")
        }
        return number
    }
}
