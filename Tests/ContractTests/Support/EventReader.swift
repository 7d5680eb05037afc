import Foundation
import TestSupport

/// A Server-Sent-Events response, read byte by byte as a browser's EventSource would.
final class EventReader: @unchecked Sendable {
    struct Frame: Sendable, Equatable {
        var event: String?
        var id: String?
        var data: String?
        var retry: String?
        /// As it came, without the blank line.
        let text: String

        init(_ text: String) {
            self.text = text
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                let value = parts.count == 2 ? parts[1].drop { $0 == " " } : ""
                switch parts[0] {
                case "event": event = String(value)
                case "id": id = String(value)
                case "data": data = (data.map { $0 + "\n" } ?? "") + value
                case "retry": retry = String(value)
                default: break
                }
            }
        }

        var isComment: Bool { event == nil && id == nil && data == nil && retry == nil }
    }

    let status: Int
    let head: String
    // Only the one thread that a call runs on touches these: calls are awaited one after the other.
    private let socket: RawSocket
    private var buffer: [UInt8]
    private var isOver = false
    /// What came so far, without its head.
    private(set) var transcript = ""

    private init(_ socket: RawSocket, _ status: Int, _ head: String, _ rest: [UInt8]) {
        self.socket = socket
        self.status = status
        self.head = head
        buffer = rest
    }

    /// HTTP/1.0, so that the body is the event stream itself and not chunks of it.
    static func open(
        _ server: ContractServer, _ target: String, headers: [String: String] = [:]
    ) async throws -> EventReader {
        try await blocking { [port = server.port] in
            guard let socket = RawSocket.connect(port: port) else {
                throw ContractServer.Failure(description: "nobody listens on \(port)")
            }
            var text = "GET \(target) HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
            for (name, value) in headers { text += "\(name): \(value)\r\n" }
            socket.write("\(text)\r\n".utf8)
            var bytes: [UInt8] = []
            while true {
                if let gap = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                    let head = String(decoding: bytes[..<gap.lowerBound], as: UTF8.self)
                    let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
                    return EventReader(socket, status, head, Array(bytes[gap.upperBound...]))
                }
                let piece = socket.read(atMost: 65_536)
                if piece.isEmpty { throw ContractServer.Failure(description: "no answer to \(target)") }
                bytes += piece
            }
        }
    }

    /// The next frame; comments are passed over.
    ///
    /// - Returns: nil at the end, or when nothing came within the time.
    func next(within limit: Duration = .seconds(10)) async throws -> Frame? {
        try await blocking { self.nextFrame(limit) }
    }

    private func nextFrame(_ limit: Duration) -> Frame? {
        while true {
            if let gap = buffer.firstRange(of: Array("\n\n".utf8)) {
                let text = String(decoding: buffer[..<gap.lowerBound], as: UTF8.self)
                buffer.removeSubrange(..<gap.upperBound)
                transcript += text + "\n\n"
                let frame = Frame(text)
                if frame.isComment { continue }
                return frame
            }
            let piece = socket.read(atMost: 65_536, within: limit)
            if piece.isEmpty { return nil }
            buffer += piece
        }
    }

    /// Frames up to and with the first that is as wanted.
    func frames(
        within limit: Duration = .seconds(10), through isLast: (Frame) -> Bool
    ) async throws -> [Frame] {
        var frames: [Frame] = []
        while let frame = try await next(within: limit) {
            frames.append(frame)
            if isLast(frame) { return frames }
        }
        return frames
    }

    func close() { socket.shutDown() }
}
