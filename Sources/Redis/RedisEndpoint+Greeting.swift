extension RedisEndpoint {
    /// What a new connection says first: who we are, which database, and `PING`, because a server that is
    /// stopped still accepts connections.
    ///
    /// - Parameter name: shown by `CLIENT LIST`; bytes that Redis does not take there become `-`.
    func greeting(name: String?) -> CommandBatch {
        var batch = CommandBatch()
        if let password {
            if let user { batch.add("AUTH", user, password) } else { batch.add("AUTH", password) }
        }
        if database != 0 { batch.add("SELECT", "\(database)") }
        if let name, !name.isEmpty {
            let allowed = name.utf8.map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "-") }
            batch.add("CLIENT", "SETNAME", String(decoding: allowed, as: UTF8.self))
        }
        batch.add("PING")
        return batch
    }

    /// Judges the replies to ``greeting(name:)``.
    ///
    /// - Throws: `authenticationFailed`, `badURL` for a database that is not there, or what the server refused
    ///   `PING` with (`LOADING`, `BUSY`, …). That a name cannot be set, or that `PING` is not permitted, is no
    ///   reason to go away.
    func check(_ greeting: CommandBatch, _ replies: [RESPValue]) throws(RedisError) {
        for (name, reply) in zip(greeting.names, replies) {
            guard let text = reply.error else {
                if name == "PING", reply.kind != .status || reply.string != "PONG" {
                    throw RedisError(.protocolViolation, command: name, detail: "PING without PONG")
                }
                continue
            }
            let refusal = RedisError.refusal(text, command: name)
            switch name {
            case "AUTH": throw authenticationFailure(refusal)
            case "SELECT" where !text.hasPrefix("NOAUTH"):
                throw RedisError(.badURL, command: name, detail: "database \(database) of \(self): \(text)")
            case "CLIENT": continue
            case "PING" where text.hasPrefix("NOPERM"): continue
            default: throw refusal.code == .authenticationFailed ? authenticationFailure(refusal) : refusal
            }
        }
    }

    private func authenticationFailure(_ refusal: RedisError) -> RedisError {
        let advice: String
        switch refusal.detail {
        case let text where text.hasPrefix("NOAUTH"):
            advice =
                "\(self) wants a password: put it into the URL, redis://:password@host or unix://…?password=…"
        case let text where text.hasPrefix("WRONGPASS"):
            advice = "\(self) refuses this user or password: correct them in the URL"
        case let text where text.hasPrefix("ERR AUTH"):
            advice = "\(self) has no password set: take it out of the URL, or set requirepass"
        case let text where text.hasPrefix("DENIED"):
            advice = "\(self) is in protected mode: give it a password, or connect from its own machine"
        default:
            if refusal.outcome == .refused { return refusal }
            advice = "\(self) refuses to log in"
        }
        return RedisError(
            .authenticationFailed, command: refusal.command, detail: "\(advice) (\(refusal.detail))")
    }
}
