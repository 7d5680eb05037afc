/// Why the server answers, or cuts, without asking a handler. The names are the keys of `HTTPStats.rejected`.
enum Refusal: String, Sendable, CaseIterable {
    case malformedRequestLine, malformedHeader, foldedHeader, badTarget
    case missingHost, repeatedHost
    case badLength, lengthAndChunked, unexpectedBody, malformedChunk
    case headerTimeout, bodyTimeout
    case bodyTooLarge, targetTooLong, expectationUnknown, headersTooLarge
    case methodUnknown, codingUnknown, versionUnknown
    case tooManyConnections, tooManyConnectionsOfAddress, tooManyBodies
    /// Cut without an answer: there is nobody to read it.
    case idle, writeStalled
    /// The handler's own mistake: a header that would not survive the wire.
    case unsendableHeader

    var status: Int {
        switch self {
        case .malformedRequestLine, .malformedHeader, .foldedHeader, .badTarget, .missingHost, .repeatedHost,
            .badLength, .lengthAndChunked, .unexpectedBody, .malformedChunk:
            400
        case .headerTimeout, .bodyTimeout, .idle, .writeStalled: 408
        case .bodyTooLarge: 413
        case .targetTooLong: 414
        case .expectationUnknown: 417
        case .headersTooLarge: 431
        case .unsendableHeader: 500
        case .methodUnknown, .codingUnknown: 501
        case .tooManyConnections, .tooManyConnectionsOfAddress, .tooManyBodies: 503
        case .versionUnknown: 505
        }
    }

    var detail: String {
        switch self {
        case .malformedRequestLine: "The request line is not METHOD SP target SP HTTP/1.x CRLF."
        case .malformedHeader: "A header line is not name: value CRLF."
        case .foldedHeader: "A header is folded over several lines."
        case .badTarget: "The request target has a bad percent-escape or is not UTF-8."
        case .missingHost: "An HTTP/1.1 request needs a Host header."
        case .repeatedHost: "The request has more than one Host header."
        case .badLength: "Content-Length is not one whole number of bytes."
        case .lengthAndChunked: "The request has both Content-Length and Transfer-Encoding."
        case .unexpectedBody: "A GET or HEAD request has a body."
        case .malformedChunk: "The chunked body is malformed, or has extensions or trailers."
        case .headerTimeout: "The headers did not arrive in time."
        case .bodyTimeout: "The body did not arrive in time."
        case .bodyTooLarge: "The body is larger than this server takes."
        case .targetTooLong: "The request target is longer than this server takes."
        case .expectationUnknown: "The only expectation met here is 100-continue."
        case .headersTooLarge: "The headers are larger, or more, than this server takes."
        case .methodUnknown: "The method is not GET, HEAD, POST, PUT, DELETE, OPTIONS or PATCH."
        case .codingUnknown: "The only transfer coding taken here is chunked."
        case .versionUnknown: "The version is not HTTP/1.0 or HTTP/1.1."
        case .tooManyConnections: "The server has as many connections as it takes; try again soon."
        case .tooManyConnectionsOfAddress: "This address has as many connections as one may have."
        case .tooManyBodies: "The server is receiving as many bodies as it can hold; try again soon."
        case .idle: "The connection was silent for too long."
        case .writeStalled: "The client stopped reading."
        case .unsendableHeader: "The answer had a header that cannot be sent."
        }
    }

    var response: HTTPResponse {
        .problem(status, detail, headers: status == 503 ? [("Retry-After", "1")] : [])
    }

    /// The whole answer as bytes, for a connection that is taken away from libevent's HTTP; it closes after.
    var encoded: [UInt8] {
        let response = response
        guard case .bytes(let body) = response.body else { return [] }
        var head = "HTTP/1.1 \(status) \(HTTPResponse.reason(for: status))\r\n"
        for (name, value) in response.headers { head += "\(name): \(value)\r\n" }
        head += "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + body
    }
}
