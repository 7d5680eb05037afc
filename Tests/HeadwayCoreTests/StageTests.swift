import HeadwayCore
import Testing

@Suite("The stages of a job")
struct StageTests {
    /// What is said, one word after the other, and the book that comes of it.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var pipeline = Pipeline.plain
        let words: [JobWord]
        /// The verdict on the last word.
        var verdict = Verdict.applied
        /// `a+ b! c? d-` = a running, b completed, c skipped, d withdrawn; with the try when it is not the first.
        let book: String
        var percent: Int?
    }

    static let rows = [
        Row(
            testDescription: "a later stage completes the running one",
            words: [.begins(stage("a")), .begins(stage("b"))], book: "a! b+", percent: 30),
        Row(
            testDescription: "a mandatory stage that is passed by is listed as skipped",
            words: [.begins(stage("a")), .begins(stage("c"))], book: "a! b? c+", percent: 60),
        Row(
            testDescription: "an optional stage may be passed by", pipeline: .lenient,
            words: [.begins(stage("a")), .begins(stage("c"))], book: "a! c+", percent: 60),
        Row(
            testDescription: "a strict pipeline refuses to pass by", pipeline: .strict,
            words: [.begins(stage("a")), .begins(stage("c"))], verdict: .refused(.skippedStage), book: "a+"),
        Row(
            testDescription: "a strict pipeline lets the next stage begin", pipeline: .strict,
            words: [.begins(stage("a")), .begins(stage("b"))], book: "a! b+"),
        Row(
            testDescription: "progress of a later stage begins it", words: [.tells(stage("b"), percent: 50)],
            book: "a? b+", percent: 45),
        Row(
            testDescription: "the end of a later stage begins and ends it", words: [.ends(stage("b"))],
            book: "a? b!", percent: 60),
        Row(
            testDescription: "an earlier stage is behind", words: [.begins(stage("b")), .begins(stage("a"))],
            verdict: .refused(.backwards), book: "a? b+"),
        Row(
            testDescription: "an earlier stage that was passed by is behind even at its first try",
            words: [.begins(stage("b")), .begins(stage("a", try: 1))], verdict: .refused(.backwards),
            book: "a? b+"),
        Row(
            testDescription: "the end of an earlier, completed stage is known",
            words: [.begins(stage("a")), .begins(stage("b")), .ends(stage("a"))], verdict: .unchanged,
            book: "a! b+"),
        Row(
            testDescription: "the end of an earlier, skipped stage is behind",
            words: [.begins(stage("b")), .ends(stage("a"))], verdict: .refused(.backwards), book: "a? b+"),
        Row(
            testDescription: "progress of an earlier stage is behind",
            words: [.begins(stage("a")), .begins(stage("b")), .tells(stage("a"), percent: 90)],
            verdict: .refused(.backwards), book: "a! b+"),
        Row(
            testDescription: "a higher try goes back, and the percent holds",
            words: [
                .begins(stage("a")), .begins(stage("b")), .begins(stage("c")), .begins(stage("a", try: 2)),
            ],
            book: "a+2 b- c-", percent: 60),
        Row(
            testDescription: "progress of a higher try goes back as well",
            words: [.begins(stage("a")), .begins(stage("b")), .tells(stage("a", try: 2), percent: 50)],
            book: "a+2 b-", percent: 30),
        Row(
            testDescription: "a withdrawn stage waits for a higher try",
            words: [
                .begins(stage("a")), .begins(stage("b")), .begins(stage("a", try: 2)),
                .begins(stage("b", try: 1)),
            ], verdict: .refused(.backwards), book: "a+2 b-"),
        Row(
            testDescription: "a withdrawn stage begins with its next try when none is named",
            words: [
                .begins(stage("a")), .begins(stage("b")), .begins(stage("a", try: 2)), .begins(stage("b")),
            ],
            book: "a!2 b+2"),
        Row(
            testDescription: "a withdrawn stage that is passed by is skipped",
            words: [
                .begins(stage("a")), .begins(stage("b")), .begins(stage("a", try: 2)), .begins(stage("c")),
            ], book: "a!2 b?2 c+"),
        Row(
            testDescription: "what was only passed by may come for the first time after going back",
            words: [
                .begins(stage("a")), .begins(stage("c")), .begins(stage("a", try: 2)),
                .begins(stage("b", try: 1)),
            ], book: "a!2 b+ c-"),
        Row(
            testDescription: "what began, was withdrawn and then passed by, still waits for its next try",
            words: [
                .begins(stage("a")), .begins(stage("b")), .begins(stage("a", try: 2)), .begins(stage("c")),
                .begins(stage("a", try: 3)), .begins(stage("b", try: 1)),
            ], verdict: .refused(.backwards), book: "a+3 b- c-"),
        Row(
            testDescription: "a lower try is behind",
            words: [.begins(stage("a", try: 2)), .tells(stage("a", try: 1), percent: 90)],
            verdict: .refused(.backwards), book: "a+2"),
        Row(
            testDescription: "a higher try of the running stage starts it again",
            words: [.tells(stage("a"), percent: 50), .begins(stage("a", try: 2))], book: "a+2", percent: 15),
        Row(
            testDescription: "a higher try reopens the completed stage",
            words: [.ends(stage("a")), .begins(stage("a", try: 2))], book: "a+2", percent: 30),
        Row(
            testDescription: "the start of the completed stage is known",
            words: [.ends(stage("a")), .begins(stage("a"))], verdict: .unchanged, book: "a!"),
        Row(
            testDescription: "progress of the completed stage is behind",
            words: [.ends(stage("a")), .tells(stage("a"), percent: 100)], verdict: .refused(.backwards),
            book: "a!", percent: 30),
        Row(
            testDescription: "a stage that the pipeline does not have is refused",
            words: [.begins(stage("nowhere"))], verdict: .refused(.unknownStage), book: ""),
        Row(
            testDescription: "an index belongs to indexed stages only",
            words: [.begins(stage("b", 1, of: 2))],
            verdict: .refused(.malformed), book: ""),
        Row(
            testDescription: "completing a page before the last keeps the stage running", pipeline: .paged,
            words: [.begins(stage("a")), .ends(stage("b", 2, of: 3))], book: "a! b+", percent: 50),
        Row(
            testDescription: "completing the last page completes the stage", pipeline: .paged,
            words: [.begins(stage("a")), .ends(stage("b", 3, of: 3))], book: "a! b!", percent: 60),
        Row(
            testDescription: "completing without an index completes the whole stage", pipeline: .paged,
            words: [.begins(stage("a")), .begins(stage("b", 1, of: 3)), .ends(stage("b"))], book: "a! b!",
            percent: 60),
        Row(
            testDescription: "completing a page that is past is known", pipeline: .paged,
            words: [.begins(stage("b", 2, of: 3)), .ends(stage("b", 1, of: 3))], verdict: .unchanged,
            book: "a? b+"),
        Row(
            testDescription: "progress of a page that is past is behind", pipeline: .paged,
            words: [.begins(stage("b", 2, of: 3)), .tells(stage("b", 1, of: 3), percent: 50)],
            verdict: .refused(.backwards), book: "a? b+"),
        Row(
            testDescription: "a page beyond the last is malformed", pipeline: .paged,
            words: [.begins(stage("b", 2, of: 3)), .begins(stage("b", 4))], verdict: .refused(.malformed),
            book: "a? b+"),
        Row(
            testDescription: "the number of pages may rise", pipeline: .paged,
            words: [.begins(stage("b", 2, of: 3)), .begins(stage("b", 4, of: 6))], book: "a? b+", percent: 45),
        Row(
            testDescription: "a lower number of pages is ignored", pipeline: .paged,
            words: [.begins(stage("b", 2, of: 6)), .begins(stage("b", 3, of: 4))], book: "a? b+", percent: 40),
        Row(
            testDescription: "pages count nothing while their number is unknown", pipeline: .paged,
            words: [.begins(stage("b", 2)), .tells(stage("b", 2), percent: 90)], book: "a? b+", percent: 30),
        Row(
            testDescription: "a stage of pages counts nothing without a page", pipeline: .paged,
            words: [.begins(stage("b")), .tells(stage("b"), percent: 90)], book: "a? b+", percent: 30),
        Row(
            testDescription: "completing the job completes the running stage and skips the rest",
            words: [.begins(stage("a")), .done], book: "a! b? c?", percent: 100),
        Row(
            testDescription: "what was passed by before is not passed by again at the end",
            words: [.begins(stage("c")), .done], book: "a? b? c!", percent: 100),
        Row(
            testDescription: "a strict job cannot complete while a stage is missing", pipeline: .strict,
            words: [.begins(stage("a")), .done], verdict: .refused(.skippedStage), book: "a+"),
        Row(
            testDescription: "a strict job completes in its last stage", pipeline: .strict,
            words: [.begins(stage("a")), .begins(stage("b")), .begins(stage("c")), .done], book: "a! b! c!",
            percent: 100),
        Row(
            testDescription: "a failed job keeps its book and its percent",
            words: [.begins(stage("a")), .tells(stage("b"), percent: 50), .breaks], book: "a! b+", percent: 45
        ),
    ]

    @Test(arguments: rows)
    func keeps(_ row: Row) throws {
        var record = JobRecord(row.pipeline, .works)
        var last = Verdict.unchanged
        for word in row.words { last = record.hear(word).verdict }
        let job = try #require(record.job)
        #expect(last == row.verdict)
        #expect(Self.book(job) == row.book)
        if let percent = row.percent { #expect(job.percent == percent) }
    }

    static func book(_ job: JobState) -> String {
        job.stages.map { record in
            let mark =
                switch record.phase {
                case .running: "+"
                case .completed: "!"
                case .skipped: "?"
                case .withdrawn: "-"
                }
            return record.stage + mark + (record.attempt == 1 ? "" : "\(record.attempt)")
        }.joined(separator: " ")
    }

    @Test("the book is kept in pipeline order, however the stages came")
    func order() throws {
        var record = JobRecord(Pipeline.plain, .begins(stage("c")), .begins(stage("a", try: 2)))
        record.hear(.begins(stage("b")))
        #expect(try #require(record.job).stages.map(\.stage) == ["a", "b", "c"])
    }

    @Test("the same value with another sentence is news only from a publisher that counts")
    func sentences() throws {
        var record = JobRecord(Pipeline.plain, .counts(stage("a", saying: "One"), 1, 3))
        #expect(record.hear(.counts(stage("a", saying: "Two"), 1, 3)).verdict == .unchanged)
        #expect(try #require(record.job).message == "One")
        #expect(record.hear(.counts(stage("a", saying: "Two"), 1, 3), sequence: 9).verdict == .applied)
        #expect(try #require(record.job).message == "Two")
        #expect(record.hear(.counts(stage("a"), 1, 3), sequence: 10).verdict == .unchanged)
    }

    @Test("a sentence holds within a page, and not beyond it")
    func sentencesOfPages() throws {
        var record = JobRecord(Pipeline.paged, .begins(stage("b", 1, of: 3, saying: "First page")))
        record.hear(.tells(stage("b", 1, of: 3), percent: 50))
        #expect(try #require(record.job).message == "First page")
        record.hear(.begins(stage("b", 2, of: 3)))
        #expect(try #require(record.job).message == nil)
    }

    @Test("substeps count for themselves, move the clock, and leave the percent alone")
    func substeps() throws {
        var record = JobRecord(Pipeline.plain, .tells(stage("a"), percent: 50))
        #expect(record.hear(.counts(stage("a"), 3, 6, substep: "p"), at: noon.after(5)).verdict == .applied)
        record.hear(.counts(stage("a"), 1, 2, substep: "q"), at: noon.after(6))
        #expect(record.hear(.counts(stage("a"), 2, 6, substep: "p")).verdict == .refused(.backwards))
        let job = try #require(record.job)
        #expect(job.substeps.map(\.id) == ["p", "q"])
        #expect(job.percent == 15)
        #expect(job.movedAt == noon.after(6))
        record.hear(.begins(stage("b")))
        #expect(try #require(record.job).substeps.isEmpty)
    }

    @Test("a stage has at most 32 substeps, and the next page has its own")
    func manySubsteps() throws {
        var record = JobRecord(Pipeline.paged, .begins(stage("b", 1, of: 2)))
        for number in 1...32 { record.hear(.counts(stage("b", 1, of: 2), 1, 3, substep: "s\(number)")) }
        #expect(
            record.hear(.counts(stage("b", 1, of: 2), 1, 3, substep: "s33")).verdict == .refused(.tooLarge))
        #expect(record.hear(.counts(stage("b", 1, of: 2), 2, 3, substep: "s32")).verdict == .applied)
        #expect(record.hear(.counts(stage("b", 2, of: 2), 1, 3, substep: "s1")).verdict == .applied)
        #expect(try #require(record.job).substeps.count == 1)
    }

    @Test("a checkpoint comes with a completed stage and outlives the attempt")
    func checkpoints() throws {
        var record = JobRecord(Pipeline.plain, .ends(stage("a"), checkpoint: "page 3"))
        record.hear(.works, attempt: 2)
        #expect(try #require(record.job).checkpoint == "page 3")
        #expect(try #require(record.job).stages.isEmpty)
    }

    @Test("the timeline tells each step once, and no tick")
    func timeline() {
        var record = JobRecord(Pipeline.plain, .works)
        var told: [String] = []
        for word: JobWord in [
            .begins(stage("a")), .tells(stage("a"), percent: 10), .tells(stage("a"), percent: 20),
            .begins(stage("c")), .begins(stage("b", try: 2)), .done,
        ] {
            told += record.hear(word).transitions.map { "\($0.kind.rawValue) \($0.stage ?? "")" }
        }
        #expect(
            told == [
                "stage_started a", "stage_completed a", "stage_skipped b", "stage_started c",
                "stage_withdrawn c",
                "stage_started b", "stage_completed b", "stage_skipped c", "completed ",
            ])
    }
}
