import EventLoop
import Glibc
package import Redis
import Synchronization

/// A real `redis-server` of one test's own: on a unix socket in a fresh directory, gone with the test.
///
///     let server = try await RedisServer.start(appendOnly: .always)
///     let connection = try await RedisConnection.connect(to: server.endpoint, on: loop)
package final class RedisServer: Sendable {
    /// What `appendonly` and `appendfsync` are set to.
    package enum AppendOnly: String, Sendable {
        case off
        case no
        case everysec
        case always
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let directory = ScratchDirectory()
    package let password: String?
    /// On 127.0.0.1, when asked for.
    package let port: UInt16?
    private let arguments: [String]
    private let process = Mutex<ChildProcess?>(nil)

    /// Starts a server and waits until it answers.
    ///
    /// - Parameters:
    ///   - tcp: also listen on a free port of 127.0.0.1.
    ///   - extra: more arguments for redis-server, such as `["--maxmemory", "10mb"]`.
    /// - Throws: when `redis-server` is not in `PATH`, or does not answer within 10 s; with the end of its log.
    package static func start(
        appendOnly: AppendOnly = .off, tcp: Bool = false, password: String? = nil, extra: [String] = []
    ) async throws -> RedisServer {
        let server = RedisServer(appendOnly, port: tcp ? freePort() : nil, password: password, extra)
        try await server.launch()
        return server
    }

    private init(_ appendOnly: AppendOnly, port: UInt16?, password: String?, _ extra: [String]) {
        self.password = password
        self.port = port
        var arguments = [
            "redis-server", "--unixsocket", directory.file("redis.sock"), "--unixsocketperm", "700",
            "--dir", directory.path, "--save", "", "--port", "\(port ?? 0)", "--bind", "127.0.0.1",
            "--appendonly", appendOnly == .off ? "no" : "yes", "--daemonize", "no",
        ]
        if appendOnly != .off { arguments += ["--appendfsync", appendOnly.rawValue] }
        if let password { arguments += ["--requirepass", password] }
        self.arguments = arguments + extra
    }

    deinit { process.withLock { $0 }?.kill() }

    // MARK: Where it is

    package var socketPath: String { directory.file("redis.sock") }

    package var endpoint: RedisEndpoint { RedisEndpoint(.unix(path: socketPath), password: password) }

    /// By its unix socket, with the password.
    package var endpointURL: String { "unix://\(socketPath)\(password.map { "?password=\($0)" } ?? "")" }

    /// By its port on 127.0.0.1, with the password; only when it was started with `tcp`.
    package var tcpURL: String {
        guard let port else { preconditionFailure("started without tcp: true") }
        return "redis://\(password.map { ":\($0)@" } ?? "")127.0.0.1:\(port)"
    }

    package var pid: Int32? { process.withLock { $0?.pid } }

    // MARK: What happens to it

    /// Starts it again, on the same directory, after ``stop()`` or ``kill(_:)``; ends it first if it runs.
    package func restart() async throws {
        process.withLock { $0 }?.kill()
        try await launch()
    }

    /// Asks it to shut down, as an operator would, and waits.
    package func stop() async {
        guard let process = process.withLock({ $0 }) else { return }
        process.signal(SIGTERM)
        if await !eventually(within: .seconds(5), { !process.isRunning }) { process.kill() }
    }

    /// Takes it away without a warning, and waits until it is gone.
    package func kill(_ number: CInt = SIGKILL) async {
        guard let process = process.withLock({ $0 }) else { return }
        process.signal(number)
        if await !eventually(within: .seconds(5), { !process.isRunning }) { process.kill() }
    }

    /// Stops it in its tracks: it still accepts connections, and answers none. ``resume()`` lets it go on.
    package func pause() { process.withLock { $0 }?.signal(SIGSTOP) }

    package func resume() { process.withLock { $0 }?.signal(SIGCONT) }

    // MARK: Starting

    private func launch() async throws {
        unsafe unlink(socketPath)
        let child = try await ChildProcess.start(arguments, output: directory.file("redis.log"))
        process.withLock { $0 = child }
        if await eventually(within: .seconds(10), every: .milliseconds(5), { !child.isRunning || answers() })
        {
            if child.isRunning { return }
        }
        child.kill()
        throw Failure(
            description: "redis-server did not start (is it installed? apt install redis-server): \(log)")
    }

    /// Whether a PING gets any reply but `LOADING`, within 200 ms.
    private func answers() -> Bool {
        guard let peer = RawSocket.connect(to: socketPath) else { return false }
        peer.write(Array("PING\r\n".utf8))
        let reply = String(decoding: peer.read(atMost: 64, within: .milliseconds(200)), as: UTF8.self)
        return reply.hasPrefix("+PONG") || reply.hasPrefix("-NOAUTH")
    }

    /// The last lines of what it said.
    package var log: String { RawSocket.tail(of: directory.file("redis.log"), 2_000) }

    private static func freePort() -> UInt16 {
        guard let port = RawSocket.freePort() else { fatalError("no free port on 127.0.0.1") }
        return port
    }
}
