import HeadwayWire

/// A secret that lets its holder read one job, for producers that hand jobs out to strangers.
///
///     let access = ReadToken.make()
///     try await headway.queue(Article.self, id: "article-42", tokenDigest: access.digest)
///     return (id: "article-42", token: access.token)     // for the browser that waits
///
/// Only the digest goes to Redis; the read API asks for the token. Who loses it cannot get it back.
public struct ReadToken: Sendable, Equatable, CustomStringConvertible {
    /// What the reader presents, as `Authorization: Bearer …` or `?token=…`; fit for a URL as it is.
    public let token: String
    /// Its SHA-256, as 64 lower-case hex digits: what `queue` and `start` take as `tokenDigest`.
    public let digest: String

    /// A token that nobody can guess: 52 letters and digits, 260 bits of the system's randomness.
    public static func make() -> ReadToken { ReadToken(RandomText.make(52)) }

    /// A token of your own, for instance one that a session already has: 1 to 512 bytes.
    public init(_ token: String) {
        self.token = token
        digest = SHA256.hex(token)
    }

    /// Without the secret, so that it may be logged.
    public var description: String { "ReadToken(\(digest.prefix(8))…)" }
}
