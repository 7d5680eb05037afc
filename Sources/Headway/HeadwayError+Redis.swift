import HeadwayCore
import HeadwayWire
import Redis

extension HeadwayError {
    /// What a failure of Redis means to a worker.
    init(_ error: RedisError) {
        switch error.code {
        case .badURL:
            self.init(.badURL, "The URL of Redis cannot be used: \(error.detail)")
        case .authenticationFailed:
            self.init(.denied, "Redis does not let us in: \(error.detail)")
        case .unreachable, .connectionLost, .timedOut, .closed:
            self.init(
                .unreachable,
                "Redis cannot be reached (\(error.detail)). Is it running there? Trying again can help.")
        case .commandRejected where error.outcome == .refused:
            self.init(.unreachable, "Redis refuses at the moment (\(error.detail)). Trying again can help.")
        case .commandRejected where error.detail.hasPrefix("NOPERM"):
            self.init(
                .denied,
                "Redis does not permit \(error.command) (\(error.detail)). "
                    + "Give this user the worker permissions; docs/operations.md lists them.")
        case .commandRejected:
            self.init(
                .unfit,
                "Redis refuses \(error.command) for good (\(error.detail)). "
                    + "Is something else using this namespace?")
        case .protocolViolation, .unexpectedReply, .tooLarge:
            self.init(.unfit, "What answers is not a usable Redis (\(error.detail)). Check host and port.")
        }
    }

    /// What a broken rule of the wire means to the caller.
    init(_ error: WireError, in subject: String) {
        self.init(.invalid, "\(subject): \(error.description).")
    }

    static func id(_ text: String, of what: String) -> HeadwayError {
        HeadwayError(
            .invalid,
            "\"\(text.prefix(40))\" cannot be the id of a \(what): use 1 to 200 letters, digits or . _ : @ -."
        )
    }

    static let closed = HeadwayError(.closed, "This Headway is closed; connect again to publish more.")
}
