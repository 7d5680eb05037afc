import Dashboard
import HTTPServer

/// What browsers are served besides JSON. The files are parts of the program; a tag names their content, so that a
/// browser asks again each time and is mostly told 304: after an update nobody sees half of the old page.
extension ReadAPI {
    /// Nothing inline, nothing from elsewhere, in nobody's frame.
    static let contentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// By the file's name.
    private static let fixed = WebFile.all.mapValues { FixedContent($0.bytes) }

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
        guard let file = WebFile.all[name], let fixed = Self.fixed[name] else {
            throw Problem(.unknownRoute, "There is no such file.")
        }
        return fixed.answer(
            call.request, type: file.type,
            headers: [
                ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                ("Content-Security-Policy", policy),
            ])
    }
}
