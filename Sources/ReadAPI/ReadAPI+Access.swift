import HTTPServer
import HeadwayCore
import HeadwayWire

/// Who may ask what: the one place where requests are matched with tokens.
///
/// Reads of a job with a token need it, or the operator's. Writes are open until there is an operator's token;
/// from then on they need it. Cancelling a job with a token needs one of the two in either case.
extension ReadAPI {
    /// What a request presents: `Authorization: Bearer …`, every `?token=`, and the header that a view names.
    ///
    /// - Parameters:
    ///   - header: a header whose whole value is a token, for example `X-Session-Token`.
    ///   - tokens: what the body presents besides.
    nonisolated func access(
        _ call: RouteCall, header: String? = nil, tokens: [String] = []
    ) throws(Problem) -> ReadAccess {
        var presented = call.request.queryAll("token")
        if let bearer = call.bearerToken { presented.append(bearer) }
        if let header, let token = call.request.header(header) { presented.append(token) }
        presented += tokens
        if presented.isEmpty { return .nobody }
        guard presented.count <= ReadAccess.tokenLimit else {
            throw .badParameter(
                "token",
                "came \(presented.count) times; at most \(ReadAccess.tokenLimit) go into one question")
        }
        return ReadAccess(presented, operatorDigest: options.operatorDigest)
    }

    /// For whatever changes something: nothing is asked while there is no operator's token.
    nonisolated func checkWrite(_ call: RouteCall) throws(Problem) {
        guard options.operatorDigest != nil else { return }
        let access = try access(call)
        if access.isOperator { return }
        throw access.hasPresented
            ? Problem(.forbidden, "This needs the operator's token; what came is another one.")
            : .unauthorized(
                "This needs the operator's token, as Authorization: Bearer ….")
    }
}

extension ReadAccess {
    /// - Throws: 401 or 403 for a job that the caller may not read.
    func check(_ answer: JobAnswer) throws(Problem) { try check(answer.tokenDigest) }

    func check(_ digest: String?) throws(Problem) {
        if let refusal = grant(digest).refusal { throw refusal }
    }
}

extension ReadGrant {
    /// Nil for whoever may read. Says nothing of the job: not even whether it has ended.
    var refusal: Problem? {
        switch self {
        case .open, .granted: nil
        case .missing:
            .unauthorized(
                "This job is read with its token: send it as Authorization: Bearer …, or as ?token=…")
        case .wrong: Problem(.forbidden, "What came is not this job's token.")
        }
    }
}

extension Problem {
    static func unauthorized(_ detail: String) -> Problem {
        Problem(.unauthorized, detail, headers: [("WWW-Authenticate", #"Bearer realm="headway""#)])
    }
}

extension RouteCall {
    /// What stands behind `Authorization: Bearer`; nil for another scheme, or none.
    var bearerToken: String? {
        guard let value = request.header("Authorization") else { return nil }
        let scheme = value.prefix { $0 != " " }
        guard scheme.lowercased() == "bearer" else { return nil }
        return String(value[scheme.endIndex...].trimmingBlanks)
    }
}

extension JSON {
    /// The texts of the member `tokens`; none when there is no such member.
    func tokens() throws(Problem) -> [String] {
        guard let list = self["tokens"], list != .null else { return [] }
        guard case .array(let elements) = list else {
            throw Problem(.badBody, "tokens must be an array of texts.")
        }
        var tokens: [String] = []
        for element in elements {
            guard let token = element.string else {
                throw Problem(.badBody, "tokens must be an array of texts.")
            }
            tokens.append(token)
        }
        return tokens
    }
}
