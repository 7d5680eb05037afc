import HTTPServer

/// What is said to browsers of pages from elsewhere; ``AllowedOrigins`` decides.
extension ReadAPI {
    static let foreignPage = Problem(
        .forbidden,
        "A page of another origin may not change anything here. Where that is wanted, start the server with"
            + " --allow-origin and the page's origin; a proxy in front must hand on Host as it came.")

    /// - Returns: none for an answer that is open to every page in any case.
    nonisolated func originHeaders(
        of response: HTTPResponse, for request: HTTPRequest
    ) -> [(String, String)] {
        guard options.allowedOrigins != .none,
            !response.headers.contains(where: { $0.0 == Self.everyOrigin.0 })
        else { return [] }
        var methods = Self.router.routes(at: request.path).map { ($0.method.rawValue, $0.reads) }
        // A view's path; HEAD needs no leave.
        if methods.isEmpty { methods = [(HTTPRequest.Method.get.rawValue, true)] }
        return options.allowedOrigins.headers(for: request, methods: methods)
    }

    static let everyOrigin = ("Access-Control-Allow-Origin", "*")
}
