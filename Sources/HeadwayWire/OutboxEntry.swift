package import HeadwayCore

/// One webhook that waits to be delivered: an entry of the stream `outbox`, written in the commit of which it tells.
package struct OutboxEntry: Sendable, Equatable {
    /// A ``WebhookEventType``'s word; kept as text, because a later version may know more.
    package var type: String
    /// The body as it will be posted, byte for byte the same at every try.
    package var body: [UInt8]

    /// Entries of an outbox beyond which its owner drops the oldest, and nobody else adds any.
    package static let limit = 100_000

    package init(_ type: WebhookEventType, body: [UInt8]) {
        self.type = type.rawValue
        self.body = body
    }

    package init(fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>) throws(WireError)
    {
        var type: String?
        var body: [UInt8]?
        for (name, value) in fields {
            if name.elementsEqual("type".utf8) { type = FieldValue.text(value) }
            if name.elementsEqual("body".utf8) { body = Array(value) }
        }
        guard let type else { throw .missing("type") }
        guard let body else { throw .missing("body") }
        self.type = type
        self.body = body
    }

    package func encode(into buffer: inout FieldBuffer) {
        buffer.add("type", type)
        buffer.add("body", body)
    }

    /// The value of `webhook-id`: the same at every try, another for every entry of every namespace.
    package static func id(_ keyspace: Keyspace, _ partition: Int, _ entry: StreamID) -> String {
        "\(keyspace.namespace)-\(partition)-\(entry)"
    }
}

/// A webhook that was given up, as it lies in the stream `undelivered`; or how many were dropped unsent.
package struct Undelivered: Sendable, Equatable {
    /// The entry's `webhook-id`; nil when many were dropped at once.
    package var id: String?
    /// Scheme, host and port of the receiver: a path may hold a secret.
    package var receiver: String?
    package var reason: String
    package var at: Timestamp
    package var tries: Int
    /// 1, or how many were dropped.
    package var count: Int
    package var entry: OutboxEntry?

    /// Before the names of an entry's own fields, where it could not be read.
    package static let rawPrefix = Array("raw.".utf8)[...]

    package init(
        id: String? = nil, receiver: String? = nil, reason: String, at: Timestamp, tries: Int = 0,
        count: Int = 1, entry: OutboxEntry? = nil
    ) {
        self.id = id
        self.receiver = receiver
        self.reason = reason
        self.at = at
        self.tries = tries
        self.count = count
        self.entry = entry
    }

    package func encode(into buffer: inout FieldBuffer) {
        buffer.add("reason", reason)
        buffer.add("at", at.milliseconds)
        buffer.add("count", count)
        if let id { buffer.add("id", id) }
        if let receiver { buffer.add("receiver", receiver) }
        if tries > 0 { buffer.add("tries", tries) }
        entry?.encode(into: &buffer)
    }
}
