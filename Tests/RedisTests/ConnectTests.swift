import EventLoop
import Redis
import TestSupport
import Testing

@Suite("Connecting", .timeLimit(.minutes(1)))
struct ConnectTests {
    private func connect(_ endpoint: RedisEndpoint, timeout: Duration = .seconds(2)) async -> RedisError? {
        do throws(RedisError) {
            await (try RedisConnection.connect(to: endpoint, on: loop, timeout: timeout)).close()
            return nil
        } catch {
            return error
        }
    }

    /// Its own: these tests measure time.
    private static let own = EventLoop(name: "connecting")
    private var loop: EventLoop { Self.own }

    @Test("by TCP, by number and by name, to the database of the URL")
    func tcp() async throws {
        let server = try await RedisServer.start(tcp: true)
        let port = try #require(server.port)
        for host in ["127.0.0.1", "localhost"] {
            let endpoint = try RedisEndpoint(url: "redis://\(host):\(port)/3")
            let redis = try await RedisConnection.connect(to: endpoint, on: loop)
            #expect(try await redis.send("CLIENT", "INFO").string?.contains(" db=3 ") == true)
            await redis.close()
        }
        #expect(try RedisEndpoint(url: server.tcpURL) == RedisEndpoint(.tcp(host: "127.0.0.1", port: port)))
    }

    @Test("nobody there: unreachable, at once, and definitely not done")
    func nobody() async throws {
        let scratch = ScratchDirectory()
        let started = ContinuousClock.now
        for address in [
            RedisEndpoint.Address.unix(path: scratch.file("none")), .tcp(host: "127.0.0.1", port: 1),
            .tcp(host: "::1", port: 1), .tcp(host: "no-such-host.invalid", port: 6379),
        ] {
            let error = await connect(RedisEndpoint(address))
            #expect(error?.code == .unreachable, "\(address): \(error?.description ?? "connected")")
            #expect(error?.outcome == .refused)
            if case .tcp(_, 1) = address { #expect(error?.detail.contains("Connection refused") == true) }
        }
        #expect(started.duration(to: .now) < .seconds(9))
    }

    typealias Login = (sentence: String, password: String?, given: String?, user: String?, words: String)

    static let refusals: [Login] = [
        ("a wrong password", "right", "wrong", nil, "correct them in the URL"),
        ("no password where one is wanted", "right", nil, nil, "put it into the URL"),
        ("a password where none is set", nil, "any", nil, "take it out of the URL"),
        ("an unknown user", "right", "right", "nobody", "correct them in the URL"),
    ]

    @Test("a login that fails says what to do", arguments: refusals)
    func login(_ c: Login) async throws {
        let server = try await RedisServer.start(password: c.password)
        var endpoint = server.endpoint
        endpoint.password = c.given
        endpoint.user = c.user
        let error = await connect(endpoint)
        #expect(error?.code == .authenticationFailed)
        #expect(error?.outcome == .fatal)
        #expect(error?.detail.contains(c.words) == true, "\(error?.description ?? "connected")")
        #expect(error?.description.contains("wrong") == false)
    }

    @Test("the right password, of the default user and of another")
    func rightPassword() async throws {
        let server = try await RedisServer.start(password: "p@ss word")
        #expect(await connect(server.endpoint) == nil)
        let redis = try await RedisConnection.connect(to: server.endpoint, on: loop)
        _ = try await redis.send("ACL", "SETUSER", "ann", "on", ">pw", "+get", "~*")
        var endpoint = server.endpoint
        (endpoint.user, endpoint.password) = ("ann", "pw")
        // She may not even PING, and that is no reason to go away.
        #expect(await connect(endpoint) == nil)
        await redis.close()
    }

    @Test("a database that is not there is the URL's fault")
    func database() async throws {
        let server = try await RedisServer.start()
        var endpoint = server.endpoint
        endpoint.database = 99
        let error = await connect(endpoint)
        #expect(error?.code == .badURL)
    }

    @Test("a server that is stopped accepts connections, and is found out within the timeout")
    func stopped() async throws {
        let server = try await RedisServer.start(tcp: true)
        server.pause()
        for url in [server.endpointURL, server.tcpURL] {
            let started = ContinuousClock.now
            let error = await connect(try RedisEndpoint(url: url), timeout: .seconds(1))
            #expect(error?.code == .unreachable)
            #expect(error?.outcome == .refused)
            #expect(error?.detail.contains("does not answer") == true, "\(error?.description ?? "connected")")
            #expect(.milliseconds(995)...(.seconds(10)) ~= started.duration(to: .now))
        }
        server.resume()
        #expect(await connect(server.endpoint) == nil)
    }

    @Test("a task that is cancelled before it connects gets no connection, whatever address is next")
    func cancelled() async throws {
        let server = try await RedisServer.start(tcp: true)
        for url in [server.endpointURL, server.tcpURL] {
            let endpoint = try RedisEndpoint(url: url)
            let error = await Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                return await connect(endpoint)
            }.value
            #expect(error?.code == .unreachable)
            #expect(error?.detail.contains("cancelled") == true, "\(error?.description ?? "connected")")
        }
    }

    @Test("too many clients: the server's own words, and try again later")
    func maxclients() async throws {
        let server = try await RedisServer.start(extra: ["--maxclients", "1"])
        // The probe that found the server ready may not have left yet.
        var only: RedisConnection?
        #expect(
            await eventually {
                only = try? await RedisConnection.connect(to: server.endpoint, on: loop)
                return only != nil
            })
        let error = await connect(server.endpoint)
        #expect(error?.outcome == .refused)
        #expect(
            error?.detail.contains("max number of clients") == true, "\(error?.description ?? "connected")")
        await only?.close()
    }
}
