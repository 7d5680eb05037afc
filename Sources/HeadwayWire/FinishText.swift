import HeadwayCore

/// A ``FinishRing`` as one value: where it begins, how wide its slots are, and their counts, all in milliseconds:
/// `1785585600000/10000 0 3 1`.
enum FinishText {
    static func append(_ ring: FinishRing, to bytes: inout [UInt8]) {
        bytes.append(decimal: ring.since.milliseconds)
        bytes.append(UInt8(ascii: "/"))
        bytes.append(decimal: ring.width)
        for count in ring.counts {
            bytes.append(UInt8(ascii: " "))
            bytes.append(decimal: Int64(count))
        }
    }

    static func ring(_ bytes: ArraySlice<UInt8>) -> FinishRing? {
        let items = PackedText.items(bytes)
        guard 2...(1 + FinishRing.slots) ~= items.count, let head = items.first,
            let slash = head.firstIndex(of: UInt8(ascii: "/")),
            let since = FieldValue.integer(head[..<slash]),
            let width = FieldValue.integer(head[(slash + 1)...])
        else { return nil }
        var counts: [Int] = []
        for item in items.dropFirst() {
            guard let count = FieldValue.integer(item, in: 0...FieldValue.greatest) else { return nil }
            counts.append(Int(count))
        }
        return FinishRing(since: Timestamp(milliseconds: since), width: Int64(width), counts: counts)
    }
}
