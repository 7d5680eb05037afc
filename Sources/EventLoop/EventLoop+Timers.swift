import CLibevent

/// A timer that was set on a loop; cancelling is idempotent and must happen on the loop's thread.
package struct LoopTimer {
    fileprivate let loop: EventLoop
    fileprivate let id: TimerQueue<@Sendable () -> Void>.ID

    package func cancel() {
        loop.checkIsolated()
        let body = loop.timers.cancel(id)
        withExtendedLifetime(body) {}
    }
}

extension EventLoop {
    /// Runs `body` once on the loop's thread, `delay` from now by the loop's clock. Loop's thread only.
    ///
    /// - Complexity: O(log n) in the timers set.
    @discardableResult
    package func schedule(after delay: Duration, _ body: @escaping @Sendable () -> Void) -> LoopTimer {
        checkIsolated()
        let id = timers.add(body, at: clock.now + delay)
        arm()
        return LoopTimer(loop: self, id: id)
    }

    /// Suspends for `delay` by the loop's clock; callable from anywhere.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    package func sleep(for delay: Duration) async throws {
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard sleeper.begin(continuation) else { return }
                let set: @Sendable () -> Void = { [self] in
                    schedule(after: delay) { sleeper.finish(.success(())) }
                }
                if isOnLoop { set() } else { submit(set) }
            }
        } onCancel: {
            sleeper.finish(.failure(CancellationError()))
        }
    }

    func fireTimers() {
        armedFor = nil
        let now = clock.now
        while let body = timers.popDue(at: now) { body() }
        arm()
    }

    private func arm() {
        // The driver asks.
        if driver != nil { return }
        guard let next = timers.next(), next != armedFor else { return }
        armedFor = next
        let wait = max(.zero, next - clock.now)
        let (seconds, attoseconds) = wait.components
        // Rounded up: a timer may be late, never early.
        var timeout = timeval(
            tv_sec: Int(seconds), tv_usec: Int((attoseconds + 999_999_999_999) / 1_000_000_000_000))
        if timeout.tv_usec >= 1_000_000 { timeout = timeval(tv_sec: timeout.tv_sec + 1, tv_usec: 0) }
        unsafe event_add(timerEvent, &timeout)
    }
}
