import Redis

extension RedisEndpoint {
    /// `redis-cli` with the options that reach this server, for a shell. Without user and password.
    var redisCLI: String {
        switch address {
        case .unix(let path):
            "redis-cli -s " + Self.word(path) + (database == 0 ? "" : " -n \(database)")
        case .tcp(let host, let port):
            "redis-cli"
                + (["localhost", "127.0.0.1"].contains(host) ? "" : " -h " + Self.word(host))
                + (port == 6379 ? "" : " -p \(port)") + (database == 0 ? "" : " -n \(database)")
        }
    }

    private static func word(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
                UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: ":"):
                true
            default: false
            }
        }
        return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
    }
}
