import Seeded

/// What everything in a world is thrown with.
struct Dice: RandomNumberGenerator {
    private var base: SplitMix64

    init(seed: UInt64) { base = SplitMix64(seed: seed) }

    /// Dice of their own for one of many.
    init(seed: UInt64, _ parts: Int...) {
        base = SplitMix64(seed: seed)
        for part in parts { base = SplitMix64(seed: base.next() ^ UInt64(bitPattern: Int64(part))) }
    }

    mutating func next() -> UInt64 { base.next() }

    /// 0 to `sides` - 1.
    mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(sides)) }

    /// Once in `sides`.
    mutating func hits(oneIn sides: Int) -> Bool { roll(sides) == 0 }

    mutating func time(_ low: Duration, _ high: Duration) -> Duration {
        let span = Int64((high - low) / .nanoseconds(1))
        return low + .nanoseconds(Int64(next() % UInt64(max(1, span))))
    }

    mutating func pick<Item>(_ items: [Item]) -> Item? { items.isEmpty ? nil : items[roll(items.count)] }
}

/// A running hash of everything that happens, so that two runs can be compared.
struct Digest {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ number: UInt64) {
        value = (value ^ number) &* 0x9e37_79b9_7f4a_7c15
        value ^= value >> 29
    }

    mutating func add(_ bytes: some Collection<UInt8>) {
        var word: UInt64 = UInt64(bytes.count)
        var filled = 0
        for byte in bytes {
            word = word << 8 | UInt64(byte)
            filled += 1
            if filled == 8 {
                add(word)
                word = 0
                filled = 0
            }
        }
        add(word)
    }
}
