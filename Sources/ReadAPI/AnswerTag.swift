import HTTPServer
import HeadwayCore

/// The `ETag` of one answer, as one caller gets it. Pure.
///
/// A bulk shows everybody how far it is, and of its running members with a token the words only to who may read
/// them: two bodies of one state, which must not share a tag, or a cache would answer one with the other. What is
/// left out is named behind the state's token: `<epoch>-<version>.<digest of the ids without words>`.
struct AnswerTag: Sendable {
    let token: VersionToken
    /// Nil for the whole answer.
    private let digest: String?

    init(_ answer: LiveAnswer, for access: ReadAccess) {
        token = answer.token
        guard case .bulk(.bulk(let bulk)) = answer else {
            digest = nil
            return
        }
        let hidden = (bulk.current ?? []).filter { !access.grant($0.state.token).isAllowed }
        digest = hidden.isEmpty ? nil : BulkEpoch.digest(hidden.map(\.id.description))
    }

    /// Weak, as that of the token.
    var entityTag: String { "W/\"\(own)\"" }

    /// Whether the client has this answer already: by `If-None-Match`, which must name this very body, or by
    /// `?version=`, which names a state and may be the bare token too.
    func isNamed(by call: RouteCall) -> Bool {
        if let version = call.request.query("version") {
            if token.isNamed(by: version) || VersionToken.bare(version) == own { return true }
        }
        return call.request.header("If-None-Match").map { VersionToken.isNamed(own, byTags: $0) } ?? false
    }

    private var own: Substring { (digest.map { "\(token).\($0)" } ?? token.description)[...] }
}
