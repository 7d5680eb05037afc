import EventLoop
import Glibc
import HTTPServer
import HeadwayWire
import ReadAPI
import Redis

/// The read API behind its listening sockets: inherited ones when there are any, else our own.
struct FrontDoor: Sendable {
    /// Where it is, with the port that it got.
    let address: ListenAddress
    private let api: ReadAPI
    private let server: HTTPServer

    /// - Throws: ``Failure`` for an address in use and the like, with what to do.
    static func open(
        _ plan: Station.Plan, _ redis: RedisChoice, _ keyspace: Keyspace, pulse: Pulse, on loop: EventLoop,
        log: Log
    ) async throws -> FrontDoor {
        var options = ReadAPIOptions()
        options.stuck = { await pulse.stuck }
        options.onBrokenView = { log.warning("a view is left out: \($0)") }
        options.allowedOrigins = plan.allowedOrigins
        options.operatorDigest = plan.operatorToken.map(TokenDigest.init(of:))
        options.pollSummaries = plan.pollSummaries
        options.onRefusedPolls = {
            log.error("webhooks are not told of polls, because Redis refuses it: \($0)")
        }
        let api = ReadAPI(keyspace: keyspace, endpoint: redis.endpoint, on: loop, options: options)
        let server = HTTPServer(on: loop, handler: api.handler)
        do throws(HTTPServerError) {
            var address = plan.listen
            let inherited = plan.listen.descriptor == nil ? HTTPServer.inheritedDescriptors() : []
            for descriptor in inherited {
                let port = try await server.listen(inherited: descriptor)
                log.info(
                    "listening on an inherited socket", ["descriptor": "\(descriptor)", "port": "\(port)"])
                if descriptor == inherited.first {
                    address = ListenAddress(host: plan.listen.host, port: port)
                }
            }
            if inherited.isEmpty { address = try await server.listen(at: plan.listen) }
            await api.addMetrics { [weak server] in
                (await server?.stats.families ?? []) + ProcessMetrics.families
            }
            await api.start()
            return FrontDoor(address: address, api: api, server: server)
        } catch {
            await server.drain(within: .zero)
            await api.stop()
            throw Failure("\(error)")
        }
    }

    /// Adds to `/metrics` what others in this process count.
    func addMetrics(_ source: @escaping @Sendable () async -> [MetricFamily]) async {
        await api.addMetrics(source)
    }

    /// How often the API looked at the partitions, whether they could be seen or not.
    var looks: Int { get async { await api.currentStats.live.looks } }

    /// Whether nobody listens there; only for choosing a default, as the answer may be old when it is used.
    static func isFree(_ address: ListenAddress) -> Bool {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        defer { Glibc.close(descriptor) }
        var on: CInt = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = in_port_t(UInt16(address.port).bigEndian)
        place.sin_addr.s_addr = unsafe inet_addr(address.host)
        return unsafe withUnsafePointer(to: &place) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        } == 0
    }

    /// Not ready any more, bye to the streams, accepts nobody, lets requests end.
    func close(within limit: Duration) async {
        await api.drain()
        await server.drain(within: limit)
        await api.stop()
    }
}

extension HTTPServer {
    /// - Returns: where it is, with the port that it got; of an inherited socket the host is not asked for.
    func listen(at wanted: ListenAddress) throws(HTTPServerError) -> ListenAddress {
        let port =
            if let descriptor = wanted.descriptor {
                try listen(inherited: descriptor)
            } else {
                try listen(host: wanted.host, port: wanted.port)
            }
        return ListenAddress(host: wanted.host, port: port)
    }
}
