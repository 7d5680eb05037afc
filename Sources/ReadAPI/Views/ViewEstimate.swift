import HeadwayCore

/// How long it will still take, as views are shown it: the seam to whoever estimates.
struct ViewEstimate: Sendable, Equatable {
    var remaining: Duration?
    var high: Duration?
    /// The moment that ``remaining`` leads to.
    var at: Timestamp?
    var basis: String?
    /// Why there is none.
    var reason: String?

    static let none = ViewEstimate()

    /// Whole seconds, rounded up: never "0 s" while something is left.
    var seconds: Int? { remaining.map(Self.seconds) }
    var highSeconds: Int? { high.map(Self.seconds) }

    private static func seconds(_ span: Duration) -> Int {
        Int(clamping: (span.wholeMilliseconds &+ 999) / 1000)
    }

    func write(to json: inout JSONWriter) {
        guard let seconds else { return json.null() }
        json.beginObject()
        json.field("seconds", seconds)
        json.field("high", highSeconds)
        json.field("at", at)
        json.field("basis", basis)
        json.endObject()
    }
}

extension ViewEstimate {
    init(_ outlook: Outlook, at now: Timestamp) {
        switch outlook {
        case .estimate(let estimate):
            remaining = estimate.remaining
            high = estimate.high
            at = now + estimate.remaining
            basis = estimate.basis.rawValue
        case .none(let why): reason = why.rawValue
        }
    }
}

extension JobSnapshot {
    var viewEstimate: ViewEstimate { ViewEstimate(outlook, at: readAt) }
}

extension BulkSnapshot {
    var viewEstimate: ViewEstimate { ViewEstimate(outlook, at: readAt) }
    /// Members that end in a minute, in thousandths; nil while nobody knows.
    var viewRate: Int64? { rate.map { Int64(min($0.perMinute * 1000, 1e15).rounded()) } }
}
