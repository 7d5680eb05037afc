package import EventLoop

/// Makes HTTP requests with libcurl, on an event loop: nothing blocks, connections are kept and used again.
///
///     let reply = try await client.send(HTTPClient.Request(url: "https://example.org/hook", body: body))
///
/// `http` and `https` only; redirects are answers like any other, certificates and host names are checked, and
/// of a body only the beginning is kept.
package actor HTTPClient {
    package struct Request: Sendable {
        package var url: String
        package var method = "POST"
        /// Names and values without line ends; the caller answers for that.
        package var headers: [(name: String, value: String)] = []
        /// Nil: none is sent.
        package var body: [UInt8]?
        /// For all of it, from the name's look-up to the last byte of the answer.
        package var timeout = Duration.seconds(15)
        package var connectTimeout = Duration.seconds(5)

        package init(url: String, body: [UInt8]? = nil) {
            self.url = url
            self.body = body
        }
    }

    package struct Reply: Sendable, Equatable {
        package var status: Int
        /// What `Retry-After` said, to the second.
        package var retryAfter: Duration?
        /// The first ``HTTPClient/bodyLimit`` bytes.
        package var body: [UInt8]
    }

    /// Why there was no answer.
    package enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// In libcurl's words: "Couldn't connect to server".
        case transfer(String)
        case closed

        package var description: String {
            switch self {
            case .transfer(let words): words
            case .closed: "the client is closed"
            }
        }
    }

    /// Bytes of an answer's body that are kept; one that is sixteen times as long is cut off.
    package static let bodyLimit = 4096

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
    private let loop: EventLoop
    private var multi: CurlMulti?
    private var isClosed = false

    package init(on loop: EventLoop) { self.loop = loop }

    isolated deinit { close() }

    /// One request and its answer, whatever its status.
    package func send(_ request: Request) async throws(Failure) -> Reply {
        guard !isClosed else { throw .closed }
        let multi = multi ?? CurlMulti(on: loop)
        self.multi = multi
        let result = await withCheckedContinuation { continuation in
            multi.add(request) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Requests under way fail with `closed`. Idempotent.
    package func close() {
        isClosed = true
        multi?.close()
        multi = nil
    }
}
