import Seeded
import Testing

@testable import HeadwayCore

/// What jobs of `pipeline` took before: `samples` of each stage, spread around its seconds, and the whole.
private func history(
    _ pipeline: Pipeline, _ seconds: [String: Double], samples: Int = 40, spread: Double = 0.2
) -> DurationBook {
    var book = DurationBook()
    for sample in 0..<samples {
        let factor = 1 + spread * (2 * (Double(sample) + 0.5) / Double(samples) - 1)
        var whole = 0.0
        for stage in pipeline.stages {
            guard let usual = seconds[stage.id] else { continue }
            book.add(.milliseconds(Int64(usual * factor * 1000)), pipeline: pipeline.name, stage: stage.id)
            whole += usual * factor
        }
        book.add(.milliseconds(Int64(whole * 1000)), pipeline: pipeline.name, stage: nil)
    }
    return book
}

private let thirds = ["a": 20.0, "b": 60.0, "c": 40.0]

extension Outlook {
    fileprivate var seconds: Double? { estimate.map { Double($0.remaining.wholeMilliseconds) / 1000 } }
    fileprivate var high: Double? { estimate.map { Double($0.high.wholeMilliseconds) / 1000 } }
}

@Suite("An estimate of a job")
struct EstimatorTests {
    private func outlook(
        _ book: DurationBook, _ words: [(Int64, JobWord)], at seconds: Int64, _ pipeline: Pipeline = .plain
    ) -> Outlook {
        var record = JobRecord(pipeline)
        for (at, word) in words { record.hear(word, at: noon.after(at)) }
        guard let job = record.job else { return .none(.ended) }
        return Estimator(pipeline, book).outlook(of: job, at: noon.after(seconds))
    }

    @Test("follows the history of what is still before it")
    func prior() throws {
        let book = history(.plain, thirds)
        let start = try #require(outlook(book, [(0, .works), (0, .begins(stage("a")))], at: 0).seconds)
        #expect(108...132 ~= start)
        let later = try #require(
            outlook(book, [(0, .works), (0, .begins(stage("a"))), (20, .begins(stage("b")))], at: 20).seconds)
        #expect(90...110 ~= later)
        let last = try #require(
            outlook(
                book,
                [
                    (0, .works), (0, .begins(stage("a"))), (20, .begins(stage("b"))),
                    (80, .begins(stage("c"))),
                ],
                at: 90
            ).seconds)
        #expect(26...34 ~= last)
    }

    @Test("takes no notice of percent ranges, only of how long things take")
    func ranges() {
        let narrow = Pipeline(
            reference: Pipeline.plain.reference,
            stages: [("a", 0, 98), ("b", 98, 99), ("c", 99, 100)].map {
                Pipeline.Stage(id: $0.0, start: percent($0.1), end: percent($0.2))
            })
        let book = history(.plain, thirds)
        var record = JobRecord(.plain)
        for word: JobWord in [.works, .counts(stage("a"), 5, 10)] { record.hear(word) }
        let job = record.job
        #expect(
            job.map { Estimator(.plain, book).outlook(of: $0, at: noon.after(9)) }
                == job.map { Estimator(narrow, book).outlook(of: $0, at: noon.after(9)) })
    }

    @Test("that took longer than usual is of those that did: not the mean less what is over")
    func tail() throws {
        var book = DurationBook()
        // Nine of ten take 10 s, one takes 100.
        for sample in 0..<100 {
            let took = Duration.seconds(sample % 10 == 0 ? 100 : 10)
            for stage in ["c", nil] { book.add(took, pipeline: "plain", stage: stage) }
        }
        let words: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("c")))]
        let early = try #require(outlook(book, words, at: 1).seconds)
        let late = try #require(outlook(book, words, at: 20).seconds)
        #expect(early < 12)
        #expect(60...95 ~= late)
        // Longer than anything before: still something, and more the longer it lasts.
        let beyond = try #require(outlook(book, words, at: 200).seconds)
        #expect(beyond > 10)
        #expect(try #require(outlook(book, words, at: 800).seconds) > beyond)
    }

    @Test("is pulled to the job's own pace as evidence grows")
    func pace() throws {
        let book = history(.plain, ["a": 1, "b": 1, "c": 60])
        // Three times as slow as usual, and evenly so.
        var errors: [Double] = []
        for done in [2, 5, 8] {
            var words: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("c")))]
            for step in 1...done { words.append((Int64(step) * 18, .counts(stage("c"), step, 10))) }
            let left = try #require(outlook(book, words, at: Int64(done) * 18).seconds)
            errors.append(abs(left - Double(10 - done) * 18) / (Double(10 - done) * 18))
        }
        #expect(errors[2] < 0.2 && errors[2] < errors[0], "\(errors)")
    }

    @Test(
        "of a job whose first stages were slow expects slow ones, as far as history shows that they go together"
    )
    func together() throws {
        let slow: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("a"))), (40, .begins(stage("b")))]
        let usual: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("a"))), (20, .begins(stage("b")))]
        let joined = history(.plain, thirds, spread: 0.6)
        let (a, b) = (outlook(joined, slow, at: 40).seconds, outlook(joined, usual, at: 20).seconds)
        #expect(try #require(a) > 1.3 * (try #require(b)))

        var apart = DurationBook()
        for sample in 0..<64 {
            var whole = 0.0
            for (place, id) in ["a", "b", "c"].enumerated() {
                let took = try #require(thirds[id]) * (sample >> (2 * place) & 3 < 2 ? 0.5 : 1.5)
                whole += took
                apart.add(.milliseconds(Int64(took * 1000)), pipeline: "plain", stage: id)
            }
            apart.add(.milliseconds(Int64(whole * 1000)), pipeline: "plain", stage: nil)
        }
        let (c, d) = (outlook(apart, slow, at: 40).seconds, outlook(apart, usual, at: 20).seconds)
        #expect(try #require(c) < 1.1 * (try #require(d)))
    }

    @Test("counts a stage that is sometimes left out as often as it happens")
    func optional() throws {
        func book(_ share: Int) -> DurationBook {
            var book = DurationBook()
            for sample in 0..<100 {
                let happens = sample % 10 < share
                book.add(.seconds(10), pipeline: "lenient", stage: "a")
                if happens { book.add(.seconds(100), pipeline: "lenient", stage: "b") }
                book.add(.seconds(10), pipeline: "lenient", stage: "c")
                book.add(.seconds(happens ? 120 : 20), pipeline: "lenient", stage: nil)
            }
            return book
        }
        let words: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("a")))]
        let lefts = try [0, 3, 7, 10].map { try #require(outlook(book($0), words, at: 0, .lenient).seconds) }
        #expect(lefts == lefts.sorted())
        #expect(lefts[0] < 25 && lefts[3] > 110)
    }

    @Test("knows from the pages that are left how many times a page is before it")
    func pages() throws {
        var book = history(.paged, ["a": 1, "b": 10, "c": 1], spread: 0.1)
        for _ in 0..<120 { book.add(.seconds(10), pipeline: "paged", stage: "b") }
        func left(_ page: Int, of: Int) throws -> Double {
            var words: [(Int64, JobWord)] = [(0, .works)]
            for number in 1...page {
                words.append((Int64(number - 1) * 10, .begins(stage("b", number, of: of))))
            }
            return try #require(outlook(book, words, at: Int64(page - 1) * 10, .paged).seconds)
        }
        #expect(abs(try left(1, of: 4) - 41) < 8)
        #expect(abs(try left(2, of: 8) - 71) < 12)
    }

    // MARK: None

    @Test("is none when the job has ended, waits, is to be cancelled or stands still, and says so")
    func reasons() {
        let book = history(.plain, thirds)
        let running: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("a")))]
        #expect(outlook(book, [], at: 0) == .none(.queued))
        #expect(outlook(book, running + [(1, .done)], at: 2) == .none(.ended))
        #expect(outlook(book, running + [(1, .breaks)], at: 2) == .none(.ended))
        #expect(outlook(book, running + [(1, .cancelled(message: nil))], at: 2) == .none(.ended))
        #expect(outlook(book, running + [(1, .cancelRequested(message: nil))], at: 2) == .none(.cancelling))
        #expect(outlook(DurationBook(), running, at: 2) == .none(.noHistory))
        let last: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("c")))]
        #expect(outlook(DurationBook(), last, at: 2) == .none(.warmingUp))
        #expect(outlook(history(.plain, thirds, samples: 4), running, at: 2) == .none(.noHistory))

        var record = JobRecord(.plain, .works, .begins(stage("a")))
        for second in stride(from: Int64(20), to: 140, by: 20) { record.hear(.beats, at: noon.after(second)) }
        _ = record.fire(jobID, at: noon.after(140), catalog: catalog)
        guard let job = record.job else { return }
        #expect(job.health == .stalled)
        #expect(Estimator(.plain, book).outlook(of: job, at: noon.after(141)) == .none(.stalled))
    }

    @Test("without history goes by the pace of the last stage, once that was seen for a while")
    func ownPace() throws {
        var words: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("c")))]
        words.append((10, .counts(stage("c"), 1, 10)))
        #expect(outlook(DurationBook(), words, at: 10) == .none(.warmingUp))
        for step in 2...5 { words.append((Int64(step) * 10, .counts(stage("c"), step, 10))) }
        let seen = outlook(DurationBook(), words, at: 50)
        #expect(abs(try #require(seen.seconds) - 50) < 8)
        #expect(seen.estimate?.basis == .pace)
    }

    @Test("says what it rests on")
    func basis() {
        let book = history(.plain, thirds)
        let bare: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("a")))]
        #expect(outlook(book, bare, at: 1).estimate?.basis == .history)
        var told = bare
        for step in 1...6 { told.append((Int64(step) * 2, .counts(stage("a"), step, 10))) }
        #expect(outlook(book, told, at: 12).estimate?.basis == .both)
    }

    // MARK: Laws

    @Test(
        "is never negative, its high end never below its middle, and a matter of its inputs alone",
        arguments: 0..<8 as Range<UInt64>)
    func laws(seed: UInt64) {
        var dice = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let pipeline = Pipeline.four[Int.random(in: 0..<4, using: &dice)]
            var samples: [(String?, Int64)] = []
            for id in ["a", "b", "c", nil] {
                for _ in 0..<Int.random(in: 0..<30, using: &dice) {
                    samples.append((id, Int64(1) << Int64.random(in: 0...44, using: &dice)))
                }
            }
            var book = DurationBook()
            var other = DurationBook()
            for (id, took) in samples { book.add(.milliseconds(took), pipeline: pipeline.name, stage: id) }
            for (id, took) in samples.shuffled(using: &dice) {
                other.add(.milliseconds(took), pipeline: pipeline.name, stage: id)
            }
            if Bool.random(using: &dice) {
                for _ in 0..<20 {
                    let half = Duration.milliseconds(Int64.random(in: 0...1000, using: &dice))
                    book.add(half, pipeline: pipeline.name, stage: "b", isHalf: true)
                    other.add(half, pipeline: pipeline.name, stage: "b", isHalf: true)
                }
            }
            var record = JobRecord(pipeline)
            var now = noon
            let events = Vocabulary(pipeline).events
            for _ in 0..<Int.random(in: 0..<12, using: &dice) {
                now = now + .milliseconds(Int64.random(in: 0...200_000, using: &dice))
                if let event = events.randomElement(using: &dice) {
                    record = record.after(event, at: now).record
                }
            }
            guard let job = record.job else { continue }
            // Also a moment before its last word: clocks of two processes differ.
            let moment = now + .milliseconds(Int64.random(in: -10_000...10_000_000, using: &dice))
            let outlook = Estimator(pipeline, book).outlook(of: job, at: moment)
            #expect(outlook == Estimator(pipeline, other).outlook(of: job, at: moment), "seed \(seed)")
            guard let estimate = outlook.estimate else { continue }
            #expect(estimate.remaining >= .zero && estimate.high >= estimate.remaining, "seed \(seed)")
            #expect(job.status == .running && !job.isCancelRequested)
        }
    }

    @Test("of a slower past is never sooner", arguments: 0..<4 as Range<UInt64>)
    func monotone(seed: UInt64) {
        var dice = SplitMix64(seed: seed)
        for _ in 0..<100 {
            let elapsed = Int64.random(in: 0...30, using: &dice)
            let words: [(Int64, JobWord)] = [(0, .works), (0, .begins(stage("b")))]
            let factor = Double.random(in: 1.3...4, using: &dice)
            let quick = outlook(history(.plain, thirds), words, at: elapsed)
            let slow = outlook(history(.plain, thirds.mapValues { $0 * factor }), words, at: elapsed)
            #expect((quick.seconds ?? 0) < (slow.seconds ?? 0), "seed \(seed)")
        }
    }
}

@Suite("How even a stage's progress was")
struct ProgressBendTests {
    private func halves(_ words: (Int64, JobWord)...) -> [DurationSample] {
        var record = JobRecord(.plain, .works)
        var samples: [DurationSample] = []
        for (at, word) in words { samples += record.hear(word, at: noon.after(at)).durations }
        return samples.filter(\.isHalf)
    }

    @Test("is measured when the stage ends: the time at half, as if it had taken a second")
    func measured() {
        let even = halves(
            (0, .begins(stage("a"))), (25, .tells(stage("a"), percent: 25)),
            (75, .tells(stage("a"), percent: 75)),
            (100, .ends(stage("a"))))
        #expect(even == [DurationSample(stage: "a", duration: .milliseconds(500), isHalf: true)])
        let late = halves(
            (0, .begins(stage("a"))), (80, .tells(stage("a"), percent: 50)), (100, .begins(stage("b"))))
        #expect(late == [DurationSample(stage: "a", duration: .milliseconds(800), isHalf: true)])
    }

    @Test("is not measured of a stage that leaps, says nothing, or begins anew")
    func unmeasured() {
        #expect(
            halves((0, .begins(stage("a"))), (9, .tells(stage("a"), percent: 80)), (10, .ends(stage("a"))))
                == [])
        #expect(halves((0, .begins(stage("a"))), (10, .ends(stage("a")))) == [])
        #expect(
            halves(
                (0, .begins(stage("a"))), (9, .tells(stage("a"), percent: 50)),
                (10, .begins(stage("a", try: 2))),
                (20, .ends(stage("a")))) == [])
    }

    @Test("bends what the pace says: half the steps after 80 of 100 seconds leave 20, not 80")
    func bends() throws {
        var book = history(.plain, ["c": 100])
        for _ in 0..<20 { book.add(.milliseconds(800), pipeline: "plain", stage: "c", isHalf: true) }
        var record = JobRecord(.plain, .works, .begins(stage("c")))
        record.hear(.counts(stage("c"), 10, 20), at: noon.after(88))
        let job = try #require(record.job)
        let left = try #require(Estimator(.plain, book).outlook(of: job, at: noon.after(88)).seconds)
        #expect(15...30 ~= left)
    }

    @Test("when one sketch of a pipeline is halved, all are, so that counts can still be compared")
    func halvedTogether() throws {
        var book = DurationBook()
        for number in 0..<(DurationSketch.capacity * 2) {
            book.add(.seconds(10), pipeline: "p", stage: nil)
            if number % 4 == 0 { book.add(.seconds(10), pipeline: "p", stage: "rare") }
            if number < 100 { book.add(.seconds(10), pipeline: "q", stage: nil) }
        }
        let (all, rare) = (try #require(book["p", nil]), try #require(book["p", "rare"]))
        #expect(abs(Double(rare.count) / Double(all.count) - 0.25) < 0.01)
        #expect(book["q", nil]?.count == 100)
        #expect(all.mean == .seconds(10))
    }
}
