import CLibevent
import EventLoop
import Glibc

/// How a connection ends: refused, cut, drained, or left.
extension Connection {
    /// How long a refused client may go on sending before it is cut. Closing at once would have the kernel
    /// reset the connection, and the answer might never be read.
    private static let linger: Duration = .seconds(1)

    /// How long a connection without a request may hold a drain up; a sweep more, and a stop is still under half a
    /// second.
    private static let drainPatience: Duration = .milliseconds(200)

    /// Answers for libevent's HTTP, which hears no more of this connection, and closes.
    func refuse(_ refusal: Refusal) {
        engine.count(refusal)
        releaseBody()
        phase = .refusing
        deadline = engine.now + Self.linger + engine.tick
        unsafe evbuffer_drain(input, evbuffer_get_length(input))
        guard isCompleting else { return say(refusal) }
        let id = id
        engine.submit { $0.connection(id)?.say(refusal) }
    }

    private func say(_ refusal: Refusal) {
        unsafe bufferevent_setcb(
            buffer, nil,
            { _, me in
                // Everything is said; the client's end of file comes next.
                unsafe _ = shutdown(Connection.from(me).descriptor, CInt(SHUT_WR))
            },
            { _, _, me in unsafe Connection.from(me).cut() },
            Unmanaged.passUnretained(self).toOpaque())
        let bytes = refusal.encoded
        unsafe evbuffer_add(output, bytes, bytes.count)
        unsafe bufferevent_enable(buffer, Int16(EV_READ | EV_WRITE))
    }

    /// Called by the sweep.
    func check(at now: Duration) {
        switch phase {
        case .idle: if isDue(now) { cut(for: .idle) }
        case .reading:
            guard isDue(now) else { return }
            guard requestGuard.hasBegun else { return cut(for: .headerTimeout) }
            refuse(requestGuard.isPastHead ? .bodyTimeout : .headerTimeout)
        case .handling: watchForClose()
        case .responding:
            if hasProgressed() {
                deadline = now + engine.limits.writeStall
            } else if isDue(now) {
                cut(for: .writeStalled)
            }
        case .streaming:
            if isWritable { return }
            if hasProgressed() {
                lastProgress = now
            } else if now - lastProgress >= engine.limits.writeStall {
                cut(for: .writeStalled)
            }
        case .refusing: if isDue(now) { cut() }
        case .gone: break
        }
    }

    /// Whether the client took anything since the last look. The kernel is asked too: it takes from us only by
    /// the third of a buffer, which a slow client may need longer for than a stall may last.
    private func hasProgressed() -> Bool {
        let buffered = bufferedBytes
        var queued: CInt = 0
        _ = unsafe ioctl(descriptor, UInt(TIOCOUTQ), &queued)
        defer { (lastBuffered, lastQueued) = (buffered, Int(queued)) }
        return buffered != lastBuffered || Int(queued) != lastQueued
    }

    private func isDue(_ now: Duration) -> Bool {
        guard let deadline else { return false }
        return now >= deadline
    }

    /// Called once when the server drains.
    func drain() {
        switch phase {
        case .idle: cut()
        case .reading where !requestGuard.hasBegun:
            // Accepted just now: its request is on the way, or it was opened in advance, as browsers do.
            deadline = min(deadline ?? engine.now, engine.now + Self.drainPatience)
        case .streaming:
            if let whenDrained { whenDrained() } else { close() }
        case .reading, .handling, .responding, .refusing, .gone: break
        }
    }

    private func cut(for refusal: Refusal) {
        engine.count(refusal)
        cut()
    }

    /// Ends it now, whatever is under way. ``closed()`` runs within.
    func cut() {
        guard phase != .gone, settle() else { return }
        unsafe evhttp_connection_free(connection)
    }

    /// libevent has ended the connection, or does so when this returns; its pointers are not ours any more.
    func closed() {
        guard phase != .gone else { return }
        let wasStreaming = phase == .streaming
        phase = .gone
        task?.cancel()
        task = nil
        releaseBody()
        if let request = unsafe request, unsafe evhttp_request_get_connection(request) == nil {
            unsafe evhttp_request_free(request)
        }
        unsafe request = nil
        unsafe connection = nil
        if let watch = unsafe inputWatch { unsafe evbuffer_remove_cb_entry(input, watch) }
        unsafe inputWatch = nil
        stopWatchingOutput()
        unsafe bufferevent_decref(buffer)
        let tell = wasStreaming ? whenClosed : nil
        forgetCallbacks()
        engine.forget(self)
        tell?()
    }
}
