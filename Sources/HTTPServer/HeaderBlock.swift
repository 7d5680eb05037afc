/// The headers of one request in one allocation: `name NUL value NUL …`, as sent, in order.
///
/// A value is decoded when it is asked for; most are never asked for.
struct HeaderBlock: Sendable {
    private var bytes: [UInt8]

    init(reserving capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Neither may contain NUL, which the wire cannot carry either.
    mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        unsafe bytes.append(contentsOf: name)
        bytes.append(0)
        unsafe bytes.append(contentsOf: value)
        bytes.append(0)
    }

    mutating func append(name: String, value: String) {
        bytes += Array(name.utf8) + [0] + Array(value.utf8) + [0]
    }

    /// - Complexity: O(bytes of all headers); no allocation but the result.
    func first(_ name: String) -> String? {
        let wanted = name.utf8
        var start = 0
        while start < bytes.count {
            let nameEnd = end(from: start)
            let valueEnd = end(from: nameEnd + 1)
            if nameEnd - start == wanted.count,
                zip(bytes[start..<nameEnd], wanted).allSatisfy({ Self.folded($0) == Self.folded($1) })
            {
                return String(decoding: bytes[(nameEnd + 1)..<valueEnd], as: UTF8.self)
            }
            start = valueEnd + 1
        }
        return nil
    }

    private func end(from start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] != 0 { index += 1 }
        return index
    }

    /// ASCII letters to lower case; header names have no others.
    private static func folded(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}
