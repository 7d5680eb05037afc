import HeadwayCore

/// A ``Progress`` as one value: `3/10`, or `33.5%`.
enum ProgressText {
    static func append(_ progress: Progress, to bytes: inout [UInt8]) {
        switch progress {
        case .count(let done, let total):
            bytes.append(decimal: Int64(done))
            bytes.append(UInt8(ascii: "/"))
            bytes.append(decimal: Int64(total))
        case .fraction(let fraction):
            Percent.append(fraction, to: &bytes)
            bytes.append(UInt8(ascii: "%"))
        }
    }

    static func progress(_ bytes: ArraySlice<UInt8>) -> Progress? {
        if bytes.last == UInt8(ascii: "%") {
            return Percent.fraction(bytes.dropLast()).map(Progress.fraction)
        }
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")),
            let total = FieldValue.integer(bytes[(slash + 1)...], in: 0...FieldValue.greatest),
            let done = FieldValue.integer(bytes[..<slash], in: 0...Int64(total))
        else { return nil }
        return .count(done: done, total: total)
    }
}
