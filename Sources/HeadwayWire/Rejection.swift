package import HeadwayCore

/// An event that was refused, as it lies in the stream `rejected`: why, which entry, when, and its own
/// fields as they came, each with `event.` before its name.
package struct Rejection: Sendable, Equatable {
    /// Names and values of the original fields beyond this are cut.
    package static let limit = 65_536
    package static let fieldLimit = 256
    static let prefix = Array("event.".utf8)

    /// A ``Refusal``'s word; kept as text, because a later version may know more.
    package var reason: String
    /// The entry of `events`; nil for what never was one.
    package var entry: StreamID?
    package var at: Timestamp
    /// The field at fault.
    package var field: String?
    /// What is wrong, without the value.
    package var detail: String?
    /// Whether some of the original was left out.
    package var isCut: Bool
    /// The original fields.
    package var event: FieldBuffer

    package init(
        _ reason: Refusal, entry: StreamID?, at: Timestamp, field: String? = nil, detail: String? = nil,
        event fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>
    ) {
        self.reason = reason.rawValue
        self.entry = entry
        self.at = at
        self.field = field
        self.detail = detail
        (event, isCut) = Self.bounded(fields)
    }

    /// A refusal by the decoder.
    package init(
        _ error: WireError, entry: StreamID?, at: Timestamp,
        event fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>
    ) {
        self.init(error.reason, entry: entry, at: at, field: error.field, detail: error.detail, event: fields)
    }

    /// A refusal by the fold, of an event that was readable.
    package init(
        _ reason: Refusal, entry: StreamID?, at: Timestamp, event: ProgressEvent, detail: String? = nil
    ) {
        var fields = FieldBuffer()
        event.encode(into: &fields)
        self.init(reason, entry: entry, at: at, detail: detail, event: fields)
    }

    package init(fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>) throws(WireError)
    {
        var reason: String?
        var at: Int64?
        entry = nil
        field = nil
        detail = nil
        isCut = false
        event = FieldBuffer()
        for (name, value) in fields {
            if name.starts(with: Self.prefix) {
                event.add(name: name.dropFirst(Self.prefix.count), value: value)
                continue
            }
            switch Field.table[name] {
            case .reason: reason = FieldValue.text(value)
            case .entry: entry = StreamID(value)
            case .at: at = FieldValue.integer(value)
            case .field: field = FieldValue.text(value)
            case .detail: detail = FieldValue.text(value)
            case .cut: isCut = FieldValue.bool(value) ?? false
            case nil: continue
            }
        }
        guard let reason else { throw .missing("reason") }
        guard let at else { throw .missing("at") }
        self.reason = reason
        self.at = Timestamp(milliseconds: at)
    }

    package var refusal: Refusal? { Refusal(rawValue: reason) }

    package func encode(into buffer: inout FieldBuffer) {
        buffer.add("reason", reason)
        if let entry { buffer.add("entry", entry.description) }
        buffer.add("at", at.milliseconds)
        if let field { buffer.add("field", field) }
        if let detail { buffer.add("detail", detail) }
        if isCut { buffer.add("cut", 1) }
        for (name, value) in event { buffer.add(name: Self.prefix[...] + name, value: value) }
    }

    private enum Field: UInt8, FieldName {
        case reason, entry, at, field, detail, cut

        static let table = NameTable(allCases) { String(describing: $0) }
    }

    private static func bounded(
        _ fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>
    ) -> (FieldBuffer, isCut: Bool) {
        var kept = FieldBuffer()
        for (name, value) in fields {
            let room = limit - kept.byteCount - name.count
            guard kept.count < fieldLimit, room >= 0 else { return (kept, true) }
            kept.add(name: name, value: value.prefix(room))
            guard value.count <= room else { return (kept, true) }
        }
        return (kept, false)
    }
}
