import CLibevent
import EventLoop
import Glibc

/// What carries a connection's bytes. Lives and dies on the loop's thread.
protocol Transport: AnyObject {
    /// Bytes written that nobody has taken yet.
    var backlog: Int { get }
    func write(_ bytes: [UInt8])
    /// Lends what has arrived, piece by piece, until nothing is left or ``close()`` was called.
    func read(_ body: (UnsafeRawBufferPointer) throws(RedisError) -> Void) throws(RedisError)
    /// Closes at once; what was not sent is dropped. Idempotent.
    func close()
}

enum TransportEvent {
    case connected
    /// There is something for ``Transport/read(_:)``.
    case readable
    /// The end: of the peer, or of the connection attempt. Nothing follows.
    case ended(String)
}

/// Owns one socket's `bufferevent *`.
///
/// What is written during one turn of the loop leaves in one system call.
@safe
final class SocketTransport: Transport {
    typealias Event = TransportEvent

    private var stream: OpaquePointer?
    private var isReading = false
    /// What the peer had said when a write to it failed.
    private var lastWords: [UInt8] = []
    private let handle: (Event) -> Void

    /// Takes over a socket that is connected or on its way; reading starts with the first ``write(_:)``, so that
    /// nobody is told anything before asking.
    init(adopting descriptor: CInt, on loop: EventLoop, handle: @escaping (Event) -> Void) {
        self.handle = handle
        unsafe stream = loop.withBase { base in
            unsafe bufferevent_socket_new(base, descriptor, CInt(BEV_OPT_CLOSE_ON_FREE.rawValue))
        }
        guard unsafe stream != nil else { preconditionFailure("libevent: out of memory") }
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe bufferevent_setcb(
            stream,
            { _, context in unsafe SocketTransport.from(context).handle(.readable) },
            nil,
            { _, what, context in
                let failedWith = errno  // Read before any other call can overwrite it.
                unsafe SocketTransport.from(context).ended(CInt(what), failedWith)
            }, me)
        unsafe bufferevent_set_max_single_write(stream, 1 << 20)
        // Without an address: the socket already knows where it is going.
        unsafe bufferevent_socket_connect(stream, nil, 0)
    }

    deinit { close() }

    func write(_ bytes: [UInt8]) {
        guard let output = unsafe bufferevent_get_output(stream) else { return }
        if !isReading {
            isReading = true
            unsafe bufferevent_enable(stream, Int16(EV_READ))
        }
        unsafe bytes.withUnsafeBytes { _ = unsafe evbuffer_add(output, $0.baseAddress, $0.count) }
    }

    var backlog: Int { unsafe evbuffer_get_length(bufferevent_get_output(stream)) }

    func read(_ body: (UnsafeRawBufferPointer) throws(RedisError) -> Void) throws(RedisError) {
        while let stream = unsafe stream, let input = unsafe bufferevent_get_input(stream) {
            var piece = unsafe iovec()
            guard unsafe evbuffer_peek(input, -1, nil, &piece, 1) > 0, unsafe piece.iov_len > 0 else { break }
            unsafe try body(UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len))
            // The body may have closed us.
            if let stream = unsafe self.stream {
                unsafe evbuffer_drain(bufferevent_get_input(stream), piece.iov_len)
            }
        }
        guard unsafe stream != nil, !lastWords.isEmpty else { return }
        let words = lastWords
        lastWords = []
        let outcome = unsafe words.withUnsafeBytes { raw in
            Result { () throws(RedisError) in unsafe try body(raw) }
        }
        try outcome.get()
    }

    func close() {
        if let stream = unsafe stream { unsafe bufferevent_free(stream) }
        unsafe stream = nil
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> SocketTransport {
        guard let context = unsafe context else { preconditionFailure("libevent lost its context") }
        return unsafe Unmanaged<SocketTransport>.fromOpaque(context).takeUnretainedValue()
    }

    private func ended(_ what: CInt, _ failedWith: CInt) {
        if what & BEV_EVENT_CONNECTED != 0 { return handle(.connected) }
        if what & BEV_EVENT_EOF != 0 { return handle(.ended("the peer closed the connection")) }
        if what & BEV_EVENT_WRITING != 0, let stream = unsafe stream {
            // A server that turns us away says why and closes before it has read anything.
            lastWords = unsafe Array(unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = unsafe max(0, recv(bufferevent_getfd(stream), buffer.baseAddress, buffer.count, 0))
            }
            if !lastWords.isEmpty { handle(.readable) }
        }
        handle(.ended("\(Errno(number: failedWith))"))
    }
}

/// A connection of a driven loop: its driver is the network.
final class DrivenTransport: Transport {
    private var stream: (any LoopStream)?
    private var arrived: [ArraySlice<UInt8>] = []

    init(
        to endpoint: RedisEndpoint, by driver: any LoopDriver, on loop: EventLoop,
        handle: @escaping (TransportEvent) -> Void
    ) {
        stream = driver.connect(to: "\(endpoint)", from: loop) { [weak self] event in
            switch event {
            case .connected: handle(.connected)
            case .arrived(let bytes):
                self?.arrived.append(bytes)
                handle(.readable)
            case .ended(let detail): handle(.ended(detail))
            }
        }
    }

    var backlog: Int { 0 }

    func write(_ bytes: [UInt8]) { stream?.write(bytes) }

    func read(_ body: (UnsafeRawBufferPointer) throws(RedisError) -> Void) throws(RedisError) {
        while stream != nil, !arrived.isEmpty {
            let piece = arrived.removeFirst()
            let outcome = unsafe piece.withUnsafeBytes { raw in
                Result { () throws(RedisError) in unsafe try body(raw) }
            }
            try outcome.get()
        }
    }

    func close() {
        stream?.close()
        stream = nil
    }
}
