import Glibc

/// The service manager that started this process, when it wants to hear from it: systemd with `Type=notify`.
///
/// A word is one datagram to the socket named by `NOTIFY_SOCKET`, as sd_notify(3) describes it; that page promises the
/// protocol to stay as it is, and shows it spoken without libsystemd. One `sendto` is not worth that library and the
/// decompressors that it brings into every process.
struct ServiceManager: Sendable, Equatable {
    /// What it can be told.
    enum Word: Sendable, Equatable {
        case ready
        case stopping
        /// Feeds the watchdog.
        case alive
        /// One line for people.
        case status(String)

        var text: String {
            switch self {
            case .ready: "READY=1"
            case .stopping: "STOPPING=1"
            case .alive: "WATCHDOG=1"
            case .status(let line): "STATUS=\(Printable.line(line, limit: 300))"
            }
        }
    }

    struct Problem: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// A path, or a name in the abstract namespace behind an `@`.
    let socket: String
    /// How long it waits for ``Word/alive`` before it ends this process; nil: for ever.
    let watchdog: Duration?

    /// Bytes that fit into a unix address.
    private static let longest = 107

    /// - Returns: nil when nobody wants to hear anything.
    /// - Throws: ``Problem`` when what it says of itself cannot be used.
    static func of(_ environment: [String: String], pid: pid_t = getpid()) throws(Problem) -> ServiceManager?
    {
        guard let socket = environment["NOTIFY_SOCKET"], !socket.isEmpty else { return nil }
        guard socket.hasPrefix("/") || socket.hasPrefix("@"), 2...longest ~= socket.utf8.count else {
            throw Problem(
                description: "NOTIFY_SOCKET is neither a path nor an @name of at most \(longest) bytes: "
                    + Printable.line(socket, limit: 120))
        }
        guard let text = environment["WATCHDOG_USEC"], isFor(pid, environment["WATCHDOG_PID"]) else {
            return ServiceManager(socket: socket, watchdog: nil)
        }
        guard let microseconds = Int64(text), microseconds > 0 else {
            throw Problem(
                description: "WATCHDOG_USEC is no number of microseconds: \(Printable.line(text, limit: 40))")
        }
        return ServiceManager(socket: socket, watchdog: .microseconds(microseconds))
    }

    /// A child inherits its parent's variables; without a process id they are for whoever reads them.
    private static func isFor(_ pid: pid_t, _ text: String?) -> Bool {
        guard let text else { return true }
        return pid_t(text) == pid
    }

    /// Tells it, without waiting.
    ///
    /// - Returns: why it could not be told: a sentence's end. Nil when it was.
    @discardableResult
    func tell(_ words: Word...) -> String? {
        let descriptor = Glibc.socket(
            AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0
        )
        guard descriptor >= 0 else { return SystemText.of(errno) }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(socket.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let size = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + name.count } ?? 0
        let message = Array(words.map(\.text).joined(separator: "\n").utf8)
        let sent = unsafe withUnsafeBytes(of: &address) { place in
            unsafe sendto(
                descriptor, message, message.count, CInt(MSG_NOSIGNAL),
                place.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
        }
        return sent == message.count ? nil : SystemText.of(errno)
    }
}
