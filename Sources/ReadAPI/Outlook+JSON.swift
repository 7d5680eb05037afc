package import HeadwayCore

extension JSONWriter {
    /// `eta`, and `etaReason`: exactly one of them is null.
    ///
    /// `at` is the moment that `seconds` leads to, so that what is shown can count down by itself.
    package mutating func fields(_ outlook: Outlook, at now: Timestamp) {
        key("eta")
        switch outlook {
        case .estimate(let estimate):
            beginObject()
            field("seconds", Self.seconds(estimate.remaining))
            field("high", Self.seconds(estimate.high))
            field("at", now + estimate.remaining)
            field("basis", estimate.basis.rawValue)
            endObject()
            null("etaReason")
        case .none(let reason):
            null()
            field("etaReason", reason.rawValue)
        }
    }

    /// Rounded up: it is not over before it is.
    private static func seconds(_ span: Duration) -> Int {
        Int(clamping: (span.wholeMilliseconds + 999) / 1000)
    }
}
