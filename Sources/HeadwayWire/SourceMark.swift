package import HeadwayCore

/// How far a publisher's events are applied: a value of the hash `sources`, `<id>:<ms>`.
package struct SourceMark: Sendable, Equatable {
    /// The last applied id.
    package var id: Int64
    /// When, in the partition's time.
    package var at: Timestamp

    package init(id: Int64, at: Timestamp) {
        self.id = id
        self.at = at
    }

    package init(text: ArraySlice<UInt8>) throws(WireError) {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")),
            let id = FieldValue.integer(text[..<colon], in: 0...FieldValue.greatest),
            let at = FieldValue.integer(text[(colon + 1)...])
        else { throw .unreadable("source mark") }
        self.init(id: Int64(id), at: Timestamp(milliseconds: at))
    }

    package init(text: String) throws(WireError) {
        try self.init(text: ArraySlice(text.utf8))
    }

    package var text: String { "\(id):\(at.milliseconds)" }
}
