/// What the head of a request says about its framing. Filled line by line by ``RequestGuard``.
struct RequestHead: Equatable {
    var isVersion10 = false
    private(set) var isHead = false
    /// GET or HEAD: a body means nothing, and is refused.
    private(set) var hasBodylessMethod = false
    private(set) var isChunked = false
    /// The body's declared length; 0 without one.
    private(set) var length = 0
    private var hasLength = false
    private var hosts = 0
    /// `Connection: close`, alone or in a list.
    private(set) var wantsClose = false
    /// `Connection: keep-alive`, which HTTP/1.0 needs and HTTP/1.1 does not.
    private(set) var wantsKeepAlive = false

    /// `METHOD SP target SP HTTP/1.x`, one space each.
    mutating func takeRequestLine(_ line: Span<UInt8>, longestTarget: Int) -> Refusal? {
        var spaces = (0, 0)
        var count = 0
        for index in 0..<line.count where line[index] == UInt8(ascii: " ") {
            count += 1
            if count == 1 { spaces.0 = index } else { spaces.1 = index }
        }
        guard count == 2, spaces.0 > 0, spaces.1 > spaces.0 + 1 else { return .malformedRequestLine }
        for index in 0..<spaces.0 where !ASCII.isToken(line[index]) { return .malformedRequestLine }
        guard spaces.1 - spaces.0 - 1 <= longestTarget else { return .targetTooLong }
        for index in (spaces.0 + 1)..<spaces.1 where !ASCII.isTarget(line[index]) {
            return .malformedRequestLine
        }

        let version = line.extracting((spaces.1 + 1)..<line.count)
        switch true {
        case version.equals("HTTP/1.1"): isVersion10 = false
        case version.equals("HTTP/1.0"): isVersion10 = true
        case version.count >= 5 && version.extracting(0..<5).equals("HTTP/"): return .versionUnknown
        default: return .malformedRequestLine
        }
        let method = line.extracting(0..<spaces.0)
        isHead = method.equals("HEAD")
        hasBodylessMethod = isHead || method.equals("GET")
        guard
            hasBodylessMethod || method.equals("POST") || method.equals("PUT") || method.equals("DELETE")
                || method.equals("PATCH") || method.equals("OPTIONS")
        else { return .methodUnknown }
        return nil
    }

    /// `name:value`, the name a token, the value without control bytes.
    mutating func takeHeader(_ line: Span<UInt8>) -> Refusal? {
        if line[0] == UInt8(ascii: " ") || line[0] == UInt8(ascii: "\t") { return .foldedHeader }
        var colon = 0
        while colon < line.count, ASCII.isToken(line[colon]) { colon += 1 }
        guard colon > 0, colon < line.count, line[colon] == UInt8(ascii: ":") else { return .malformedHeader }
        for index in (colon + 1)..<line.count where !ASCII.isHeaderValue(line[index]) {
            return .malformedHeader
        }

        // Only five names matter here, and their lengths tell four of them apart from nearly all others.
        switch colon {
        case 4, 6, 10, 14, 17: break
        default: return nil
        }
        let name = line.extracting(0..<colon)
        let value = line.extracting(ASCII.trimmed(line, (colon + 1)..<line.count))
        if name.matches("host") { return takeHost(value) }
        if name.matches("expect") { return value.matches("100-continue") ? nil : .expectationUnknown }
        if name.matches("connection") { return takeConnection(value) }
        if name.matches("content-length") { return takeLength(value) }
        if name.matches("transfer-encoding") { return takeCoding(value) }
        return nil
    }

    /// What only the whole head can tell.
    func refusal(largestBody: Int) -> Refusal? {
        if hosts == 0 && !isVersion10 { return .missingHost }
        if hasLength && isChunked { return .lengthAndChunked }
        if hasBodylessMethod && (isChunked || length > 0) { return .unexpectedBody }
        return length > largestBody ? .bodyTooLarge : nil
    }

    private mutating func takeHost(_ value: Span<UInt8>) -> Refusal? {
        hosts += 1
        guard hosts == 1 else { return .repeatedHost }
        for index in 0..<value.count
        where value[index] <= UInt8(ascii: " ") || value[index] == UInt8(ascii: ",")
            || value[index] == UInt8(ascii: "@")
        {
            return .missingHost
        }
        return value.count == 0 ? .missingHost : nil
    }

    private mutating func takeLength(_ value: Span<UInt8>) -> Refusal? {
        guard !hasLength, 1...15 ~= value.count else { return .badLength }
        for index in 0..<value.count {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= value[index] else { return .badLength }
            length = length * 10 + Int(value[index] - UInt8(ascii: "0"))
        }
        hasLength = true
        return nil
    }

    private mutating func takeCoding(_ value: Span<UInt8>) -> Refusal? {
        guard !isChunked, !isVersion10, value.matches("chunked") else { return .codingUnknown }
        isChunked = true
        return nil
    }

    private mutating func takeConnection(_ value: Span<UInt8>) -> Refusal? {
        var start = 0
        for index in 0...value.count where index == value.count || value[index] == UInt8(ascii: ",") {
            let token = value.extracting(ASCII.trimmed(value, start..<index))
            if token.matches("close") { wantsClose = true }
            if token.matches("keep-alive") { wantsKeepAlive = true }
            start = index + 1
        }
        return nil
    }
}
