import CLibevent
import EventLoop
import Glibc

/// Owns the `evhttp *` of one server: accepts, admits, sweeps. Loop's thread only.
///
/// C reaches it through an unretained pointer; it lives until ``finish()``, because the server that listens is
/// kept alive by it, and holds it.
@safe
final class Engine {
    let loop: EventLoop
    let limits: HTTPLimits
    /// Let go at the end: a handler often keeps its streams, and a stream keeps its server.
    private(set) var handler: (@Sendable (HTTPRequest) async -> HTTPResponse)?
    let tick: Duration

    /// Set while listening; makes the server outlive its callers until it is drained.
    private(set) var server: HTTPServer?
    private var http: OpaquePointer?
    private var listeners: [Listener] = []
    /// By the address of their bufferevent, which stays theirs as long as they hold it.
    private(set) var connections: [UInt: Connection] = [:]
    private var newcomers: [Connection] = []
    private var perAddress: [String: Int] = [:]
    private var lastNumber: UInt64 = 0
    private var isPaused = false

    /// The loop's time at the last sweep: at most one ``tick`` old.
    private(set) var now: Duration = .zero
    /// The `Date` header as of the last sweep.
    private(set) var dateLine: [UInt8] = []
    /// Where answers are put together, one at a time.
    var head = ResponseHead()
    var stats = HTTPStats()
    /// Declared bodies under way; see `HTTPLimits.bodyBytesUnderWay`.
    var bodyBytesUnderWay = 0

    private(set) var isDraining = false
    private var drained: [CheckedContinuation<Void, Never>] = []
    /// Cancelled at the end: what waits on the loop keeps the server.
    private var sweepTimer: LoopTimer?
    private var drainTimer: LoopTimer?

    @safe
    struct Listener {
        let pointer: OpaquePointer
        let bound: OpaquePointer
        let isInherited: Bool
    }

    init(
        loop: EventLoop, limits: HTTPLimits, handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) {
        self.loop = loop
        self.limits = limits
        self.handler = handler
        tick = limits.tick
    }

    /// At most 90 % of the descriptors: the rest is for Redis, files and the loop itself.
    private(set) lazy var connectionCap: Int = {
        var files = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0 else {
            return limits.maxConnections
        }
        return min(limits.maxConnections, Int(clamping: files.rlim_cur) / 10 * 9)
    }()

    /// Connections over the cap that may be open for the moment it takes to say 503.
    private static let refusalReserve = 128

    // MARK: Listening

    func open(for server: HTTPServer) {
        guard unsafe http == nil else { return }
        self.server = server
        guard let http = unsafe loop.withBase({ base in unsafe evhttp_new(base) }) else {
            preconditionFailure("libevent: out of memory")
        }
        unsafe self.http = http
        // Larger than the guard's own limits: the guard speaks first, and says which limit it was.
        unsafe evhttp_set_max_headers_size(http, limits.headerBytes + limits.targetBytes + 1024)
        unsafe evhttp_set_max_body_size(http, limits.bodyBytes)
        unsafe evhttp_set_default_content_type(http, nil)
        unsafe evhttp_set_allowed_methods(http, HTTPRequest.allowedMethods)
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe evhttp_set_bevcb(http, { base, me in unsafe Engine.from(me).accept(on: base) }, me)
        unsafe evhttp_set_gencb(
            http,
            { request, me in
                guard let request = unsafe request else { return }
                unsafe Engine.from(me).take(request)
            }, me)
        now = loop.clock.now
        dateLine = Self.currentDateLine()
        scheduleSweep()
    }

    static func from(_ context: UnsafeMutableRawPointer?) -> Engine {
        guard let context = unsafe context else { preconditionFailure("libevent lost its context") }
        return unsafe Unmanaged<Engine>.fromOpaque(context).takeUnretainedValue()
    }

    func listen(on socket: consuming ListeningSocket) throws(HTTPServerError) {
        let isInherited = socket.isInherited
        let flags = LEV_OPT_CLOSE_ON_EXEC | (isInherited ? 0 : LEV_OPT_CLOSE_ON_FREE)
        let descriptor = socket.take()
        let listener = unsafe loop.withBase { base in
            unsafe evconnlistener_new(base, nil, nil, flags, 0, descriptor)
        }
        guard let listener = unsafe listener, let bound = unsafe evhttp_bind_listener(http, listener) else {
            preconditionFailure("libevent: out of memory")
        }
        // Out of descriptors: the pending connection would wake the loop for ever. The sweep tries again.
        unsafe evconnlistener_set_error_cb(listener) { listener, _ in unsafe evconnlistener_disable(listener)
        }
        unsafe listeners.append(Listener(pointer: listener, bound: bound, isInherited: isInherited))
    }

    private func pause() {
        isPaused = true
        for listener in listeners { unsafe evconnlistener_disable(listener.pointer) }
    }

    private func resume() {
        isPaused = false
        for listener in listeners { unsafe evconnlistener_enable(listener.pointer) }
    }

    // MARK: Connections

    /// Called by libevent for each accepted connection, before it has a descriptor.
    private func accept(on base: OpaquePointer?) -> OpaquePointer? {
        // Without BEV_OPT_CLOSE_ON_FREE, as libevent makes its own: it closes the descriptor itself, and our
        // reference keeps the memory, not the socket.
        guard let buffer = unsafe bufferevent_socket_new(base, -1, 0) else { return nil }
        lastNumber += 1
        let connection = unsafe Connection(adopting: buffer, number: lastNumber, engine: self)
        connections[connection.key] = connection
        stats.connectionsAccepted += 1
        if connections.count >= connectionCap + Self.refusalReserve { pause() }
        if newcomers.isEmpty { submit { $0.admitNewcomers() } }
        newcomers.append(connection)
        return unsafe buffer
    }

    private func admitNewcomers() {
        let arrived = newcomers
        newcomers = []
        for connection in arrived where connections[connection.key] === connection {
            guard connection.settle() else { continue }
            perAddress[connection.address, default: 0] += 1
            if connections.count > connectionCap {
                connection.refuse(.tooManyConnections)
            } else if let most = limits.maxConnectionsPerAddress,
                perAddress[connection.address, default: 0] > most
            {
                connection.refuse(.tooManyConnectionsOfAddress)
            }
        }
    }

    func forget(_ connection: Connection) {
        connections[connection.key] = nil
        if let count = perAddress[connection.address] {
            perAddress[connection.address] = count > 1 ? count - 1 : nil
        }
        if isPaused, !isDraining, connections.count < connectionCap { resume() }
        if isDraining, connections.isEmpty { finish() }
    }

    private func take(_ request: UnsafeMutablePointer<evhttp_request>) {
        let buffer = unsafe evhttp_connection_get_bufferevent(evhttp_request_get_connection(request))
        guard let connection = connections[UInt(bitPattern: buffer)] else {
            preconditionFailure("a request without a connection")
        }
        unsafe connection.begin(request)
    }

    func answer(_ id: ConnectionID, exchange: UInt64, with response: HTTPResponse) {
        connection(id)?.answer(exchange, with: response)
    }

    func connection(_ id: ConnectionID) -> Connection? {
        guard let connection = connections[id.key], connection.number == id.number else { return nil }
        return connection
    }

    func stream(_ id: ConnectionID) -> Connection? {
        guard let connection = connection(id), connection.phase == .streaming else { return nil }
        return connection
    }

    /// Runs `body` on the loop's next turn.
    func submit(_ body: @escaping @Sendable (Engine) -> Void) {
        guard let server else { return }
        loop.submit { server.assumeIsolated { body($0.engine) } }
    }

    func count(_ refusal: Refusal) { stats.rejected[refusal.rawValue, default: 0] += 1 }

    var currentStats: HTTPStats {
        var stats = stats
        stats.connectionsOpen = connections.count
        for connection in connections.values {
            switch connection.phase {
            case .streaming: stats.streamsOpen += 1
            case .handling: stats.requestsUnderWay += 1
            case .idle, .reading, .responding, .refusing, .gone: break
            }
        }
        return stats
    }

    // MARK: Deadlines

    private func scheduleSweep() {
        guard let server else { return }
        sweepTimer = loop.schedule(after: tick) { server.assumeIsolated { $0.engine.sweep() } }
    }

    /// One pass over all connections: cheaper than a timer for each request, and nothing to cancel.
    private func sweep() {
        now = loop.clock.now
        dateLine = Self.currentDateLine()
        for connection in connections.values { connection.check(at: now) }
        if !isDraining, !isPaused { resume() }
        scheduleSweep()
    }

    // MARK: The end

    func drain(within limit: Duration) async {
        guard let server else {
            isDraining = true
            handler = nil
            return
        }
        guard !isDraining else { return await allGone() }
        isDraining = true
        for listener in listeners where listener.isInherited {
            unsafe evconnlistener_disable(listener.pointer)
        }
        // One look at the sockets: what is in the queue of our own listeners is accepted before they close.
        try? await loop.sleep(for: .milliseconds(2))
        stopListening()
        for connection in connections.values { connection.drain() }
        drainTimer = loop.schedule(after: limit) { server.assumeIsolated { $0.engine.cutAll() } }
        await allGone()
    }

    private func allGone() async {
        await withCheckedContinuation { continuation in
            drained.append(continuation)
            if connections.isEmpty { finish() }
        }
    }

    private func stopListening() {
        for listener in listeners { unsafe evhttp_del_accept_socket(http, listener.bound) }
        listeners = []
    }

    private func cutAll() {
        for connection in connections.values { connection.cut() }
    }

    private func finish() {
        guard !drained.isEmpty, listeners.isEmpty else { return }
        // Not from within a libevent callback of what is freed.
        submit { $0.free() }
        for waiter in drained { waiter.resume() }
        drained = []
    }

    private func free() {
        if let http = unsafe http { unsafe evhttp_free(http) }
        unsafe http = nil
        sweepTimer?.cancel()
        drainTimer?.cancel()
        handler = nil
        server = nil
    }
}
