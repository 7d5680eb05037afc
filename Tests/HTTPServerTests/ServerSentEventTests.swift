import Seeded
import HTTPServer
import Testing

@Suite("ServerSentEvent")
struct ServerSentEventTests {
    @Test("encodes every field, data last")
    func encodes() {
        let event = ServerSentEvent(id: "e7-17", event: "job", retry: 1500, data: "{\"a\":1}")
        #expect(text(event?.encoded) == "event: job\nid: e7-17\nretry: 1500\ndata: {\"a\":1}\n\n")
        #expect(text(ServerSentEvent(data: "x")?.encoded) == "data: x\n\n")
        #expect(text(ServerSentEvent(data: "")?.encoded) == "data: \n\n")
        #expect(text(ServerSentEvent(retry: 5, data: nil)?.encoded) == "retry: 5\n\n")
    }

    @Test("splits data at every kind of line end, so that none ends a field")
    func splits() {
        #expect(
            text(ServerSentEvent(data: "a\nb\rc\r\nd\n\re\n")?.encoded)
                == "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\ndata: \n\n")
    }

    @Test(
        "refuses an id or a type that would forge another field",
        arguments: ["a\nb", "a\rb", "a\r\nb", "a\u{0}b", "\n"])
    func refuses(text: String) {
        #expect(ServerSentEvent(id: text, data: "") == nil)
        #expect(ServerSentEvent(event: text, data: "") == nil)
        #expect(ServerSentEvent(retry: -1, data: "") == nil)
    }

    @Test("a comment is nothing to a reader")
    func comments() {
        #expect(text(ServerSentEvent.comment("ka")) == ": ka\n\n")
        #expect(text(ServerSentEvent.comment("a\nid: b")) == ": a\n: id: b\n\n")
        #expect(EventReader.read(ServerSentEvent.comment("a\r\ndata: b")).isEmpty)
    }

    @Test("a reader reads back what was written, whatever was written")
    func roundTrip() {
        var random = SplitMix64(seed: 42)
        for _ in 0..<20_000 {
            let id = random.next() % 3 == 0 ? nil : random.text(oneLine: true)
            let event = random.next() % 3 == 0 ? nil : random.text(oneLine: true)
            let retry = random.next() % 3 == 0 ? Int(random.next() % 100_000) : nil
            let data = random.text(oneLine: false)
            guard let written = ServerSentEvent(id: id, event: event, retry: retry, data: data) else {
                Issue.record("refused \(String(reflecting: id)) \(String(reflecting: event))")
                return
            }
            let read = EventReader.read(ServerSentEvent.comment(data) + written.encoded)
            let lines = data.replacingLineEnds()
            guard read == [ServerSentEvent(id: id, event: event, retry: retry, data: lines)] else {
                Issue.record("\(String(reflecting: written)) became \(String(reflecting: read))")
                return
            }
        }
    }

    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
}

extension SplitMix64 {
    /// Up to 12 of the characters that matter to the format.
    fileprivate mutating func text(oneLine: Bool) -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "é", ":", " ", "data: ", "\u{feff}", "{", "\"", "\t", "\u{2028}", "\r", "\n", "\n", "\r",
        ].flatMap { (text: String) in Array(text.unicodeScalars) }
        var text = String.UnicodeScalarView()
        for _ in 0..<(next() % 12) {
            let scalar = alphabet[Int(next() % UInt64(alphabet.count))]
            if oneLine, scalar == "\r" || scalar == "\n" { continue }
            text.append(scalar)
        }
        return String(text)
    }
}

extension String {
    /// As a reader joins lines: with LF.
    fileprivate func replacingLineEnds() -> String {
        var text = String.UnicodeScalarView()
        var isAfterCR = false
        for scalar in unicodeScalars {
            switch scalar {
            case "\n" where isAfterCR: isAfterCR = false
            case "\r", "\n":
                text.append("\n")
                isAfterCR = scalar == "\r"
            default:
                text.append(scalar)
                isAfterCR = false
            }
        }
        return String(text)
    }
}

/// Reads a stream by the book (WHATWG HTML, 9.2.6), one event per dispatch.
struct EventReader {
    static func read(_ bytes: [UInt8]) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        var (id, event, retry): (String?, String?, Int?) = (nil, nil, nil)
        var data: String?
        for line in lines(of: bytes) {
            if line.isEmpty {
                if let data,
                    let read = ServerSentEvent(
                        id: id, event: event, retry: retry, data: String(data.dropLast()))
                {
                    events.append(read)
                }
                (id, event, retry, data) = (nil, nil, nil, nil)
                continue
            }
            let scalars = line.unicodeScalars
            let colon = scalars.firstIndex(of: ":") ?? scalars.endIndex
            let field = String(scalars[..<colon])
            var rest = scalars[colon...].dropFirst()
            if rest.first == " " { rest = rest.dropFirst() }
            let value = String(rest)
            switch field {
            case "id": if !value.unicodeScalars.contains("\0") { id = value }
            case "event": event = value
            case "retry": if let number = Int(value), number >= 0 { retry = number }
            case "data":
                var scalars = (data ?? "").unicodeScalars
                scalars.append(contentsOf: value.unicodeScalars)
                scalars.append("\n")
                data = String(scalars)
            default: break
            }
        }
        return events
    }

    private static func lines(of bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        var line: [UInt8] = []
        var isAfterCR = false
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n") where isAfterCR: isAfterCR = false
            case UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                lines.append(String(decoding: line, as: UTF8.self))
                line = []
                isAfterCR = byte == UInt8(ascii: "\r")
            default:
                line.append(byte)
                isAfterCR = false
            }
        }
        return lines
    }
}
