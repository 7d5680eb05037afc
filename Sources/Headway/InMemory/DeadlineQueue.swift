import HeadwayCore

/// What time will do, earliest first. A binary heap; an entry that is not true any more is passed over by whoever
/// takes it out.
struct DeadlineQueue: Sendable {
    struct Entry: Sendable, Equatable {
        let at: Timestamp
        let subject: ProgressEvent.Subject
    }

    private var heap: [Entry] = []

    var count: Int { heap.count }
    /// The earliest; it may be one that is not true any more.
    var first: Timestamp? { heap.first?.at }

    init(_ entries: [Entry] = []) { heap = entries.sorted { $0.at < $1.at } }

    mutating func add(_ subject: ProgressEvent.Subject, at time: Timestamp) {
        heap.append(Entry(at: time, subject: subject))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].at < heap[parent].at else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out the earliest entry at or before `time`.
    mutating func pop(dueAt time: Timestamp) -> Entry? {
        guard let first = heap.first, first.at <= time else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].at < heap[least].at {
                least = child
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
