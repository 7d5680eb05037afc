import EventLoop
import Glibc
import Synchronization

/// A blocking socket, for tests that must say things that no client says. Closes with its last reference.
package final class RawSocket: Sendable {
    private let descriptor: CInt

    init(adopting descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Returns: nil when nobody listens there.
    package static func connect(to path: String) -> RawSocket? {
        let socket = RawSocket(
            adopting: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        let status = unsafe withUnixAddress(path) { unsafe Glibc.connect(socket.descriptor, $0, $1) }
        return status == 0 ? socket : nil
    }

    /// - Returns: nil when nobody listens on that port of 127.0.0.1.
    package static func connect(port: UInt16) -> RawSocket? {
        let socket = RawSocket(
            adopting: socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = unsafe withUnsafeBytes(of: &address) {
            unsafe Glibc.connect(
                socket.descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count)
            )
        }
        return status == 0 ? socket : nil
    }

    /// Listens on a new unix socket.
    package static func listen(on path: String) -> RawSocket {
        let socket = RawSocket(
            adopting: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        let status = unsafe withUnixAddress(path) { unsafe bind(socket.descriptor, $0, $1) }
        guard status == 0, Glibc.listen(socket.descriptor, 16) == 0 else {
            fatalError("cannot listen on \(path): \(unsafe String(cString: strerror(errno)))")
        }
        return socket
    }

    /// Waits for a peer; nil after ``shutDown()``.
    package func accept() -> RawSocket? {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&ready, 1, -1) == 1 else { return nil }
        // Between these two calls no child may be made: it would keep the socket open for ever.
        return ChildProcess.making.withLock { _ in
            let peer = Glibc.accept(descriptor, nil, nil)
            guard peer >= 0 else { return nil }
            _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
            return RawSocket(adopting: peer)
        }
    }

    /// Wakes whoever blocks in this socket.
    package func shutDown() { shutdown(descriptor, CInt(SHUT_RDWR)) }

    /// Writes all of it.
    ///
    /// - Returns: false when the peer is gone.
    @discardableResult
    package func write(_ bytes: some Collection<UInt8>) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Waits for some bytes.
    ///
    /// - Returns: nothing at the peer's end, or when the time has passed.
    package func read(atMost count: Int, within limit: Duration = .seconds(10)) -> [UInt8] {
        let (seconds, attoseconds) = limit.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        return unsafe Array(unsafeUninitializedCapacity: count) { buffer, filled in
            filled = unsafe max(0, recv(descriptor, buffer.baseAddress, count, 0))
        }
    }

    static func freePort() -> UInt16? {
        let probe = RawSocket(
            adopting: socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutableBytes(of: &address) { raw in
            guard let start = unsafe raw.baseAddress?.assumingMemoryBound(to: sockaddr.self) else {
                return false
            }
            return unsafe bind(probe.descriptor, start, size) == 0
                && getsockname(probe.descriptor, start, &size) == 0
        }
        return bound ? UInt16(bigEndian: address.sin_port) : nil
    }

    /// The end of a text file; empty when it cannot be read.
    package static func tail(of path: String, _ count: Int) -> String {
        let file = RawSocket(adopting: unsafe open(path, O_RDONLY | O_CLOEXEC))
        lseek(file.descriptor, 0, CInt(SEEK_SET))
        var text: [UInt8] = []
        while true {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, filled in
                filled = unsafe max(0, Glibc.read(file.descriptor, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { return String(decoding: text.suffix(count), as: UTF8.self) }
            text += piece
        }
    }

    private static func withUnixAddress<R>(
        _ path: String, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> R
    ) -> R {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in
            unsafe target.copyBytes(from: path.utf8.prefix(target.count - 1))
        }
        return unsafe withUnsafeBytes(of: &address) {
            unsafe body($0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
    }
}
