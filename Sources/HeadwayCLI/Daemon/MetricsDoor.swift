import EventLoop
import HTTPServer
import HeadwayWire
import ReadAPI

/// `/metrics`, `/healthz` and `/readyz` for a process that serves nothing else.
struct MetricsDoor: Sendable {
    let address: ListenAddress
    private let server: HTTPServer
    private let reader: StatusReader

    /// - Parameter families: what this process counts; how the namespace stands is added to it.
    /// - Throws: ``Failure`` for an address in use and the like.
    static func open(
        _ wanted: ListenAddress, _ keyspace: Keyspace, _ redis: RedisChoice, pulse: Pulse,
        isReady: @escaping @Sendable () async -> Bool, on loop: EventLoop,
        _ families: @escaping @Sendable () async -> [MetricFamily]
    ) async throws -> MetricsDoor {
        let reader = StatusReader(keyspace: keyspace, endpoint: redis.endpoint, on: loop)
        let namespace = NamespaceMetrics(reader)
        let server = HTTPServer(on: loop) { request in
            guard request.method == .get || request.method == .head else {
                return HTTPResponse(status: 405, headers: [("Allow", "GET, HEAD")])
            }
            switch request.path {
            case ["metrics"]:
                let all = await namespace.families + families() + ProcessMetrics.families
                return .metrics(all, for: request)
            case ["healthz"]: return .health(stuck: await pulse.stuck)
            case ["readyz"]:
                return await isReady()
                    ? .json(Array(#"{"status":"ready"}"#.utf8))
                    : .json(Array(#"{"status":"not ready"}"#.utf8), status: 503)
            default: return HTTPResponse(status: 404)
            }
        }
        do throws(HTTPServerError) {
            return MetricsDoor(address: try await server.listen(at: wanted), server: server, reader: reader)
        } catch {
            await server.drain(within: .zero)
            await reader.close()
            throw Failure("\(error)")
        }
    }

    func close() async {
        await server.drain(within: .seconds(1))
        await reader.close()
    }
}
