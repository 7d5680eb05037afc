/// When members of a bulk ended, as counts per slot of time: enough to measure a rate, and never more than
/// ``slots`` numbers.
///
/// Slots begin 10 s wide. When all are used and hold few ends, each two become one of twice the width, so that
/// slow jobs leave enough to count; when they hold many, the oldest go. A pure function of the times in the
/// order heard, which are the partition's.
public struct FinishRing: Sendable, Equatable {
    public static let slots = 32
    /// Milliseconds.
    public static let narrowest: Int64 = 10_000
    /// Two weeks in all.
    public static let widest: Int64 = narrowest << 12
    /// A full ring with fewer ends than this widens its slots instead of letting the oldest go.
    static let fewest = 16

    /// Where the first slot begins: at first the moment when work began.
    public private(set) var since: Timestamp
    /// Of a slot, in milliseconds: ``narrowest`` times a power of two.
    public private(set) var width: Int64
    /// 1…``slots``, oldest first; what comes after the last has seen no end yet.
    public private(set) var counts: [Int]

    /// Nothing has ended yet; work begins now.
    public init(since: Timestamp) {
        self.since = since
        width = Self.narrowest
        counts = [0]
    }

    /// As stored.
    ///
    /// - Returns: nil when it cannot be.
    public init?(since: Timestamp, width: Int64, counts: [Int]) {
        guard width >= Self.narrowest, width <= Self.widest, width % Self.narrowest == 0,
            (width / Self.narrowest).nonzeroBitCount == 1, 1...Self.slots ~= counts.count,
            counts.allSatisfy({ 0...ProgressEvent.largestNumber ~= $0 })
        else { return nil }
        self.since = since
        self.width = width
        self.counts = counts
    }

    /// Ends that are still counted.
    public var count: Int { counts.reduce(0, &+) }

    /// A member ended. What is older than the ring counts no more.
    public mutating func add(at now: Timestamp) {
        guard now >= since else { return }
        var slot = slot(of: now)
        while slot >= Self.slots, count < Self.fewest, width < Self.widest {
            widen()
            slot = self.slot(of: now)
        }
        if slot >= Self.slots {
            let gone = slot - Int64(Self.slots) + 1
            since = since + .milliseconds(gone.multipliedReportingOverflow(by: width).partialValue)
            counts.removeFirst(min(counts.count, Int(clamping: gone)))
            slot -= gone
        }
        while counts.count <= slot { counts.append(0) }
        counts[Int(slot)] = counts[Int(slot)].successor
    }

    private func slot(of now: Timestamp) -> Int64 { (now - since).wholeMilliseconds / width }

    private mutating func widen() {
        width *= 2
        counts = stride(from: 0, to: counts.count, by: 2).map {
            counts[$0] &+ ($0 + 1 < counts.count ? counts[$0 + 1] : 0)
        }
    }

    /// How many ended in the last `span`, as if those of one slot were spread evenly over what has passed of it.
    func finished(within span: Duration, until now: Timestamp) -> Double {
        let from = Double((now - since).wholeMilliseconds) - Double(span.wholeMilliseconds)
        let end = Double((now - since).wholeMilliseconds)
        var sum = 0.0
        for (slot, count) in counts.enumerated() where count > 0 {
            let low = Double(slot) * Double(width)
            let high = max(min(low + Double(width), end), low + 1)
            sum += Double(count) * min(max((high - from) / (high - low), 0), 1)
        }
        return sum
    }
}

/// How fast a bulk's members end, as measured.
public struct FinishRate: Sendable, Equatable {
    /// Ends in ``span``.
    public let count: Double
    public let span: Duration
    /// Whether it reaches back to when work began.
    let isWhole: Bool

    /// - Parameters:
    ///   - rings: of all shares.
    ///   - wanted: how many ends to look back for; the window is at least half a minute, and not longer than
    ///     needed, so that it follows what changes.
    /// - Returns: nil before anything has ended.
    public init?(_ rings: [FinishRing], at now: Timestamp, wanted: Int) {
        guard let since = rings.map(\.since).min(), rings.contains(where: { $0.count > 0 }) else {
            return nil
        }
        // Shares begin on their own: a window is whole only when all of them have room for it.
        let whole = max((now - since), .seconds(1))
        var window = Duration.seconds(30)
        while window < whole {
            let count = rings.reduce(0) { $0 + $1.finished(within: window, until: now) }
            if count >= Double(wanted) {
                self.count = count
                span = window
                isWhole = false
                return
            }
            window += window
        }
        count = rings.reduce(0) { $0 + $1.finished(within: whole, until: now) }
        span = whole
        isWhole = rings.allSatisfy { $0.width == FinishRing.narrowest && $0.counts.count < FinishRing.slots }
    }

    public var perMinute: Double { perSecond * 60 }
    var perSecond: Double { count / max(span.inSeconds, 1) }
}
