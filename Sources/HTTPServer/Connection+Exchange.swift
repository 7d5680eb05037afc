import CLibevent
import EventLoop
import Glibc

/// One request and its answer.
extension Connection {
    /// libevent hands over a parsed request; from here it is ours.
    func begin(_ request: UnsafeMutablePointer<evhttp_request>) {
        releaseBody()
        unsafe self.request = request
        phase = .handling
        deadline = nil
        exchange += 1
        unsafe evhttp_request_set_on_complete_cb(
            request, { _, me in unsafe Connection.from(me).completed() },
            Unmanaged.passUnretained(self).toOpaque())
        // The guard and libevent must agree on where the request ends.
        guard requestGuard.phase == .complete else { return refuseToAsk(.malformedRequestLine) }
        guard let copy = unsafe HTTPRequest(copying: request, from: address), let server = engine.server
        else {
            return refuseToAsk(.badTarget)
        }
        let (id, exchange, handler) = (id, exchange, engine.handler)
        task = Task(executorPreference: engine.loop) {
            let response = await handler(copy)
            server.answer(id, exchange: exchange, with: response)
        }
    }

    private func refuseToAsk(_ refusal: Refusal) {
        engine.count(refusal)
        var response = refusal.response
        response.headers.append(("Connection", "close"))
        send(response)
    }

    /// - Parameter exchange: which request this answers; an answer to an earlier one is late, and dropped.
    func answer(_ exchange: UInt64, with response: HTTPResponse) {
        guard phase == .handling, exchange == self.exchange else { return }
        task = nil
        engine.stats.responses[min(max(response.status / 100, 0), 5)] += 1
        send(response)
    }

    private func send(_ response: HTTPResponse) {
        guard let request = unsafe request else { return }
        guard let head = ResponseHead(response, to: self.requestGuard.head, isDraining: engine.isDraining)
        else {
            engine.count(.unsendableHeader)
            return send(Refusal.unsendableHeader.response)
        }
        let isHead = unsafe request.pointee.type == EVHTTP_REQ_HEAD
        if head.closes { unsafe evhttp_remove_header(request.pointee.input_headers, "Connection") }
        for (name, value) in head.headers {
            unsafe evhttp_add_header(request.pointee.output_headers, name, value)
        }
        switch response.body {
        case .eventStream(let opened) where !isHead && head.mayHaveBody:
            startStream(head, opened)
        case .eventStream:
            finish(head, body: [])
        case .bytes(let bytes):
            if head.mayHaveBody, !(isHead && head.hasLength) {
                unsafe evhttp_add_header(request.pointee.output_headers, "Content-Length", "\(bytes.count)")
            }
            finish(head, body: isHead || !head.mayHaveBody ? [] : bytes)
        }
    }

    private func finish(_ head: ResponseHead, body: [UInt8]) {
        guard let request = unsafe request else { return }
        unsafe evbuffer_add(request.pointee.output_buffer, body, body.count)
        // Answered: from here libevent frees it, now or with the connection.
        unsafe self.request = nil
        phase = .responding
        unsafe evhttp_send_reply(request, CInt(head.status), head.reason, nil)
        awaitWritten()
    }

    func awaitWritten() {
        lastBuffered = unsafe evbuffer_get_length(output)
        deadline = engine.now + engine.limits.writeStall + engine.tick
    }

    /// The kernel has the whole answer. libevent frees the request next, then closes or reads on.
    private func completed() {
        phase = .idle
        isWatchingForClose = false
        requestGuard = RequestGuard(limits: engine.limits)
        deadline = engine.isDraining ? engine.now : engine.now + engine.limits.idleKeepAlive + engine.tick
        let left = unsafe evbuffer_get_length(input)
        guard left > 0 else { return }
        isCompleting = true
        look(atLast: left)
        isCompleting = false
    }

    /// Has libevent tell us when the client leaves while its handler is at work: it does not read then, so as
    /// not to parse the next request. Not done at once, because most handlers answer within a tick.
    func watchForClose() {
        guard !isWatchingForClose, unsafe evbuffer_get_length(input) <= 64 * 1024 else { return }
        isWatchingForClose = true
        var write: bufferevent_data_cb?
        var event: bufferevent_event_cb?
        var argument: UnsafeMutableRawPointer?
        unsafe bufferevent_getcb(buffer, nil, &write, &event, &argument)
        // No read callback: libevent's HTTP must not parse now, and ends the process when asked to.
        unsafe bufferevent_setcb(buffer, nil, write, event, argument)
        unsafe bufferevent_enable(buffer, Int16(EV_READ))
    }
}
