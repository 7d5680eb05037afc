@testable import HeadwayWire

/// A list of fields as a decoder takes it, written as names and values.
struct Fields: Sequence, ExpressibleByDictionaryLiteral, Sendable {
    var pairs: [(name: [UInt8], value: [UInt8])]

    init(dictionaryLiteral elements: (String, String)...) {
        pairs = elements.map { (Array($0.utf8), Array($1.utf8)) }
    }

    init(_ buffer: FieldBuffer) { pairs = buffer.map { (Array($0.name), Array($0.value)) } }

    func makeIterator() -> some IteratorProtocol<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)> {
        pairs.lazy.map { (name: $0.name[...], value: $0.value[...]) }.makeIterator()
    }

    /// The same with one field set.
    func with(_ name: String, _ value: String) -> Fields { with(name, bytes: Array(value.utf8)) }

    func with(_ name: String, bytes value: [UInt8]) -> Fields {
        var changed = self
        let key = Array(name.utf8)
        if let place = changed.pairs.firstIndex(where: { $0.name == key }) {
            changed.pairs[place].value = value
        } else {
            changed.pairs.append((key, value))
        }
        return changed
    }

    func without(_ name: String) -> Fields {
        var changed = self
        changed.pairs.removeAll { $0.name == Array(name.utf8) }
        return changed
    }
}

extension FieldBuffer {
    /// What `encode` writes.
    init<Ignored>(_ encode: (inout FieldBuffer) -> Ignored) {
        self.init()
        _ = encode(&self)
    }

    var names: [String] { map { String(decoding: $0.name, as: UTF8.self) } }

    /// As Redis keeps a hash: by name.
    var hash: [String: [UInt8]] {
        Dictionary(map { (String(decoding: $0.name, as: UTF8.self), Array($0.value)) }) { _, last in last }
    }
}
