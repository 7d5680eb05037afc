import CCurl
import CLibevent
import EventLoop

/// Owns a `CURLM *` that the loop drives: libcurl says which sockets and which timer it waits for, the loop says
/// when they are ready. Lives and dies on the loop's thread.
@safe
final class CurlMulti {
    private let loop: EventLoop
    private var multi: OpaquePointer?
    private var timer: OpaquePointer?
    private var sockets: [curl_socket_t: OpaquePointer] = unsafe [:]
    private var transfers: [OpaquePointer: Transfer] = unsafe [:]

    private static let prepareProcess: Void = {
        precondition(curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK, "libcurl does not start")
    }()

    init(on loop: EventLoop) {
        self.loop = loop
        _ = Self.prepareProcess
        unsafe multi = curl_multi_init()
        guard unsafe multi != nil else { preconditionFailure("libcurl: out of memory") }
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe timer = loop.withBase { base in
            unsafe event_new(
                base, -1, 0, { _, _, context in unsafe CurlMulti.from(context).act(on: -1, 0) }, me)
        }
        let code = unsafe http_multi_prepare(
            multi, me,
            { _, socket, what, context, _ in
                unsafe CurlMulti.from(context).watch(socket, what)
                return 0
            },
            { _, milliseconds, context in
                unsafe CurlMulti.from(context).setTimer(milliseconds)
                return 0
            })
        guard code == CURLM_OK else { preconditionFailure("libcurl: \(code.rawValue)") }
    }

    deinit { close() }

    /// - Parameter done: called once, on the loop's thread, also by ``close()``.
    func add(
        _ request: HTTPClient.Request, done: @escaping (Result<HTTPClient.Reply, HTTPClient.Failure>) -> Void
    ) {
        guard let multi = unsafe multi else { return done(.failure(.closed)) }
        guard let easy = unsafe curl_easy_init() else { return done(.failure(.transfer("out of memory"))) }
        let transfer = unsafe Transfer(easy, request, done)
        var code = transfer.prepare(request)
        if code == CURLE_OK, unsafe curl_multi_add_handle(multi, easy) != CURLM_OK {
            code = CURLE_FAILED_INIT
        }
        guard code == CURLE_OK else { return transfer.end(code) }
        unsafe transfers[easy] = transfer
    }

    /// Ends what is under way. Idempotent.
    func close() {
        guard let multi = unsafe multi else { return }
        unsafe transfers.values.forEach { transfer in
            unsafe transfer.leave(multi)
            transfer.fail(.closed)
        }
        unsafe transfers = [:]
        unsafe curl_multi_cleanup(multi)
        unsafe self.multi = nil
        unsafe sockets.values.forEach { unsafe event_free($0) }
        unsafe sockets = [:]
        unsafe event_free(timer)
        unsafe timer = nil
    }

    // MARK: What libcurl waits for

    private func watch(_ socket: curl_socket_t, _ what: CInt) {
        if let old = unsafe sockets.removeValue(forKey: socket) { unsafe event_free(old) }
        guard what != CURL_POLL_REMOVE else { return }
        var wanted = Int16(EV_PERSIST)
        if what & CURL_POLL_IN != 0 { wanted |= Int16(EV_READ) }
        if what & CURL_POLL_OUT != 0 { wanted |= Int16(EV_WRITE) }
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        let event = unsafe loop.withBase { base in
            unsafe event_new(
                base, socket, wanted,
                { socket, ready, context in
                    var bits: CInt = 0
                    if ready & Int16(EV_READ) != 0 { bits |= CURL_CSELECT_IN }
                    if ready & Int16(EV_WRITE) != 0 { bits |= CURL_CSELECT_OUT }
                    unsafe CurlMulti.from(context).act(on: socket, bits)
                }, me)
        }
        guard let event = unsafe event else { preconditionFailure("libevent: out of memory") }
        unsafe event_add(event, nil)
        unsafe sockets[socket] = event
    }

    /// Never calls back at once, also for zero: libcurl is in the middle of something.
    private func setTimer(_ milliseconds: Int) {
        guard milliseconds >= 0 else {
            unsafe event_del(timer)
            return
        }
        var wait = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        unsafe event_add(timer, &wait)
    }

    /// - Parameter socket: the one that is ready; -1 when the timer fired.
    private func act(on socket: curl_socket_t, _ ready: CInt) {
        guard let multi = unsafe multi else { return }
        var running: CInt = 0
        unsafe curl_multi_socket_action(multi, socket, ready, &running)
        var result = CURLE_OK
        while let easy = unsafe http_multi_ended(multi, &result) {
            guard let transfer = unsafe transfers.removeValue(forKey: easy) else { continue }
            unsafe transfer.leave(multi)
            transfer.end(result)
        }
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> CurlMulti {
        guard let context = unsafe context else { preconditionFailure("libcurl lost its context") }
        return unsafe Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue()
    }
}

/// Owns a `CURL *` and what it needs until it has ended.
@safe
private final class Transfer {
    private let easy: OpaquePointer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var done: ((Result<HTTPClient.Reply, HTTPClient.Failure>) -> Void)?
    private var body: [UInt8] = []
    private var received = 0

    init(
        _ easy: OpaquePointer, _ request: HTTPClient.Request,
        _ done: @escaping (Result<HTTPClient.Reply, HTTPClient.Failure>) -> Void
    ) {
        unsafe self.easy = easy
        self.done = done
        for header in request.headers {
            if let longer = unsafe curl_slist_append(headers, "\(header.name): \(header.value)") {
                unsafe headers = longer
            }
        }
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe curl_slist_free_all(headers)
    }

    func prepare(_ request: HTTPClient.Request) -> CURLcode {
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        return unsafe request.method.withCString { method in
            unsafe request.url.withCString { url in
                unsafe (request.body ?? []).withUnsafeBytes { body in
                    var order = unsafe http_order()
                    unsafe order.method = method
                    unsafe order.url = url
                    if request.body != nil {
                        // An empty body is a body too, and its address may be nil.
                        unsafe order.body = body.baseAddress ?? UnsafeRawPointer(url)
                        unsafe order.body_size = body.count
                    }
                    unsafe order.headers = UnsafePointer(headers)
                    unsafe order.connect_ms = Self.milliseconds(request.connectTimeout)
                    unsafe order.total_ms = Self.milliseconds(request.timeout)
                    unsafe order.context = me
                    unsafe order.on_body = { bytes, size, count, context in
                        guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                        let raw = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
                        return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().take(raw)
                    }
                    return unsafe http_easy_prepare(easy, &order)
                }
            }
        }
    }

    func leave(_ multi: OpaquePointer) { unsafe curl_multi_remove_handle(multi, easy) }

    func fail(_ failure: HTTPClient.Failure) {
        done?(.failure(failure))
        done = nil
    }

    func end(_ code: CURLcode) {
        let status = unsafe http_easy_status(easy)
        // A body that we cut off was an answer all the same.
        let isAnswer = code == CURLE_OK || (code == CURLE_WRITE_ERROR && status > 0)
        guard isAnswer else {
            return fail(.transfer(unsafe String(cString: curl_easy_strerror(code))))
        }
        let seconds = unsafe http_easy_retry_after(easy)
        done?(
            .success(
                HTTPClient.Reply(
                    status: status, retryAfter: seconds > 0 ? .seconds(seconds) : nil, body: body)))
        done = nil
    }

    /// - Returns: how much was taken; less than there is ends the transfer.
    private func take(_ raw: UnsafeRawBufferPointer) -> Int {
        received += raw.count
        unsafe body.append(contentsOf: raw.prefix(HTTPClient.bodyLimit - body.count))
        return received > 16 * HTTPClient.bodyLimit ? 0 : raw.count
    }

    private static func milliseconds(_ span: Duration) -> Int { max(1, Int(span / .milliseconds(1))) }
}
