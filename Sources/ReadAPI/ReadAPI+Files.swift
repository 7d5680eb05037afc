import Dashboard
import HTTPServer
import HeadwayWire

/// What browsers are served besides JSON. The files are parts of the program; a tag names their content, so that a
/// browser asks again each time and is mostly told 304: after an update nobody sees half of the old page.
extension ReadAPI {
    /// Nothing inline, nothing from elsewhere, in nobody's frame.
    static let contentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// By the file's name: the first 96 bits of its SHA-256, quoted.
    private static let tags = WebFile.all.mapValues { file in
        "\"" + SHA256.digest(file.bytes).prefix(3).map { String($0, radix: 16) }.joined(separator: ".") + "\""
    }

    /// `GET /headway/{file}`
    nonisolated func asset(_ call: RouteCall) throws(Problem) -> HTTPResponse {
        try file(call.captures[0], call)
    }

    /// - Parameters:
    ///   - name: of a file in `Sources/Dashboard/Assets`; 404 for any other.
    ///   - policy: the `Content-Security-Policy`.
    nonisolated func file(
        _ name: String, _ call: RouteCall, policy: String = ReadAPI.contentPolicy
    ) throws(Problem) -> HTTPResponse {
        guard let file = WebFile.all[name], let tag = Self.tags[name] else {
            throw Problem(.unknownRoute, "There is no such file.")
        }
        let headers = [
            ("ETag", tag), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"), ("Content-Security-Policy", policy),
        ]
        if let tags = call.request.header("If-None-Match"), Self.names(tags, tag) {
            return HTTPResponse(status: 304, headers: headers)
        }
        return HTTPResponse(type: file.type, file.bytes, headers: headers)
    }

    /// Whether an `If-None-Match` names the tag: a list of tags, or `*`.
    private static func names(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { named in
            let named = named.trimmingBlanks
            return named == "*" || VersionToken.bare(String(named)) == VersionToken.bare(tag)
        }
    }
}
