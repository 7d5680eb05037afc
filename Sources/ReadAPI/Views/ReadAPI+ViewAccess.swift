import HTTPServer

/// What a request presents to a view with a token: the seam to whoever knows the tokens.
struct ViewAccess: Sendable {
    let hasPresented: Bool

    /// Whether this reader may see the job.
    func isAllowed(_ answer: LiveAnswer) -> Bool { true }
}

extension ReadAPI {
    func viewAccess(_ call: RouteCall, _ token: ViewToken?) throws(Problem) -> ViewAccess {
        let presented = [
            token.flatMap { call.request.header($0.header) }, call.request.query("token"),
            call.request.header("Authorization"),
        ]
        let isPresented = presented.contains { $0.map { !$0.isEmpty } ?? false }
        return ViewAccess(hasPresented: isPresented)
    }
}
