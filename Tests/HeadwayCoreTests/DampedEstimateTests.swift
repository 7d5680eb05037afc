import Seeded
import HeadwayCore
import Testing

@Suite("An estimate as it is shown")
struct DampedEstimateTests {
    private func estimate(_ seconds: Int64, high: Int64? = nil) -> Estimate {
        Estimate(remaining: .seconds(seconds), high: .seconds(high ?? seconds * 2), basis: .history)
    }

    @Test("counts down by itself, and stays as long as it is nearly right")
    func countsDown() {
        var shown = DampedEstimate(estimate(100), at: noon)
        for second in stride(from: Int64(0), through: 60, by: 3) {
            let now = noon.after(second)
            // Thought to be 5 % more.
            let said = shown.show(
                estimate((100 - second) * 105 / 100, high: (200 - second) * 105 / 100), at: now)
            #expect(said.remaining == .seconds(100 - second))
            #expect(said.high == .seconds(200 - second))
        }
    }

    @Test("moves when it is more than a tenth off, but not within five seconds of the last move")
    func moves() {
        var shown = DampedEstimate(estimate(100), at: noon)
        #expect(shown.show(estimate(200), at: noon.after(4)).remaining == .seconds(96))
        #expect(shown.show(estimate(200), at: noon.after(5)).remaining == .seconds(200))
        #expect(shown.show(estimate(20), at: noon.after(9)).remaining == .seconds(196))
        #expect(shown.show(estimate(20), at: noon.after(10)).remaining == .seconds(20))
    }

    @Test("moves when only the high end is off")
    func highMoves() {
        var shown = DampedEstimate(estimate(100, high: 120), at: noon)
        #expect(shown.show(estimate(94, high: 300), at: noon.after(6)).high == .seconds(300))
    }

    @Test(
        "never negative, never more than one move in five seconds, never a tenth off for longer",
        arguments: 0..<8 as Range<UInt64>)
    func laws(seed: UInt64) {
        var dice = SplitMix64(seed: seed)
        var shown = DampedEstimate(estimate(60), at: noon)
        var end = (middle: noon + .seconds(60), high: noon + .seconds(120))
        var movedAt = noon
        var now = noon
        for _ in 0..<2_000 {
            now = now + .milliseconds(Int64.random(in: 0...3_000, using: &dice))
            let fresh = estimate(Int64.random(in: 0...120, using: &dice))
            let kept = Estimate(
                remaining: max(end.middle - now, .zero), high: max(end.high - now, .zero), basis: .history)
            let said = shown.show(fresh, at: now)
            #expect(said.remaining >= .zero && said.high >= said.remaining, "seed \(seed)")
            let isOff =
                abs((kept.remaining - fresh.remaining).wholeMilliseconds)
                > max(kept.remaining, fresh.remaining).wholeMilliseconds / 10
                || abs((kept.high - fresh.high).wholeMilliseconds)
                    > max(kept.high, fresh.high).wholeMilliseconds / 10
            if isOff, now - movedAt >= .seconds(5) {
                #expect(said == fresh, "seed \(seed)")
                end = (now + fresh.remaining, now + fresh.high)
                movedAt = now
            } else {
                #expect(said == kept, "seed \(seed)")
            }
        }
    }

    @Test("a reason goes through at once; a new attempt begins anew; what nobody asks about is forgotten")
    func memory() {
        var memory = EstimateMemory<Int>(capacity: 3)
        #expect(memory.show(.estimate(estimate(100)), of: 1, life: 1, at: noon).estimate == estimate(100))
        let kept = memory.show(.estimate(estimate(50)), of: 1, life: 1, at: noon.after(1)).estimate
        #expect(kept?.remaining == .seconds(99))
        #expect(
            memory.show(.estimate(estimate(50)), of: 1, life: 2, at: noon.after(2)).estimate == estimate(50))
        #expect(memory.show(.none(.stalled), of: 1, life: 2, at: noon.after(3)) == .none(.stalled))
        #expect(memory.count == 0)
        for subject in 0..<100 {
            _ = memory.show(.estimate(estimate(9)), of: subject, life: 1, at: noon.after(Int64(subject)))
            #expect(memory.count <= 3)
        }
    }
}
