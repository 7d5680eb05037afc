import HTTPServer
import HeadwayWire

/// Why a request was not met, as RFC 9457 problem details.
///
/// `type` is a stable URN; `detail` is a sentence that says what to do; members beyond the standard ones are
/// named where they are made.
struct Problem: Error, Sendable {
    /// The kinds, by the last part of their URN.
    enum Kind: String, Sendable, CaseIterable {
        case badParameter = "bad-parameter"
        case badBody = "bad-body"
        case badEvents = "bad-events"
        case badPipeline = "bad-pipeline"
        case unauthorized
        case forbidden
        case unknownRoute = "unknown-route"
        case methodNotAllowed = "method-not-allowed"
        case unknownJob = "unknown-job"
        case unknownBulk = "unknown-bulk"
        case unknownList = "unknown-list"
        case expired
        case conflict
        case tooLarge = "too-large"
        case unsupportedMediaType = "unsupported-media-type"
        case unavailable
        case busy
        case unreadable

        var status: Int {
            switch self {
            case .badParameter, .badBody, .badEvents: 400
            case .unauthorized: 401
            case .forbidden: 403
            case .unknownRoute, .unknownJob, .unknownBulk, .unknownList: 404
            case .methodNotAllowed: 405
            case .conflict: 409
            case .expired: 410
            case .tooLarge: 413
            case .unsupportedMediaType: 415
            case .badPipeline: 422
            case .unreadable: 500
            case .unavailable, .busy: 503
            }
        }

        /// The same for every problem of the kind.
        var title: String {
            switch self {
            case .badParameter: "A parameter cannot be used"
            case .badBody: "The body cannot be used"
            case .badEvents: "Some events cannot be accepted"
            case .badPipeline: "The pipeline has problems"
            case .unauthorized: "A token is needed"
            case .forbidden: "The token is not the right one"
            case .unknownRoute: "There is nothing here"
            case .methodNotAllowed: "This method is not for this route"
            case .unknownJob: "This job is not known"
            case .unknownBulk: "This bulk is not known"
            case .unknownList: "This list is not known"
            case .expired: "It finished, and its snapshot has expired"
            case .conflict: "It is no longer in a state for this"
            case .tooLarge: "Too much at once"
            case .unsupportedMediaType: "This content type is not read here"
            case .unavailable: "Redis is not reachable"
            case .busy: "Too many are waiting here"
            case .unreadable: "What is stored cannot be read"
            }
        }
    }

    let kind: Kind
    let detail: String
    var headers: [(String, String)]
    /// Writes members of its own behind the standard ones.
    var extra: (@Sendable (inout JSONWriter) -> Void)?

    init(
        _ kind: Kind, _ detail: String, headers: [(String, String)] = [],
        extra: (@Sendable (inout JSONWriter) -> Void)? = nil
    ) {
        self.kind = kind
        self.detail = detail
        self.headers = headers
        self.extra = extra
    }

    init(_ error: ReadError) {
        switch error {
        case .redis:
            self.init(
                .unavailable,
                "Redis does not answer; try again in a second. What was shown last may be out of date.",
                headers: [("Retry-After", "1")])
        case .unreadable(let key, let detail):
            self.init(
                .unreadable,
                "\(key) holds what this version cannot read (\(detail)). Is something else using this namespace?"
            )
        }
    }

    static func badParameter(_ name: String, _ detail: String) -> Problem {
        Problem(.badParameter, "\(name) \(detail)") { $0.field("parameter", name) }
    }

    /// - Parameter instance: the path that was asked for.
    func response(instance: String) -> HTTPResponse {
        var json = JSONWriter(capacity: 512)
        json.beginObject()
        json.field("type", "urn:headway:problem:\(kind.rawValue)")
        json.field("title", kind.title)
        json.field("status", kind.status)
        json.field("detail", detail)
        json.field("instance", instance)
        extra?(&json)
        json.endObject()
        return HTTPResponse(
            status: kind.status, type: "application/problem+json", json.bytes,
            headers: [("Cache-Control", "no-store")] + headers)
    }
}
