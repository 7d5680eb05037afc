/// The hash `config`: what was fixed when the namespace was first used.
package struct NamespaceConfig: Sendable, Equatable {
    package enum Field: UInt8, FieldName {
        case partitions, wire

        package static let table = NameTable(allCases) { String(describing: $0) }
    }

    /// The version of the wire that this code speaks. It rises only when an old reader would go wrong.
    package static let wire = 1

    package var partitions: Int
    package var wire: Int

    package init(partitions: Int, wire: Int = wire) {
        self.partitions = partitions
        self.wire = wire
    }

    /// - Returns: nil when there are no fields: a namespace that nobody has used yet.
    package init?(fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>)
        throws(WireError)
    {
        var numbers: [Field: Int] = [:]
        var isEmpty = true
        for (name, value) in fields {
            isEmpty = false
            guard let field = Field.table[name] else { continue }
            guard let number = FieldValue.integer(value, in: 1...1024) else { throw .unreadable(field.name) }
            numbers[field] = number
        }
        guard !isEmpty else { return nil }
        guard let partitions = numbers[.partitions] else { throw .missing(Field.partitions.name) }
        guard let wire = numbers[.wire] else { throw .missing(Field.wire.name) }
        self.init(partitions: partitions, wire: wire)
    }

    package func encode(into buffer: inout FieldBuffer) {
        buffer.add("partitions", partitions)
        buffer.add("wire", wire)
    }
}
