/// Reads every byte of a request before libevent's HTTP parser does, and lets only the unambiguous through.
///
/// libevent 2.1 accepts what proxies disagree about (folded headers, two lengths, bare line ends, no Host),
/// answers its own errors in HTML, and does not say when the headers end. So this decides first. It is
/// stricter than libevent on every point, and builds nothing: libevent still parses and collects the body.
///
///     requestLine ──▶ headerLine ──▶ body ──────────────────────────────▶ complete
///                      └──┘    └───▶ chunkSize ──▶ chunkData ──▶ chunkEnd     ▲
///                                     ▲  └────────▶ lastLine ─────────────────┤
///                                     └───────────────────────── chunkEnd     │
///                      headerLine ────────────────────────────────────────────┘
///
/// Pure: no clock, no I/O. Bytes after the request are not looked at; feed them to a new guard.
struct RequestGuard {
    enum Verdict: Equatable {
        /// So far, so good.
        case more
        /// Everything up to the end of the body was seen and may be parsed.
        case complete
        case refuse(Refusal)
    }

    enum Phase: Equatable {
        case requestLine
        case headerLine
        case body(left: Int)
        case chunkSize
        case chunkData(left: Int)
        /// The line end after a chunk's data.
        case chunkEnd
        /// The empty line after the last chunk; trailers are refused.
        case lastLine
        case complete
    }

    private let most: (target: Int, headers: Int, headerLines: Int, body: Int)
    var phase = Phase.requestLine
    /// The line under way, when it did not arrive in one piece; never longer than its limit.
    private var line: [UInt8] = []
    private var headerBytes = 0
    private var headerCount = 0
    private var bodyBytes = 0
    var head = RequestHead()

    init(limits: HTTPLimits) {
        most = (limits.targetBytes, limits.headerBytes, limits.headerCount, limits.bodyBytes)
    }

    /// Whether the headers have been seen to their end.
    var isPastHead: Bool { phase != .requestLine && phase != .headerLine }

    /// Whether any byte of a request was seen.
    var hasBegun: Bool { phase != .requestLine || !line.isEmpty }

    /// - Complexity: O(n) in the bytes fed; no allocation while lines arrive whole.
    mutating func feed(_ bytes: Span<UInt8>) -> Verdict {
        var index = 0
        while index < bytes.count {
            switch phase {
            case .body(let left):
                let taken = min(left, bytes.count - index)
                index += taken
                phase = taken == left ? .complete : .body(left: left - taken)
            case .chunkData(let left):
                let taken = min(left, bytes.count - index)
                index += taken
                phase = taken == left ? .chunkEnd : .chunkData(left: left - taken)
            case .complete:
                return .complete
            case .requestLine, .headerLine, .chunkSize, .chunkEnd, .lastLine:
                let end = Self.lineEnd(in: bytes, from: index)
                let length = line.count + (end ?? bytes.count) - index
                if let refusal = overlong(length) { return .refuse(refusal) }
                guard let end else {
                    for at in index..<bytes.count { line.append(bytes[at]) }
                    return .more
                }
                if let refusal = takeLine(of: bytes, index, end) { return .refuse(refusal) }
                index = end + 1
            }
        }
        return phase == .complete ? .complete : .more
    }

    private static func lineEnd(in bytes: Span<UInt8>, from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        return nil
    }

    /// Longest method, version and spaces: what a request line has besides its target.
    private static let requestLineExtra = 64

    private func overlong(_ length: Int) -> Refusal? {
        switch phase {
        case .requestLine: length > most.target + Self.requestLineExtra ? .targetTooLong : nil
        case .headerLine: headerBytes + length > most.headers ? .headersTooLarge : nil
        case .chunkSize: length > 17 ? .malformedChunk : nil
        case .chunkEnd, .lastLine: length > 1 ? .malformedChunk : nil
        case .body, .chunkData, .complete: nil
        }
    }

    /// `end` is where the LF is. Joins what came before, so that a line is looked at once, whole.
    private mutating func takeLine(of bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Refusal? {
        guard line.isEmpty else {
            for at in start..<end { line.append(bytes[at]) }
            let whole = line
            line.removeAll(keepingCapacity: true)
            return take(whole.span)
        }
        return take(bytes.extracting(start..<end))
    }

    /// One line without its LF; it must end in CR and have no other.
    private mutating func take(_ line: Span<UInt8>) -> Refusal? {
        guard line.count > 0, line[line.count - 1] == UInt8(ascii: "\r") else { return malformed }
        let text = line.extracting(0..<(line.count - 1))
        switch phase {
        case .requestLine:
            phase = .headerLine
            return head.takeRequestLine(text, longestTarget: most.target)
        case .headerLine where text.count == 0:
            if let refusal = head.refusal(largestBody: most.body) { return refusal }
            phase = head.isChunked ? .chunkSize : head.length > 0 ? .body(left: head.length) : .complete
            return nil
        case .headerLine:
            headerBytes += line.count + 1
            headerCount += 1
            return headerCount > most.headerLines ? .headersTooLarge : head.takeHeader(text)
        case .chunkSize:
            return takeChunkSize(text)
        case .chunkEnd:
            phase = .chunkSize
            return text.count == 0 ? nil : .malformedChunk
        case .lastLine:
            phase = .complete
            return text.count == 0 ? nil : .malformedChunk
        case .body, .chunkData, .complete:
            return nil
        }
    }

    private var malformed: Refusal {
        switch phase {
        case .requestLine: .malformedRequestLine
        case .headerLine: .malformedHeader
        case .body, .chunkSize, .chunkData, .chunkEnd, .lastLine, .complete: .malformedChunk
        }
    }

    /// Hex digits only: no sign, no `0x`, no extension.
    private mutating func takeChunkSize(_ text: Span<UInt8>) -> Refusal? {
        guard 1...15 ~= text.count else { return .malformedChunk }
        var size = 0
        for index in 0..<text.count {
            guard let digit = ASCII.hexDigit(text[index]) else { return .malformedChunk }
            size = size << 4 | Int(digit)
        }
        guard size <= most.body - bodyBytes else { return .bodyTooLarge }
        bodyBytes += size
        phase = size == 0 ? .lastLine : .chunkData(left: size)
        return nil
    }
}
