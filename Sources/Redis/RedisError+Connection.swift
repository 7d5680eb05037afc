/// The same fault, as seen from where it is told.
extension RedisError {
    /// What ``detail`` says of a server that is there and does not answer.
    package static let silence = "it accepts connections but does not answer; is it stopped or overloaded?"

    /// Names the command of an error that was made where only the connection is known.
    func naming(_ batch: CommandBatch) -> RedisError {
        command.isEmpty ? RedisError(code, command: batch.summary, detail: detail) : self
    }

    /// What one of the pending calls is told when this ends the connection: the fault itself if it is the call's
    /// own, else that the connection was lost.
    func share(isFirst: Bool, isLate: Bool) -> RedisError {
        switch code {
        case .timedOut where isLate, .connectionLost: self
        case .protocolViolation where isFirst, .tooLarge where isFirst: self
        default:
            RedisError(.connectionLost, command: "", detail: "given up because of another call: \(detail)")
        }
    }

    static func unreachable(_ endpoint: RedisEndpoint, _ detail: String) -> RedisError {
        RedisError(.unreachable, command: "CONNECT", detail: "\(endpoint): \(detail)")
    }

    /// A fault of the greeting, as one of connecting: nothing that the caller asked for was sent yet.
    func whileConnecting(to endpoint: RedisEndpoint) -> RedisError {
        switch code {
        case .connectionLost where detail.contains("DENIED"):
            RedisError(.authenticationFailed, command: "CONNECT", detail: "\(endpoint): \(detail)")
        case .connectionLost, .closed: .unreachable(endpoint, detail)
        case .timedOut:
            .unreachable(endpoint, Self.silence)
        case .protocolViolation:
            RedisError(
                .protocolViolation, command: "CONNECT",
                detail: "the peer at \(endpoint) is not Redis: \(detail)")
        case .unreachable, .commandRejected, .unexpectedReply, .badURL, .authenticationFailed, .tooLarge: self
        }
    }
}
