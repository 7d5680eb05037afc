import EventLoop
import Foundation
import Glibc
import HeadwayWire
import Synchronization
import TestSupport

/// A scripted EventSource: reads an event stream on a thread of its own, as HTTP/1.0 so that nothing is
/// chunked.
final class TestStream: Sendable {
    struct Event: Sendable {
        var name = "message"
        var id: String?
        var retry: Int?
        var data = ""

        var json: JSON { (try? JSON(Array(data.utf8))) ?? .null }
        var version: Int? {
            if case .number(let text) = json["version"] { Int(text) } else { nil }
        }
    }

    private struct State {
        var bytes: [UInt8] = []
        var parsed = 0
        var status = 0
        var head = ""
        var events: [Event] = []
        var comments = 0
        var isEnded = false
        var isReading = true
    }

    private let state = Mutex(State())
    private let socket: TestSocket

    init(
        port: Int, _ target: String, lastEventID: String? = nil, isReading: Bool = true,
        receiveBuffer: CInt? = nil
    ) throws {
        socket = try TestSocket(port: port, receiveBuffer: receiveBuffer)
        state.withLock { $0.isReading = isReading }
        let last = lastEventID.map { "Last-Event-ID: \($0)\r\n" } ?? ""
        socket.write("GET \(target) HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n\(last)\r\n")
        Thread.detachNewThread { [self] in
            while true {
                while !state.withLock({ $0.isReading }) { usleep(2_000) }
                let piece = socket.read()
                if piece.isEmpty { return state.withLock { $0.isEnded = true } }
                state.withLock {
                    $0.bytes += piece
                    Self.parse(&$0)
                }
            }
        }
    }

    deinit { close() }

    func close() {
        state.withLock { $0.isReading = true }
        socket.shutDown()
    }

    func resume() { state.withLock { $0.isReading = true } }

    var events: [Event] { state.withLock { $0.events } }
    func events(_ name: String) -> [Event] { events.filter { $0.name == name } }
    var comments: Int { state.withLock { $0.comments } }
    var isEnded: Bool { state.withLock { $0.isEnded } }
    var status: Int { state.withLock { $0.status } }
    var head: String { state.withLock { $0.head } }
    /// All that came behind the head.
    var text: String {
        state.withLock { state in
            let end = state.bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? state.bytes.endIndex
            return String(decoding: state.bytes[end...], as: UTF8.self)
        }
    }

    /// Waits for an event that is as wanted.
    func next(
        within limit: Duration = .seconds(5), _ isWanted: @Sendable (Event) -> Bool
    ) async -> Event? {
        _ = await eventually(within: limit, every: .milliseconds(3)) { events.contains(where: isWanted) }
        return events.first(where: isWanted)
    }

    func next(_ name: String, within limit: Duration = .seconds(5)) async -> Event? {
        await next(within: limit) { $0.name == name }
    }

    private static func parse(_ state: inout State) {
        if state.status == 0 {
            guard let end = state.bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            state.head = String(decoding: state.bytes[..<end.lowerBound], as: UTF8.self)
            state.status = Int(state.head.split(separator: " ")[1]) ?? -1
            state.parsed = end.upperBound
        }
        while let end = state.bytes[state.parsed...].firstRange(of: [10, 10]) {
            let block = String(decoding: state.bytes[state.parsed..<end.lowerBound], as: UTF8.self)
            state.parsed = end.upperBound
            var event = Event()
            var isDispatched = false
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                let value = parts.count == 2 ? String(parts[1].dropFirst()) : ""
                switch parts[0] {
                case "": state.comments += 1
                case "event": event.name = value
                case "id": event.id = value
                case "retry": event.retry = Int(value)
                case "data":
                    event.data += value
                    isDispatched = true
                default: break
                }
            }
            if isDispatched { state.events.append(event) }
        }
    }
}
