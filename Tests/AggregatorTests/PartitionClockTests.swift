import HeadwayCore
import HeadwayWire
import Testing

@testable import Aggregator

@Suite("PartitionClock")
struct PartitionClockTests {
    static func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    static func entry(_ milliseconds: UInt64) -> StreamID { StreamID(ms: milliseconds) }

    /// A clock that read Redis' time 1,000,000 at monotonic zero.
    func clock() -> PartitionClock {
        var clock = PartitionClock(skew: .zero, watermark: Self.at(1_000_000), redis: Self.at(1_000_000))
        _ = clock.read(Self.at(1_000_000), sentAt: .zero, receivedAt: .milliseconds(1))
        return clock
    }

    @Test("follows Redis' clock while the two agree")
    func follows() {
        var clock = clock()
        #expect(clock.read(Self.at(1_010_000), sentAt: .seconds(10), receivedAt: .seconds(10)) == nil)
        #expect(clock.now == Self.at(1_010_000))
    }

    @Test("a jump forward goes into the skew, and time goes on as before")
    func forward() {
        var clock = clock()
        let jump = clock.read(Self.at(4_610_000), sentAt: .seconds(10), receivedAt: .seconds(10))
        #expect(jump != nil)
        #expect(abs(clock.now.milliseconds - 1_010_000) <= 2)
        #expect(clock.read(Self.at(4_620_000), sentAt: .seconds(20), receivedAt: .seconds(20)) == nil)
        #expect(abs(clock.now.milliseconds - 1_020_000) <= 2)
    }

    @Test("a jump between the take and the first reading is noticed")
    func jumpWhileTaking() {
        var clock = PartitionClock(
            skew: .zero, watermark: Self.at(1_000_000), redis: Self.at(1_000_000),
            read: (sentAt: .zero, receivedAt: .milliseconds(1)))
        let jump = clock.read(
            Self.at(4_600_050), sentAt: .milliseconds(50), receivedAt: .milliseconds(51))
        #expect(jump != nil)
        #expect(abs(clock.now.milliseconds - 1_000_050) <= 5)
    }

    @Test("a jump back goes into the skew, and time never falls")
    func back() {
        var clock = clock()
        _ = clock.read(Self.at(1_010_000 - 3_600_000), sentAt: .seconds(10), receivedAt: .seconds(10))
        #expect(abs(clock.now.milliseconds - 1_010_000) <= 2)
        _ = clock.read(Self.at(1_020_000 - 3_600_000), sentAt: .seconds(20), receivedAt: .seconds(20))
        #expect(abs(clock.now.milliseconds - 1_020_000) <= 2)
    }

    @Test("a reply that waited while this process was frozen is no jump")
    func frozen() {
        var clock = clock()
        // Executed at once, looked at ten seconds later; then executed at once again.
        #expect(clock.read(Self.at(1_000_500), sentAt: .milliseconds(500), receivedAt: .seconds(10)) == nil)
        #expect(
            clock.read(Self.at(1_010_100), sentAt: .seconds(10), receivedAt: .milliseconds(10_200)) == nil)
    }

    @Test("a jump that a slow answer hides judges nobody, and the next quick answer finds it")
    func hidden() {
        var clock = clock()
        _ = clock.read(Self.at(1_010_000), sentAt: .seconds(10), receivedAt: .milliseconds(10_001))
        // Redis was set 4 s ahead; the answer took 3 s.
        #expect(clock.read(Self.at(1_015_000), sentAt: .seconds(11), receivedAt: .seconds(14)) == nil)
        #expect(clock.judged <= Self.at(1_011_500))
        // So may the next one; what is certain goes on meanwhile.
        #expect(clock.read(Self.at(1_018_000), sentAt: .seconds(14), receivedAt: .seconds(17)) == nil)
        #expect(clock.judged <= Self.at(1_014_800))
        #expect(clock.judged >= Self.at(1_013_990))
        let jump = clock.read(Self.at(1_021_001), sentAt: .seconds(17), receivedAt: .milliseconds(17_002))
        // What two slow answers left open is still open in how far it was.
        #expect(jump.map { 3...4 ~= $0 / .seconds(1) } == true)
        #expect(abs(clock.judged.milliseconds - 1_017_001) <= 1_000)
    }

    @Test("what is heard from a Redis that stood still counts as heard when it went on")
    func stoodStill() {
        var clock = clock()
        _ = clock.read(Self.at(1_010_000), sentAt: .seconds(10), receivedAt: .milliseconds(10_001))
        #expect(clock.read(Self.at(1_013_000), sentAt: .seconds(10), receivedAt: .seconds(13)) == nil)
        #expect(clock.time(of: Self.entry(1_012_999)) == Self.at(1_012_999))
        #expect(clock.judged <= Self.at(1_010_400))
        _ = clock.read(Self.at(1_013_001), sentAt: .seconds(13), receivedAt: .milliseconds(13_001))
        #expect(clock.judged >= Self.at(1_013_000))
    }

    @Test("clocks that run apart as little as clocks do are never taken for set")
    func drift() {
        for apart in [-300.0, 300] {
            var clock = clock()
            for second in 1...100_000 {
                let redis = 1_000_000 + Int64(Double(second) * (1_000 + apart / 1_000))
                let jump = clock.read(
                    Self.at(redis), sentAt: .seconds(second),
                    receivedAt: .seconds(second) + .microseconds(300))
                #expect(jump == nil)
            }
            #expect(
                abs(clock.judged.milliseconds - 1_000_000 - Int64(100_000 * (1_000 + apart / 1_000))) <= 110)
        }
    }

    @Test("an entry's time is its id's, but never in the future and never before the entry in front of it")
    func entries() {
        var clock = clock()
        _ = clock.read(Self.at(1_010_000), sentAt: .seconds(10), receivedAt: .seconds(10))
        #expect(clock.time(of: Self.entry(1_004_000)) == Self.at(1_004_000))
        #expect(clock.time(of: Self.entry(1_003_000)) == Self.at(1_004_000))
        #expect(clock.time(of: Self.entry(UInt64(Int64.max))) == Self.at(1_010_000))
        #expect(clock.time(of: Self.entry(UInt64.max)) == Self.at(1_010_000))
    }

    @Test("after a jump back ids stand still, and entries are as late as they arrive")
    func idsStandStill() {
        var clock = clock()
        _ = clock.read(Self.at(1_010_000 - 3_600_000), sentAt: .seconds(10), receivedAt: .seconds(10))
        _ = clock.read(Self.at(1_600_000 - 3_600_000), sentAt: .seconds(600), receivedAt: .seconds(600))
        #expect(abs(clock.time(of: Self.entry(1_010_000)).milliseconds - 1_600_000) <= 2)
    }

    @Test("a taker whose Redis was set back while nobody looked goes on from the watermark")
    func takeOver() {
        let clock = PartitionClock(skew: .zero, watermark: Self.at(1_000_000), redis: Self.at(-2_600_000))
        #expect(clock.now == Self.at(1_000_000))
        #expect(clock.skew == .seconds(-3600))
    }

    @Test("nothing traps at the ends of time")
    func extremes() {
        for value in [Int64.min, -1, 0, 1, .max] {
            for other in [Int64.min, 0, .max] {
                var clock = PartitionClock(
                    skew: .milliseconds(other), watermark: Self.at(value), redis: Self.at(other))
                _ = clock.read(Self.at(other), sentAt: .zero, receivedAt: .zero)
                _ = clock.read(Self.at(value), sentAt: .zero, receivedAt: .zero)
                _ = clock.time(of: Self.entry(.max))
            }
        }
    }
}
