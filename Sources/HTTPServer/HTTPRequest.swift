/// One complete request, copied out of libevent: nothing in it points into C memory.
///
/// While its handler runs, a client that goes away cancels the handler's task.
package struct HTTPRequest: Sendable {
    /// The methods that reach a handler; any other is answered 501 before.
    package enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
        case options = "OPTIONS"
        case patch = "PATCH"
    }

    package let method: Method
    /// As sent, for logs: printable, no spaces, at most `HTTPLimits.targetBytes`.
    package let target: String
    /// The path's segments, percent-decoded, without empty ones: `/v1//jobs/a%2Fb` is `["v1", "jobs", "a/b"]`.
    package let path: [String]
    /// The query's pairs in order, decoded (`+` is a space); a name without `=` has an empty value.
    package let query: [(name: String, value: String)]
    package let body: [UInt8]
    /// The peer's numeric address, for example `127.0.0.1` or `::1`.
    package let remoteAddress: String

    let headers: HeaderBlock

    /// A request as a test makes it.
    ///
    /// - Returns: nil when `target` has a bad escape, or text that is not UTF-8: the server answers 400.
    package init?(
        _ method: Method, _ target: String, headers: [(String, String)] = [], body: [UInt8] = [],
        remoteAddress: String = "127.0.0.1"
    ) {
        var block = HeaderBlock()
        for (name, value) in headers { block.append(name: name, value: value) }
        self.init(method, target, block: block, body: body, remoteAddress: remoteAddress)
    }

    init?(_ method: Method, _ target: String, block: HeaderBlock, body: [UInt8], remoteAddress: String) {
        guard let parts = RequestTarget(target) else { return nil }
        self.method = method
        self.target = target
        path = parts.path
        query = parts.query
        headers = block
        self.body = body
        self.remoteAddress = remoteAddress
    }

    /// The first value of that name, if any.
    package func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// Every value of that name, in order.
    package func queryAll(_ name: String) -> [String] {
        query.compactMap { $0.name == name ? $0.value : nil }
    }

    /// The first header of that name, in any case, without the spaces around its value.
    package func header(_ name: String) -> String? { headers.first(name) }
}
