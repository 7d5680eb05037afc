/// The elements of an array reply, in order.
///
/// Stepping costs O(1) however deep an element is: each array notes where its subtree ends. Asking for the
/// `i`th walks the `i` before it, so iterate where you can:
///
///     var fields = entry.makeIterator()
///     while let name = fields.next(), let value = fields.next() { … }
package struct RESPElements: Sequence, Sendable {
    package let count: Int
    let arena: RESPArena
    let start: Int
    let end: Int

    init(arena: RESPArena, node: RESPNode) {
        self.arena = arena
        count = node.elementCount
        start = node.firstElement
        end = Int(node.extent)
    }

    package var underestimatedCount: Int { count }

    package var isEmpty: Bool { count == 0 }

    package var first: RESPValue? {
        var iterator = makeIterator()
        return iterator.next()
    }

    /// O(index). Traps when there is no such element, as an array does.
    package subscript(index: Int) -> RESPValue {
        var iterator = makeIterator()
        for _ in 0..<index { _ = iterator.next() }
        guard let value = iterator.next() else { preconditionFailure("element \(index) of \(count)") }
        return value
    }

    package func makeIterator() -> Iterator { Iterator(arena: arena, position: start, end: end) }

    package struct Iterator: IteratorProtocol, Sendable {
        let arena: RESPArena
        var position: Int
        let end: Int

        package mutating func next() -> RESPValue? {
            guard position < end else { return nil }
            let node = arena.nodes[position]
            position = node.next(after: position)
            return RESPValue(arena: arena, node: node)
        }
    }
}
