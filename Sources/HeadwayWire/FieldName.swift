/// The field names of one kind of hash or stream entry: each case's name is the field's name.
package protocol FieldName: CaseIterable, RawRepresentable<UInt8>, Hashable, Sendable {
    static var table: NameTable<Self> { get }
}

extension FieldName {
    package var name: String { Self.table.names[Int(rawValue)] }

    var bit: UInt64 { 1 << UInt64(rawValue) }
}
