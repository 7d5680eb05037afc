import EventLoop
import Glibc

extension EventLoop {
    /// The addresses of an endpoint, in the order to try them; at least one. Loop's thread only.
    ///
    /// Names are looked up by the system's own resolver on a thread of its own, because it blocks; a thread that
    /// does not answer in time ends by itself.
    ///
    /// - Throws: `unreachable`.
    func addresses(
        of endpoint: RedisEndpoint, within limit: Duration, isolation: isolated (any Actor)? = #isolation
    ) async throws(RedisError) -> [SocketAddress] {
        switch endpoint.address {
        case .unix(let path): return [.unix(path)]
        case .tcp(let host, let port):
            if let address = SocketAddress.numeric(host, port: port) { return [address] }
            let late = SocketAddress.ResolutionFailure(text: "no answer within \(limit)")
            let answer = await first(within: limit, late: .failure(late)) { once in
                onThread {
                    let answer = SocketAddress.resolve(host, port: port)
                    self.submit { once.resume(answer) }
                }
            }
            switch answer {
            case .success(let addresses): return addresses
            case .failure(let failure):
                throw RedisError(
                    .unreachable, command: "CONNECT",
                    detail: "the name \(host) of \(endpoint): \(failure.text)")
            }
        }
    }
}

/// Runs `body` on a new thread that ends with it.
private func onThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(Box(body))
    let status = unsafe pthread_create(
        &thread, nil,
        { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    guard status == 0 else {
        // Nobody will answer: the caller's limit does.
        unsafe box.release()
        return
    }
    pthread_detach(thread)
}
