/// One open Server-Sent-Events response.
///
/// A handle: it may be kept, copied and sent anywhere, and outlives its connection harmlessly (everything is a
/// no-op then). The stream itself lives on the server's loop, and every call must be made on the loop's
/// thread; another thread traps. Letting go of the handle does not end the stream; ``close()`` does.
///
/// **Producers conflate**: while ``isWritable`` is false keep only the newest state of each subject, and send
/// it from ``onWritable(_:)``. A slow client then gets the latest at its own pace and costs a bounded buffer; one
/// that takes nothing for `writeStall` while its stream is not writable is cut.
package struct EventStream: Sendable, Hashable {
    let server: HTTPServer
    let id: ConnectionID

    package static func == (a: EventStream, b: EventStream) -> Bool { a.id == b.id && a.server === b.server }

    package func hash(into hasher: inout Hasher) { hasher.combine(id) }

    /// Queues whole frames: ``ServerSentEvent/encoded`` or ``ServerSentEvent/comment(_:)``.
    ///
    /// - Returns: false when nothing was queued, because the stream has ended or holds `streamBufferCap` bytes
    ///   already: what was in the frames is then still the producer's to send. A heartbeat may be forgotten.
    /// - Complexity: one copy of `bytes`; they leave on the loop's next turn.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        server.assumeIsolated { $0.engine.stream(id)?.send(bytes) ?? false }
    }

    /// Bytes that the kernel has not taken yet; 0 once it has ended.
    package var bufferedBytes: Int { server.assumeIsolated { $0.engine.stream(id)?.bufferedBytes ?? 0 } }

    /// Whether it is open and ``bufferedBytes`` is below the low-water mark.
    package var isWritable: Bool { server.assumeIsolated { $0.engine.stream(id)?.isWritable ?? false } }

    package var isOpen: Bool { server.assumeIsolated { $0.engine.stream(id) != nil } }

    /// Calls `body` on the loop each time the stream becomes writable after it was not. Replaces an earlier one.
    package func onWritable(_ body: @escaping @Sendable () -> Void) {
        server.assumeIsolated { $0.engine.stream(id)?.whenWritable = body }
    }

    /// Calls `body` once on the loop when the client has gone away or was cut; not after ``close()``.
    /// Replaces an earlier one.
    package func onClose(_ body: @escaping @Sendable () -> Void) {
        server.assumeIsolated { $0.engine.stream(id)?.whenClosed = body }
    }

    /// Calls `body` on the loop when the server drains: say goodbye (a jittered `retry:`) and ``close()``, now
    /// or in slices; what is open at the drain's deadline is cut. Called at once when the server drains already.
    /// Replaces an earlier one.
    package func onDrain(_ body: @escaping @Sendable () -> Void) {
        let isDraining = server.assumeIsolated {
            $0.engine.stream(id)?.whenDrained = body
            return $0.engine.isDraining
        }
        if isDraining { body() }
    }

    /// Ends the response after what is buffered.
    package func close() { server.assumeIsolated { $0.engine.stream(id)?.close() } }
}
