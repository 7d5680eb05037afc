/// One frame of a `text/event-stream` (WHATWG HTML, 9.2).
package struct ServerSentEvent: Sendable, Equatable {
    /// What the browser sends back as `Last-Event-ID`; nil leaves the last one standing.
    package let id: String?
    /// The type listeners are registered for; nil is `message`, and so is an empty one.
    package let event: String?
    /// How long the browser waits before it reconnects, in milliseconds; 0 or more.
    package let retry: Int?
    package let data: String?

    /// - Returns: nil when `id` holds CR, LF or NUL, `event` holds CR, LF or NUL, or `retry` is negative: they
    ///   would forge other fields or be ignored by the reader.
    package init?(id: String? = nil, event: String? = nil, retry: Int? = nil, data: String?) {
        guard Self.isOneLine(id), Self.isOneLine(event), retry ?? 0 >= 0 else { return nil }
        self.id = id
        self.event = event?.isEmpty == true ? nil : event
        self.retry = retry
        self.data = data
    }

    /// The frame as sent, its empty line included. Data is split at CRLF, CR and LF alike: the reader joins
    /// the lines with LF. Without data the reader takes `id` and `retry` and dispatches nothing.
    package var encoded: [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(64 + (data?.utf8.count ?? 0))
        if let event { Self.append("event: ", event.utf8, to: &frame) }
        if let id { Self.append("id: ", id.utf8, to: &frame) }
        if let retry { Self.append("retry: ", "\(retry)".utf8, to: &frame) }
        if let data { Self.appendLines("data: ", Array(data.utf8), to: &frame) }
        frame.append(UInt8(ascii: "\n"))
        return frame
    }

    /// A line that every reader skips: a heartbeat through proxies that cut idle connections.
    package static func comment(_ text: String) -> [UInt8] {
        var frame: [UInt8] = []
        appendLines(": ", Array(text.utf8), to: &frame)
        frame.append(UInt8(ascii: "\n"))
        return frame
    }

    private static func isOneLine(_ text: String?) -> Bool {
        text?.utf8.allSatisfy { $0 != 0 && $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") } ?? true
    }

    private static func append(_ field: StaticString, _ text: some Sequence<UInt8>, to frame: inout [UInt8]) {
        frame += "\(field)".utf8
        frame += text
        frame.append(UInt8(ascii: "\n"))
    }

    private static func appendLines(_ field: StaticString, _ text: [UInt8], to frame: inout [UInt8]) {
        var start = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
                index += 1
                continue
            }
            append(field, text[start..<index], to: &frame)
            let isPair =
                byte == UInt8(ascii: "\r") && index + 1 < text.count && text[index + 1] == UInt8(ascii: "\n")
            index += isPair ? 2 : 1
            start = index
        }
        append(field, text[start...], to: &frame)
    }
}
