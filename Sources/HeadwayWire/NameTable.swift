/// Finds which of a few known names a run of bytes spells, without making a `String` of it.
///
/// A name of up to 23 bytes is packed into three words; the words are the key of a small open hash table.
package struct NameTable<Name: Sendable>: Sendable {
    private struct Packed: Equatable, Sendable {
        var a: UInt64 = 0
        var b: UInt64 = 0
        /// The length is part of it: `id` followed by a NUL is not `id`.
        var c: UInt64 = 0

        /// A function and not an `init`, because an `init` takes its argument over: a retain on the hot path.
        static func packed(_ name: ArraySlice<UInt8>) -> Packed? {
            let bytes = name.span
            let count = bytes.count
            guard 1...23 ~= count else { return nil }
            var key = Packed()
            for index in 0..<min(count, 8) { key.a = key.a << 8 | UInt64(bytes[index]) }
            key.c = UInt64(count)
            guard count > 8 else { return key }
            for index in 8..<min(count, 16) { key.b = key.b << 8 | UInt64(bytes[index]) }
            guard count > 16 else { return key }
            for index in 16..<count { key.c = key.c << 8 | UInt64(bytes[index]) }
            return key
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
            guard let key = Packed.packed(ArraySlice(spelled(name).utf8)) else {
                preconditionFailure("a known name is 1 to 23 bytes: \(spelled(name))")
            }
            var place = Int(key.hash >> shift)
            while slots[place] != nil { place = (place + 1) & (slots.count - 1) }
            slots[place] = Slot(key: key, name: name)
        }
        self.slots = slots
    }

    subscript(name: ArraySlice<UInt8>) -> Name? {
        guard let key = Packed.packed(name) else { return nil }
        var place = Int(key.hash >> shift)
        while let slot = slots[place] {
            if slot.key == key { return slot.name }
            place = (place + 1) & (slots.count - 1)
        }
        return nil
    }
}
