package import Redis

/// Why a question has no answer.
package enum ReadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Redis is away, or refuses.
    case redis(RedisError)
    /// A key holds what this version cannot read: the key, and what is wrong, without any value.
    case unreadable(key: String, detail: String)

    package var description: String {
        switch self {
        case .redis(let error): "\(error)"
        case .unreadable(let key, let detail): "\(key) is not readable: \(detail)"
        }
    }
}
