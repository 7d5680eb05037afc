import HeadwayWire

/// A route of somebody else's shape, compiled: docs/views.md says what may be written.
struct View: Sendable, Equatable {
    /// What an error is answered with.
    struct Reply: Sendable, Equatable {
        /// 200, or 400 to 599.
        let status: Int
        let body: ViewNode
    }

    /// A name and the data of one kind of frame.
    struct Event: Sendable, Equatable {
        let name: String
        let data: ViewNode
    }

    struct Events: Sendable, Equatable {
        let snapshot: Event
        let complete: Event
        /// Nil: ``ViewLens`` has words of its own.
        let error: Event?
    }

    /// Whose jobs it shows.
    let pipeline: String
    let route: ViewRoute
    /// What `$status` is; nil for the plain word.
    let status: ViewNode?
    /// Nil only when there are ``events``.
    let fields: ViewNode?
    let errors: [ViewErrorKind: Reply]
    let events: Events?
    let token: ViewToken?
    /// Eight hex digits that name the text it was compiled from.
    let digest: String

    static let countLimit = 16
    static let textLimit = 32_768

    func write(_ node: ViewNode, of subject: ViewSubject) -> [UInt8] {
        var json = JSONWriter(capacity: 512)
        ViewScope(subject, status: status).write(node, to: &json)
        return json.bytes
    }

    /// FNV-1a, 32 bits: it tells texts apart, and guards nothing.
    static func digest(of text: String) -> String {
        var hash: UInt32 = 0x811c_9dc5
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

/// Where a view's readers carry their token, and what is said to those without.
struct ViewToken: Sendable, Equatable {
    let header: String
    /// Whether one has to be presented even before anybody looks whether the job has one.
    let isRequired: Bool
    /// What somebody with a wrong token is told.
    let foreign: ViewErrorKind
}
