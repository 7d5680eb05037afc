import Glibc

/// Owns a listening socket until libevent takes it over.
struct ListeningSocket: ~Copyable {
    /// Closed in the end by whoever holds it; an inherited one never is.
    let isInherited: Bool
    /// 0 for a socket that has none.
    let port: Int
    private let descriptor: CInt

    deinit { if !isInherited { _ = Glibc.close(descriptor) } }

    /// Gives the descriptor away; nothing is closed here any more.
    consuming func take() -> CInt {
        let descriptor = descriptor
        discard self
        return descriptor
    }

    /// Connections that may wait to be accepted; the kernel cuts it to `net.core.somaxconn`.
    private static let backlog: CInt = 4096

    /// - Throws: ``HTTPServerError``, from the last of the host's addresses that was tried.
    init(host: String, port: Int) throws(HTTPServerError) {
        let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        guard 0...65535 ~= port else {
            throw HTTPServerError(.invalidAddress, "cannot listen on \(place): a port is 0 to 65535")
        }
        var found: UnsafeMutablePointer<addrinfo>?
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        let status = unsafe getaddrinfo(host, "\(port)", &hints, &found)
        defer { if let found = unsafe found { unsafe freeaddrinfo(found) } }
        guard status == 0 else {
            throw HTTPServerError(
                .invalidAddress,
                "cannot listen on \(place): \(host) is not an address, and names none of this machine's")
        }
        var failure = HTTPServerError(.invalidAddress, "cannot listen on \(place): no address")
        var next = unsafe found
        while let address = unsafe next {
            switch unsafe Self.open(address.pointee) {
            case .success(let descriptor):
                self.init(owning: descriptor)
                return
            case .failure(let error): failure = .listening(on: place, errno: error.number)
            }
            unsafe next = address.pointee.ai_next
        }
        throw failure
    }

    /// - Throws: ``HTTPServerError`` with code `notListening`.
    init(inherited descriptor: CInt) throws(HTTPServerError) {
        var listens: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        let status = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size)
        let flags = fcntl(descriptor, F_GETFL)
        guard status == 0, listens == 1, flags != -1, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != -1
        else {
            throw HTTPServerError(
                .notListening,
                "cannot listen on inherited descriptor \(descriptor): it is no listening socket; the service "
                    + "manager's unit for it needs ListenStream= and Accept=no")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        isInherited = true
        self.descriptor = descriptor
        port = Self.port(of: descriptor)
    }

    private init(owning descriptor: CInt) {
        isInherited = false
        self.descriptor = descriptor
        port = Self.port(of: descriptor)
    }

    private struct SystemError: Error {
        let number: CInt
    }

    private static func open(_ address: addrinfo) -> Result<CInt, SystemError> {
        let type = unsafe address.ai_socktype | CInt(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = unsafe socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else { return .failure(SystemError(number: errno)) }
        var on: CInt = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<CInt>.size))
        guard unsafe bind(descriptor, address.ai_addr, address.ai_addrlen) == 0,
            Glibc.listen(descriptor, backlog) == 0
        else {
            let error = SystemError(number: errno)
            _ = Glibc.close(descriptor)
            return .failure(error)
        }
        return .success(descriptor)
    }

    private static func port(of descriptor: CInt) -> Int {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &size)
            }
        }
        guard status == 0 else { return 0 }
        let family = CInt(address.ss_family)
        return unsafe withUnsafeBytes(of: &address) { bytes in
            switch family {
            case AF_INET, AF_INET6:
                // Both have the port, in network order, right after the family.
                unsafe Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            default: 0
            }
        }
    }
}
