import Glibc

/// A seeded source of chance: the same seed makes the same simulation.
struct Chance: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter stream: what it is for, so that one draw more here changes nothing there.
    init(seed: UInt64, stream: UInt64 = 0) {
        state = seed &+ stream &* 0xd134_2543_de82_ef95
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// From 0 to just below 1.
    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }

    mutating func happens(_ probability: Double) -> Bool { unit() < probability }

    /// As work takes time: most near the middle, some much longer. The median is 1.
    mutating func logNormal(spread: Double) -> Double {
        let angle = 2 * Double.pi * unit()
        return exp(spread * (-2 * log(1 - unit())).squareRoot() * cos(angle))
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int(next() % UInt64(elements.count))]
    }
}
