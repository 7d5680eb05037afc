import HeadwayCore
import Testing

@Suite("X of Y")
struct BulkSummaryTests {
    typealias Share = BulkShareTests

    /// Two shares, the first at home: members alternate between them.
    static func shares(_ members: [BulkContribution], _ words: BulkWord...) -> [BulkShare] {
        var shares = [BulkShare(id: spring, at: noon), BulkShare(id: spring, at: noon.after(1))]
        for (number, member) in members.enumerated() {
            shares[number % 2].move(from: nil, to: member, isHome: number % 2 == 0, at: noon.after(2))
        }
        for word in words { _ = shares[0].apply(word, isHome: true, at: noon.after(3)) }
        return shares
    }

    static func summary(_ members: [BulkContribution], _ words: BulkWord...) -> BulkSummary {
        var all = shares(members)
        for word in words { _ = all[0].apply(word, isHome: true, at: noon.after(3)) }
        return BulkSummary(id: spring, shares: all)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var members: [BulkContribution] = []
        var words: [BulkWord] = []
        let phase: BulkSummary.Phase
        let text: String
        let percent: Int
        var outcome: BulkSummary.Outcome?
        var isOverrun = false
        var unregistered = 0
    }

    static func many(_ count: Int, _ member: BulkContribution) -> [BulkContribution] {
        Array(repeating: member, count: count)
    }

    static let done = Share.member(.done)
    static let half = Share.member(.tells(stage("b"), percent: 50))
    static let waiting = Share.member()
    static let broken = Share.failure("x")
    static let gone = Share.member(.cancelled(message: nil))

    static let rows = [
        Row(
            testDescription: "an open bulk may grow", members: many(7, done) + many(13, waiting),
            phase: .open,
            text: "7 of at least 20", percent: 35),
        Row(
            testDescription: "a declared total is said", members: many(7, done) + many(3, waiting),
            words: [.opened(total: 20, label: nil)], phase: .open, text: "7 of 20", percent: 35,
            unregistered: 10),
        Row(
            testDescription: "a sealed total is said", members: many(12, done) + many(28, waiting),
            words: [.sealed(total: 40)], phase: .sealed, text: "12 of 40", percent: 30),
        Row(
            testDescription: "running members count in part", members: [half, waiting],
            words: [.sealed(total: 2)],
            phase: .sealed, text: "0 of 2", percent: 22),
        Row(
            testDescription: "an open bulk whose members all ended is not settled, and not at 100",
            members: many(3, done), phase: .open, text: "3 of at least 3", percent: 99),
        Row(
            testDescription: "999 of 1000 is 99 percent", members: many(999, done) + [waiting],
            words: [.sealed(total: 1000)], phase: .sealed, text: "999 of 1000", percent: 99),
        Row(
            testDescription: "settled: sealed, registered, ended", members: many(3, done),
            words: [.sealed(total: 3)], phase: .settled, text: "3 of 3", percent: 100, outcome: .succeeded),
        Row(
            testDescription: "a failure is never pending, and never completed", members: [done, broken],
            words: [.sealed(total: 2)], phase: .settled, text: "1 of 2", percent: 100, outcome: .partial),
        Row(
            testDescription: "nothing completed, something failed", members: [gone, broken],
            words: [.sealed(total: 2)], phase: .settled, text: "0 of 2", percent: 100, outcome: .failed),
        Row(
            testDescription: "all cancelled", members: [gone, gone], words: [.sealed(total: 2)],
            phase: .settled,
            text: "0 of 2", percent: 100, outcome: .cancelled),
        Row(
            testDescription: "an empty sealed bulk settles at once", words: [.sealed(total: 0)],
            phase: .settled,
            text: "0 of 0", percent: 100, outcome: .succeeded),
        Row(
            testDescription: "members that are missing hold a sealed bulk", members: many(2, done),
            words: [.sealed(total: 40)], phase: .sealed, text: "2 of 40", percent: 5, unregistered: 38),
        Row(
            testDescription: "more members than the total are said, not clamped",
            members: many(5, done) + [waiting], words: [.sealed(total: 3)], phase: .sealed, text: "5 of 3",
            percent: 83, isOverrun: true),
        Row(
            testDescription: "weights count", members: [Share.member(.done, weight: 9), waiting],
            words: [.sealed(total: 2)], phase: .sealed, text: "1 of 2", percent: 90),
    ]

    @Test(arguments: rows)
    func says(_ row: Row) {
        var shares = Self.shares(row.members)
        for word in row.words { _ = shares[0].apply(word, isHome: true, at: noon) }
        for summary in [shares, shares.reversed()].map({ BulkSummary(id: spring, shares: $0) }) {
            #expect(summary.phase == row.phase)
            #expect(summary.text == row.text)
            #expect(summary.percent == row.percent)
            #expect(summary.outcome == row.outcome)
            #expect(summary.canSettle == (row.phase == .settled))
            #expect(summary.isOverrun == row.isOverrun)
            #expect(summary.unregistered == row.unregistered)
            #expect(
                summary.done == summary.counts.completed + summary.counts.failed + summary.counts.cancelled)
        }
    }

    @Test("the rest is the sum of the shares")
    func sums() {
        let shares = Self.shares(
            [Self.half, Self.half, Self.broken, Self.broken], .opened(total: 9, label: "L"))
        let summary = BulkSummary(id: spring, shares: shares)
        #expect(summary.stages == ["b": 2])
        #expect(summary.health == [.ok: 2])
        #expect(summary.failures == [BulkShare.FailureKind(code: "x", stage: ""): 2])
        #expect(summary.label == "L" && summary.total == 9)
        #expect(summary.version == shares[0].version + shares[1].version)
        #expect(summary.createdAt == noon.after(2) && summary.updatedAt == noon.after(3))
        #expect(summary.generation == 1 && !summary.isCancelling)
    }

    @Test("what moves no version moves no time: a share that was told something but counted nothing")
    func times() {
        var shares = Self.shares([Self.done])
        let before = BulkSummary(id: spring, shares: [shares[0]])
        shares[1] = BulkShare(id: spring, at: noon.after(60))
        let after = BulkSummary(id: spring, shares: shares)
        #expect(after.version == before.version)
        #expect(after.updatedAt == before.updatedAt)
        #expect(after.createdAt == before.createdAt)
    }

    @Test("without any share there is nothing, and nothing traps")
    func empty() {
        let summary = BulkSummary(id: spring, shares: [])
        #expect(summary.phase == .open && summary.text == "0 of at least 0" && summary.percent == 0)
        #expect(summary.createdAt == nil)
    }

    @Test("what has settled is served from home's sums, so that expired shares sink no count")
    func settlement() {
        var shares = Self.shares([Self.done, Self.broken, Self.done, Self.done], .sealed(total: 4))
        let full = BulkSummary(id: spring, shares: shares)
        _ = shares[0].apply(.settled(generation: 1, full.counts), isHome: true, at: noon)
        let alone = BulkSummary(id: spring, shares: [shares[0]])
        #expect(alone.phase == .settled && alone.counts == full.counts && alone.text == "3 of 4")
        #expect(BulkSummary(id: spring, shares: shares).counts == full.counts)
    }

    @Test("a member that comes back opens the next generation, and home's old sums are not served")
    func generations() {
        var shares = Self.shares([Self.done, Self.broken], .sealed(total: 2))
        _ = shares[0].apply(
            .settled(generation: 1, BulkCounts(completed: 1, failed: 1)), isHome: true, at: noon)
        shares[1].move(from: Self.broken, to: Share.member(.works), isHome: false, at: noon)
        let open = BulkSummary(id: spring, shares: shares)
        #expect(open.phase == .sealed && open.generation == 2 && open.reopened == 1)
        #expect(open.counts == BulkCounts(running: 1, completed: 1))
        #expect(open.percent == 50)
        shares[1].move(from: Share.member(.works), to: Self.done, isHome: false, at: noon)
        let settled = BulkSummary(id: spring, shares: shares)
        #expect(settled.phase == .settled && settled.generation == 2 && settled.text == "2 of 2")
    }

    @Test("a member more than what was settled is not hidden by home's sums")
    func moreThanSettled() {
        var shares = Self.shares([Self.done, Self.done], .sealed(total: 2))
        _ = shares[0].apply(.settled(generation: 1, BulkCounts(completed: 2)), isHome: true, at: noon)
        shares[1].move(from: nil, to: Self.done, isHome: false, at: noon)
        let summary = BulkSummary(id: spring, shares: shares)
        #expect(summary.counts.completed == 3 && summary.isOverrun)
    }
}
