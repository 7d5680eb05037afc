import Seeded
import Testing

@testable import HeadwayCore

@Suite("When members ended")
struct FinishRingTests {
    @Test("is counted per slot from the beginning of work, and read back over any span")
    func counts() {
        var ring = FinishRing(since: noon)
        for second in stride(from: Int64(5), to: 125, by: 10) { ring.add(at: noon.after(second)) }
        #expect(ring.count == 12 && ring.counts == [Int](repeating: 1, count: 12))
        #expect(ring.finished(within: .seconds(60), until: noon.after(120)) == 6)
        #expect(ring.finished(within: .seconds(1000), until: noon.after(120)) == 12)
        #expect(ring.finished(within: .seconds(60), until: noon.after(150)) == 3)
    }

    @Test("keeps the last of many, and widens its slots for few")
    func widens() {
        var busy = FinishRing(since: noon)
        for second in 0..<Int64(3600) { busy.add(at: noon.after(second)) }
        #expect(busy.width == FinishRing.narrowest && busy.counts.count == FinishRing.slots)
        #expect(busy.counts.allSatisfy { $0 == 10 })
        var quiet = FinishRing(since: noon)
        for hour in 0..<Int64(12) { quiet.add(at: noon.after(hour * 3600)) }
        #expect(quiet.count == 12 && quiet.since == noon)
        #expect(quiet.counts.count <= FinishRing.slots)
    }

    @Test("is bounded and never loses count of what it holds", arguments: 0..<8 as Range<UInt64>)
    func laws(seed: UInt64) throws {
        var dice = SplitMix64(seed: seed)
        var ring = FinishRing(since: noon)
        var now = noon
        for _ in 0..<2_000 {
            let before = ring.count
            now =
                now
                + .milliseconds(
                    Int64(1) << Int64.random(in: 0...Int64.random(in: 1...32, using: &dice), using: &dice))
            ring.add(at: now)
            #expect(
                1...FinishRing.slots ~= ring.counts.count && ring.width <= FinishRing.widest, "seed \(seed)")
            #expect(ring.count <= before + 1 && ring.count >= 1, "seed \(seed)")
            let all = ring.finished(within: .seconds(1 << 40), until: now)
            #expect(abs(all - Double(ring.count)) < 0.001, "seed \(seed)")
            #expect(FinishRing(since: ring.since, width: ring.width, counts: ring.counts) == ring)
        }
        ring.add(at: Timestamp(milliseconds: .max))
        ring.add(at: Timestamp(milliseconds: .min))
        #expect(ring.counts.count <= FinishRing.slots)
    }

    @Test(
        "what ends by itself counts, what is cancelled does not, and what came back and ended again counts twice"
    )
    func share() throws {
        var share = BulkShare(id: spring, at: noon)
        var record = JobRecord(.plain, bulk: spring)
        func hear(_ word: JobWord, _ attempt: Int, at second: Int64) {
            let before = record.contribution?.1
            record.hear(word, attempt: attempt, at: noon.after(second))
            share.move(from: before, to: record.contribution?.1, isHome: true, at: noon.after(second))
        }
        hear(.works, 1, at: 10)
        #expect(share.finishes == FinishRing(since: noon.after(10)))
        hear(.breaks, 1, at: 20)
        hear(.works, 2, at: 30)
        hear(.done, 2, at: 45)
        #expect(share.finishes?.counts == [0, 1, 0, 1] && share.reopened == 1)
        var other = JobRecord(.plain, bulk: spring)
        let before = other.contribution?.1
        other.hear(.cancelled(message: nil))
        share.move(from: before, to: other.contribution?.1, isHome: true, at: noon.after(50))
        #expect(share.finishes?.count == 2)
    }

    @Test("the rate looks back as far as it needs to, and no further than when work began")
    func rate() throws {
        #expect(FinishRate([], at: noon, wanted: 8) == nil)
        #expect(FinishRate([FinishRing(since: noon)], at: noon.after(60), wanted: 8) == nil)
        var ring = FinishRing(since: noon)
        for second in stride(from: Int64(30), through: 240, by: 30) { ring.add(at: noon.after(second)) }
        let whole = try #require(FinishRate([ring], at: noon.after(240), wanted: 100))
        #expect(whole.span == .seconds(240) && abs(whole.perMinute - 2) < 0.01)
        // Twice as fast of late.
        for second in stride(from: Int64(255), through: 360, by: 15) { ring.add(at: noon.after(second)) }
        let late = try #require(FinishRate([ring], at: noon.after(360), wanted: 8))
        #expect(late.span <= .seconds(120) && abs(late.perMinute - 4) < 0.8)
        // Two shares.
        let both = try #require(FinishRate([ring, ring], at: noon.after(360), wanted: 8))
        #expect(abs(both.perMinute - 8) <= 2)
        // Nothing for an hour: it sinks.
        let still = try #require(FinishRate([ring], at: noon.after(4000), wanted: 8))
        #expect(still.perMinute < 0.3)
    }
}

@Suite("An estimate of a bulk")
struct BulkEstimatorTests {
    /// One-stage jobs of about so many seconds.
    private func typical(_ seconds: Double, spread: Double = 0.1) -> Estimator {
        var book = DurationBook()
        for sample in 0..<50 {
            let factor = 1 + spread * (2 * (Double(sample) + 0.5) / 50 - 1)
            for stage in ["a", "b", "c"] {
                book.add(.milliseconds(Int64(seconds * factor * 1000 / 3)), pipeline: "plain", stage: stage)
            }
            book.add(.milliseconds(Int64(seconds * factor * 1000)), pipeline: "plain", stage: nil)
        }
        return Estimator(.plain, book)
    }

    /// `running` members that began at `noon`, `queued` that wait, `ended` that are done.
    private func bulk(queued: Int, running: Int, ended: Int = 0, total: Int?, stalled: Int = 0) -> BulkSummary
    {
        var share = BulkShare(id: spring, at: noon)
        share.counts = BulkCounts(queued: queued, running: running, completed: ended)
        share.weight = Int64(share.counts.registered)
        share.progress = Int64(ended) * 1_000_000
        share.health = [.ok: running - stalled, .stalled: stalled]
        share.home = BulkShare.Home(createdAt: noon)
        share.home?.total = total
        share.home?.isSealed = total != nil
        return BulkSummary(id: spring, shares: [share])
    }

    private func members(_ count: Int, in summary: BulkSummary, _ estimator: Estimator, at now: Timestamp)
        -> [BulkEstimator.Member]
    {
        guard let job = JobRecord(.plain, .works, .begins(stage("a"))).job else { return [] }
        return (0..<count).map { _ in
            BulkEstimator.Member(job, estimator.outlook(of: job, at: now), in: summary, at: now)
        }
    }

    private func outlook(
        queued: Int, running: Int, total: Int?, stalled: Int = 0, _ estimator: Estimator?, looked: Int? = nil
    ) -> Outlook {
        let summary = bulk(queued: queued, running: running, total: total, stalled: stalled)
        return BulkEstimator.outlook(
            of: summary,
            running: estimator.map { members(looked ?? running - stalled, in: summary, $0, at: noon) } ?? [],
            typical: estimator, at: noon)
    }

    private func seconds(_ outlook: Outlook) throws -> Double {
        Double(try #require(outlook.estimate).remaining.wholeMilliseconds) / 1000
    }

    @Test("is as many rounds as the workers need, and the last job to its end")
    func rounds() throws {
        let job = typical(60)
        #expect(abs(try seconds(outlook(queued: 0, running: 1, total: 1, job)) - 60) < 6)
        #expect(abs(try seconds(outlook(queued: 3, running: 1, total: 4, job)) - 240) < 24)
        #expect(abs(try seconds(outlook(queued: 16, running: 4, total: 20, job)) - 300) < 30)
        // The twenty-first needs a round of its own.
        #expect(abs(try seconds(outlook(queued: 17, running: 4, total: 21, job)) - 360) < 36)
        // Promised, and not yet registered.
        #expect(abs(try seconds(outlook(queued: 6, running: 4, total: 20, job)) - 300) < 30)
    }

    @Test("of ten thousand costs no more than of a hundred, and is the flow of the queue")
    func flow() throws {
        let left = try seconds(outlook(queued: 9_990, running: 10, total: 10_000, typical(60)))
        #expect(abs(left - 60_000) < 6_000)
        let many = try seconds(
            outlook(queued: 99_000, running: 1000, total: 100_000, typical(60), looked: 10))
        #expect(abs(many - 6_000) < 700)
    }

    @Test("is none while it may grow, is cancelled, waits for workers, stands still, or is over")
    func reasons() {
        let job = typical(60)
        #expect(outlook(queued: 1, running: 1, total: nil, job) == .none(.open))
        #expect(outlook(queued: 4, running: 0, total: 4, job) == .none(.queued))
        #expect(outlook(queued: 4, running: 2, total: 6, stalled: 2, job) == .none(.stalled))
        #expect(outlook(queued: 0, running: 0, total: 0, job) == .none(.ended))
        #expect(outlook(queued: 4, running: 2, total: 6, nil) == .none(.warmingUp))
        var share = BulkShare(id: spring, at: noon)
        share.counts = BulkCounts(running: 1)
        share.isCancelling = true
        let cancelled = BulkSummary(id: spring, shares: [share])
        #expect(
            BulkEstimator.outlook(of: cancelled, running: [], typical: job, at: noon) == .none(.cancelling))
    }

    @Test("without history goes by the measured rate")
    func measured() throws {
        var share = BulkShare(id: spring, at: noon)
        share.counts = BulkCounts(queued: 20, running: 2, completed: 20)
        share.weight = 42
        share.progress = 20_000_000
        share.finishes = FinishRing(since: noon)
        for number in 1...20 { share.finishes?.add(at: noon.after(Int64(number) * 15)) }
        share.home = BulkShare.Home(createdAt: noon)
        share.home?.total = 42
        let summary = BulkSummary(id: spring, shares: [share])
        let outlook = BulkEstimator.outlook(of: summary, running: [], typical: nil, at: noon.after(300))
        #expect(outlook.estimate?.basis == .pace)
        #expect(abs(try seconds(outlook) - 330) < 60)
    }

    @Test("is held up by the one member that takes longer than all the rest")
    func straggler() throws {
        let estimator = typical(30)
        let summary = bulk(queued: 2, running: 2, total: 4)
        var members = members(2, in: summary, estimator, at: noon)
        members[0].outlook = .estimate(
            Estimate(remaining: .seconds(900), high: .seconds(1000), basis: .history))
        let left = try seconds(
            BulkEstimator.outlook(of: summary, running: members, typical: estimator, at: noon))
        #expect(850...1000 ~= left)
    }

    @Test("is never negative, its high end never below its middle", arguments: 0..<8 as Range<UInt64>)
    func laws(seed: UInt64) {
        var dice = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let queued = Int.random(in: 0...50, using: &dice)
            let running = Int.random(in: 0...80, using: &dice)
            let stalled = Int.random(in: 0...running, using: &dice)
            let job =
                Bool.random(using: &dice)
                ? typical(.random(in: 0.001...1e7, using: &dice), spread: .random(in: 0...0.99, using: &dice))
                : nil
            let total = queued + running + Int.random(in: 0...5, using: &dice)
            let outlook = outlook(
                queued: queued, running: running, total: total, stalled: stalled, job,
                looked: Int.random(in: 0...min(10, running - stalled), using: &dice))
            guard let estimate = outlook.estimate else { continue }
            #expect(estimate.remaining >= .zero && estimate.high >= estimate.remaining, "seed \(seed)")
        }
    }
}
