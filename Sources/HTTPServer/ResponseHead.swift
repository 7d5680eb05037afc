/// A response's status and headers, made fit for the wire.
struct ResponseHead {
    let status: Int
    let reason: String
    private(set) var headers: [(String, String)] = []
    /// Whether the connection ends with this answer, which is then among ``headers``.
    private(set) var closes: Bool
    /// Whether the handler gave a `Content-Length`; kept for HEAD only, where there is no body to count.
    private(set) var hasLength = false

    /// No status below 200 is sent, and 204 and 304 have neither body nor length.
    var mayHaveBody: Bool { status != 204 && status != 304 }

    /// - Returns: nil when the status is outside 200…599, a name is no token or a value would end its line.
    init?(_ response: HTTPResponse, to head: RequestHead, isDraining: Bool) {
        guard 200...599 ~= response.status else { return nil }
        status = response.status
        reason = HTTPResponse.reason(for: response.status)
        closes = isDraining || head.wantsClose || (head.isVersion10 && !head.wantsKeepAlive)
        var isStream = false
        if case .eventStream = response.body {
            isStream = true
            // Without chunks only the connection's end can end a stream.
            if head.isVersion10 { closes = true }
            for (name, value) in HTTPResponse.eventStreamHeaders where !response.hasHeader(name) {
                headers.append((name, value))
            }
        }
        for (name, value) in response.headers {
            guard !name.isEmpty, name.utf8.allSatisfy(ASCII.isToken),
                value.utf8.allSatisfy(ASCII.isHeaderValue)
            else { return nil }
            switch name.utf8.count {
            case 4 where name.isHeader("date"), 17 where name.isHeader("transfer-encoding"): continue
            case 10 where name.isHeader("connection"):
                if value.isHeader("close") { closes = true }
                continue
            case 14 where name.isHeader("content-length"):
                guard head.isHead, !isStream else { continue }
                hasLength = true
            default: break
            }
            headers.append((name, value))
        }
        if closes { headers.append(("Connection", "close")) }
    }
}

extension HTTPResponse {
    fileprivate func hasHeader(_ name: String) -> Bool {
        headers.contains { $0.0.utf8.count == name.utf8.count && $0.0.lowercased() == name.lowercased() }
    }
}

extension String {
    fileprivate func isHeader(_ name: StaticString) -> Bool { utf8.span.matches(name) }
}
