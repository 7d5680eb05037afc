import CLibevent
import EventLoop
import Glibc

/// One accepted connection, from its accept to its end. Loop's thread only.
///
/// ```
/// reading ──▶ handling ──▶ responding ──▶ idle ──▶ reading …
///    │            └──────▶ streaming ──▶ responding
///    └──▶ refusing                 (each ──▶ gone)
/// ```
///
/// **Who owns what.** libevent owns the `evhttp_connection`; ``closed()`` is the last we hear of it. We own a
/// reference to the bufferevent, so its memory is ours until ``closed()``, and not longer: the last reference
/// takes its events out of epoll, which must happen before libevent closes the descriptor.
///
/// A request is libevent's until it is handed over, ours while `request` is set, and libevent's again once it is
/// answered. When the connection dies while the request is ours, libevent either lets go of it (it has no
/// connection then, and we free it) or, when we cut the connection ourselves, frees it.
@safe
final class Connection {
    enum Phase {
        /// Between two requests.
        case idle
        /// Accepted, or a request's first byte has come.
        case reading
        /// A handler is at work.
        case handling
        /// A whole answer is on its way out.
        case responding
        /// An open event stream.
        case streaming
        /// Taken away from libevent's HTTP: our refusal, then whatever the client still sends is thrown away.
        case refusing
        case gone
    }

    let number: UInt64
    /// A cycle until ``closed()``, where the engine forgets us.
    let engine: Engine
    let buffer: OpaquePointer
    var connection: OpaquePointer?
    /// What libevent's HTTP wants called; it takes itself, `connection`, as the argument.
    var writeCallback: bufferevent_data_cb?
    var eventCallback: bufferevent_event_cb?
    var request: UnsafeMutablePointer<evhttp_request>?
    private(set) var address = ""
    var inputWatch: OpaquePointer?
    var outputWatch: OpaquePointer?

    var phase = Phase.reading
    var requestGuard: RequestGuard
    /// When the sweep acts, by phase; nil while there is nothing to wait for.
    var deadline: Duration?
    var exchange: UInt64 = 0
    var task: Task<Void, Never>?
    var isWatchingForClose = false
    private var reservedBody = 0
    /// What the client had not taken at the last look, or when it last took something of a stream.
    var lastBuffered = 0
    /// The same of what the kernel held, unsent or not acknowledged.
    var lastQueued = 0
    var lastProgress: Duration = .zero

    var whenWritable: (@Sendable () -> Void)?
    var whenClosed: (@Sendable () -> Void)?
    var whenDrained: (@Sendable () -> Void)?
    /// Whether it became unwritable since the last ``whenWritable``.
    var wasFull = false
    /// While libevent finishes a request: it is about to reset its callbacks.
    var isCompleting = false
    /// HTTP/1.1: frames are sent as chunks.
    var isChunked: Bool { !requestGuard.head.isVersion10 }

    init(adopting buffer: OpaquePointer, number: UInt64, engine: Engine) {
        unsafe self.buffer = buffer
        self.number = number
        self.engine = engine
        requestGuard = RequestGuard(limits: engine.limits)
        deadline = engine.now + engine.limits.headerDeadline + engine.tick
        unsafe bufferevent_incref(buffer)
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe inputWatch = evbuffer_add_cb(
            bufferevent_get_input(buffer),
            { _, change, me in
                guard let added = unsafe change?.pointee.n_added, added > 0 else { return }
                unsafe Connection.from(me).arrived(added)
            }, me)
    }

    var key: UInt { unsafe UInt(bitPattern: buffer) }
    var id: ConnectionID { ConnectionID(key: key, number: number) }
    var descriptor: CInt { unsafe bufferevent_getfd(buffer) }
    var input: OpaquePointer? { unsafe bufferevent_get_input(buffer) }
    var output: OpaquePointer? { unsafe bufferevent_get_output(buffer) }

    static func from(_ context: UnsafeMutableRawPointer?) -> Connection {
        guard let context = unsafe context else { preconditionFailure("libevent lost its context") }
        return unsafe Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: Beginning

    /// Learns what libevent has made of the accepted socket. Idempotent.
    ///
    /// - Returns: false when libevent gave it up meanwhile.
    @discardableResult
    func settle() -> Bool {
        guard unsafe connection == nil else { return true }
        var argument: UnsafeMutableRawPointer?
        unsafe bufferevent_getcb(buffer, nil, &writeCallback, &eventCallback, &argument)
        guard let argument = unsafe argument else {
            closed()
            return false
        }
        unsafe connection = OpaquePointer(argument)
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe evhttp_connection_set_closecb(connection, { _, me in unsafe Connection.from(me).closed() }, me)
        var host: UnsafeMutablePointer<CChar>?
        var port: UInt16 = 0
        unsafe evhttp_connection_get_peer(connection, &host, &port)
        if let host = unsafe host { unsafe address = String(cString: host) }
        setOption(CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        return true
    }

    func setOption(_ level: CInt, _ name: CInt, _ value: Int) {
        var value = CInt(clamping: value)
        unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    // MARK: Reading

    /// Bytes of later requests that are read before a request is answered.
    static let mostSentAhead = 64 * 1024

    /// Called by libevent when bytes were read, before its HTTP parser sees them.
    private func arrived(_ count: Int) {
        switch phase {
        case .idle, .reading:
            guard settle() else { return }
            look(atLast: count)
        case .handling, .responding, .streaming:
            // The next request, sent ahead. Bounded: beyond this the client waits for its answer.
            if unsafe evbuffer_get_length(input) > Self.mostSentAhead {
                unsafe bufferevent_disable(buffer, Int16(EV_READ))
            }
        case .refusing: unsafe evbuffer_drain(input, evbuffer_get_length(input))
        case .gone: break
        }
    }

    /// Shows the guard the last `count` bytes of the input.
    func look(atLast count: Int) {
        if phase == .idle {
            phase = .reading
            deadline = engine.now + engine.limits.headerDeadline + engine.tick
        }
        let wasPastHead = requestGuard.isPastHead
        var verdict = RequestGuard.Verdict.more
        forEachPiece(ofLast: count) { piece in
            guard verdict == .more else { return }
            verdict = requestGuard.feed(piece)
        }
        if case .refuse(let refusal) = verdict { return refuse(refusal) }
        if !wasPastHead, requestGuard.isPastHead { beginBody() }
    }

    private func beginBody() {
        let head = requestGuard.head
        guard head.isChunked || head.length > 0 else { return }
        // How long a chunked body will be nobody knows; it counts as the largest.
        reservedBody = head.isChunked ? engine.limits.bodyBytes : head.length
        engine.bodyBytesUnderWay += reservedBody
        if engine.bodyBytesUnderWay > engine.limits.bodyBytesUnderWay { return refuse(.tooManyBodies) }
        deadline = engine.now + engine.limits.bodyDeadline + engine.tick
    }

    func releaseBody() {
        engine.bodyBytesUnderWay -= reservedBody
        reservedBody = 0
    }

    private func forEachPiece(ofLast count: Int, _ body: (Span<UInt8>) -> Void) {
        var position = unsafe evbuffer_ptr()
        let length = unsafe evbuffer_get_length(input)
        unsafe evbuffer_ptr_set(input, &position, length - count, EVBUFFER_PTR_SET)
        var left = count
        while left > 0 {
            var piece = unsafe iovec()
            guard unsafe evbuffer_peek(input, left, &position, &piece, 1) > 0 else { return }
            let bytes = unsafe UnsafeRawBufferPointer(start: piece.iov_base, count: min(piece.iov_len, left))
            unsafe body(Span(_unsafeBytes: bytes))
            left -= bytes.count
            guard left > 0, unsafe evbuffer_ptr_set(input, &position, bytes.count, EVBUFFER_PTR_ADD) == 0
            else { return }
        }
    }
}
