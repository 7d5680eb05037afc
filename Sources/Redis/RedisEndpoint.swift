/// Where a Redis server is and how to log in.
///
///     redis://[[user]:password@]host[:6379][/db]
///     unix:///path/to.sock[?db=0&user=…&password=…]
///
/// An IPv6 host stands in brackets. User, password and path are percent-decoded.
package struct RedisEndpoint: Sendable, Equatable {
    package enum Address: Sendable, Equatable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    package var address: Address
    package var user: String?
    package var password: String?
    package var database: Int

    package init(_ address: Address, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
    }
}

extension RedisEndpoint: CustomStringConvertible, CustomReflectable {
    /// The URL without user and password.
    package var description: String {
        switch address {
        case .tcp(let host, let port):
            "redis://\(host.contains(":") ? "[\(host)]" : host):\(port)\(database == 0 ? "" : "/\(database)")"
        case .unix(let path): "unix://\(path)\(database == 0 ? "" : "?db=\(database)")"
        }
    }

    /// `dump` and failing tests print this instead of the stored properties.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
