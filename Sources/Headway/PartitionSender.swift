/// Decides what one partition's in-order sender puts on the wire, and how long it remembers it. Pure.
///
///        first                 mark      acknowledged   cursor              next
///     ────┼─────── applied ──────┼──── stored ──┼── under way ──┼── waiting ──┼
///         └ kept until the mark has been past it for the failover window
///
/// Items are numbered from 1 without a gap, and every run that it hands out is contiguous and begins at or
/// below the first number that the stream lacks. So whatever is lost, repeated or executed late, the first
/// occurrence of a number in the stream comes after the first occurrence of the one before it, and a receiver
/// that takes `last + 1` only takes each exactly once and in order.
struct PartitionSender<Item: Sendable & Equatable>: Sendable, Equatable {
    struct Rules: Sendable, Equatable {
        /// Sent but not applied: above this nothing more is sent.
        var holdBack = 50_000
        /// How long an applied item is kept, in case the server falls back to before it.
        var keep = Duration.seconds(30)
        /// Idle for this long, it takes a new source: the old one may be forgotten on the other side.
        var renewal = Duration.seconds(12 * 3600)
    }

    /// Numbers to send in one piece, all or none (one `MULTI`).
    struct Run: Sendable, Equatable {
        var first: Int64
        var last: Int64

        var count: Int { Int(last - first) + 1 }
    }

    enum Sighting: Sendable, Equatable {
        case advanced, unchanged
        /// The server fell back: what is above the mark goes out again. Of that, `lost` are no longer kept.
        case rolledBack(lost: Int64)
    }

    /// Since when the mark is known to be past a number.
    private struct Pass: Sendable, Equatable {
        var mark: Int64
        var since: Duration
    }

    let rules: Rules
    private(set) var source: String
    private(set) var backlog = Backlog<Item>()
    /// The next number to go out.
    private(set) var cursor: Int64 = 1
    /// The highest number that ever went out.
    private(set) var reach: Int64 = 0
    /// All up to here are known to be stored.
    private(set) var acknowledged: Int64 = 0
    /// All up to here are known to be applied.
    private(set) var mark: Int64 = 0
    private(set) var resent: Int64 = 0
    private(set) var resentAt: Duration?
    private(set) var parkedUntil: Duration?
    /// The last number that may go out; nil when all may.
    private(set) var gate: Int64?
    private var isOpenRun = false
    private var passes: [Pass] = []
    private var activeAt: Duration

    init(source: String, rules: Rules = Rules(), at now: Duration = .zero) {
        self.source = source
        self.rules = rules
        activeAt = now
    }

    /// A sender of what an earlier process left: any of it may have been sent, and nothing is known to be stored.
    init(
        restoring items: [(Item, cost: Int)], from first: Int64, as source: String, rules: Rules,
        at now: Duration
    ) {
        self.init(source: source, rules: rules, at: now)
        backlog = Backlog(first: first)
        for (item, cost) in items { backlog.add(item, cost: cost) }
        cursor = first
        acknowledged = first - 1
        reach = backlog.next - 1
    }

    /// Waiting to go out.
    var unsent: Int64 { backlog.next - cursor }
    /// Not known to be applied.
    var unapplied: Int64 { backlog.next - 1 - mark }
    var isHoldingBack: Bool { unsent > 0 && out >= Int64(rules.holdBack) }
    /// Sent and not known to be applied, of what is still kept: a server that forgot everything, or more than is
    /// kept here, must not hold back the rest for ever.
    private var out: Int64 { cursor - max(mark + 1, backlog.first) }

    // MARK: Out

    mutating func add(_ item: Item, cost: Int, at now: Duration) {
        backlog.add(item, cost: cost)
        activeAt = now
    }

    /// The next run, at most `count` items and `bytes` bytes (but one item at least); nil when nothing may go.
    ///
    /// One run is under way at a time: it ends with `acknowledge`, `refuse`, `park` or `reconnect`.
    mutating func next(count: Int, bytes: Int, at now: Duration) -> Run? {
        if let parkedUntil, parkedUntil > now { return nil }
        let room = Int64(rules.holdBack) - out
        let end = gate.map { min($0 + 1, backlog.next) } ?? backlog.next
        guard !isOpenRun, room > 0, cursor < end, count > 0 else { return nil }
        var last = cursor
        var size = backlog[cursor].cost
        while last + 1 < end, last + 1 - cursor < min(Int64(count), room) {
            size += backlog[last + 1].cost
            guard size <= bytes else { break }
            last += 1
        }
        let run = Run(first: cursor, last: last)
        if run.first <= reach {
            resent += min(run.last, reach) - run.first + 1
            resentAt = now
        }
        cursor = last + 1
        reach = max(reach, last)
        activeAt = now
        isOpenRun = true
        parkedUntil = nil
        return run
    }

    /// From now on only numbers up to `number` go out; all of them when nil.
    mutating func open(upTo number: Int64?) { gate = number }

    mutating func acknowledge(_ run: Run) {
        isOpenRun = false
        acknowledged = max(acknowledged, run.last)
    }

    /// Nothing of the run was stored: it goes out again, before anything else.
    mutating func refuse(_ run: Run) {
        isOpenRun = false
        cursor = max(min(cursor, run.first), mark + 1)
    }

    /// As `refuse`, but a person must act first: rest until `time`.
    mutating func park(_ run: Run, until time: Duration) {
        refuse(run)
        parkedUntil = time
    }

    // MARK: Marks

    /// On a new connection only the mark is certain: all above it goes out again.
    mutating func reconnect(mark: Int64, at now: Duration) -> Sighting {
        isOpenRun = false
        parkedUntil = nil
        let sighting = see(mark, at: now)
        if case .rolledBack = sighting { return sighting }
        rewind()
        return sighting
    }

    /// The applied mark, as just read.
    mutating func see(_ seen: Int64, at now: Duration) -> Sighting {
        let seen = min(max(seen, 0), reach)
        defer { release(at: now) }
        if seen < mark {
            mark = seen
            passes.removeAll { $0.mark >= seen }
            passes.append(Pass(mark: seen, since: now))
            let lost = max(0, backlog.first - (seen + 1))
            rewind()
            return .rolledBack(lost: lost)
        }
        guard seen > mark else { return .unchanged }
        mark = seen
        passes.append(Pass(mark: seen, since: now))
        // What a late piece of an old connection brought need not be sent again.
        cursor = max(cursor, seen + 1)
        acknowledged = max(acknowledged, seen)
        return .advanced
    }

    private mutating func rewind() {
        if Sabotage.replay.isOn { return }
        cursor = max(mark + 1, backlog.first)
        acknowledged = cursor - 1
    }

    // MARK: Memory

    /// Bytes freed since the last call.
    private(set) var freed = 0

    mutating func takeFreed() -> Int {
        defer { freed = 0 }
        return freed
    }

    /// Forgets what the mark has been past for the failover window.
    mutating func release(at now: Duration) {
        var limit: Int64 = 0
        while let oldest = passes.first, now - oldest.since >= rules.keep {
            limit = oldest.mark
            passes.removeFirst()
        }
        while backlog.first <= limit, let cost = backlog.dropFirst() { freed += cost }
    }

    /// Since when the oldest applied item is known as applied; nil when none is kept.
    var oldestApplied: Duration? { backlog.first <= mark && !backlog.isEmpty ? passes.first?.since : nil }

    /// Forgets the oldest applied item before its time.
    ///
    /// - Returns: whether there was one.
    mutating func evict() -> Bool {
        guard backlog.first <= mark, let cost = backlog.dropFirst() else { return false }
        freed += cost
        while let oldest = passes.first, oldest.mark < backlog.first { passes.removeFirst() }
        return true
    }

    // MARK: Sources

    /// Whether nothing has happened for so long that the next item should come from a new source.
    func wantsRenewal(at now: Duration) -> Bool {
        backlog.isEmpty && !isOpenRun && reach > 0 && now - activeAt >= rules.renewal
    }

    /// Begins again from 1 under a new name.
    mutating func renew(as source: String, at now: Duration) {
        precondition(backlog.isEmpty && !isOpenRun, "a source is renewed while items of it are kept")
        let resent = resent
        let freed = freed
        let gate: Int64? = gate == nil ? nil : 0
        self = PartitionSender(source: source, rules: rules, at: now)
        self.gate = gate
        self.resent = resent
        self.freed = freed
    }
}
