import EventLoop
import HTTPServer
import Testing

/// A server on a loop of its own and a free port, both gone when `body` returns.
///
/// `@concurrent`, here and below, is not decoration: Swift 6.3 calls a function that stays on its caller's executor
/// right after an actor's without leaving the actor's, and a blocking client there would block the loop.
@concurrent
func withServer(
    limits: HTTPLimits = HTTPLimits(),
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse = { _ in .text("hello") },
    _ body: @concurrent (HTTPServer, Int) async throws -> Void
) async throws {
    let loop = EventLoop(name: "http")
    let server = HTTPServer(on: loop, limits: limits, handler: handler)
    let port = try await server.listen(host: "127.0.0.1", port: 0)
    do {
        try await body(server, port)
    } catch {
        await server.drain(within: .zero)
        await loop.stop()
        throw error
    }
    await server.drain(within: .zero)
    await loop.stop()
}

/// Looks until `condition` holds, for a bounded time.
@concurrent
func eventually(
    within limit: Duration = .seconds(10), _ condition: () async -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
) async {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if await condition() { return }
        try? await Task.sleep(for: .milliseconds(2))
    }
    Issue.record("did not come true in \(limit)", sourceLocation: sourceLocation)
}
