package import EventLoop

/// An HTTP/1.1 server on an event loop: evhttp underneath, requests and responses above.
///
/// Plain HTTP on purpose: TLS and HTTP/2 belong to the proxy in front. A handler runs as a task on the loop's
/// thread, so it must not block; awaiting an actor of the same loop costs no thread hop. When its client goes
/// away the task is cancelled, at the latest one tick after (`HTTPLimits.tick`). A client that only closes its
/// sending side counts as gone.
///
/// A server that listens keeps itself alive until it is drained.
package actor HTTPServer {
    package nonisolated let loop: EventLoop
    let engine: Engine

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - limits: what clients may do; the defaults are meant for production.
    ///   - handler: answers one request; runs on the loop's thread, many at a time.
    package init(
        on loop: EventLoop, limits: HTTPLimits = HTTPLimits(),
        handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) {
        self.loop = loop
        engine = Engine(loop: loop, limits: limits, handler: handler)
    }

    /// Listens on one address; may be called for several.
    ///
    /// - Parameters:
    ///   - host: a numeric address or a name; `0.0.0.0` and `::` are all of the machine's.
    ///   - port: 0 picks a free one.
    /// - Returns: the port.
    /// - Throws: ``HTTPServerError``; its description says what to do.
    package func listen(host: String, port: Int) throws(HTTPServerError) -> Int {
        try listen(on: ListeningSocket(host: host, port: port))
    }

    /// Listens on a socket that already listens, for example descriptor 3 from systemd. It is never closed or
    /// shut down here, so that what waits in its queue at a restart is answered by the successor.
    ///
    /// - Returns: the port; 0 for a socket that has none.
    /// - Throws: ``HTTPServerError`` with code `notListening`.
    package func listen(inherited descriptor: CInt) throws(HTTPServerError) -> Int {
        try listen(on: ListeningSocket(inherited: descriptor))
    }

    private func listen(on socket: consuming ListeningSocket) throws(HTTPServerError) -> Int {
        guard !engine.isDraining else {
            throw HTTPServerError(.drained, "cannot listen: the server was drained")
        }
        let port = socket.port
        engine.open(for: self)
        try engine.listen(on: socket)
        return port
    }

    /// Stops accepting, lets everything under way end, and ends: a drained server does not listen again.
    ///
    /// Connections already in the queue of a socket of our own are accepted first; those of an inherited one
    /// wait for the successor. Answers carry `Connection: close`; silent keep-alive connections are closed;
    /// streams are asked through ``EventStream/onDrain(_:)``.
    ///
    /// - Parameter limit: after this what is still open is cut.
    package func drain(within limit: Duration) async { await engine.drain(within: limit) }

    /// From the handler's task, which is on the loop already: no hop.
    nonisolated func answer(_ id: ConnectionID, exchange: UInt64, with response: HTTPResponse) {
        assumeIsolated { $0.engine.answer(id, exchange: exchange, with: response) }
    }

    package var stats: HTTPStats { engine.currentStats }
}
