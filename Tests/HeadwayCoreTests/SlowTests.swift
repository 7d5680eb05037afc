import HeadwayCore
import Testing

/// A stage is slow when it takes longer than 95 of 100 did: from what the book said when it began.
@Suite("Slow")
struct SlowTests {
    static func book(
        _ stage: String, in pipeline: Pipeline = .plain, samples: Int = 20, of span: Duration
    ) -> DurationBook {
        var book = DurationBook()
        for _ in 0..<samples { book.add(span, pipeline: pipeline.name, stage: stage) }
        return book
    }

    /// In stage a, of which 20 took 40 s; alive by a heartbeat every 15 s, as an owner sees it.
    static func inStageA(through second: Int64 = 0) -> JobRecord {
        var record = JobRecord(Pipeline.plain, .works)
        record.hear(.begins(stage("a")), book: book("a", of: .seconds(40)))
        return DeadlineTests.alive(record, through: second)
    }

    static let limit: Duration = book("a", of: .seconds(40))["plain", "a"]?.usual?.slowAfter ?? .zero

    @Test("a stage that takes longer than usual is slow from that moment on, until it ends")
    func slow() throws {
        #expect(Self.limit >= .seconds(36) && Self.limit <= .seconds(45))
        var record = Self.inStageA(through: 30)
        #expect(record.job?.position?.usual?.slowAfter == Self.limit)
        #expect(record.nextDeadline(catalog: catalog) == noon + Self.limit)
        let outcome = record.fire(jobID, at: noon.after(45), catalog: catalog)
        #expect(outcome.transitions.map(\.detail) == ["slow"])
        #expect(outcome.transitions.map(\.at) == [noon + Self.limit])
        #expect(record.job?.health == .slow)
        let version = try #require(record.job?.version)
        // More of the same stage is still slow, and no news of health.
        #expect(record.hear(.tells(stage("a"), percent: 50), at: noon.after(46)).transitions.isEmpty)
        #expect(record.job?.health == .slow && record.job?.version == version + 1)
        let end = record.hear(.begins(stage("b")), at: noon.after(47))
        #expect(end.transitions.map(\.detail).contains("ok"))
        #expect(record.job?.health == .ok && record.job?.recoveries == 0)
    }

    @Test("the end of the stage alone heals it, and so does the end of the job")
    func ends() {
        var record = Self.inStageA(through: 45)
        #expect(record.job?.health == .slow)
        record.hear(.ends(stage("a")), at: noon.after(46))
        #expect(record.job?.health == .ok)
        var ended = Self.inStageA(through: 45)
        ended.hear(.done, at: noon.after(46))
        #expect(ended.job?.health == .ok && ended.job?.status == .completed)
    }

    @Test("fewer than 20 samples are not usual, nor are those of another pipeline or stage")
    func unknown() {
        for book in [
            Self.book("a", samples: 19, of: .seconds(1)), Self.book("b", of: .seconds(1)),
            Self.book("a", in: .lenient, of: .seconds(1)), DurationBook(),
        ] {
            var record = JobRecord(Pipeline.plain, .works)
            record.hear(.begins(stage("a")), book: book)
            #expect(record.job?.position?.usual == nil)
            #expect(record.nextDeadline(catalog: catalog) == noon.after(30))
        }
    }

    @Test("what took next to nothing is not called slow within its first second")
    func shortest() {
        var record = JobRecord(Pipeline.plain, .works)
        record.hear(.begins(stage("a")), book: Self.book("a", of: .milliseconds(3)))
        #expect(record.nextDeadline(catalog: catalog) == noon.after(1))
    }

    @Test("a slow job that stands still is stalled; when it moves it is slow again, until the stage ends")
    func stalls() {
        var record = Self.inStageA(through: 135)
        #expect(record.job?.health == .stalled)
        #expect(
            record.hear(.tells(stage("a"), percent: 9), at: noon.after(136)).transitions.map(\.detail) == [
                "slow"
            ])
        #expect(record.job?.health == .slow && record.job?.recoveries == 1)
        record.hear(.begins(stage("c")), at: noon.after(137))
        #expect(record.job?.health == .ok)
    }

    @Test("a slow job that goes silent is suspect, then lost; whenever it speaks it is slow again")
    func silence() {
        var record = Self.inStageA(through: 45)
        #expect(record.job?.health == .slow)
        _ = record.fire(jobID, at: noon.after(75), catalog: catalog)
        #expect(record.job?.health == .suspect)
        var lost = record
        #expect(record.hear(.beats, at: noon.after(80)).transitions.map(\.detail) == ["slow"])
        _ = lost.fire(jobID, at: noon.after(700), catalog: catalog)
        #expect(lost.job?.isLost == true)
        lost.hear(.beats, at: noon.after(701))
        #expect(lost.job?.health == .slow && lost.job?.status == .running)
        lost.hear(.begins(stage("b")), at: noon.after(702))
        #expect(lost.job?.health == .ok)
    }

    @Test("a worker that is silent from the start is suspect, not slow: one judgement, the graver one")
    func suspectFirst() {
        var record = Self.inStageA()
        #expect(record.nextDeadline(catalog: catalog) == noon.after(30))
        _ = record.fire(jobID, at: noon.after(60), catalog: catalog)
        #expect(record.job?.health == .suspect)
    }

    @Test("a quiet stage can be slow too")
    func quiet() {
        var record = JobRecord(Pipeline.patient, .works)
        record.hear(.begins(stage("b")), book: Self.book("b", in: .patient, of: .seconds(100)))
        _ = record.fire(jobID, at: noon.after(300), catalog: catalog)
        #expect(record.job?.health == .slow)
        _ = record.fire(jobID, at: noon.after(600), catalog: catalog)
        #expect(record.job?.isLost == true)
    }

    @Test("of an indexed stage each index is judged on its own, and nothing between two")
    func indexed() {
        let book = Self.book("b", in: .paged, of: .seconds(10))
        var record = JobRecord(Pipeline.paged, .works)
        record.hear(.begins(stage("b", 1, of: 3)), at: noon, book: book)
        record.hear(.beats, at: noon.after(14))
        _ = record.fire(jobID, at: noon.after(14), catalog: catalog)
        #expect(record.job?.health == .slow)
        record.hear(.begins(stage("b", 2, of: 3)), at: noon.after(15), book: book)
        #expect(record.job?.health == .ok)
        _ = record.fire(jobID, at: noon.after(24), catalog: catalog)
        #expect(record.job?.health == .ok)
        record.hear(.ends(stage("b", 2, of: 3)), at: noon.after(24), book: book)
        #expect(record.nextDeadline(catalog: catalog) == noon.after(54))
    }

    @Test("time in which nobody could hear does not make a stage slow, and what was slow stays so")
    func floor() {
        var record = Self.inStageA(through: 30)
        let back = noon.after(1000)
        _ = record.fire(
            jobID, at: back + Self.limit + .milliseconds(-1), catalog: catalog, countingFrom: back)
        record.hear(.beats, at: back.after(20), countingFrom: back)
        #expect(record.job?.health == .ok)
        var slow = Self.inStageA(through: 45)
        slow.hear(.beats, at: back, countingFrom: back)
        #expect(slow.job?.health == .slow)
    }

    @Test("a suspect worker that speaks after an outage is not stalled for the time of the outage")
    func floorOfStalls() {
        var record = JobRecord(Pipeline.plain, .works)
        _ = record.fire(jobID, at: noon.after(30), catalog: catalog)
        #expect(record.job?.health == .suspect)
        let back = noon.after(1000)
        #expect(
            record.hear(.beats, at: back.after(1), countingFrom: back).transitions.map(\.detail) == ["ok"])
    }
}

@Suite("What a completed stage took")
struct DurationSampleTests {
    func sample(_ stage: String?, _ seconds: Int64) -> DurationSample {
        DurationSample(stage: stage, duration: .seconds(seconds))
    }

    @Test("is told once, when it completes: by its own word, by a later stage, or by the job's end")
    func stages() {
        var record = JobRecord(Pipeline.plain, .works)
        record.hear(.begins(stage("a")), at: noon.after(1))
        #expect(record.hear(.tells(stage("a"), percent: 5), at: noon.after(3)).durations.isEmpty)
        #expect(record.hear(.ends(stage("a")), at: noon.after(5)).durations == [sample("a", 4)])
        #expect(record.hear(.ends(stage("a")), at: noon.after(6)).durations.isEmpty)
        #expect(record.hear(.begins(stage("b")), at: noon.after(7)).durations.isEmpty)
        #expect(record.hear(.begins(stage("c")), at: noon.after(17)).durations == [sample("b", 10)])
        #expect(record.hear(.done, at: noon.after(20)).durations == [sample("c", 3), sample(nil, 20)])
        #expect(record.hear(.done, at: noon.after(21)).durations.isEmpty)
    }

    @Test("is not told of what was skipped, withdrawn, failed, cancelled or lost")
    func notCounted() {
        var record = JobRecord(Pipeline.plain, .works)
        #expect(record.hear(.begins(stage("c")), at: noon.after(1)).durations.isEmpty)
        #expect(record.hear(.begins(stage("a", try: 2)), at: noon.after(9)).durations.isEmpty)
        #expect(record.hear(.begins(stage("a", try: 3)), at: noon.after(12)).durations.isEmpty)
        var failed = record
        #expect(failed.hear(.breaks, at: noon.after(13)).durations.isEmpty)
        #expect(record.hear(.cancelled(message: nil), at: noon.after(13)).durations.isEmpty)
        var lost = JobRecord(Pipeline.plain, .begins(stage("a")))
        #expect(lost.fire(jobID, at: noon.after(999), catalog: catalog).durations.isEmpty)
    }

    @Test("counts from the try's start, also over a change of workers and a loss that was taken back")
    func whole() {
        var record = JobRecord(Pipeline.plain, .begins(stage("a")))
        record.hear(.started(worker: "w-2", nil), at: noon.after(100), sequence: 1)
        _ = record.fire(jobID, at: noon.after(800), catalog: catalog)
        record.hear(.beats, at: noon.after(900))
        #expect(record.hear(.ends(stage("a")), at: noon.after(1000)).durations == [sample("a", 1000)])
        record.hear(.begins(stage("a", try: 2)), at: noon.after(1010))
        #expect(record.hear(.ends(stage("a", try: 2)), at: noon.after(1030)).durations == [sample("a", 20)])
    }

    @Test("of an indexed stage is one index, without the pause between two")
    func indexed() {
        var record = JobRecord(Pipeline.paged, .begins(stage("b", 1, of: 3)))
        #expect(record.hear(.begins(stage("b", 2, of: 3)), at: noon.after(4)).durations == [sample("b", 4)])
        #expect(record.hear(.ends(stage("b", 2, of: 3)), at: noon.after(9)).durations == [sample("b", 5)])
        #expect(record.hear(.begins(stage("b", 3, of: 3)), at: noon.after(20)).durations.isEmpty)
        let last = record.hear(.ends(stage("b", 3, of: 3)), at: noon.after(22)).durations
        #expect(last.filter { !$0.isHalf } == [sample("b", 2)])
        #expect(record.hear(.ends(stage("b", 3, of: 3)), at: noon.after(23)).durations.isEmpty)
        var bare = JobRecord(Pipeline.paged, .begins(stage("b")))
        #expect(bare.hear(.ends(stage("b")), at: noon.after(5)).durations.isEmpty)
    }

    @Test("is told too when held words are folded")
    func held() {
        var record = JobRecord.unknown
        record.hear(.begins(stage("a")), at: noon)
        record.hear(.ends(stage("a")), at: noon.after(6))
        let outcome = record.hear(.queued(Pipeline.plain.registration()), at: noon.after(8))
        #expect(outcome.durations == [sample("a", 6)])
    }
}
