import Seeded
import HeadwayCore
import Testing

@Suite("A sketch of durations")
struct DurationSketchTests {
    /// Durations of every size, in whole milliseconds.
    static func samples(_ count: Int, seed: UInt64) -> [Int64] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in
            Int64.random(in: 0...(1 << Int64.random(in: 0...39, using: &random)), using: &random)
        }
    }

    static func sketch(_ samples: some Sequence<Int64>) -> DurationSketch {
        var sketch = DurationSketch()
        for sample in samples { sketch.add(.milliseconds(sample)) }
        return sketch
    }

    @Test("is the same in whatever order its samples came", arguments: 1...20 as ClosedRange<UInt64>)
    func order(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let samples = Self.samples(300, seed: seed)
        #expect(Self.sketch(samples) == Self.sketch(samples.shuffled(using: &random)))
    }

    @Test(
        "of two partitions is the sum, in any order and any grouping",
        arguments: 1...20 as ClosedRange<UInt64>)
    func merge(seed: UInt64) {
        let samples = Self.samples(900, seed: seed)
        let (a, b, c) = (
            Self.sketch(samples[..<200]), Self.sketch(samples[200..<500]), Self.sketch(samples[500...])
        )
        #expect(a + b == b + a)
        #expect((a + b) + c == a + (b + c))
        #expect((a + b) + c == Self.sketch(samples))
        #expect(a + DurationSketch() == a)
    }

    @Test("tells a quantile within an eighth", arguments: 1...40 as ClosedRange<UInt64>)
    func quantile(seed: UInt64) throws {
        let samples = Self.samples(1 + Int(seed) * 40, seed: seed).sorted()
        let sketch = Self.sketch(samples)
        for share in [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1] {
            let told = try #require(sketch.quantile(share)).wholeMilliseconds
            // The sample at this rank: as many as that are at or below it.
            let rank = min(max(Int((share * Double(samples.count)).rounded(.up)), 1), samples.count)
            let exact = samples[rank - 1]
            #expect(abs(told - exact) <= exact / 8 + 1, "\(share) of \(samples.count): \(told), not \(exact)")
        }
    }

    @Test("never falls from one quantile to the next")
    func monotone() throws {
        let sketch = Self.sketch(Self.samples(500, seed: 9))
        let told = try (0...100).map { try #require(sketch.quantile(Double($0) / 100)) }
        #expect(told == told.sorted())
        #expect(sketch.quantile(-1) == sketch.quantile(0) && sketch.quantile(2) == sketch.quantile(1))
    }

    @Test("halves at its capacity, so that what is new weighs more than what was")
    func halving() throws {
        var sketch = DurationSketch()
        for _ in 0..<(DurationSketch.capacity - 1) { sketch.add(.seconds(10)) }
        #expect(sketch.count == DurationSketch.capacity - 1)
        sketch.add(.seconds(10))
        #expect(sketch.count == DurationSketch.capacity / 2)
        #expect(sketch.mean == .seconds(10))
        for _ in 0..<4000 { sketch.add(.seconds(80)) }
        #expect(sketch.count < DurationSketch.capacity)
        let median = try #require(sketch.quantile(0.5))
        #expect(median > .seconds(70))
    }

    @Test("counts what is below nothing as nothing, and what is absurd as very long")
    func extremes() throws {
        let sketch = Self.sketch([-5, 0, .max, .min])
        #expect(sketch.count == 4)
        #expect(sketch.quantile(0.5) == .milliseconds(0) || sketch.quantile(0.5) == .milliseconds(1))
        #expect(try #require(sketch.quantile(1)) >= .seconds(1 << 30))
        #expect(DurationSketch().quantile(0.5) == nil && DurationSketch().mean == nil)
    }

    @Test("as stored leaves out what cannot be")
    func stored() {
        let sketch = DurationSketch(counts: [-1: 3, 5: 0, 6: -2, 7: 4, 100_000: 1], milliseconds: -4)
        #expect(sketch.counts == [7: 4] && sketch.milliseconds == 0)
    }

    @Test("says what is usual from 20 samples on")
    func usual() throws {
        var sketch = DurationSketch()
        for _ in 0..<19 { sketch.add(.seconds(35)) }
        #expect(sketch.usual == nil)
        sketch.add(.seconds(110))
        let usual = try #require(sketch.usual)
        #expect(abs(usual.median.wholeMilliseconds - 35_000) <= 4400)
        #expect(usual.slowAfter == usual.p95 && usual.p95 >= .seconds(30))
        #expect(UsualDuration(median: .milliseconds(3), p95: .milliseconds(9)).slowAfter == .seconds(1))
    }
}

@Suite("A book of durations")
struct DurationBookTests {
    @Test("keeps stages, whole jobs and pipelines apart, and adds up over partitions in any order")
    func adds() {
        var a = DurationBook()
        var b = DurationBook()
        a.add(.seconds(1), pipeline: "p", stage: "s")
        a.add(.seconds(2), pipeline: "p", stage: nil)
        b.add(.seconds(3), pipeline: "p", stage: "s")
        b.add(.seconds(4), pipeline: "q", stage: "s")
        #expect(a + b == b + a)
        #expect((a + b)["p", "s"]?.mean == .seconds(2))
        #expect((a + b)["p", nil]?.count == 1 && (a + b)["q", "s"]?.count == 1)
        #expect(a["p", "other"] == nil)
    }
}
