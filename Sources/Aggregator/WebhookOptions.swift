package import HeadwayCore
package import HeadwayWire

/// Who is told of what, and how patiently.
package struct WebhookOptions: Sendable, Equatable {
    package struct Receiver: Sendable, Equatable {
        package let url: String
        /// Scheme, host and port, for logs and `undelivered`: a path or a user name may be a secret.
        package let name: String
        /// What the hash `delivered` calls it: the same in every instance, and not the URL.
        package let key: String

        package init(_ url: String) throws(Problem) {
            guard url.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else { throw .unreadable(url) }
            let parts = url.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let scheme = parts[0].lowercased()
            guard parts.count == 2, parts[1].hasPrefix("//"), scheme == "http" || scheme == "https" else {
                throw .scheme(url)
            }
            guard !url.contains("#") else { throw .fragment(url) }
            let place = parts[1].dropFirst(2).prefix { $0 != "/" && $0 != "?" }
            let host = place.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
            guard Self.isHost(host) else { throw .host(url) }
            self.url = url
            name = "\(scheme)://\(host)"
            key = String(SHA256.hex(url).prefix(16))
        }

        /// `example.org`, `10.0.0.1:8080`, `[::1]:80`.
        private static func isHost(_ text: Substring) -> Bool {
            var rest = text
            if rest.hasPrefix("[") {
                guard let end = rest.firstIndex(of: "]"), rest.distance(from: rest.startIndex, to: end) > 2
                else { return false }
                rest = rest[rest.index(after: end)...]
                if rest.isEmpty { return true }
                guard rest.hasPrefix(":") else { return false }
            } else {
                let name = rest.prefix { $0 != ":" }
                guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else { return false }
                rest = rest[name.endIndex...]
                if rest.isEmpty { return true }
            }
            return Int(rest.dropFirst()).map { 1...65_535 ~= $0 } ?? false
        }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    package enum Problem: Error, Sendable, Equatable, CustomStringConvertible {
        case unreadable(String)
        case scheme(String)
        case host(String)
        case fragment(String)
        case twice(String)

        /// Without what may be a secret: only the beginning of the URL is repeated.
        package var description: String {
            switch self {
            case .unreadable(let url): "\(Self.shown(url)) has spaces or other characters that no URL has"
            case .scheme(let url): "\(Self.shown(url)) is not a URL that starts with http:// or https://"
            case .host(let url): "\(Self.shown(url)) names no host, or a port that there is not"
            case .fragment(let url): "\(Self.shown(url)) has a #fragment, which no server sees"
            case .twice(let name): "\(name) is named twice"
            }
        }

        private static func shown(_ url: String) -> String {
            // Behind the scheme there may be a password.
            let scheme = url.utf8.prefix { $0 != UInt8(ascii: ":") }
            let isScheme = scheme.count < min(url.utf8.count, 12)
            let plain = String(
                decoding: (isScheme ? scheme : url.utf8.prefix(4)).map { 0x20...0x7e ~= $0 ? $0 : 63 },
                as: UTF8.self)
            return isScheme ? "\"\(plain):…\"" : "\"\(plain)…\""
        }
    }

    package let receivers: [Receiver]
    package let secret: WebhookSecret
    /// What goes into the outbox at all.
    package let events: Set<WebhookEventType>
    package var policy = DeliveryPolicy()
    /// For one try.
    package var timeout = Duration.seconds(15)
    /// Most tries under way to one receiver.
    package var concurrency = 8
    /// Entries of `outbox` per partition; beyond them the oldest are dropped, counted and noticed.
    package var outboxLimit = OutboxEntry.limit
    /// Entries kept in `undelivered` per partition, about.
    package var undeliveredLimit = 10_000

    /// - Parameter urls: one or more.
    package init(
        urls: [String], secret: WebhookSecret,
        events: Set<WebhookEventType> = Set(WebhookEventType.ofCommits)
    ) throws(Problem) {
        var receivers: [Receiver] = []
        for url in urls {
            let receiver = try Receiver(url)
            guard !receivers.contains(receiver) else { throw .twice(receiver.name) }
            receivers.append(receiver)
        }
        self.receivers = receivers
        self.secret = secret
        self.events = events
    }
}
