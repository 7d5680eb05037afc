/// How long to wait before trying again: full jitter, `0 … min(cap, base · 2ⁿ)` after `n` earlier failures.
///
/// The whole range is drawn from, zero included, so that a fleet that lost the same server does not come back in
/// step. Pure: randomness is handed in.
package struct Backoff: Sendable, Equatable {
    package let base: Duration
    package let cap: Duration
    /// Failures since the last success.
    package private(set) var failures = 0

    package init(base: Duration = .milliseconds(50), cap: Duration = .seconds(10)) {
        self.base = max(.zero, base)
        self.cap = max(self.base, cap)
    }

    /// The longest wait that ``next(using:)`` can give now.
    package var ceiling: Duration {
        var ceiling = base
        for _ in 0..<failures where ceiling < cap { ceiling *= 2 }
        return min(ceiling, cap)
    }

    /// Notes a failure.
    ///
    /// - Returns: how long to wait before the next try, evenly drawn from zero to ``ceiling``.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let (seconds, attoseconds) = ceiling.components
        failures = min(failures + 1, 62)
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        return .nanoseconds(Int64.random(in: 0...nanoseconds, using: &generator))
    }

    /// Notes a success.
    package mutating func reset() { failures = 0 }
}
