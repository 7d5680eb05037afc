/// How long something will still take: a range, not a promise.
public struct Estimate: Sendable, Equatable {
    /// What it rests on; stable words, they are served.
    public enum Basis: String, Sendable, CaseIterable {
        /// The stage durations of finished jobs.
        case history
        /// What was seen of this one.
        case pace
        case both = "history+pace"
    }

    /// As likely to take longer as not. Not negative.
    public var remaining: Duration
    /// Nine of ten take at most this; never less than ``remaining``.
    public var high: Duration
    public var basis: Basis

    public init(remaining: Duration, high: Duration, basis: Basis) {
        self.remaining = max(remaining, .zero)
        self.high = max(high, self.remaining)
        self.basis = basis
    }
}

/// An estimate, or why there is none.
public enum Outlook: Sendable, Equatable {
    case estimate(Estimate)
    case none(Reason)

    /// Stable words: they are served.
    public enum Reason: String, Sendable, CaseIterable {
        /// It is over.
        case ended
        /// Somebody asked it to end.
        case cancelling
        /// It stands still, and nobody knows for how long.
        case stalled
        /// It waits for a worker, and nobody knows for how long.
        case queued
        /// Not enough jobs have gone through what is still before it.
        case noHistory = "no_history"
        /// Too little of it has been seen.
        case warmingUp = "warming_up"
        /// A bulk without a total: more may come.
        case open
        /// No aggregator is at work: what is known may be long out of date.
        case stale
    }

    public var estimate: Estimate? {
        switch self {
        case .estimate(let estimate): estimate
        case .none: nil
        }
    }

    public var reason: Reason? {
        switch self {
        case .estimate: nil
        case .none(let reason): reason
        }
    }
}

extension Estimate {
    init(_ spread: Spread, basis: Basis) {
        self.init(
            remaining: .milliseconds(Self.milliseconds(spread.median)),
            high: .milliseconds(Self.milliseconds(spread.high)), basis: basis)
    }

    private static func milliseconds(_ seconds: Double) -> Int64 {
        // A century is far enough.
        seconds.isFinite ? Int64(min(max(seconds, 0), 3e9) * 1000) : 3_000_000_000_000
    }
}

extension Duration {
    var inSeconds: Double { Double(wholeMilliseconds) / 1000 }
}
