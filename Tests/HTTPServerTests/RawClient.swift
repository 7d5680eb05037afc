import Glibc

/// A client that sends exactly the bytes it is told to, over a blocking socket.
final class RawClient {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Response {
        let status: Int
        let head: String
        let body: String

        func header(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[0].lowercased() == name.lowercased() {
                    return String(parts[1].drop { $0 == " " })
                }
            }
            return nil
        }
    }

    let descriptor: CInt
    private var buffer: [UInt8] = []
    private var isOpen = true

    /// - Parameter receiveBuffer: the kernel's, in bytes; small ones make a stopped reader felt early.
    init(port: Int, receiveBuffer: CInt? = nil) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "socket: \(errno)") }
        if var receiveBuffer {
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4)
        }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(description: "connect: \(errno)") }
    }

    deinit { close() }

    func close() {
        if isOpen { _ = Glibc.close(descriptor) }
        isOpen = false
    }

    /// Ends as a crashed program does: with a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func finishSending() { _ = shutdown(descriptor, CInt(SHUT_WR)) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { Self.send(bytes, to: descriptor) }

    static func send(_ bytes: [UInt8], to descriptor: CInt) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// - Returns: false at the end of the stream, a reset, or after 10 s of silence.
    private func fill() -> Bool {
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        let count = unsafe recv(descriptor, &piece, piece.count, 0)
        guard count > 0 else { return false }
        buffer += piece[..<count]
        return true
    }

    /// Everything up to and with `mark`.
    func read(through mark: String) throws -> String {
        let mark = Array(mark.utf8)
        var searched = 0
        while true {
            if buffer.count >= mark.count {
                for start in searched...(buffer.count - mark.count)
                where buffer[start..<(start + mark.count)].elementsEqual(mark) {
                    return take(start + mark.count)
                }
                searched = max(0, buffer.count - mark.count)
            }
            guard fill() else { throw Failure(description: "ended before \(mark): \(text(buffer))") }
        }
    }

    func read(count: Int) throws -> String {
        while buffer.count < count {
            guard fill() else { throw Failure(description: "ended early: \(text(buffer))") }
        }
        return take(count)
    }

    /// All that comes until the server closes.
    func readToEnd() -> String {
        while fill() {}
        return take(buffer.count)
    }

    /// One response with a Content-Length, or without a body.
    func response(toHEAD: Bool = false) throws -> Response {
        let head = try read(through: "\r\n\r\n")
        let status = Int(head.split(separator: " ")[1]) ?? 0
        let length = Response(status: status, head: head, body: "").header("Content-Length").flatMap {
            Int($0)
        }
        let body = toHEAD ? "" : try read(count: length ?? 0)
        return Response(status: status, head: head, body: body)
    }

    /// The data of one chunk.
    func chunk() throws -> String {
        let line = try read(through: "\r\n")
        guard let size = Int(line.dropLast(1), radix: 16) else {
            throw Failure(description: "no chunk: \(line)")
        }
        let data = try read(count: size)
        _ = try read(count: 2)
        return data
    }

    private func take(_ count: Int) -> String {
        defer { buffer.removeFirst(count) }
        return text(buffer[..<count])
    }

    private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
