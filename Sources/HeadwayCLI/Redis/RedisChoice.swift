import EventLoop
import Redis

/// Which Redis a command talks to, and the sentence for when it cannot.
struct RedisChoice: Sendable {
    let endpoint: RedisEndpoint
    /// As a worker process wants it.
    let url: String

    static let options = [
        Option(
            "redis", nil, .text("URL"),
            "redis://[[user:]password@]host[:port][/db] or unix:///path; without it the embedded Redis of a running "
                + "headway up, else \(RedisURL.usual)"),
        Option(
            "state", nil, .text("DIR"),
            "where the embedded Redis lives: $XDG_STATE_HOME/headway or ~/.local/state/headway"),
        Option("namespace", nil, .text("NAME"), "what all keys begin with", fallback: "hw"),
    ]

    /// - Throws: ``UsageError`` for a URL that cannot be used.
    static func of(_ invocation: Invocation) throws -> RedisChoice {
        if let url = invocation.arguments.text("redis") { return try RedisChoice(url: url) }
        let option = invocation.arguments.text("state")
        if let state = try? StateDirectory(option: option, environment: invocation.environment),
            let text = try? FileAccess.read(state.file("redis.url"))
        {
            let url = String(decoding: text, as: UTF8.self).filter { !$0.isWhitespace }
            if let choice = try? RedisChoice(url: url) { return choice }
        }
        return try RedisChoice(url: RedisURL.usual)
    }

    init(url: String) throws(UsageError) {
        do {
            endpoint = try RedisEndpoint(url: url)
        } catch {
            throw UsageError("--redis: \(error.detail)")
        }
        self.url = url
    }

    init(_ redis: EmbeddedRedis) {
        endpoint = redis.endpoint
        url = redis.url
    }

    /// Asks it for a sign of life before anything depends on it.
    func checked(on loop: EventLoop) async throws -> RedisChoice {
        do throws(RedisError) {
            let connection = try await RedisConnection.connect(to: endpoint, on: loop, name: "headway-check")
            await connection.close()
        } catch {
            throw Failure(advice(error))
        }
        return self
    }

    func advice(_ error: RedisError) -> String {
        let detail = Printable.line(error.detail, limit: 300)
        switch error.code {
        case .authenticationFailed:
            return "Redis refuses the login (\(detail)); write it as --redis redis://user:password@host:port"
        case .unreachable:
            return
                "cannot reach Redis: \(detail); start it, correct --redis, or let headway up run one of its own"
        case .timedOut, .connectionLost:
            return "Redis does not answer: \(detail)"
        case .badURL:
            return "the Redis URL cannot be used: \(detail)"
        case .commandRejected where detail.hasPrefix("LOADING"):
            return "Redis is still loading its data; try again in a moment"
        case .protocolViolation, .commandRejected, .unexpectedReply, .closed, .tooLarge:
            return "Redis: \(detail)"
        }
    }
}
