import EventLoop
import Redis

/// Which Redis a command talks to, and the sentence for when it cannot.
struct RedisChoice: Sendable {
    let endpoint: RedisEndpoint
    /// As a worker process wants it.
    let url: String
    /// Who named it.
    private(set) var origin = Origin.named

    enum Origin: Sendable, Equatable {
        /// `--redis`, or this program itself.
        case named
        /// A `headway up` that keeps, or kept, its state there.
        case embedded(state: String)
        /// Nobody: there is no sign of a `headway up` in that state directory.
        case usual(state: String?)
    }

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
        let state = try? StateDirectory(option: option, environment: invocation.environment)
        if let state, let text = try? FileAccess.read(state.file("redis.url")) {
            let url = String(decoding: text, as: UTF8.self).filter { !$0.isWhitespace }
            if var choice = try? RedisChoice(url: url) {
                choice.origin = .embedded(state: state.path)
                return choice
            }
        }
        var choice = try RedisChoice(url: RedisURL.usual)
        choice.origin = .usual(state: state?.path)
        return choice
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

    private var whatToDo: String {
        switch origin {
        case .named: "start it, correct --redis, or let headway up run one of its own"
        case .embedded(let state):
            "it is that of the headway up in \(Printable.line(state, limit: 200)), which does not run any more: start "
                + "it again, name another with --state DIR, or a Redis with --redis URL"
        case .usual(let state):
            "no headway up runs" + (state.map { " in \(Printable.line($0, limit: 200))" } ?? "")
                + ": start one, name its directory with --state DIR, or a Redis with --redis URL"
        }
    }

    func advice(_ error: RedisError) -> String {
        let detail = Printable.line(error.detail, limit: 300)
        switch error.code {
        case .authenticationFailed:
            return "Redis refuses the login (\(detail)); write it as --redis redis://user:password@host:port"
        // Somebody runs it: whose it is helps nobody then.
        case .unreachable where detail.hasSuffix(RedisError.silence): return "cannot reach Redis: \(detail)"
        case .unreachable: return "cannot reach Redis: \(detail); \(whatToDo)"
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
