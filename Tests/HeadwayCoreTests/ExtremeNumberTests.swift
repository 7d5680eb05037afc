import HeadwayCore
import Testing

/// Numbers come from outside. None may stop the process; those out of bounds are malformed.
@Suite("Extreme numbers")
struct ExtremeNumberTests {
    static let numbers = [
        Int.min, Int.min + 1, -1, 0, 1, 2, 1 << 42, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, Int.max - 1,
        Int.max,
    ]
    static let limit = 1 << 53

    @Test("never trap in a word about a job, and out of bounds are malformed", arguments: numbers)
    func words(_ number: Int) {
        let isOrdinal = 1...Self.limit ~= number
        for pipeline in [Pipeline.plain, .paged] {
            for beginning in Beginning.all(of: pipeline) {
                for other in Self.numbers {
                    let words: [(JobWord, Int?, isFine: Bool)] = [
                        (.works, number, isOrdinal),
                        (.queued(pipeline.registration(weight: number)), nil, 1...1_000_000 ~= number),
                        (.begins(stage("b", try: number)), nil, isOrdinal),
                        (
                            .begins(stage("b", number, of: other)), nil,
                            isOrdinal && 1...Self.limit ~= other && number <= other
                        ), (.ends(stage("b", number)), nil, isOrdinal),
                        (
                            .counts(stage("b"), number, other), nil,
                            0...Self.limit ~= other && 0...other ~= number
                        ),
                        (
                            .counts(stage("b", 2, of: 3), number, other, substep: "p"), nil,
                            0...Self.limit ~= other && 0...other ~= number
                        ),
                    ]
                    for (word, attempt, isFine) in words {
                        var record = beginning.record
                        let verdict = record.hear(word, attempt: attempt, at: noon.after(601)).verdict
                        if !isFine { #expect(verdict == .refused(.malformed), "\(word)") }
                        record.hear(.counts(stage("b", other, of: number), other, number), at: noon)
                        #expect(0...100 ~= record.job?.percent ?? 0)
                    }
                }
            }
        }
    }

    @Test(
        "never trap in a moment",
        arguments: [Int64.min, Int64.min + 1, -1, 0, 1, Int64.max - 1, Int64.max])
    func moments(_ milliseconds: Int64) {
        let moment = Timestamp(milliseconds: milliseconds)
        for beginning in Beginning.all(of: .plain) {
            for floor in [nil, moment, noon] {
                var record = beginning.record
                _ = record.nextDeadline(catalog: catalog, countingFrom: floor)
                _ = record.fire(jobID, at: moment, catalog: catalog, countingFrom: floor)
                record.hear(.tells(stage("b"), percent: 50), at: moment)
                _ = record.fire(jobID, at: noon, catalog: catalog, countingFrom: floor)
                record.hear(.done, at: moment)
            }
        }
    }

    @Test("never trap in a job that was read back with extreme numbers", arguments: numbers)
    func stored(_ number: Int) throws {
        for pipeline in [Pipeline.plain, .paged] {
            for beginning in Beginning.all(of: pipeline) {
                guard var job = beginning.record.job else { continue }
                job.attempt = number
                job.weight = number
                job.recoveries = number
                job.version = Int64(number)
                job.position?.attempt = number
                job.position?.index = number
                job.position?.of = number
                job.position?.progress = .count(done: number, total: number)
                for line in job.stages.indices { job.stages[line].attempt = number }
                for (record, attempt) in [JobRecord.job(job), JobRecord.job(job).buried].flatMap({
                    [($0, nil), ($0, number), ($0, 2)]
                }) {
                    for event in Vocabulary(pipeline).events.prefix(60) {
                        var record = record
                        var event = event
                        event.attempt = attempt
                        _ = record.apply(jobID, event, at: noon.after(700), catalog: catalog)
                        record.hear(.begins(stage("a")))
                        record.hear(.begins(stage("a", try: 1 << 53)))
                        record.hear(.begins(stage("c")))
                        #expect(0...100 ~= record.job?.percent ?? 0)
                    }
                }
            }
        }
    }

    @Test("never trap in a bulk", arguments: numbers)
    func bulks(_ number: Int) {
        var share = BulkShare(id: spring, at: noon)
        share.counts = BulkCounts(
            queued: number, running: number, completed: number, failed: number, cancelled: number)
        share.weight = Int64(number)
        share.progress = Int64(number)
        share.reopened = number
        share.version = Int64(number)
        share.openGeneration = number
        share.settledGeneration = number
        share.failures = [.other: number]
        for words: [BulkWord] in [
            [.opened(total: number, label: nil)], [.sealed(total: number)], [.reopened(generation: number)],
            [.settled(generation: number, BulkCounts(completed: number, failed: number))],
        ] {
            var share = share
            for word in words { _ = share.apply(word, isHome: true, at: noon) }
            share.move(from: nil, to: BulkShareTests.failure("x"), isHome: true, at: noon)
            share.move(from: BulkShareTests.failure("x"), to: BulkShareTests.member(), isHome: true, at: noon)
            let summary = BulkSummary(id: spring, shares: Array(repeating: share, count: 8))
            #expect(0...100 ~= summary.percent)
            #expect(!summary.text.isEmpty && summary.unregistered >= 0)
        }
    }

    @Test("out of bounds in a word about a bulk are malformed", arguments: numbers)
    func bulkBounds(_ number: Int) {
        var share = BulkShare(id: spring, at: noon)
        let opened = share.apply(.opened(total: number, label: nil), isHome: true, at: noon)
        #expect((opened == .refused(.malformed)) == !(0...Self.limit ~= number))
        let settled = share.apply(.settled(generation: number, BulkCounts()), isHome: true, at: noon)
        #expect((settled == .refused(.malformed)) == !(1...Self.limit ~= number))
    }

    @Test("keep their ratio: half of 2^53 pages is half")
    func ratio() throws {
        let half = Self.limit / 2
        let record = JobRecord(Pipeline.paged, .begins(stage("b", half + 1, of: Self.limit)))
        #expect(try #require(record.job).percent == 45)
        let counted = JobRecord(Pipeline.plain, .counts(stage("b"), half, Self.limit))
        #expect(try #require(counted.job).percent == 45)
    }
}
