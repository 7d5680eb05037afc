typealias Bytes = [UInt8]

extension Bytes {
    init(_ text: String) { self = Array(text.utf8) }

    var text: String { String(decoding: self, as: UTF8.self) }

    /// As Redis orders members: byte by byte, the shorter first.
    func isBefore(_ other: Bytes) -> Bool { lexicographicallyPrecedes(other) }
}

/// A hash: fields in the order they were first written, as small ones are listed by Redis.
struct FieldList: Equatable {
    private(set) var fields: [(name: Bytes, value: Bytes)] = []

    static func == (a: Self, b: Self) -> Bool {
        a.fields.elementsEqual(b.fields) { $0.name == $1.name && $0.value == $1.value }
    }

    var isEmpty: Bool { fields.isEmpty }

    subscript(name: Bytes) -> Bytes? {
        for field in fields where field.name == name { return field.value }
        return nil
    }

    /// - Returns: whether the field is new.
    mutating func set(_ name: Bytes, _ value: Bytes) -> Bool {
        for place in fields.indices where fields[place].name == name {
            fields[place].value = value
            return false
        }
        fields.append((name, value))
        return true
    }

    mutating func remove(_ name: Bytes) -> Bool {
        guard let place = fields.firstIndex(where: { $0.name == name }) else { return false }
        fields.remove(at: place)
        return true
    }
}

/// A sorted set, in order of score, then of member.
struct ScoreList: Equatable {
    struct Item: Equatable {
        var member: Bytes
        var score: Double

        func isBefore(_ other: Item) -> Bool {
            score != other.score ? score < other.score : member.isBefore(other.member)
        }
    }

    private(set) var items: [Item] = []

    func score(of member: Bytes) -> Double? { items.first { $0.member == member }?.score }

    /// - Returns: whether the member is new.
    mutating func set(_ member: Bytes, _ score: Double) -> Bool {
        let known = remove(member)
        let item = Item(member: member, score: score)
        items.insert(item, at: items.firstIndex { item.isBefore($0) } ?? items.count)
        return !known
    }

    mutating func remove(_ member: Bytes) -> Bool {
        guard let place = items.firstIndex(where: { $0.member == member }) else { return false }
        items.remove(at: place)
        return true
    }
}

/// A stream's id.
struct EntryID: Comparable, Hashable {
    var milliseconds: UInt64
    var sequence: UInt64

    static let zero = EntryID(milliseconds: 0, sequence: 0)
    static let last = EntryID(milliseconds: .max, sequence: .max)

    static func < (a: Self, b: Self) -> Bool {
        (a.milliseconds, a.sequence) < (b.milliseconds, b.sequence)
    }

    var text: String { "\(milliseconds)-\(sequence)" }

    var next: EntryID {
        sequence == .max
            ? EntryID(milliseconds: milliseconds + 1, sequence: 0)
            : EntryID(milliseconds: milliseconds, sequence: sequence + 1)
    }

    /// `ms` or `ms-seq`; a missing sequence is `fill`.
    init?(_ text: Bytes, fill: UInt64 = 0) {
        let parts = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let milliseconds = UInt64(String(decoding: parts[0], as: UTF8.self)) else {
            return nil
        }
        var sequence = fill
        if parts.count == 2 {
            guard let number = UInt64(String(decoding: parts[1], as: UTF8.self)) else { return nil }
            sequence = number
        }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }
}

struct Stream: Equatable {
    struct Entry: Equatable {
        var id: EntryID
        /// Names and values in turn.
        var fields: [Bytes]
    }

    private(set) var entries: ArraySlice<Entry> = []
    var last = EntryID.zero
    var highestDeleted = EntryID.zero
    var added = 0
    /// Consumer groups, by name only: one that never reads is all that Headway makes.
    var groups: [Bytes] = []

    /// Places of the entries from `low` to `high`.
    func range(_ low: EntryID, _ high: EntryID) -> Range<Int> {
        let start = firstIndex(from: low)
        let end = high == .last ? entries.endIndex : firstIndex(from: high.next)
        return start..<Swift.max(start, end)
    }

    private func firstIndex(from id: EntryID) -> Int {
        var low = entries.startIndex
        var high = entries.endIndex
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        last = entry.id
        added += 1
    }

    /// - Returns: how many there were.
    mutating func removeFirst(_ count: Int) -> Int {
        guard count > 0 else { return 0 }
        entries.removeFirst(count)
        if entries.startIndex > 64, entries.startIndex > 4 * entries.count {
            entries = ArraySlice(Array(entries))
        }
        return count
    }

    mutating func remove(_ id: EntryID) -> Bool {
        let place = firstIndex(from: id)
        guard place < entries.endIndex, entries[place].id == id else { return false }
        entries.remove(at: place)
        highestDeleted = Swift.max(highestDeleted, id)
        return true
    }
}

/// What a key holds.
enum Value: Equatable {
    case nothing
    case string(Bytes)
    case hash(FieldList)
    case list([Bytes])
    case set([Bytes])
    case scores(ScoreList)
    case stream(Stream)
}

/// All keys. A value: a copy is a snapshot, and shares what is not written afterwards.
struct Database {
    struct Entry {
        var value: Value
        /// By the server's wall clock, in milliseconds.
        var expiry: Int64?
    }

    var entries: [Bytes: Entry] = [:]
    /// Whether any key expires at all.
    var expires = false

    mutating func dropExpired(at now: Int64) {
        for (key, entry) in entries { if let expiry = entry.expiry, expiry <= now { entries[key] = nil } }
    }
}
