import Redis

/// The fields of an `HGETALL` reply, as the wire's decoders take them. Copies nothing.
struct FieldPairs: Sequence, IteratorProtocol {
    private var elements: RESPElements.Iterator?

    init(_ elements: RESPElements?) { self.elements = elements?.makeIterator() }

    static let none = FieldPairs(nil)

    mutating func next() -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        guard let name = elements?.next()?.bytes, let value = elements?.next()?.bytes else { return nil }
        return (name, value)
    }
}

extension RESPElements {
    /// What does not come in pairs of texts ends the list.
    var pairs: FieldPairs { FieldPairs(self) }
}
