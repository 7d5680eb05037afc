import HeadwayCore

/// How long it will still take, as views are shown it: the seam to whoever estimates.
struct ViewEstimate: Sendable, Equatable {
    var remaining: Duration?
    var high: Duration?
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
        json.field("basis", basis)
        json.endObject()
    }
}

extension JobSnapshot {
    var viewEstimate: ViewEstimate { .none }
}

extension BulkSnapshot {
    var viewEstimate: ViewEstimate { .none }
    /// Members that end in a minute, in thousandths; nil while nobody knows.
    var viewRate: Int64? { nil }
}
