/// HMAC-SHA-256 (RFC 2104), for the signatures of webhooks.
package enum HMAC {
    private static let block = 64

    /// - Returns: 32 bytes.
    package static func sha256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        let short = key.count > block ? SHA256.hash(key) : key
        let padded = short + [UInt8](repeating: 0, count: block - short.count)
        return SHA256.hash(padded.map { $0 ^ 0x5c } + SHA256.hash(padded.map { $0 ^ 0x36 } + message))
    }
}
