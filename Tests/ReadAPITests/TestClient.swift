import Foundation
import Glibc
import HeadwayWire
import Synchronization

/// Talks HTTP to 127.0.0.1 over blocking sockets on threads of its own: no library's opinion in between.
struct TestClient: Sendable {
    struct Response: Sendable {
        let status: Int
        let headers: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSON { (try? JSON(body)) ?? .null }
        subscript(header: String) -> String? { headers[header.lowercased()] }
    }

    struct Failure: Error { let what: String }

    let port: Int
    func get(_ target: String, _ headers: [String: String] = [:]) async throws -> Response {
        try await send("GET", target, headers, nil)
    }

    func post(
        _ target: String, _ body: String, type: String? = "application/json", method: String = "POST"
    ) async throws -> Response {
        try await send(method, target, type.map { ["Content-Type": $0] } ?? [:], body)
    }

    func send(
        _ method: String, _ target: String, _ headers: [String: String], _ body: String?
    ) async throws -> Response {
        let port = port
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try Self.exchange(port, method, target, headers, body) })
            }
        }
    }

    private static func exchange(
        _ port: Int, _ method: String, _ target: String, _ headers: [String: String], _ body: String?
    ) throws -> Response {
        let socket = try TestSocket(port: port)
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        socket.write(head + "\r\n" + (body ?? ""))
        var bytes: [UInt8] = []
        while true {
            let piece = socket.read()
            if piece.isEmpty { break }
            bytes += piece
        }
        return try parse(bytes)
    }

    static func parse(_ bytes: [UInt8]) throws -> Response {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw Failure(what: "no response: \(String(decoding: bytes, as: UTF8.self))")
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        return Response(status: status, headers: headers, body: Array(bytes[end.upperBound...]))
    }
}

/// A blocking TCP socket; closes with its last reference.
final class TestSocket: Sendable {
    let descriptor: CInt

    /// - Parameter receiveBuffer: the kernel's, in bytes; a small one makes a stopped reader felt early.
    init(port: Int, receiveBuffer: CInt? = nil) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var receiveBuffer { unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = unsafe withUnsafeBytes(of: &address) {
            unsafe connect(
                descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        guard status == 0 else { throw TestClient.Failure(what: "connect: \(errno)") }
    }

    deinit { close(descriptor) }

    func shutDown() { shutdown(descriptor, CInt(SHUT_RDWR)) }

    func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// What comes next; empty at the end.
    func read() -> [UInt8] {
        unsafe Array(unsafeUninitializedCapacity: 65_536) { buffer, filled in
            filled = unsafe max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
        }
    }
}
