/// The bytes of one frame of an event stream whose data is one line of JSON: `ServerSentEvent` without the text in
/// between.
enum StreamFrame {
    /// - Parameters:
    ///   - event: the event's name, of our own making.
    ///   - id: a token of our own making.
    ///   - data: JSON by ``JSONWriter``: it has no line breaks.
    static func bytes(event: String, id: String? = nil, retry: Int? = nil, data: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(data.count + 96)
        append("event: ", event, to: &frame)
        if let id { append("id: ", id, to: &frame) }
        if let retry { append("retry: ", String(retry), to: &frame) }
        frame.append(contentsOf: "data: ".utf8)
        frame.append(contentsOf: data)
        frame.append(contentsOf: "\n\n".utf8)
        return frame
    }

    /// How long to wait before coming back, in milliseconds.
    static func retry(_ milliseconds: Int) -> [UInt8] { Array("retry: \(milliseconds)\n\n".utf8) }

    /// The farewell: come back after `milliseconds`, perhaps to another instance.
    static func bye(retry milliseconds: Int) -> [UInt8] {
        bytes(event: "bye", retry: milliseconds, data: Array(#"{"retryMs":\#(milliseconds)}"#.utf8))
    }

    private static func append(_ field: String, _ value: String, to frame: inout [UInt8]) {
        frame.append(contentsOf: field.utf8)
        frame.append(contentsOf: value.utf8)
        frame.append(UInt8(ascii: "\n"))
    }
}
