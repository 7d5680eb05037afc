package import HeadwayCore

/// Events as CloudEvents 1.0 in JSON: one (structured mode), or an array of them (batched mode).
///
/// The attributes `specversion`, `type`, `source`, `id` and `subject` are required; `data` carries our
/// fields, as numbers or texts. `source` and `id` travel along as `origin`: they are the client's, and do
/// not count as a publisher's sequence.
package enum CloudEvent {
    /// A batch holds at most this many.
    package static let batchLimit = 1000

    /// - Returns: one result per event, in order; a failure when the body itself is not readable.
    package static func parse(
        _ body: [UInt8], batch: Bool
    ) -> Result<[Result<ProgressEvent, WireError>], WireError> {
        let json: JSON
        do {
            json = try JSON(body)
        } catch {
            return .failure(WireError(.malformed, nil, "the body is not JSON: \(error)"))
        }
        guard batch else { return .success([event(json)]) }
        guard case .array(let elements) = json else {
            return .failure(WireError(.malformed, nil, "a batch is a JSON array"))
        }
        guard elements.count <= batchLimit else {
            return .failure(WireError(.tooLarge, nil, "a batch holds at most \(batchLimit) events"))
        }
        return .success(elements.map(event))
    }

    private static func event(_ json: JSON) -> Result<ProgressEvent, WireError> {
        Result { () throws(WireError) in
            guard case .object(let attributes) = json else {
                throw WireError(.malformed, nil, "an event is a JSON object")
            }
            let fields = try fields(json, attributes)
            return try ProgressEvent(fields: fields)
        }
    }

    private static func fields(_ json: JSON, _ attributes: [JSON.Member]) throws(WireError) -> FieldBuffer {
        guard try text(json, "specversion") == "1.0" else {
            throw WireError(.malformed, "specversion", "is not 1.0")
        }
        let type = try text(json, "type")
        guard let known = EventType(rawValue: type), !known.isInternal else {
            let near = Suggestion.type(near: type).map { "; \($0) is" } ?? ""
            throw WireError(.unknownType, "type", "is not one that producers may send\(near)")
        }
        var fields = FieldBuffer()
        fields.add("type", type)
        fields.add("subject", try text(json, "subject"))
        fields.add("origin", "\(try text(json, "source")) \(try text(json, "id"))")
        if let time = try optionalText(json, "time") {
            guard let timestamp = RFC3339.timestamp(time) else {
                throw WireError(.malformed, "time", "is not a time by RFC 3339")
            }
            fields.add("time", timestamp.milliseconds)
        }
        if let traceparent = try optionalText(json, "traceparent") { fields.add("traceparent", traceparent) }
        if let content = try optionalText(json, "datacontenttype"), !isJSON(content) {
            throw WireError(.malformed, "datacontenttype", "is not JSON")
        }
        guard json["data_base64"] == nil else {
            throw WireError(.malformed, "data_base64", "is not read: send data as a JSON object")
        }
        try add(json["data"], to: &fields)
        return fields
    }

    private static func isJSON(_ content: String) -> Bool {
        let media = content.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        return media == "application/json" || media.hasSuffix("+json")
    }

    private static func text(_ json: JSON, _ attribute: String) throws(WireError) -> String {
        guard let text = try optionalText(json, attribute) else { throw .missing(attribute) }
        guard !text.isEmpty else { throw WireError(.malformed, attribute, "is empty") }
        return text
    }

    private static func optionalText(_ json: JSON, _ attribute: String) throws(WireError) -> String? {
        switch json[attribute] {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw WireError(.malformed, attribute, "is not a text")
        }
    }

    // MARK: data

    private static func add(_ data: JSON?, to fields: inout FieldBuffer) throws(WireError) {
        guard let data, data != .null else { return }
        guard case .object(let members) = data else {
            throw WireError(.malformed, "data", "is not an object")
        }
        for member in members {
            guard member.name != "attributes" else {
                try addAttributes(member.value, to: &fields)
                continue
            }
            let field = EventField.table[ArraySlice(member.name.utf8)]
            switch field {
            case .type, .subject, .source, .id, .time, .traceparent, .origin:
                throw WireError(.malformed, "data.\(member.name)", "belongs to the event, not into its data")
            case nil where !member.name.hasPrefix("attr."): continue
            default: break
            }
            let label = field?.name ?? "attr"
            if let value = try value(member.value, "data.\(label)") { fields.add(member.name, value) }
        }
    }

    private static func addAttributes(_ json: JSON, to fields: inout FieldBuffer) throws(WireError) {
        guard json != .null else { return }
        guard case .object(let members) = json else {
            throw WireError(.malformed, "data.attributes", "is not an object")
        }
        for member in members {
            if let value = try value(member.value, "data.attributes") {
                fields.add("attr." + member.name, value)
            }
        }
    }

    /// A text or a number as it goes on the wire; `5.0`, which some languages write for 5, is 5.
    private static func value(_ json: JSON, _ field: String) throws(WireError) -> String? {
        switch json {
        case .null: return nil
        case .string(let text): return text
        case .number(let text):
            guard let point = text.firstIndex(of: "."),
                text[text.index(after: point)...].allSatisfy({ $0 == "0" })
            else { return text }
            return String(text[..<point])
        case .bool, .array, .object: throw WireError(.malformed, field, "is neither a text nor a number")
        }
    }
}
