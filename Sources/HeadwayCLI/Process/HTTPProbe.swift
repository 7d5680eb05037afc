import Glibc
import HeadwayWire

/// A plain GET over a socket of its own, blocking on a thread of its own: how the demo asks the API as any client would.
struct HTTPProbe: Sendable {
    let address: ListenAddress

    /// - Returns: the body of a 200, as JSON.
    func json(_ target: String) async throws -> JSON {
        let (status, body) = try await get(target)
        guard status == 200 else { throw Failure("GET \(target) answered \(status)") }
        do {
            return try JSON(body)
        } catch {
            throw Failure("GET \(target) answered what is not JSON: \(error)")
        }
    }

    func get(_ target: String) async throws -> (status: Int, body: [UInt8]) {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detached { continuation.resume(with: Result { try exchange(target) }) }
        }
    }

    private func exchange(_ target: String) throws(Failure) -> (status: Int, body: [UInt8]) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(address.host, "\(address.port)", &hints, &found) == 0,
            let place = unsafe found
        else {
            throw Failure("\(address.host) is no address")
        }
        defer { unsafe freeaddrinfo(found) }
        let descriptor = unsafe socket(
            place.pointee.ai_family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("cannot make a socket: \(SystemText.of(errno))") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        guard unsafe connect(descriptor, place.pointee.ai_addr, place.pointee.ai_addrlen) == 0 else {
            throw Failure("cannot connect to \(address): \(SystemText.of(errno))")
        }
        // 1.0: the answer ends with the connection, and comes in one piece.
        Terminal.write(
            "GET \(target) HTTP/1.0\r\nHost: \(address)\r\nAccept: application/json\r\n\r\n", to: descriptor)
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure("\(address) does not answer: \(SystemText.of(errno))") }
            if count == 0 { break }
            answer.append(contentsOf: buffer[..<count])
        }
        let head = String(decoding: answer.prefix(64), as: UTF8.self).split(separator: " ")
        guard let status = head.dropFirst().first.flatMap({ Int($0) }),
            let gap = answer.firstRange(of: Array("\r\n\r\n".utf8))
        else { throw Failure("\(address) does not speak HTTP") }
        return (status, Array(answer[gap.upperBound...]))
    }
}

/// For a call that blocks: a thread of its own, so that it stops nobody else.
enum Thread {
    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func detached(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Box(body))
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        precondition(status == 0, "cannot start a thread: \(status)")
        pthread_detach(thread)
    }
}
