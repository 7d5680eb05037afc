/// Several values in one field or string: parts between separators that no identifier contains.
///
/// A part is text with `%XX` for controls, space and the separators `% ; = & | / ,`. An empty part means
/// nil; an empty text is spelled `%`. Text in other scripts stays readable.
enum PackedText {
    static func append(_ text: String, to bytes: inout [UInt8]) { append(text.utf8, to: &bytes) }

    static func append(_ text: some Collection<UInt8>, to bytes: inout [UInt8]) {
        guard !text.isEmpty else {
            bytes.append(UInt8(ascii: "%"))
            return
        }
        for byte in text {
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(hex(byte >> 4))
                bytes.append(hex(byte & 15))
            }
        }
    }

    static func append(_ text: String?, to bytes: inout [UInt8]) {
        if let text { append(text, to: &bytes) }
    }

    /// - Returns: nil when an escape is broken.
    static func bytes(_ part: ArraySlice<UInt8>) -> [UInt8]? {
        guard part.contains(UInt8(ascii: "%")) else { return Array(part) }
        guard part.count > 1 else { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(part.count)
        var index = part.startIndex
        while index < part.endIndex {
            guard part[index] == UInt8(ascii: "%") else {
                bytes.append(part[index])
                index += 1
                continue
            }
            guard part.endIndex - index >= 3, let high = digit(part[index + 1]),
                let low = digit(part[index + 2])
            else { return nil }
            bytes.append(high << 4 | low)
            index += 3
        }
        return bytes
    }

    /// - Returns: nil when an escape is broken or the text is not UTF-8.
    static func text(_ part: ArraySlice<UInt8>) -> String? {
        guard let bytes = bytes(part) else { return nil }
        return FieldValue.text(bytes[...])
    }

    /// An empty part is nil; `isBroken` is set when the part is not readable.
    static func optionalText(_ part: ArraySlice<UInt8>?, _ isBroken: inout Bool) -> String? {
        guard let part, !part.isEmpty else { return nil }
        let text = text(part)
        if text == nil { isBroken = true }
        return text
    }

    static func parts(_ bytes: ArraySlice<UInt8>, by separator: Unicode.Scalar) -> [ArraySlice<UInt8>] {
        bytes.split(separator: UInt8(ascii: separator), omittingEmptySubsequences: false)
    }

    /// Items between spaces; none in empty bytes.
    static func items(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        bytes.split(separator: UInt8(ascii: " "))
    }

    /// Splits `name=value`.
    static func pair(_ item: ArraySlice<UInt8>) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        guard let equals = item.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        return (item[..<equals], item[(equals + 1)...])
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7f, UInt8(ascii: "%"), UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: "&"),
            UInt8(ascii: "|"), UInt8(ascii: "/"), UInt8(ascii: ","):
            false
        default: true
        }
    }

    private static func hex(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 55 + nibble }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
