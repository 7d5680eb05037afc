/// Which timers are due, and when to look again. Pure: the loop asks, arms and calls.
///
/// A binary heap ordered by deadline, then by age, so equal deadlines fire in the order they were set.
/// A cancelled timer stays in the heap until its deadline; cancelling is O(1), adding and popping O(log n).
struct TimerQueue<Value> {
    struct ID: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Entry {
        let deadline: Duration
        let id: ID

        func isBefore(_ other: Entry) -> Bool {
            (deadline, id.number) < (other.deadline, other.id.number)
        }
    }

    private var heap: [Entry] = []
    private var values: [ID: Value] = [:]
    private var lastNumber: UInt64 = 0

    /// Live timers; cancelled ones do not count.
    var count: Int { values.count }

    mutating func add(_ value: Value, at deadline: Duration) -> ID {
        lastNumber += 1
        let id = ID(number: lastNumber)
        values[id] = value
        heap.append(Entry(deadline: deadline, id: id))
        siftUp(heap.count - 1)
        return id
    }

    /// - Returns: what was still waiting: it must go only once the queue is nobody's under way, because what goes
    ///   with it may set or cancel timers.
    mutating func cancel(_ id: ID) -> Value? {
        guard let value = values.removeValue(forKey: id) else { return nil }
        if heap.count > 64, heap.count > 4 * values.count { sweep() }
        return value
    }

    /// The earliest live deadline.
    mutating func next() -> Duration? {
        dropCancelled()
        return heap.first?.deadline
    }

    /// Removes and returns the earliest timer whose deadline is at or before `now`.
    mutating func popDue(at now: Duration) -> Value? {
        dropCancelled()
        guard let first = heap.first, first.deadline <= now else { return nil }
        removeFirst()
        return values.removeValue(forKey: first.id)
    }

    private mutating func dropCancelled() {
        while let first = heap.first, values[first.id] == nil { removeFirst() }
    }

    /// Deadlines that are far away and mostly cancelled (one per request) must not pile up.
    private mutating func sweep() {
        heap.removeAll { values[$0.id] == nil }
        heap.sort { $0.isBefore($1) }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
