import Seeded
import Redis
import Testing

@Suite("Backoff")
struct BackoffTests {
    @Test("never waits longer than base · 2ⁿ or the cap, for any n", arguments: [0, 1, 7, 42])
    func bounded(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var backoff = Backoff(base: .milliseconds(50), cap: .seconds(10))
        var expected = Duration.milliseconds(50)
        for _ in 0..<200 {
            #expect(backoff.ceiling == min(expected, .seconds(10)))
            let wait = backoff.next(using: &random)
            #expect(.zero...min(expected, .seconds(10)) ~= wait)
            if expected < .seconds(10) { expected *= 2 }
        }
    }

    @Test("draws from the whole range, so that a fleet does not come back in step")
    func fullJitter() {
        var random = SplitMix64(seed: 3)
        let waits = (0..<10_000).map { _ in
            var backoff = Backoff(base: .milliseconds(100), cap: .seconds(10))
            return backoff.next(using: &random) / .milliseconds(100)
        }
        for tenth in 0..<10 {
            let share = waits.filter { Int($0 * 10) == tenth || (tenth == 9 && $0 == 1) }.count
            #expect(850...1_150 ~= share, "tenth \(tenth) has \(share) of 10,000")
        }
    }

    @Test("starts over after a success")
    func reset() {
        var random = SplitMix64(seed: 1)
        var backoff = Backoff(base: .milliseconds(50), cap: .seconds(10))
        for _ in 0..<5 { _ = backoff.next(using: &random) }
        backoff.reset()
        #expect(backoff == Backoff(base: .milliseconds(50), cap: .seconds(10)))
    }

    @Test("gives the same waits for the same seed")
    func seeded() {
        func waits() -> [Duration] {
            var random = SplitMix64(seed: 9)
            var backoff = Backoff()
            return (0..<20).map { _ in backoff.next(using: &random) }
        }
        #expect(waits() == waits())
    }

    @Test("a base of nothing and a cap below the base do no harm")
    func degenerate() {
        var random = SplitMix64(seed: 1)
        var none = Backoff(base: .zero, cap: .zero)
        for _ in 0..<100 { #expect(none.next(using: &random) == .zero) }
        let odd = Backoff(base: .seconds(5), cap: .seconds(1))
        #expect(odd.ceiling == .seconds(5))
    }
}
