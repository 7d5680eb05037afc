/// Where to listen: `127.0.0.1:8080`, `[::1]:0`, `:8080` (this machine only) or `8080`.
struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    let host: String
    let port: Int

    init?(_ text: String) {
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
        self.host = host.isEmpty ? "127.0.0.1" : String(host)
        self.port = Int(number)
    }

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// What to type into a browser; "all addresses" is reached by this machine's own.
    var url: String {
        let own = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host
        return "http://\(ListenAddress(host: own, port: port))/"
    }
}
