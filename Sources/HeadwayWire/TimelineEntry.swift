package import HeadwayCore

/// One transition in a job's timeline: an element of the list `timeline:<id>`,
/// `<ms>;<kind>;<attempt>;<stage>;<index>;<detail>`.
package struct TimelineEntry: Sendable, Equatable {
    package var at: Timestamp
    /// The transition's word.
    package var kind: String
    package var attempt: Int
    package var stage: String?
    package var index: Int?
    /// Public text.
    package var detail: String?

    package init(
        at: Timestamp, kind: String, attempt: Int, stage: String? = nil, index: Int? = nil,
        detail: String? = nil
    ) {
        self.at = at
        self.kind = kind
        self.attempt = attempt
        self.stage = stage
        self.index = index
        self.detail = detail
    }

    /// More parts are a later version's and are ignored.
    package init(text: ArraySlice<UInt8>) throws(WireError) {
        let parts = PackedText.parts(text, by: ";")
        var isBroken = false
        guard parts.count >= 6, let at = FieldValue.integer(parts[0]), let kind = PackedText.text(parts[1]),
            let attempt = FieldValue.integer(parts[2], in: 1...FieldValue.greatest)
        else { throw .unreadable("timeline entry") }
        let index = parts[4].isEmpty ? nil : FieldValue.integer(parts[4], in: 1...FieldValue.greatest)
        self.init(
            at: Timestamp(milliseconds: at), kind: kind, attempt: attempt,
            stage: PackedText.optionalText(parts[3], &isBroken), index: index,
            detail: PackedText.optionalText(parts[5], &isBroken))
        guard !isBroken, parts[4].isEmpty || index != nil else { throw .unreadable("timeline entry") }
    }

    package init(text: String) throws(WireError) {
        try self.init(text: ArraySlice(text.utf8))
    }

    package var text: String {
        var bytes: [UInt8] = []
        bytes.append(decimal: at.milliseconds)
        bytes.append(UInt8(ascii: ";"))
        PackedText.append(kind, to: &bytes)
        bytes.append(UInt8(ascii: ";"))
        bytes.append(decimal: Int64(attempt))
        bytes.append(UInt8(ascii: ";"))
        PackedText.append(stage, to: &bytes)
        bytes.append(UInt8(ascii: ";"))
        if let index { bytes.append(decimal: Int64(index)) }
        bytes.append(UInt8(ascii: ";"))
        PackedText.append(detail, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension TimelineEntry {
    package init(_ transition: Transition) {
        self.init(
            at: transition.at, kind: transition.kind.rawValue, attempt: transition.attempt,
            stage: transition.stage, index: transition.index, detail: transition.detail)
    }
}
