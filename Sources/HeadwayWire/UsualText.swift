import HeadwayCore

/// A ``UsualDuration`` as one value: median and 95 of 100, in milliseconds: `35000/110000`.
enum UsualText {
    static func append(_ usual: UsualDuration, to bytes: inout [UInt8]) {
        bytes.append(decimal: usual.median.wholeMilliseconds)
        bytes.append(UInt8(ascii: "/"))
        bytes.append(decimal: usual.p95.wholeMilliseconds)
    }

    static func usual(_ bytes: ArraySlice<UInt8>) -> UsualDuration? {
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")),
            let median = FieldValue.integer(bytes[..<slash], in: 0...FieldValue.greatest),
            let p95 = FieldValue.integer(bytes[(slash + 1)...], in: 0...FieldValue.greatest)
        else { return nil }
        return UsualDuration(median: .milliseconds(median), p95: .milliseconds(p95))
    }
}
