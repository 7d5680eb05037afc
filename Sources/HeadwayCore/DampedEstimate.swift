/// What is shown of an estimate: moments that stand still and come nearer, instead of numbers that flicker.
///
/// The end is kept as a moment, so that what is left counts down by itself. It moves at most every ``pause``, and
/// only when the middle or the high end has come to differ by more than ``tolerance`` of what is left. Pure: the
/// same estimates at the same moments show the same.
public struct DampedEstimate: Sendable, Equatable {
    public static let pause = Duration.seconds(5)
    /// One part in so many.
    public static let tolerance: Int64 = 10

    private var basis: Estimate.Basis
    private var end: Timestamp
    private var high: Timestamp
    private var movedAt: Timestamp

    public init(_ estimate: Estimate, at now: Timestamp) {
        basis = estimate.basis
        end = now + estimate.remaining
        high = now + estimate.high
        movedAt = now
    }

    /// What to show now.
    public func shown(at now: Timestamp) -> Estimate {
        Estimate(remaining: max(end - now, .zero), high: max(high - now, .zero), basis: basis)
    }

    /// - Returns: what to show now that `fresh` is what is thought.
    public mutating func show(_ fresh: Estimate, at now: Timestamp) -> Estimate {
        let isClockBack = now < movedAt
        if isClockBack || now - movedAt >= Self.pause && differs(fresh, at: now) {
            self = DampedEstimate(fresh, at: now)
        }
        return shown(at: now)
    }

    private func differs(_ fresh: Estimate, at now: Timestamp) -> Bool {
        let shown = shown(at: now)
        return Self.differ(shown.remaining, fresh.remaining) || Self.differ(shown.high, fresh.high)
    }

    private static func differ(_ a: Duration, _ b: Duration) -> Bool {
        let a = a.wholeMilliseconds
        let b = b.wholeMilliseconds
        return abs(a - b) > max(a, b) / tolerance
    }
}

/// What was shown last of many subjects: bounded, and forgetful of those that nobody asks about.
public struct EstimateMemory<Subject: Hashable & Sendable>: Sendable {
    private struct Entry {
        var shown: DampedEstimate
        /// The job's attempt or the bulk's generation: another one begins anew.
        var life: Int
        var askedAt: Timestamp
    }

    private let capacity: Int
    private var entries: [Subject: Entry] = [:]

    /// - Parameter capacity: when that many are kept, those not asked about for ``patience`` go, else all.
    public init(capacity: Int) { self.capacity = max(capacity, 1) }

    public static var patience: Duration { .seconds(60) }

    public var count: Int { entries.count }

    /// - Returns: what to show; a reason goes through at once, and is forgotten.
    public mutating func show(
        _ outlook: Outlook, of subject: Subject, life: Int, at now: Timestamp
    ) -> Outlook {
        guard case .estimate(let fresh) = outlook else {
            if !entries.isEmpty { entries[subject] = nil }
            return outlook
        }
        guard var entry = entries[subject], entry.life == life else {
            makeRoom(at: now)
            entries[subject] = Entry(shown: DampedEstimate(fresh, at: now), life: life, askedAt: now)
            return outlook
        }
        let shown = entry.shown.show(fresh, at: now)
        entry.askedAt = now
        entries[subject] = entry
        return .estimate(shown)
    }

    /// What was shown lately; nil when nobody asked within ``patience``.
    public func shown(of subject: Subject, life: Int, at now: Timestamp) -> Estimate? {
        guard let entry = entries[subject], entry.life == life, now - entry.askedAt < Self.patience else {
            return nil
        }
        return entry.shown.shown(at: now)
    }

    private mutating func makeRoom(at now: Timestamp) {
        guard entries.count >= capacity else { return }
        entries = entries.filter { now - $0.value.askedAt < Self.patience }
        if entries.count >= capacity { entries = [:] }
    }
}
