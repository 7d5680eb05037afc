/// Items numbered without a gap, oldest first: added at one end, dropped at the other, read by number.
///
/// Adding and dropping are O(1) amortised, reading is O(1).
struct Backlog<Item: Sendable & Equatable>: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var item: Item
        /// Bytes that it holds in memory.
        var cost: Int
    }

    /// Dropped entries are nil until the array is compacted.
    private var entries: [Entry?] = []
    private var dropped = 0
    /// The number of the oldest item; of the next one when there is none.
    private(set) var first: Int64

    init(first: Int64 = 1) { self.first = first }

    /// The number that the next item gets.
    var next: Int64 { first + Int64(count) }

    var count: Int { entries.count - dropped }

    var isEmpty: Bool { count == 0 }

    mutating func add(_ item: Item, cost: Int) { entries.append(Entry(item: item, cost: cost)) }

    /// - Parameter number: from ``first`` to ``next`` − 1; anything else is our own bug.
    subscript(number: Int64) -> Entry {
        guard number >= first, number < next, let entry = entries[dropped + Int(number - first)] else {
            preconditionFailure("no item \(number) between \(first) and \(next)")
        }
        return entry
    }

    /// - Returns: what the oldest item held; nil when there is none.
    mutating func dropFirst() -> Int? {
        guard !isEmpty else { return nil }
        let cost = entries[dropped]?.cost ?? 0
        entries[dropped] = nil
        dropped += 1
        first += 1
        if dropped > 64, dropped > entries.count / 2 {
            entries.removeFirst(dropped)
            dropped = 0
        }
        return cost
    }

    static func == (a: Self, b: Self) -> Bool {
        a.first == b.first && a.entries[a.dropped...] == b.entries[b.dropped...]
    }
}
