import Foundation
import HeadwayWire
import TestSupport

/// An answer, as the bytes say it.
struct Answer: Sendable {
    let status: Int
    let head: String
    let body: String

    func header(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name.lowercased() {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }

    /// The body as JSON; null when it is none.
    var json: JSON { (try? JSON(Array(body.utf8))) ?? .null }

    subscript(key: String) -> JSON? { json[key] }

    /// The body with every time replaced: ISO 8601 by `TIME`, and epoch milliseconds by `MS`.
    var timeless: String { body.timeless }
}

extension String {
    var timeless: String {
        replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/, with: "TIME").replacing(
            /\b1\d{12}\b/, with: "MS")
    }
}

/// For calls that block: a thread of their own.
func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

extension ContractServer {
    /// One request on a connection of its own.
    func http(
        _ method: String = "GET", _ target: String, headers: [String: String] = [:], body: String? = nil
    ) async throws -> Answer {
        try await blocking { [port] in
            try Self.exchange(port, method, target, headers, body)
        }
    }

    func get(_ target: String, _ headers: [String: String] = [:]) async throws -> Answer {
        try await http("GET", target, headers: headers)
    }

    func post(_ target: String, _ body: String? = nil, type: String = "application/json") async throws
        -> Answer
    {
        try await http("POST", target, headers: body == nil ? [:] : ["Content-Type": type], body: body)
    }

    static func request(
        _ method: String, _ target: String, _ headers: [String: String], _ body: String?
    ) -> String {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
        return text + "\r\n" + (body ?? "")
    }

    private static func exchange(
        _ port: UInt16, _ method: String, _ target: String, _ headers: [String: String], _ body: String?
    ) throws -> Answer {
        guard let socket = RawSocket.connect(port: port) else {
            throw Failure(description: "nobody listens on \(port)")
        }
        socket.write(request(method, target, headers, body).utf8)
        var bytes: [UInt8] = []
        while true {
            let piece = socket.read(atMost: 65_536)
            if piece.isEmpty { break }
            bytes += piece
        }
        guard let gap = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw Failure(description: "\(method) \(target) got no answer")
        }
        let head = String(decoding: bytes[..<gap.lowerBound], as: UTF8.self)
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return Answer(
            status: status ?? 0, head: head, body: String(decoding: bytes[gap.upperBound...], as: UTF8.self))
    }

    /// Asks again and again until the answer is as wanted.
    ///
    /// - Returns: the last answer, wanted or not.
    @discardableResult
    func get(
        _ target: String, _ headers: [String: String] = [:], within limit: Duration = .seconds(10),
        until isWanted: (Answer) -> Bool
    ) async throws -> Answer {
        var last = try await get(target, headers)
        _ = try await eventually(within: limit, every: .milliseconds(3)) {
            if isWanted(last) { return true }
            last = try await get(target, headers)
            return isWanted(last)
        }
        return last
    }
}
