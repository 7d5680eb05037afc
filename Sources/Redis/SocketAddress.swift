import Glibc

/// A `sockaddr` as bytes.
struct SocketAddress: Sendable, Equatable {
    let family: CInt
    let bytes: [UInt8]

    /// - Parameter path: at most 107 bytes, none of them zero.
    static func unix(_ path: String) -> SocketAddress {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in
            unsafe target.copyBytes(from: path.utf8.prefix(target.count - 1))
        }
        return unsafe withUnsafeBytes(of: &address) {
            unsafe SocketAddress(family: AF_UNIX, bytes: Array($0))
        }
    }

    /// - Returns: nil when `host` is a name.
    static func numeric(_ host: String, port: UInt16) -> SocketAddress? {
        var v4 = sockaddr_in()
        if unsafe inet_pton(AF_INET, host, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            return unsafe withUnsafeBytes(of: &v4) { unsafe SocketAddress(family: AF_INET, bytes: Array($0)) }
        }
        var v6 = sockaddr_in6()
        if unsafe inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 {
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            return unsafe withUnsafeBytes(of: &v6) {
                unsafe SocketAddress(family: AF_INET6, bytes: Array($0))
            }
        }
        return nil
    }

    /// All addresses of a name, in the order to try them. Blocks, possibly for seconds.
    static func resolve(_ host: String, port: UInt16) -> Result<[SocketAddress], ResolutionFailure> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, "\(port)", &hints, &list)
        guard status == 0 else {
            return unsafe .failure(ResolutionFailure(text: String(cString: gai_strerror(status))))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            let bytes = unsafe Array(
                UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen)))
            unsafe addresses.append(SocketAddress(family: entry.pointee.ai_family, bytes: bytes))
            unsafe next = entry.pointee.ai_next
        }
        return .success(addresses)
    }

    struct ResolutionFailure: Error, Equatable {
        let text: String
    }

    /// Starts to connect a new socket that neither blocks nor is inherited by child processes.
    ///
    /// - Returns: the descriptor, connected or on its way; or `errno`.
    func beginConnecting() -> Result<CInt, Errno> {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { return .failure(Errno(number: errno)) }
        if family != AF_UNIX {
            var on: CInt = 1
            let size = socklen_t(MemoryLayout<CInt>.size)
            unsafe setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, size)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, size)
        }
        let status = unsafe bytes.withUnsafeBytes {
            unsafe connect(
                descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        let failedWith = errno  // Read before any other call can overwrite it.
        if status == 0 || failedWith == EINPROGRESS { return .success(descriptor) }
        close(descriptor)
        return .failure(Errno(number: failedWith))
    }
}

/// An `errno`, worded by the C library.
struct Errno: Error, Equatable, CustomStringConvertible {
    let number: CInt

    var description: String { unsafe String(cString: strerror(number)) }
}
