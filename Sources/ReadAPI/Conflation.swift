/// What one slow reader still has to be told: each subject once, however often it changed, in the order in which
/// they first changed. Pure.
struct Conflation<Subject: Hashable & Sendable>: Sendable, Equatable {
    private var order: [Subject] = []
    private var head = 0
    private var waiting: Set<Subject> = []
    /// Changes that were folded into a later one.
    private(set) var skipped = 0

    var isEmpty: Bool { waiting.isEmpty }
    var count: Int { waiting.count }

    mutating func mark(_ subject: Subject) {
        guard waiting.insert(subject).inserted else {
            skipped += 1
            return
        }
        order.append(subject)
    }

    mutating func next() -> Subject? {
        guard head < order.count else { return nil }
        let subject = order[head]
        head += 1
        waiting.remove(subject)
        if head == order.count || head > 1024 {
            order.removeFirst(head)
            head = 0
        }
        return subject
    }
}
