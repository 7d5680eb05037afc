/// A name that users choose: 1 to 200 bytes of `A–Z a–z 0–9 . _ : @ -`.
///
/// The alphabet is narrow on purpose. Swift compares strings by canonical equivalence and Redis compares
/// bytes; over ASCII the two agree. It also keeps an id from breaking out of a key, a URL path, a log line
/// or a hash tag (no braces).
public protocol Identifier: Sendable, Hashable, Comparable, CustomStringConvertible, LosslessStringConvertible
{
    init(unchecked text: String)
}

extension Identifier {
    /// - Returns: nil unless `text` is 1 to 200 bytes of the alphabet above.
    public init?(_ text: String) {
        guard isIdentifier(text.utf8) else { return nil }
        self.init(unchecked: text)
    }

    /// - Returns: nil unless `bytes` are 1 to 200 of the alphabet above.
    public init?(bytes: some Collection<UInt8>) {
        guard isIdentifier(bytes) else { return nil }
        self.init(unchecked: String(decoding: bytes, as: UTF8.self))
    }

    public static func < (a: Self, b: Self) -> Bool { a.description < b.description }
}

/// Names one job.
public struct JobID: Identifier {
    public let description: String

    /// For text that is known to keep the rule of ``Identifier``, such as a key read back from Redis.
    public init(unchecked text: String) { description = text }
}

/// Names one bulk: a set of jobs that are counted together.
public struct BulkID: Identifier {
    public let description: String

    /// For text that is known to keep the rule of ``Identifier``, such as a key read back from Redis.
    public init(unchecked text: String) { description = text }
}

/// Whether `bytes` keep the rule of ``Identifier``. Pipelines, stages and substeps keep it too.
public func isIdentifier(_ bytes: some Collection<UInt8>) -> Bool {
    guard 1...200 ~= bytes.count else { return false }
    return bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
            UInt8(ascii: "@"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
