/// A response's status line and headers as bytes, and what follows from them.
///
/// Written here rather than through `evhttp_add_header`, which drops what it does not like, allocates three
/// times per header, and has no say on HTTP/1.0.
struct ResponseHead {
    /// Reused from answer to answer.
    private(set) var bytes: [UInt8] = []
    /// Whether the connection ends with this answer; the head says so.
    private(set) var closes = false
    /// Whether the body goes out: not for HEAD, 204 and 304.
    private(set) var hasBody = false

    private enum Framing {
        case length(Int)
        case chunked
        case untilClose
        /// 204 and 304 have neither body nor length; nor has the answer to HEAD for what would be a stream.
        case none
    }

    /// Replaces what was written before.
    ///
    /// - Parameter date: the `Date` header's line.
    /// - Returns: false when the status is outside 200…599, a name is no token or a value would end its line.
    mutating func write(
        _ response: HTTPResponse, to request: RequestHead, isDraining: Bool, date: [UInt8]
    ) -> Bool {
        guard 200...599 ~= response.status else { return false }
        bytes.removeAll(keepingCapacity: true)
        closes = isDraining || request.wantsClose || (request.isVersion10 && !request.wantsKeepAlive)
        hasBody = !request.isHead && response.status != 204 && response.status != 304
        bytes += "HTTP/1.1 ".utf8
        appendNumber(response.status)
        bytes.append(UInt8(ascii: " "))
        bytes += HTTPResponse.reason(for: response.status).utf8
        bytes += "\r\n".utf8
        bytes += date
        var framing = framing(of: response, to: request)
        for (name, value) in response.headers {
            guard !name.isEmpty, name.utf8.allSatisfy(ASCII.isToken),
                value.utf8.allSatisfy(ASCII.isHeaderValue)
            else { return false }
            switch name.utf8.count {
            case 4 where name.isHeader("date"), 17 where name.isHeader("transfer-encoding"): continue
            case 10 where name.isHeader("connection"):
                if value.isHeader("close") { closes = true }
                continue
            case 14 where name.isHeader("content-length"):
                if request.isHead, case .length = framing, let length = Int(value) {
                    framing = .length(length)
                }
                continue
            default: append(name, value)
            }
        }
        appendFraming(framing)
        if closes {
            append("Connection", "close")
        } else if request.isVersion10 {
            append("Connection", "keep-alive")
        }
        bytes += "\r\n".utf8
        return true
    }

    private mutating func framing(of response: HTTPResponse, to request: RequestHead) -> Framing {
        if response.status == 204 || response.status == 304 { return .none }
        guard case .bytes(let body) = response.body else {
            for (name, value) in HTTPResponse.eventStreamHeaders where !response.hasHeader(name) {
                append(name, value)
            }
            if request.isHead { return .none }
            guard request.isVersion10 else { return .chunked }
            closes = true
            return .untilClose
        }
        return .length(body.count)
    }

    private mutating func appendFraming(_ framing: Framing) {
        switch framing {
        case .length(let length):
            bytes += "Content-Length: ".utf8
            appendNumber(length)
            bytes += "\r\n".utf8
        case .chunked: append("Transfer-Encoding", "chunked")
        case .untilClose, .none: break
        }
    }

    mutating func append(body: [UInt8]) { bytes += body }

    private mutating func append(_ name: String, _ value: String) {
        bytes += name.utf8
        bytes += ": ".utf8
        bytes += value.utf8
        bytes += "\r\n".utf8
    }

    private mutating func appendNumber(_ number: Int) {
        // At most 15 digits: a small string, which costs no allocation.
        bytes += "\(number)".utf8
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
