/// Decides what goes to Redis next, over all partitions, within a bound of memory. Pure.
///
/// At the bound, items that are already applied are forgotten first, oldest first, which shortens the window in
/// which a failover can be healed; items that are not applied are never forgotten.
struct SendQueue<Item: Sendable & Equatable>: Sendable, Equatable {
    struct Limits: Sendable, Equatable {
        /// Bytes of items in memory.
        var bytes = 32 << 20
        /// Items and bytes of one batch, over all partitions.
        var batchCount = 512
        var batchBytes = 256 << 10
    }

    /// A run of one partition.
    struct Parcel: Sendable, Equatable {
        var partition: Int
        var run: PartitionSender<Item>.Run
    }

    let limits: Limits
    private(set) var senders: [PartitionSender<Item>]
    /// Of all items kept.
    private(set) var bytes = 0
    private(set) var count: Int64 = 0
    /// Applied items that were forgotten before the failover window had passed.
    private(set) var evicted: Int64 = 0
    /// Items that a server forgot after they were applied and forgotten here: beyond repair.
    private(set) var lost: Int64 = 0
    private(set) var rollbacks: Int64 = 0
    /// Partitions take turns to be first.
    private var turn = 0

    init(
        partitions: Int, source: String, limits: Limits = Limits(),
        rules: PartitionSender<Item>.Rules = .init(),
        at now: Duration = .zero
    ) {
        self.limits = limits
        senders = (0..<partitions).map { _ in PartitionSender(source: source, rules: rules, at: now) }
    }

    // MARK: In

    /// Makes room for `cost` bytes by forgetting applied items.
    ///
    /// - Parameter reserve: bytes to leave free for what matters more.
    /// - Returns: whether there is room now.
    mutating func makeRoom(for cost: Int, reserve: Int = 0) -> Bool {
        while bytes + cost > limits.bytes - reserve {
            guard let oldest = oldestApplied, senders[oldest].evict() else { return false }
            evicted += 1
            bytes -= senders[oldest].takeFreed()
        }
        return true
    }

    /// The partition whose oldest item has been applied for longest.
    private var oldestApplied: Int? {
        var oldest: (partition: Int, since: Duration)?
        for partition in senders.indices {
            guard let since = senders[partition].oldestApplied, since < oldest?.since ?? .seconds(Int64.max)
            else {
                continue
            }
            oldest = (partition, since)
        }
        return oldest?.partition
    }

    /// Appends an item; the caller has made room.
    mutating func add(_ item: Item, cost: Int, to partition: Int, at now: Duration) {
        senders[partition].add(item, cost: cost, at: now)
        bytes += cost
        count += 1
    }

    /// Puts back what an earlier process left of a partition, under its own numbers.
    mutating func restore(
        _ items: [(Item, cost: Int)], from first: Int64, as source: String, to partition: Int,
        at now: Duration
    ) {
        senders[partition] = PartitionSender(
            restoring: items, from: first, as: source, rules: senders[partition].rules, at: now)
        for item in items { bytes += item.cost }
        count += Int64(items.count)
    }

    mutating func renew(_ partition: Int, as source: String, at now: Duration) {
        senders[partition].renew(as: source, at: now)
    }

    // MARK: Out

    /// What goes out now, at most one run per partition; each must be answered before the next call.
    mutating func next(at now: Duration) -> [Parcel] {
        var parcels: [Parcel] = []
        var roomCount = limits.batchCount
        var roomBytes = limits.batchBytes
        for step in senders.indices where roomCount > 0 && roomBytes > 0 {
            let partition = (turn + step) % senders.count
            guard let run = senders[partition].next(count: roomCount, bytes: roomBytes, at: now) else {
                continue
            }
            roomCount -= run.count
            for number in run.first...run.last { roomBytes -= senders[partition].backlog[number].cost }
            parcels.append(Parcel(partition: partition, run: run))
        }
        if let first = parcels.first { turn = (first.partition + 1) % senders.count }
        return parcels
    }

    /// Only numbers up to `ends`, one per partition, go out from now on.
    mutating func open(upTo ends: [Int64]) {
        for (partition, end) in ends.enumerated() { senders[partition].open(upTo: end) }
    }

    /// Everything may go out.
    mutating func openAll() { for partition in senders.indices { senders[partition].open(upTo: nil) } }

    mutating func acknowledge(_ parcel: Parcel) { senders[parcel.partition].acknowledge(parcel.run) }
    mutating func refuse(_ parcel: Parcel) { senders[parcel.partition].refuse(parcel.run) }

    mutating func park(_ parcel: Parcel, until time: Duration) {
        senders[parcel.partition].park(parcel.run, until: time)
    }

    // MARK: Marks

    /// A new connection, and the mark of each partition as read over it.
    mutating func reconnect(marks: [Int64], at now: Duration) {
        for (partition, mark) in marks.enumerated() {
            note(senders[partition].reconnect(mark: mark, at: now), partition)
        }
    }

    mutating func see(_ mark: Int64, of partition: Int, at now: Duration) {
        note(senders[partition].see(mark, at: now), partition)
    }

    private mutating func note(_ sighting: PartitionSender<Item>.Sighting, _ partition: Int) {
        bytes -= senders[partition].takeFreed()
        guard case .rolledBack(let gone) = sighting else { return }
        rollbacks += 1
        lost += gone
    }

    // MARK: Sums

    /// The next number of each partition: what to wait for to know that all that is here now is through.
    var ends: [Int64] { senders.map { $0.backlog.next - 1 } }
    var unapplied: Int64 { senders.reduce(0) { $0 + $1.unapplied } }
    var unacknowledged: Int64 { senders.reduce(0) { $0 + max(0, $1.backlog.next - 1 - $1.acknowledged) } }
    var heldBack: Int64 { senders.reduce(0) { $0 + ($1.isHoldingBack ? $1.unsent : 0) } }
    var resent: Int64 { senders.reduce(0) { $0 + $1.resent } }
    var isEmpty: Bool { senders.allSatisfy(\.backlog.isEmpty) }
}
