import Seeded
import HeadwayCore

/// What a history is made of, drawn from a seed: the same values on every run and every machine.
struct Dice: RandomNumberGenerator {
    private var numbers: SplitMix64

    init(seed: UInt64) { numbers = SplitMix64(seed: seed) }

    mutating func next() -> UInt64 { numbers.next() }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

    mutating func maybe<Value>(_ value: (inout Dice) -> Value) -> Value? { chance(50) ? value(&self) : nil }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[number(0...values.count - 1)] }

    mutating func list<Value>(_ count: ClosedRange<Int>, _ value: (inout Dice) -> Value) -> [Value] {
        (0..<number(count)).map { _ in value(&self) }
    }

    // MARK: Text

    private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@-")
    /// What breaks a codec, if anything does.
    private static let nasty = Array("aZ09 %;=&|/,\n\r\t\u{0}\u{1}\u{7f}\"\\{}…äß中😀\u{301}\u{feff}\u{10ffff}")

    mutating func identifier(_ length: ClosedRange<Int> = 1...20) -> String {
        String(list(length) { $0.pick(Self.letters) })
    }

    mutating func text(_ length: ClosedRange<Int> = 0...40) -> String {
        chance(30)
            ? identifier(1...max(1, length.upperBound))
            : String(
                String.UnicodeScalarView(list(length) { $0.pick(Self.nasty).unicodeScalars.first ?? "a" }))
    }

    mutating func digest() -> String { String(list(64...64) { $0.pick(Array("0123456789abcdef")) }) }

    mutating func traceparent() -> String {
        let digits = Array("123456789abcdef")
        return
            "00-\(String(list(32...32) { $0.pick(digits) }))-\(String(list(16...16) { $0.pick(digits) }))-01"
    }

    mutating func bytes(_ length: ClosedRange<Int>) -> [UInt8] {
        list(length) { UInt8(truncatingIfNeeded: $0.next()) }
    }
}
