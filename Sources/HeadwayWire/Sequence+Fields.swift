package import HeadwayCore

extension ProgressEvent.Sequence {
    /// Who published an event and as the how manieth, even where the rest of it cannot be read: a refused
    /// event must be refused once, and its number is not a gap.
    ///
    /// - Returns: nil unless both are readable, by the same bounds as in a whole event: a number beyond them
    ///   must not become a publisher's mark, or it would swallow all that comes after.
    package init?(fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>) {
        var source: String?
        var id: Int?
        for (name, value) in fields {
            switch EventField.table[name] {
            case .source: source = FieldValue.identifier(value)
            case .id: id = FieldValue.integer(value, in: 1...FieldValue.greatest)
            default: continue
            }
        }
        guard let source, let id else { return nil }
        self.init(source: source, id: Int64(id))
    }

    /// An event's fields with this in the place of the source and the number that they name.
    package func replacing(in fields: FieldBuffer) -> FieldBuffer {
        var replaced = FieldBuffer()
        for (name, value) in fields {
            switch EventField.table[name] {
            case .source: replaced.add(EventField.source.name, source)
            case .id: replaced.add(EventField.id.name, id)
            default: replaced.add(name: name, value: value)
            }
        }
        return replaced
    }
}
