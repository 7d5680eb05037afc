/// Finds which of a few known names a run of bytes spells, without making a `String` of it.
///
/// A name of up to 23 bytes is packed into three words; the words are the key of a small open hash table.
package struct NameTable<Name: Sendable>: Sendable {
    private struct Packed: Equatable, Sendable {
        var a: UInt64 = 0
        var b: UInt64 = 0
        /// The length is part of it: `id` followed by a NUL is not `id`.
        var c: UInt64 = 0

        init?(_ name: ArraySlice<UInt8>) {
            guard 1...23 ~= name.count else { return nil }
            let bytes = name.span
            let count = bytes.count
            for index in 0..<min(count, 8) { a = a << 8 | UInt64(bytes[index]) }
            c = UInt64(count)
            guard count > 8 else { return }
            for index in 8..<min(count, 16) { b = b << 8 | UInt64(bytes[index]) }
            guard count > 16 else { return }
            for index in 16..<count { c = c << 8 | UInt64(bytes[index]) }
        }

        var hash: UInt64 {
            (a ^ b &* 0x9e37_79b9_7f4a_7c15 ^ c &* 0xc2b2_ae3d_27d4_eb4f) &* 0xff51_afd7_ed55_8ccd
        }
    }

    private struct Slot: Sendable {
        let key: Packed
        let name: Name
    }

    private let slots: [Slot?]
    private let shift: UInt64
    /// In the order of the cases.
    let names: [String]

    init(_ cases: [Name], spelled: (Name) -> String) {
        names = cases.map(spelled)
        var bits = 4
        while 1 << bits < cases.count * 4 { bits += 1 }
        var slots = [Slot?](repeating: nil, count: 1 << bits)
        shift = UInt64(64 - bits)
        for name in cases {
            guard let key = Packed(ArraySlice(spelled(name).utf8)) else {
                preconditionFailure("a known name is 1 to 23 bytes: \(spelled(name))")
            }
            var place = Int(key.hash >> shift)
            while slots[place] != nil { place = (place + 1) & (slots.count - 1) }
            slots[place] = Slot(key: key, name: name)
        }
        self.slots = slots
    }

    subscript(name: ArraySlice<UInt8>) -> Name? {
        guard let key = Packed(name) else { return nil }
        var place = Int(key.hash >> shift)
        while let slot = slots[place] {
            if slot.key == key { return slot.name }
            place = (place + 1) & (slots.count - 1)
        }
        return nil
    }
}
