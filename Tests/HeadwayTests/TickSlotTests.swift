import HeadwayCore
import Testing

@testable import Headway

@Suite("TickSlot")
struct TickSlotTests {
    private func slot() -> TickSlot {
        TickSlot(
            .init(
                job: JobID(unchecked: "j"), attempt: 1, partition: 0, key: 1,
                mention: StageMention("research")))
    }

    private func take(_ slot: TickSlot, at now: Duration = .zero, every interval: Duration? = nil)
        -> [TickSlot.Tick]
    {
        var taken: [TickSlot.Tick] = []
        _ = slot.offer(at: now, every: interval) {
            taken = $0
            return true
        }
        return taken
    }

    @Test("asks to be listed once, until it is taken")
    func lists() {
        let slot = slot()
        #expect(slot.report(.count(done: 1, total: 9), nil, isCorrected: false))
        #expect(!slot.report(.count(done: 2, total: 9), nil, isCorrected: false))
        #expect(!slot.substep("s", .count(done: 2, total: 9), isCorrected: false))
        #expect(take(slot).count == 2)
        #expect(take(slot).isEmpty)
        #expect(slot.report(.count(done: 3, total: 9), nil, isCorrected: false))
    }

    @Test("keeps the latest value and the latest sentence, whichever report brought it")
    func latest() {
        let slot = slot()
        _ = slot.report(.count(done: 1, total: 9), "one", isCorrected: false)
        _ = slot.report(.count(done: 2, total: 9), nil, isCorrected: false)
        #expect(take(slot) == [.init(progress: .count(done: 2, total: 9), message: "one")])
        _ = slot.report(nil, "two", isCorrected: false)
        #expect(take(slot) == [.init(progress: .count(done: 2, total: 9), message: "two")])
        _ = slot.report(.count(done: 1, total: 9), "three", isCorrected: false)
        #expect(take(slot) == [.init(progress: .count(done: 2, total: 9), message: "three")])
    }

    @Test("waits for its interval, except when everything must go")
    func interval() {
        let slot = slot()
        _ = slot.report(.count(done: 1, total: 9), nil, isCorrected: false)
        #expect(take(slot, at: .zero, every: .milliseconds(100)).count == 1)
        _ = slot.report(.count(done: 2, total: 9), nil, isCorrected: false)
        #expect(
            slot.offer(at: .milliseconds(40), every: .milliseconds(100)) { _ in true }
                == .early(.milliseconds(100)))
        #expect(take(slot, at: .milliseconds(40)).count == 1)
    }

    @Test("what is declined stays, and newer values take its place")
    func declined() {
        let slot = slot()
        _ = slot.report(.count(done: 1, total: 9), nil, isCorrected: false)
        #expect(slot.offer(at: .zero, every: nil) { _ in false } == .declined)
        _ = slot.report(.count(done: 5, total: 9), nil, isCorrected: false)
        let offer = slot.offer(at: .zero, every: nil) { $0 == [.init(progress: .count(done: 5, total: 9))] }
        #expect(offer == .taken(reports: 2, words: 1, corrected: 0))
    }

    @Test("a closed slot takes nothing more")
    func closed() {
        let slot = slot()
        slot.close()
        #expect(!slot.report(.count(done: 1, total: 9), nil, isCorrected: false))
        #expect(take(slot).isEmpty)
    }

    @Test("has room for as many substeps as the fold keeps")
    func substeps() {
        let slot = slot()
        for n in 0..<100 { _ = slot.substep("s-\(n)", .count(done: 1, total: 2), isCorrected: false) }
        #expect(take(slot).count == TickSlot.mostSubsteps)
    }

    @Test(
        "percentages are cut to parts per million, never past what was said",
        arguments: [
            (0.0, 0), (12.5, 125_000), (33.3, 333_000), (99.99999, 999_999), (100, 1_000_000), (-3, 0),
            (1e9, 1_000_000),
        ])
    func percentages(percent: Double, parts: Int) {
        #expect(Progress.percentage(percent).value == .fraction(Fraction(partsPerMillion: parts)))
    }

    @Test("what is not a number is no value", arguments: [Double.nan])
    func notANumber(percent: Double) {
        #expect(Progress.percentage(percent).value == nil)
        #expect(Progress.percentage(.infinity).value == .fraction(.one))
    }
}
