extension RedisEndpoint {
    /// Reads a URL of the forms above.
    ///
    /// - Throws: `badURL`, with what is wrong and how to write it; nothing of user or password is quoted.
    package init(url: String) throws(RedisError) {
        guard let colon = url.firstRange(of: "://") else {
            throw Self.bad("it needs a scheme, such as redis://127.0.0.1:6379 or unix:///run/redis.sock")
        }
        let rest = url[colon.upperBound...]
        switch url[..<colon.lowerBound].lowercased() {
        case "redis": try self.init(tcp: rest)
        case "unix": try self.init(unix: rest)
        case "rediss": throw Self.bad("TLS (rediss://) is not supported yet")
        case "redis+sentinel", "rediss+sentinel":
            throw Self.bad("Sentinel (redis+sentinel://) is not supported yet")
        case let scheme: throw Self.bad("the scheme \(scheme.prefix(20)):// is not one of redis://, unix://")
        }
    }

    private init(tcp text: Substring) throws(RedisError) {
        let (place, query) = Self.split(text, at: "?")
        let (authority, path) = Self.split(place, at: "/")
        var login = authority[..<authority.startIndex]
        var host = authority
        if let at = authority.lastIndex(of: "@") {
            login = authority[..<at]
            host = authority[authority.index(after: at)...]
        }
        guard !host.contains(",") else { throw Self.bad("several nodes are not supported yet") }
        let (name, port) = try Self.hostAndPort(host)
        self.init(.tcp(host: name, port: port))
        if !login.isEmpty {
            guard let colon = login.firstIndex(of: ":") else {
                throw Self.bad("there is a user without a password; write redis://user:password@host")
            }
            user = try Self.decoded(login[..<colon], part: "user")
            password = try Self.decoded(login[login.index(after: colon)...], part: "password")
        }
        if !path.isEmpty { database = try Self.databaseNumber(path) }
        try apply(query)
    }

    private init(unix text: Substring) throws(RedisError) {
        let (path, query) = Self.split(text, at: "?")
        guard path.hasPrefix("/") else { throw Self.bad("the path must be absolute: unix:///run/redis.sock") }
        let decoded = try Self.decoded(path, part: "path") ?? ""
        guard decoded.utf8.count > 1 else { throw Self.bad("the path of the socket is empty") }
        guard decoded.utf8.count <= 107 else {
            throw Self.bad("the path of a socket can have 107 bytes at most")
        }
        guard !decoded.utf8.contains(0) else { throw Self.bad("the path holds a zero byte") }
        self.init(.unix(path: decoded))
        try apply(query)
    }

    private mutating func apply(_ query: Substring) throws(RedisError) {
        for pair in query.split(separator: "&") {
            let (name, value) = Self.split(pair, at: "=")
            switch name {
            case "db": database = try Self.databaseNumber(value)
            case "user": user = try Self.decoded(value, part: "user")
            case "password": password = try Self.decoded(value, part: "password")
            default:
                throw Self.bad("the options after ? are db, user and password; one of them is something else")
            }
        }
        if user != nil, password == nil { throw Self.bad("there is a user without a password") }
    }

    // MARK: Parts

    private static func hostAndPort(_ text: Substring) throws(RedisError) -> (String, UInt16) {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw bad("the [ of an IPv6 address has no ]") }
            host = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw bad("after ] only :port may follow") }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            guard !host.contains(":") else {
                throw bad("an IPv6 address must stand in brackets: redis://[::1]:6379")
            }
        }
        guard !host.isEmpty else { throw bad("the host is empty; write redis://127.0.0.1:6379") }
        guard let port else { return (String(host), 6379) }
        // Not quoted: it is a piece of the password when that holds an unencoded / or @.
        guard let number = UInt16(port), number > 0, port.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }) else {
            throw bad(
                "the port is not a number from 1 to 65535 (encode / @ : # ? in a password as %2F %40 %3A %23 %3F)"
            )
        }
        return (String(host), number)
    }

    private static func databaseNumber(_ text: Substring) throws(RedisError) -> Int {
        guard let number = UInt16(text), text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }) else {
            throw bad("the database is not a number; write /0 or ?db=0")
        }
        return Int(number)
    }

    /// - Returns: nil for the empty text.
    private static func decoded(_ text: Substring, part: String) throws(RedisError) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, rest.prefix(2).allSatisfy(isHexDigit),
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else {
                throw bad(
                    "in the \(part), % is not followed by two hexadecimal digits; write % itself as %25")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let result = String(validating: bytes, as: UTF8.self) else {
            throw bad("the \(part) is not UTF-8")
        }
        return result.isEmpty ? nil : result
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private static func split(_ text: Substring, at mark: Character) -> (Substring, Substring) {
        guard let place = text.firstIndex(of: mark) else { return (text, text[text.endIndex...]) }
        return (text[..<place], text[text.index(after: place)...])
    }

    private static func bad(_ detail: String) -> RedisError {
        RedisError(.badURL, command: "URL", detail: detail)
    }
}
