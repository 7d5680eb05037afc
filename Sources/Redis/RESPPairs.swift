/// The elements of an array reply two by two, as names and values: a hash, or the fields of a stream entry.
///
/// Slices of the reply's own bytes, nothing is copied. A value that is no text, or a name without a value, ends
/// the sequence.
package struct RESPPairs: Sequence, Sendable {
    let elements: RESPElements?

    /// No pairs: what a key that does not exist reads as.
    package static let empty = RESPPairs(elements: nil)

    package func makeIterator() -> Iterator { Iterator(elements: elements?.makeIterator()) }

    package struct Iterator: IteratorProtocol {
        var elements: RESPElements.Iterator?

        package mutating func next() -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
            guard let name = elements?.next()?.bytes, let value = elements?.next()?.bytes else { return nil }
            return (name, value)
        }
    }
}

extension RESPElements {
    /// The elements two by two.
    package var pairs: RESPPairs { RESPPairs(elements: self) }

    /// The bytes of all texts together. O(n).
    package var byteCount: Int {
        var total = 0
        for element in self { total += element.bytes?.count ?? element.elements?.byteCount ?? 8 }
        return total
    }
}

extension RESPValue {
    /// The elements two by two; empty for anything but an array.
    package var pairs: RESPPairs { RESPPairs(elements: elements) }
}
