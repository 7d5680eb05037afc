import CLibevent
import EventLoop
import Glibc

/// An open event stream.
extension Connection {
    /// Frames are written into libevent's output buffer, whose last block takes them as long as there is room:
    /// a stopped reader costs what it has not read, not a block per frame.
    func startStream(_ opened: @Sendable (EventStream) -> Void) {
        guard let server = engine.server else { return }
        phase = .streaming
        lastProgress = engine.now
        setOption(SOL_SOCKET, SO_SNDBUF, engine.limits.streamSocketBuffer)
        setOption(CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, Self.deadPeerMilliseconds)
        unsafe outputWatch = evbuffer_add_cb(
            output,
            { _, change, me in
                guard let taken = unsafe change?.pointee.n_deleted, taken > 0 else { return }
                unsafe Connection.from(me).taken()
            }, Unmanaged.passUnretained(self).toOpaque())
        unsafe engine.writeAnswer(body: [], to: output)
        // No write callback: libevent would take the first empty buffer for the end of the answer.
        unsafe bufferevent_setcb(buffer, nil, nil, eventCallback, UnsafeMutableRawPointer(connection))
        unsafe bufferevent_enable(buffer, Int16(EV_READ | EV_WRITE))
        opened(EventStream(server: server, id: id))
    }

    /// A peer that vanished without a word is noticed by the heartbeats it no longer acknowledges.
    private static let deadPeerMilliseconds = 60_000

    var bufferedBytes: Int { unsafe evbuffer_get_length(output) }

    var isWritable: Bool { bufferedBytes < engine.limits.streamLowWater }

    func send(_ bytes: [UInt8]) -> Bool {
        let buffered = bufferedBytes
        guard buffered < engine.limits.streamBufferCap else { return false }
        guard !bytes.isEmpty else { return true }
        if buffered == 0 { lastProgress = engine.now }
        if isChunked {
            let size = Array("\(String(bytes.count, radix: 16))\r\n".utf8)
            unsafe evbuffer_add(output, size, size.count)
        }
        unsafe evbuffer_add(output, bytes, bytes.count)
        if isChunked { unsafe evbuffer_add(output, "\r\n", 2) }
        if !isWritable { wasFull = true }
        return true
    }

    /// The kernel took some. Not a place to call out from: libevent is in the middle of its write.
    private func taken() {
        lastProgress = engine.now
        guard wasFull, isWritable else { return }
        wasFull = false
        let id = id
        engine.submit { $0.stream(id)?.whenWritable?() }
    }

    func close() {
        guard let request = unsafe request else { return }
        stopWatchingOutput()
        forgetCallbacks()
        if engine.isDraining {
            // Too late to tell the client, early enough to tell libevent.
            unsafe evhttp_add_header(request.pointee.output_headers, "Connection", "close")
        }
        phase = .responding
        unsafe self.request = nil
        watchForWritten()
        unsafe request.pointee.chunked = isChunked ? 1 : 0
        unsafe evhttp_send_reply_end(request)
        // Without chunks and with nothing buffered libevent has ended it already.
        if phase == .responding { awaitWritten() }
    }

    func stopWatchingOutput() {
        if let watch = unsafe outputWatch { unsafe evbuffer_remove_cb_entry(output, watch) }
        unsafe outputWatch = nil
    }

    func forgetCallbacks() {
        whenWritable = nil
        whenClosed = nil
        whenDrained = nil
    }
}
