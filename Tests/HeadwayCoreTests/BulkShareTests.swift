import Seeded
import HeadwayCore
import Testing

@Suite("A share of a bulk")
struct BulkShareTests {
    static func member(_ words: JobWord..., weight: Int = 1) -> BulkContribution {
        var record = JobRecord.unknown
        record.hear(.queued(Pipeline.plain.registration(bulk: spring, weight: weight)))
        for word in words { record.hear(word) }
        guard let (_, contribution) = record.contribution else { preconditionFailure("has a bulk") }
        return contribution
    }

    static func failure(_ code: String) -> BulkContribution {
        member(.failed(message: "No", code: code, stage: nil))
    }

    /// A share that is home, with these members.
    static func share(_ members: BulkContribution..., isHome: Bool = true) -> BulkShare {
        var share = BulkShare(id: spring, at: noon)
        for member in members { share.move(from: nil, to: member, isHome: isHome, at: noon) }
        return share
    }

    @Test("counts each member by status, weight, fraction, stage, health and failure")
    func counts() {
        let share = Self.share(
            Self.member(weight: 2), Self.member(.tells(stage("b"), percent: 50), weight: 3),
            Self.member(.done),
            Self.failure("x"), Self.failure("x"), Self.member(.cancelled(message: nil)))
        #expect(share.counts == BulkCounts(queued: 1, running: 1, completed: 1, failed: 2, cancelled: 1))
        #expect(share.weight == 9)
        #expect(share.progress == 3 * 450_000 + 4 * 1_000_000)
        #expect(share.stages == ["b": 1])
        #expect(share.health == [.ok: 1])
        #expect(share.failures == [BulkShare.FailureKind(code: "x", stage: ""): 2])
        #expect(share.version == 6)
    }

    @Test("a member that leaves takes out what it put in")
    func reverses() {
        let empty = BulkShare(id: spring, at: noon)
        for member in [
            Self.member(weight: 9), Self.member(.tells(stage("b"), percent: 50)), Self.failure("x"),
            Self.member(.done),
        ] {
            var share = Self.share(Self.member(), isHome: true)
            let before = share
            share.move(from: nil, to: member, isHome: true, at: noon)
            share.move(from: member, to: nil, isHome: true, at: noon)
            share.version = before.version
            share.errands = before.errands
            // What ended did end: the rate is of ends, not of members.
            share.finishes = before.finishes
            #expect(share == before)
        }
        #expect(empty.version == 0)
    }

    @Test("a tombstone contributes the same as the job that it remembers")
    func tombstones() throws {
        for word: JobWord in [.breaks, .done, .cancelled(message: nil)] {
            var record = JobRecord(Pipeline.plain, bulk: spring)
            record.hear(.tells(stage("b"), percent: 50))
            record.hear(word)
            let (alive, buried) = (
                try #require(record.contribution), try #require(record.buried.contribution)
            )
            #expect(alive.1 == buried.1 && alive.bulk == buried.bulk)
        }
    }

    @Test("nothing changed, nothing counted")
    func nothing() {
        var share = Self.share(Self.member())
        let before = share
        share.move(from: Self.member(), to: Self.member(), isHome: true, at: noon.after(1))
        #expect(share == before)
    }

    @Test("the first member is announced to home, unless this is home")
    func announces() {
        #expect(Self.share(Self.member(), isHome: false).errands == [.announce])
        #expect(Self.share(Self.member(), isHome: false).home == nil)
        let home = Self.share(Self.member(), isHome: true)
        #expect(home.errands == [] && home.home != nil)
        var second = Self.share(Self.member(), isHome: false)
        second.finishErrands(.announce)
        second.move(from: nil, to: Self.member(), isHome: false, at: noon)
        #expect(second.errands == [])
    }

    @Test("the last open member that leaves asks whether the bulk has settled")
    func settles() {
        var share = Self.share(Self.member(), Self.member(.works))
        share.move(from: Self.member(), to: Self.member(.done), isHome: true, at: noon)
        #expect(share.errands == [])
        share.move(from: Self.member(.works), to: Self.failure("x"), isHome: true, at: noon)
        #expect(share.errands == [.settle])
    }

    @Test("a member that registers when it has ended already asks too")
    func settlesLate() {
        #expect(Self.share(Self.member(.done)).errands == [.settle])
    }

    @Test("a member that comes back from an end is counted, settled or not")
    func reopens() {
        var share = Self.share(Self.failure("x"))
        share.finishErrands(.settle)
        share.move(from: Self.failure("x"), to: Self.member(.works), isHome: true, at: noon)
        #expect(share.reopened == 1 && share.errands == [] && share.failures.isEmpty)
    }

    @Test(
        "any change of a settled share opens it again and tells the others",
        arguments: [
            (failure("x"), member(.works)), (failure("x"), member(.done)), (nil, member()),
            (nil, member(.done)),
        ])
    func reopensSettled(_ old: BulkContribution?, _ new: BulkContribution) {
        var share = Self.share(Self.failure("x"))
        #expect(share.apply(.settled(generation: 3, share.counts), isHome: true, at: noon) == .applied)
        share.finishErrands(.settle)
        share.move(from: old, to: new, isHome: true, at: noon)
        #expect(share.settledGeneration == nil)
        #expect(share.reopened == 1)
        #expect(share.openGeneration == 4)
        #expect(share.errands.contains(.reopen))
        #expect(share.errands.contains(.settle) == (share.counts.open == 0))
    }

    @Test("a settlement that comes late does not close a share that has opened again")
    func lateSettlement() {
        var share = Self.share(Self.failure("x"))
        let told = BulkWord.settled(generation: 1, share.counts)
        _ = share.apply(told, isHome: true, at: noon)
        share.move(from: Self.failure("x"), to: Self.member(.works), isHome: true, at: noon)
        share.move(from: Self.member(.works), to: Self.member(.done), isHome: true, at: noon)
        #expect(share.apply(told, isHome: true, at: noon) == .unchanged)
        #expect(share.settledGeneration == nil)

        var other = Self.share(Self.member(.done), isHome: false)
        #expect(other.apply(.reopened(generation: 2), isHome: false, at: noon) == .applied)
        #expect(other.apply(told, isHome: false, at: noon) == .unchanged)
    }

    @Test("home keeps the newest sums, whatever the order in which it hears them")
    func newestSums() {
        let settlements: [BulkWord] = [
            .settled(generation: 1, BulkCounts(completed: 1)),
            .settled(generation: 1, BulkCounts(completed: 2)),
            .settled(generation: 2, BulkCounts(completed: 2)),
        ]
        for first in settlements {
            for second in settlements {
                var share = Self.share(Self.member(.done))
                for word in [first, second, settlements[2], first] {
                    _ = share.apply(word, isHome: true, at: noon)
                }
                #expect(share.home?.settlement?.generation == 2)
                #expect(share.settledGeneration == 2)
            }
        }
    }

    @Test("a seal asks whether the bulk has settled, a cancellation is told to every share")
    func errandsOfHome() {
        var share = Self.share(Self.member())
        #expect(share.apply(.sealed(total: 1), isHome: true, at: noon) == .applied)
        #expect(share.apply(.cancelRequested, isHome: true, at: noon) == .applied)
        #expect(share.errands == [.settle, .cancel] && share.isCancelling)
        share.finishErrands([.settle, .cancel])
        #expect(share.apply(.announced, isHome: true, at: noon) == .applied)
        #expect(share.errands == .cancel, "a share that comes late is told as well")
    }

    @Test("a refused word creates nothing")
    func refused() {
        var share = BulkShare(id: spring, at: noon)
        #expect(share.apply(.sealed(total: nil), isHome: true, at: noon) == .refused(.missingTotal))
        #expect(share.apply(.opened(total: -1, label: nil), isHome: true, at: noon) == .refused(.malformed))
        #expect(share.apply(.opened(total: 1, label: nil), isHome: false, at: noon) == .refused(.malformed))
        #expect(share == BulkShare(id: spring, at: noon))
    }

    @Test("a declared total only rises, a label is filled in once, a seal fixes the total")
    func totals() {
        var share = Self.share()
        for (word, total) in [
            (BulkWord.opened(total: 5, label: nil), 5), (.opened(total: 9, label: "L"), 9),
            (.opened(total: 7, label: "M"), 9), (.sealed(total: nil), 9), (.opened(total: 12, label: nil), 9),
        ] {
            _ = share.apply(word, isHome: true, at: noon)
            #expect(share.home?.total == total)
        }
        #expect(share.home?.label == "L")
        #expect(share.home?.sealedAt == noon)
    }

    @Test("words about a bulk repeat harmlessly: e, e is e, and e, f, e is e, f")
    func repeats() {
        let words: [BulkWord] =
            [nil, 0, 5, 10].flatMap { [.opened(total: $0, label: nil), .sealed(total: $0)] }
            + [
                .opened(total: 5, label: "L"), .opened(total: nil, label: "M"), .cancelRequested, .announced,
                .cancelling,
            ]
            + [1, 2, 3].flatMap { generation -> [BulkWord] in
                [
                    .settled(generation: generation, BulkCounts(completed: 5)),
                    .settled(generation: generation, BulkCounts(completed: 4, failed: 3)),
                    .reopened(generation: generation),
                ]
            }
        let starts = [
            BulkShare(id: spring, at: noon), Self.share(Self.member()), Self.share(Self.member(.done)),
            Self.share(Self.member(.done), isHome: false),
        ]
        for (start, isHome) in starts.flatMap({ [($0, true), ($0, false)] }) {
            for e in words {
                var once = start
                let first = once.apply(e, isHome: isHome, at: noon)
                if case .refused = first { #expect(once == start) }
                for f in words {
                    var twice = once
                    _ = twice.apply(f, isHome: isHome, at: noon)
                    var again = twice
                    let last = again.apply(e, isHome: isHome, at: noon)
                    if first == .refused(.missingTotal) { continue }
                    #expect(again == twice, "\(e), \(f): \(last)")
                }
            }
        }
    }

    @Test("beyond 100 kinds of failure the rest are told as other, and still come out exactly")
    func manyKinds() {
        var share = Self.share()
        var members = (0..<150).map { Self.failure("c\($0)") }
        for member in members { share.move(from: nil, to: member, isHome: true, at: noon) }
        #expect(share.failures.count == 101)
        #expect(share.failures[.other] == 50)
        var random = SplitMix64(seed: 7)
        // Kinds that left make room; members of the same kind may then be counted in two places.
        for _ in 0..<5000 {
            let place = Int.random(in: members.indices, using: &random)
            let other = Self.failure("c\(Int.random(in: 0..<150, using: &random))")
            share.move(from: members[place], to: other, isHome: true, at: noon)
            members[place] = other
            #expect(share.failures.values.reduce(0, +) == 150)
            #expect(share.failures.values.allSatisfy { $0 > 0 } && share.failures.count <= 101)
        }
        for member in members { share.move(from: member, to: nil, isHome: true, at: noon) }
        #expect(share.failures.isEmpty && share.counts == BulkCounts() && share.progress == 0)
    }
}
