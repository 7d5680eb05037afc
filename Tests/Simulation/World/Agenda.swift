/// What will happen when, in order of time, then of planning: a binary heap.
struct Agenda {
    private struct Item {
        let at: Duration
        let number: UInt64
        let body: () -> Void

        func isBefore(_ other: Item) -> Bool { at != other.at ? at < other.at : number < other.number }
    }

    private var heap: [Item] = []
    private var planned: UInt64 = 0

    var next: Duration? { heap.first?.at }

    mutating func add(at time: Duration, _ body: @escaping () -> Void) {
        planned += 1
        heap.append(Item(at: time, number: planned, body: body))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> () -> Void {
        let body = heap[0].body
        let last = heap.removeLast()
        guard !heap.isEmpty else { return body }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            guard least != parent else { return body }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
