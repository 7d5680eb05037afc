import CLibevent

/// A persistent interest in a signal or a readable descriptor; ends with ``cancel()`` or when released.
///
/// Lives and dies on the loop's thread.
@safe
package final class LoopWatch {
    private let loop: EventLoop
    private let body: () -> Void
    private var event: OpaquePointer?

    fileprivate init(_ loop: EventLoop, on number: CInt, flags: CInt, _ body: @escaping () -> Void) {
        self.loop = loop
        self.body = body
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe event = loop.withBase { base in
            unsafe event_new(
                base, number, Int16(flags) | Int16(EV_PERSIST),
                { _, _, context in
                    guard let context = unsafe context else { return }
                    unsafe Unmanaged<LoopWatch>.fromOpaque(context).takeUnretainedValue().body()
                }, me)
        }
        unsafe event_add(event, nil)
    }

    package func cancel() {
        loop.checkIsolated()
        if let event = unsafe event { unsafe event_free(event) }
        unsafe event = nil
    }

    deinit {
        if let event = unsafe event { unsafe event_free(event) }
    }
}

extension EventLoop {
    /// Runs `body` on the loop's thread for each delivery of `signal`. One loop per process may watch signals.
    package func onSignal(_ signal: CInt, _ body: @escaping () -> Void) -> LoopWatch {
        LoopWatch(self, on: signal, flags: EV_SIGNAL, body)
    }

    /// Runs `body` on the loop's thread whenever `descriptor` can be read (or is at its end).
    package func onReadable(_ descriptor: CInt, _ body: @escaping () -> Void) -> LoopWatch {
        LoopWatch(self, on: descriptor, flags: EV_READ, body)
    }
}
