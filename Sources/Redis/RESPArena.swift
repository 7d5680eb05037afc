/// One value among the replies of a call, 16 bytes.
///
/// | kind                        | `value`                     | `extent`               |
/// |-----------------------------|-----------------------------|------------------------|
/// | null                        | 0                           | 0                      |
/// | integer                     | the number                  | 0                      |
/// | status, error, bulk         | where its bytes start       | how many they are      |
/// | status that is very common  | −1 − start in `common`      | how many they are      |
/// | array                       | count · 2³² + first element | where its subtree ends |
struct RESPNode {
    var value: Int64
    var extent: UInt32
    let kind: RESPValue.Kind

    static func array(count: Int, first: Int) -> RESPNode {
        RESPNode(value: Int64(count) << 32 | Int64(first), extent: UInt32(first), kind: .array)
    }

    var elementCount: Int { Int(value >> 32) }
    var firstElement: Int { Int(value & 0xffff_ffff) }

    /// Where the value after this one is, in the order of the arena.
    func next(after index: Int) -> Int { kind == .array ? Int(extent) : index + 1 }
}

/// All replies of one call, flat and never changed again: nodes in the order read (an array before its
/// elements), and the bytes of all texts end to end.
final class RESPArena: Sendable {
    let nodes: [RESPNode]
    let bytes: [UInt8]

    init(nodes: [RESPNode], bytes: [UInt8]) {
        self.nodes = nodes
        self.bytes = bytes
    }

    /// For values that need no storage of their own: numbers, nulls, and the most common statuses.
    static let common = RESPArena(nodes: [], bytes: Array("OKQUEUEDPONG".utf8))

    /// The node of a status that `common` holds.
    static func commonStatus(_ text: UnsafeRawBufferPointer) -> RESPNode? {
        let range: Range<Int>
        switch text.count {
        case 2: range = 0..<2
        case 6: range = 2..<8
        case 4: range = 8..<12
        default: return nil
        }
        guard unsafe text.elementsEqual(common.bytes[range]) else { return nil }
        return RESPNode(value: Int64(-1 - range.lowerBound), extent: UInt32(range.count), kind: .status)
    }

    func text(of node: RESPNode) -> ArraySlice<UInt8>? {
        guard Self.isText(node) else { return nil }
        if node.value < 0 { return Self.common.bytes[Self.range(-1 - Int(node.value), node)] }
        return bytes[Self.range(Int(node.value), node)]
    }

    private static func range(_ start: Int, _ node: RESPNode) -> Range<Int> {
        start..<start + Int(node.extent)
    }

    private static func isText(_ node: RESPNode) -> Bool {
        switch node.kind {
        case .status, .error, .bulk: true
        case .null, .integer, .array: false
        }
    }
}
