import ReadAPI
import Redis

/// What the daemons share.
enum DaemonOptions {
    static let listen = Option(
        "listen", "l", .address("HOST:PORT"),
        "where the read API and the dashboard are; port 0 picks a free one; fd:3 is an inherited socket",
        fallback: "127.0.0.1:8080")

    static let partitions = Option(
        "partitions", nil, .count("N", 1...1024), "shards of the namespace, fixed when it is first used (8)")

    static let lease = Option(
        "lease", nil, .duration("TIME"), "an aggregator that is silent for this long is taken over",
        fallback: "5s")

    static let sync = Option(
        "fsync", nil, .choice(RedisCommandLine.Sync.allCases.map(\.rawValue)),
        "when the embedded Redis writes to disk: always loses nothing that it acknowledged, everysec is twice as fast",
        fallback: "always")

    static let operatorToken = Option(
        "operator-token", nil, .text("SECRET"),
        "opens every job, and from then on every write needs it; better given as a variable, as ps shows options"
    )

    static let allowOrigin = Option(
        "allow-origin", nil, .text("ORIGIN"),
        "pages of this origin may use the read API from a browser, such as https://app.example; * lets every page "
            + "read, and none write (only this server's own)",
        isRepeatable: true)

    static func allowedOrigins(_ arguments: Arguments) throws(UsageError) -> AllowedOrigins {
        guard let list = arguments.text(allowOrigin.name) else { return .none }
        do {
            return try AllowedOrigins(list)
        } catch {
            throw UsageError("--allow-origin \(Printable.line(error.detail, limit: 300))")
        }
    }

    static let metrics = Option(
        "metrics", nil, .address("HOST:PORT"),
        "where /metrics is; nowhere without it. Port 0 picks a free one")

    static let grace = Option(
        "grace", nil, .duration("TIME"), "how long requests under way may take when stopping", fallback: "10s"
    )
}
