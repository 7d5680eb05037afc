/// What webhooks are signed with, by the Standard Webhooks specification.
package struct WebhookSecret: Sendable, Equatable {
    package enum Problem: Error, Sendable, Equatable, CustomStringConvertible {
        case empty
        case notBase64
        case tooShort

        package var description: String {
            switch self {
            case .empty: "is empty"
            case .notBase64: "is not base64 after whsec_"
            case .tooShort: "is shorter than 16 bytes: anybody could guess it"
            }
        }
    }

    private let key: [UInt8]

    /// - Parameter text: `whsec_` and base64, or the bytes of the text itself.
    package init(_ text: String) throws(Problem) {
        guard !text.isEmpty else { throw .empty }
        let prefix = "whsec_"
        if text.hasPrefix(prefix) {
            guard let key = Base64.bytes(text.utf8.dropFirst(prefix.utf8.count)) else { throw .notBase64 }
            self.key = key
        } else {
            key = Array(text.utf8)
        }
        guard key.count >= 16 else { throw .tooShort }
    }

    /// The value of `webhook-signature`: `v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`.
    ///
    /// - Parameter timestamp: in seconds, as `webhook-timestamp` says.
    package func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
        "v1," + Base64.text(HMAC.sha256(Array("\(id).\(timestamp).".utf8) + body, key: key))
    }
}
