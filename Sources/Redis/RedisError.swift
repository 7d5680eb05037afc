/// Why a Redis call did not produce a reply that the caller can use.
///
/// Switch on ``outcome`` to decide what to do next, on ``code`` for the cause, print ``description`` for a
/// person. No argument of a command is ever in it.
package struct RedisError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// No connection could be made, or none is there at the moment.
        case unreachable
        /// The connection ended while the call was under way.
        case connectionLost
        /// No reply within the call's deadline.
        case timedOut
        /// What came back is not RESP2, or nobody asked for it.
        case protocolViolation
        /// The server answered with an error reply, for example `WRONGTYPE …`.
        case commandRejected
        /// The reply is well formed but not of the shape that the caller asked for.
        case unexpectedReply
        /// The URL cannot be used; the detail says which part of it and why.
        case badURL
        /// User or password are missing, wrong, or not wanted by the server.
        case authenticationFailed
        /// The connection was closed before the call.
        case closed
        /// More than the limits allow; see ``RESPLimits``.
        case tooLarge
    }

    /// What a caller may assume about the command.
    package enum Outcome: String, Sendable {
        /// It was definitely not carried out: the same call may be repeated later.
        case refused
        /// It may have been carried out or not: repeat only what may happen twice.
        case unknown
        /// Repeating cannot help; a person must act.
        case fatal
    }

    package let code: Code
    /// The command's name only, never its arguments: they may hold user data.
    package let command: String
    /// A sentence, or the text of the server's error reply; at most 500 characters.
    package let detail: String

    package init(_ code: Code, command: String, detail: String) {
        self.code = code
        self.command = command
        self.detail = String(detail.prefix(500))
    }

    package var outcome: Outcome {
        switch code {
        case .unreachable, .closed: .refused
        case .connectionLost, .timedOut: .unknown
        case .protocolViolation, .unexpectedReply, .badURL, .authenticationFailed, .tooLarge: .fatal
        case .commandRejected: Self.passing.contains(where: detail.isRefusal) ? .refused : .fatal
        }
    }

    /// Error replies after which the very same command can succeed later, or on another connection. Each is
    /// given before anything is changed.
    private static let passing = [
        "ASK", "BUSY", "CLUSTERDOWN", "ERR max number of clients", "EXECABORT", "LOADING", "MASTERDOWN",
        "MISCONF", "MOVED", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN", "UNBLOCKED",
    ]

    /// Makes an error of an error reply.
    ///
    /// - Parameters:
    ///   - text: the reply without its leading `-`. What Redis quotes of the arguments is cut off.
    ///   - command: the name of the command it answers.
    package static func refusal(_ text: String, command: String) -> RedisError {
        let quotedArguments = text.firstRange(of: ", with args beginning with")
        let detail = String(text[..<(quotedArguments?.lowerBound ?? text.endIndex)])
        let denied = ["WRONGPASS", "NOAUTH", "DENIED"].contains(where: detail.isRefusal)
        return RedisError(denied ? .authenticationFailed : .commandRejected, command: command, detail: detail)
    }

    package var description: String { "\(command): \(code.rawValue): \(detail)" }
}

extension String {
    /// Whether the error reply begins with these words: `BUSY` is not `BUSYGROUP`.
    fileprivate func isRefusal(_ words: String) -> Bool {
        hasPrefix(words) && (utf8.count == words.utf8.count || dropFirst(words.count).first == " ")
    }
}
