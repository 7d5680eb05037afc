/// What a handler answers.
///
/// The server writes `Content-Length`, `Transfer-Encoding`, `Date` and `Connection` itself; those of a handler
/// are left out, except `Connection: close`, which it honours, and the `Content-Length` of an answer to HEAD.
/// A name that is no token, or a value with CR, LF or NUL, turns the whole answer into a 500.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// A Server-Sent-Events stream: status and headers go out, then the closure is called once, on the
        /// loop's thread, with the open stream. The closure is not called for HEAD or when the client has left.
        case eventStream(@Sendable (EventStream) -> Void)
    }

    /// 200…599.
    package var status: Int
    package var headers: [(String, String)]
    package var body: Body

    package init(status: Int = 200, headers: [(String, String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// - Parameter type: the `Content-Type`.
    package init(status: Int = 200, type: String, _ bytes: [UInt8], headers: [(String, String)] = []) {
        self.init(status: status, headers: [("Content-Type", type)] + headers, body: .bytes(bytes))
    }

    package static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, type: "text/plain; charset=utf-8", Array(text.utf8))
    }

    /// - Parameter json: one JSON value, already encoded.
    package static func json(
        _ json: [UInt8], status: Int = 200, headers: [(String, String)] = []
    ) -> HTTPResponse {
        HTTPResponse(status: status, type: "application/json", json, headers: headers)
    }

    /// A stream with the headers that keep browsers and proxies from holding frames back.
    package static func eventStream(
        headers: [(String, String)] = [], _ body: @escaping @Sendable (EventStream) -> Void
    ) -> HTTPResponse {
        HTTPResponse(headers: headers, body: .eventStream(body))
    }

    static let eventStreamHeaders = [
        ("Content-Type", "text/event-stream; charset=utf-8"),
        ("Cache-Control", "no-cache, no-transform"),
        ("X-Accel-Buffering", "no"),
    ]
}
