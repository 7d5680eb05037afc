/// One reply of Redis, or one element of one.
///
/// A view into an arena that holds all replies of one call flat: copying a value copies a reference, and however
/// many elements a reply has, it is two allocations. Keeping any value of a call keeps all of them.
package struct RESPValue: Sendable {
    package enum Kind: UInt8, Sendable {
        /// The bulk or the array that is not there (`$-1`, `*-1`).
        case null
        /// `:7`
        case integer
        /// `+OK`
        case status
        /// `-ERR …`
        case error
        /// `$3␍␊abc`: any bytes.
        case bulk
        case array
    }

    let arena: RESPArena
    let node: RESPNode

    package var kind: Kind { node.kind }

    package var isNull: Bool { node.kind == .null }

    /// The number of an integer reply; nil for every other kind.
    package var integer: Int? { node.kind == .integer ? Int(node.value) : nil }

    /// The number of an integer reply, or of a text of decimal digits with an optional sign.
    ///
    /// nil when the text is anything else or does not fit 64 bits. Makes no string.
    package var number: Int? {
        switch node.kind {
        case .integer: Int(node.value)
        case .bulk, .status: bytes.flatMap(Self.decimal)
        case .null, .error, .array: nil
        }
    }

    /// The text of a status, bulk or error reply; what is not UTF-8 is repaired with U+FFFD.
    package var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// The bytes of a status, bulk or error reply, not copied.
    package var bytes: ArraySlice<UInt8>? { arena.text(of: node) }

    /// The text of an error reply without its `-`; nil for every other kind.
    package var error: String? { node.kind == .error ? string : nil }

    /// The elements of an array; nil for every other kind, also for the null array.
    package var elements: RESPElements? {
        node.kind == .array ? RESPElements(arena: arena, node: node) : nil
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        let isNegative = digits.first == UInt8(ascii: "-")
        let body = digits.dropFirst(isNegative || digits.first == UInt8(ascii: "+") ? 1 : 0)
        guard !body.isEmpty else { return nil }
        var number = 0
        for byte in body {
            let digit = Int(byte) - Int(UInt8(ascii: "0"))
            guard 0...9 ~= digit else { return nil }
            let (tens, tooBig) = number.multipliedReportingOverflow(by: 10)
            let (next, tooFar) =
                isNegative ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            if tooBig || tooFar { return nil }
            number = next
        }
        return number
    }
}

extension RESPValue: Equatable {
    /// Equal in kind and content, wherever they are stored.
    package static func == (a: Self, b: Self) -> Bool {
        guard a.kind == b.kind else { return false }
        switch a.kind {
        case .null: return true
        case .integer: return a.node.value == b.node.value
        case .status, .error, .bulk: return a.bytes == b.bytes
        case .array:
            guard let ours = a.elements, let theirs = b.elements else { return false }
            return ours.count == theirs.count && ours.elementsEqual(theirs)
        }
    }
}

extension RESPValue: CustomDebugStringConvertible {
    /// As redis-cli would print it on one line. It shows content: for tests, not for logs.
    package var debugDescription: String {
        switch kind {
        case .null: "nil"
        case .integer: "\(node.value)"
        case .status: "+\(string ?? "")"
        case .error: "-\(string ?? "")"
        case .bulk: "\"\(string ?? "")\""
        case .array: "[\((elements?.map(\.debugDescription) ?? []).joined(separator: ", "))]"
        }
    }
}
