import HeadwayCore

/// The words that a placeholder holds, as one value: items between spaces, each a moment and an event's
/// fields as in a query string: `at=1754000000000&type=job.heartbeat&subject=…`.
enum HeldText {
    static func append(_ held: [JobRecord.Placeholder.Held], to bytes: inout [UInt8]) {
        var fields = FieldBuffer()
        for (place, item) in held.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: " ")) }
            bytes.append(contentsOf: "at=".utf8)
            bytes.append(decimal: item.at.milliseconds)
            fields.removeAll(keepingCapacity: true)
            item.event.encode(into: &fields)
            for (name, value) in fields {
                bytes.append(UInt8(ascii: "&"))
                PackedText.append(name, to: &bytes)
                bytes.append(UInt8(ascii: "="))
                PackedText.append(value, to: &bytes)
            }
        }
    }

    static func held(_ bytes: ArraySlice<UInt8>) -> [JobRecord.Placeholder.Held]? {
        var held: [JobRecord.Placeholder.Held] = []
        for item in PackedText.items(bytes) {
            guard let one = one(item) else { return nil }
            held.append(one)
        }
        return held
    }

    private static func one(_ item: ArraySlice<UInt8>) -> JobRecord.Placeholder.Held? {
        var at: Timestamp?
        var scan = EventScan()
        for part in PackedText.parts(item, by: "&") {
            guard let (name, value) = PackedText.pair(part), let name = PackedText.bytes(name),
                let value = PackedText.bytes(value)
            else { return nil }
            if at == nil, name.elementsEqual("at".utf8) {
                guard let milliseconds = FieldValue.integer(value[...]) else { return nil }
                at = Timestamp(milliseconds: milliseconds)
            } else {
                scan.take(name[...], value[...])
            }
        }
        guard let at, let event = try? scan.event() else { return nil }
        return JobRecord.Placeholder.Held(event: event, at: at)
    }
}
