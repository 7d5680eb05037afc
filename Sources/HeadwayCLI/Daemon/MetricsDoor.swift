import EventLoop
import HTTPServer

/// `/metrics` and `/healthz` for a process that serves nothing else.
struct MetricsDoor: Sendable {
    let address: ListenAddress
    private let server: HTTPServer

    /// - Throws: ``Failure`` for an address in use and the like.
    static func open(
        _ wanted: ListenAddress, on loop: EventLoop,
        _ families: @escaping @Sendable () async -> [MetricFamily]
    ) async throws -> MetricsDoor {
        let server = HTTPServer(on: loop) { request in
            guard request.method == .get || request.method == .head else {
                return HTTPResponse(status: 405, headers: [("Allow", "GET, HEAD")])
            }
            switch request.path {
            case ["metrics"]: return .metrics(await families(), for: request)
            case ["healthz"]: return .json(Array(#"{"status":"ok"}"#.utf8))
            default: return HTTPResponse(status: 404)
            }
        }
        do throws(HTTPServerError) {
            let port = try await server.listen(host: wanted.host, port: wanted.port)
            return MetricsDoor(address: ListenAddress(host: wanted.host, port: port), server: server)
        } catch {
            await server.drain(within: .zero)
            throw Failure("\(error)")
        }
    }

    func close() async { await server.drain(within: .seconds(1)) }
}
