package import HeadwayCore

extension Pipeline.Reference {
    /// Reads `name@revision`.
    package init?(text: String) { self.init(bytes: ArraySlice(text.utf8)) }

    init?(bytes: ArraySlice<UInt8>) {
        guard let at = bytes.firstIndex(of: UInt8(ascii: "@")),
            let name = FieldValue.identifier(bytes[..<at]),
            let revision = FieldValue.integer(bytes[(at + 1)...], in: 1...FieldValue.greatest)
        else { return nil }
        self.init(name: name, revision: revision)
    }
}
