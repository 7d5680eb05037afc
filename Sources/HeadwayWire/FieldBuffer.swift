/// A reusable flat list of names and values: what the encoders fill and a Redis command is built from.
///
/// One byte buffer and one list of offsets; after `removeAll(keepingCapacity: true)` filling it again
/// allocates nothing. As a collection it gives back what the decoders take.
package struct FieldBuffer: Sendable, Equatable {
    /// All names and values end to end.
    package private(set) var bytes: [UInt8] = []
    /// Where each name and each value ends: two per field.
    package private(set) var ends: [Int] = []

    package init() {}

    package mutating func add(_ name: String, _ value: String) {
        bytes.append(contentsOf: name.utf8)
        ends.append(bytes.count)
        bytes.append(contentsOf: value.utf8)
        ends.append(bytes.count)
    }

    package mutating func add(_ name: String, _ value: Int64) {
        bytes.append(contentsOf: name.utf8)
        ends.append(bytes.count)
        bytes.append(decimal: value)
        ends.append(bytes.count)
    }

    package mutating func add(_ name: String, _ value: Int) { add(name, Int64(value)) }

    package mutating func add(_ name: String, _ value: some Collection<UInt8>) {
        bytes.append(contentsOf: name.utf8)
        ends.append(bytes.count)
        bytes.append(contentsOf: value)
        ends.append(bytes.count)
    }

    package mutating func add(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        bytes.append(contentsOf: name)
        ends.append(bytes.count)
        bytes.append(contentsOf: value)
        ends.append(bytes.count)
    }

    /// Adds a field whose value `write` appends to the buffer.
    mutating func add(_ name: String, _ write: (inout [UInt8]) -> Void) {
        bytes.append(contentsOf: name.utf8)
        ends.append(bytes.count)
        write(&bytes)
        ends.append(bytes.count)
    }

    package mutating func removeAll(keepingCapacity: Bool = false) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
        ends.removeAll(keepingCapacity: keepingCapacity)
    }

    /// The bytes of all names and values together.
    package var byteCount: Int { bytes.count }
}

extension FieldBuffer: RandomAccessCollection {
    package typealias Element = (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)

    package var startIndex: Int { 0 }
    package var endIndex: Int { ends.count / 2 }

    package func name(at index: Int) -> ArraySlice<UInt8> {
        bytes[(index == 0 ? 0 : ends[2 * index - 1])..<ends[2 * index]]
    }

    package func value(at index: Int) -> ArraySlice<UInt8> {
        bytes[ends[2 * index]..<ends[2 * index + 1]]
    }

    package subscript(index: Int) -> Element { (name(at: index), value(at: index)) }
}

extension FieldBuffer: CustomStringConvertible {
    /// One line per field, for people.
    package var description: String {
        map { name, value in
            let name = String(decoding: name, as: UTF8.self)
            return value.isEmpty ? name : "\(name) \(String(decoding: value, as: UTF8.self))"
        }.joined(separator: "\n")
    }
}

extension [UInt8] {
    mutating func append(decimal value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        guard rest > 9 else {
            append(UInt8(truncatingIfNeeded: 48 &+ rest))
            return
        }
        var width = 1
        var bound: UInt64 = 10
        while rest >= bound {
            width += 1
            bound = bound &* 10
        }
        append(contentsOf: repeatElement(48, count: width))
        var place = count
        while rest > 0 {
            place -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            self[place] = UInt8(truncatingIfNeeded: 48 &+ digit)
            rest = quotient
        }
    }
}
