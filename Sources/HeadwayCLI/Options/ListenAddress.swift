/// Where to listen: `127.0.0.1:8080`, `[::1]:0`, `:8080` (this machine only) or `8080`; `fd:3` is a listening socket
/// that this process inherited.
struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    let host: String
    let port: Int
    /// The inherited socket that is meant, 3 to 1023; host and port are nobody's wish then.
    let descriptor: CInt?

    init?(_ text: String) {
        if text.hasPrefix("fd:") {
            guard let number = CInt(text.dropFirst(3)), 3...1023 ~= number else { return nil }
            self.init(host: "127.0.0.1", port: 0, descriptor: number)
            return
        }
        var host: Substring = ""
        var port = text[...]
        if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard let number = UInt16(port), port.utf8.allSatisfy({ 48...57 ~= $0 }) else { return nil }
        self.init(host: host.isEmpty ? "127.0.0.1" : String(host), port: Int(number))
    }

    init(host: String, port: Int, descriptor: CInt? = nil) {
        self.host = host
        self.port = port
        self.descriptor = descriptor
    }

    var description: String {
        if let descriptor { return "fd:\(descriptor)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// What to type into a browser; "all addresses" is reached by this machine's own.
    var url: String {
        let own = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host
        return "http://\(ListenAddress(host: own, port: port))/"
    }
}
