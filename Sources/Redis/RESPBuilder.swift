/// Collects the replies of one call while they are read: what ``RESPReader`` hears from hiredis lands here.
///
/// Its buffers grow once and are used again; what it hands out is copied to its exact size.
struct RESPBuilder {
    private let limits: RESPLimits
    private var nodes: [RESPNode] = []
    private var bytes: [UInt8] = []
    /// The innermost array that still lacks elements; none when nothing is missing.
    private var gap = Gap(node: 0, missing: 0)
    /// The arrays around it, outermost first.
    private var outer: [Gap] = []
    /// Why hiredis was told to stop; nil when it stopped by itself.
    private(set) var refusal: (code: RedisError.Code, detail: String)?

    private struct Gap {
        let node: Int
        var missing: Int
    }

    /// Larger buffers are handed out as they are and not kept.
    private static let kept = 1 << 20

    init(limits: RESPLimits) { self.limits = limits }

    // MARK: What hiredis finds. False: stop reading.

    mutating func text(_ kind: RESPValue.Kind, _ text: UnsafeRawBufferPointer) -> Bool {
        if kind == .status, let node = unsafe RESPArena.commonStatus(text) { return leaf(node) }
        guard text.count <= room else { return refuse(.tooLarge, "more than \(limits.bytes) bytes") }
        let node = RESPNode(value: Int64(bytes.count), extent: UInt32(text.count), kind: kind)
        unsafe bytes.append(contentsOf: text)
        return leaf(node)
    }

    mutating func integer(_ number: Int64) -> Bool {
        leaf(RESPNode(value: number, extent: 0, kind: .integer))
    }

    mutating func null() -> Bool { leaf(RESPNode(value: 0, extent: 0, kind: .null)) }

    mutating func array(_ count: Int) -> Bool {
        guard count < limits.elements - nodes.count else {
            return refuse(.tooLarge, "more than \(limits.elements) elements")
        }
        let depth = gap.missing > 0 ? outer.count + 1 : 0
        guard depth < limits.depth else {
            return refuse(.protocolViolation, "arrays nested deeper than \(limits.depth)")
        }
        guard count > 0 else { return leaf(.array(count: 0, first: nodes.count + 1)) }
        if depth > 0 { outer.append(gap) }
        gap = Gap(node: nodes.count, missing: count)
        nodes.append(.array(count: count, first: nodes.count + 1))
        return true
    }

    mutating func refuse(_ code: RedisError.Code, _ detail: String) -> Bool {
        refusal = (code, detail)
        return false
    }

    /// Bytes that texts may still take.
    var room: Int { limits.bytes - bytes.count }

    private mutating func leaf(_ node: RESPNode) -> Bool {
        guard nodes.count < limits.elements else {
            return refuse(.tooLarge, "more than \(limits.elements) elements")
        }
        nodes.append(node)
        if gap.missing > 1 { gap.missing -= 1 } else if gap.missing == 1 { close() }
        return true
    }

    /// The last element of the innermost array has come, which may be the last one of the array around it.
    private mutating func close() {
        while true {
            nodes[gap.node].extent = UInt32(nodes.count)
            guard let around = outer.popLast() else { return gap.missing = 0 }
            gap = around
            gap.missing -= 1
            if gap.missing > 0 { return }
        }
    }

    // MARK: Handing out

    /// The text of the first reply if it is an error: what a server says before it hangs up.
    var firstError: String? {
        guard let first = nodes.first, first.kind == .error else { return nil }
        return String(decoding: bytes[Int(first.value)...].prefix(Int(first.extent)), as: UTF8.self)
    }

    /// The only reply collected; the builder is empty afterwards.
    mutating func takeOne() -> RESPValue {
        if nodes.count == 1, bytes.isEmpty, nodes[0].kind != .array {
            let node = nodes[0]
            nodes.removeAll(keepingCapacity: true)
            return RESPValue(arena: .common, node: node)
        }
        let arena = freeze()
        return RESPValue(arena: arena, node: arena.nodes[0])
    }

    /// The replies collected, which are complete and `count`; the builder is empty afterwards.
    mutating func take(_ count: Int) -> [RESPValue] {
        let arena = freeze()
        var values: [RESPValue] = []
        values.reserveCapacity(count)
        var position = 0
        while position < arena.nodes.count {
            let node = arena.nodes[position]
            values.append(RESPValue(arena: arena, node: node))
            position = node.next(after: position)
        }
        return values
    }

    private mutating func freeze() -> RESPArena {
        RESPArena(nodes: Self.exact(&nodes), bytes: Self.exact(&bytes))
    }

    private static func exact<Element>(_ buffer: inout [Element]) -> [Element] {
        // The empty array is shared by the whole process; nothing may be initialized into it.
        guard !buffer.isEmpty else { return [] }
        defer { buffer.removeAll(keepingCapacity: buffer.count * MemoryLayout<Element>.stride <= kept) }
        guard buffer.count * MemoryLayout<Element>.stride <= kept else { return buffer }
        return unsafe Array(unsafeUninitializedCapacity: buffer.count) { target, count in
            count = unsafe buffer.withUnsafeBufferPointer { unsafe target.initialize(fromContentsOf: $0) }
        }
    }
}
