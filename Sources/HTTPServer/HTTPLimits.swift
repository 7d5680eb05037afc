/// What one server grants to clients it does not trust. Sizes in bytes.
///
/// Deadlines are absolute: a client that sends a byte now and then does not extend them. They are looked at
/// every ``tick``, so a cut comes at most one tick late.
package struct HTTPLimits: Sendable {
    /// All header lines together, without the request line; more is 431.
    package var headerBytes = 8 * 1024
    /// Header lines; more is 431. Each costs libevent three allocations.
    package var headerCount = 100
    /// The request target as sent; more is 414.
    package var targetBytes = 8 * 1024
    /// The body as the handler gets it; more is 413.
    package var bodyBytes = 1024 * 1024
    /// Bodies that are under way on all connections together; a request that would exceed it is 503.
    package var bodyBytesUnderWay = 256 * 1024 * 1024

    /// From the accept, or from the first byte of a later request, to the end of its headers; then 408.
    package var headerDeadline: Duration = .seconds(5)
    /// From the end of the headers to the end of the body; then 408.
    package var bodyDeadline: Duration = .seconds(10)
    /// How long a connection may be silent between two requests.
    package var idleKeepAlive: Duration = .seconds(60)
    /// How long a client may take nothing at all of an answer, or of a stream that is not writable; then it is
    /// cut.
    package var writeStall: Duration = .seconds(10)

    /// Open connections; one more is answered 503 and closed. Never more than 90 % of the descriptors that
    /// the process may open.
    package var maxConnections = 10_000
    /// Open connections of one address; nil is no limit. One more is answered 503 and closed.
    package var maxConnectionsPerAddress: Int?

    /// Below this a stream is writable; at or above it producers keep only the newest state.
    package var streamLowWater = 16 * 1024
    /// At or above this a stream takes no further frame: it holds at most this and one frame.
    package var streamBufferCap = 64 * 1024
    /// The kernel's send buffer of a stream (it doubles the figure): what a stopped reader can hide in there.
    package var streamSocketBuffer = 32 * 1024

    package init() {}

    /// How often deadlines are looked at: a quarter of the shortest, within 5 to 250 ms.
    var tick: Duration {
        let shortest = min(headerDeadline, bodyDeadline, idleKeepAlive, writeStall)
        return min(max(shortest / 4, .milliseconds(5)), .milliseconds(250))
    }
}
