import CLibevent
import EventLoop

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
        guard let copy = unsafe HTTPRequest(copying: request, from: address) else {
            return refuseToAsk(.badTarget)
        }
        guard let server = engine.server, let handler = engine.handler else { return }
        let (id, exchange) = (id, exchange)
        task = Task.immediate(executorPreference: engine.loop) {
            let response = await handler(copy)
            server.answer(id, exchange: exchange, with: response)
        }
        // Answered within the call: there is nothing left to cancel.
        if phase != .handling { task = nil }
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
        guard engine.writeHead(of: response, to: requestGuard.head) else {
            engine.count(.unsendableHeader)
            return send(Refusal.unsendableHeader.response)
        }
        if engine.head.closes, let request = unsafe request {
            // libevent closes when it finds this, and finds no keep-alive of HTTP/1.0 when it looks.
            unsafe evhttp_add_header(request.pointee.output_headers, "Connection", "close")
        }
        switch response.body {
        case .bytes(let body): finish(body: engine.head.hasBody ? body : [])
        case .eventStream(let opened) where engine.head.hasBody: startStream(opened)
        case .eventStream: finish(body: [])
        }
    }

    private func finish(body: [UInt8]) {
        guard let request = unsafe request else { return }
        unsafe engine.writeAnswer(body: body, to: output)
        watchForWritten()
        // Answered: from here libevent frees it, now or with the connection. The head is buffered, so it waits
        // for that to be written.
        unsafe self.request = nil
        phase = .responding
        unsafe request.pointee.chunked = 0
        unsafe evhttp_send_reply_end(request)
        awaitWritten()
    }

    /// Lets the output go, and libevent learn when it is gone, or the client. It must not read the next request
    /// meanwhile: asked to parse while it answers, it ends the process.
    func watchForWritten() {
        unsafe bufferevent_setcb(
            buffer, nil, writeCallback, eventCallback, UnsafeMutableRawPointer(connection))
        unsafe bufferevent_enable(buffer, Int16(EV_READ | EV_WRITE))
    }

    func awaitWritten() {
        lastBuffered = bufferedBytes
        lastQueued = 0
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

    /// Has libevent tell us when the client leaves while its handler is at work: it does not read then. Not done
    /// at once, because most handlers answer within a tick.
    func watchForClose() {
        guard !isWatchingForClose, unsafe evbuffer_get_length(input) <= Self.mostSentAhead else { return }
        isWatchingForClose = true
        unsafe bufferevent_setcb(
            buffer, nil, writeCallback, eventCallback, UnsafeMutableRawPointer(connection))
        unsafe bufferevent_enable(buffer, Int16(EV_READ))
    }
}
