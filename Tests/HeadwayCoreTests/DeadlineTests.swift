import HeadwayCore
import Testing

@Suite("Deadlines")
struct DeadlineTests {
    static func health(_ record: JobRecord) -> Health? { record.job?.health }

    /// Alive by a heartbeat every 15 s up to `second`, as an owner sees it: due deadlines before each word.
    static func alive(_ record: JobRecord, through second: Int64) -> JobRecord {
        var record = record
        for second in stride(from: Int64(15), through: second, by: 15) {
            _ = record.fire(jobID, at: noon.after(second), catalog: catalog)
            record.hear(.beats, at: noon.after(second))
        }
        return record
    }

    @Test("a worker that misses a heartbeat is suspect, until it speaks")
    func suspect() {
        var record = JobRecord(Pipeline.plain, .works)
        #expect(record.nextDeadline(catalog: catalog) == noon.after(30))
        #expect(record.fire(jobID, at: noon.after(29), catalog: catalog).verdict == .unchanged)
        let outcome = record.fire(jobID, at: noon.after(30), catalog: catalog)
        #expect(outcome.transitions.map(\.detail) == ["suspect"])
        #expect(Self.health(record) == .suspect)
        let version = record.job?.version
        #expect(record.hear(.beats, at: noon.after(40)).verdict == .applied)
        #expect(Self.health(record) == .ok)
        #expect(record.job?.version == version.map { $0 + 1 })
        #expect(record.job?.recoveries == 0)
    }

    @Test("a worker that lives but does not move is stalled, until it moves")
    func stalled() {
        var record = Self.alive(JobRecord(Pipeline.plain, .works), through: 105)
        #expect(record.nextDeadline(catalog: catalog) == noon.after(120))
        _ = record.fire(jobID, at: noon.after(120), catalog: catalog)
        #expect(Self.health(record) == .stalled)
        record.hear(.beats, at: noon.after(121))
        #expect(Self.health(record) == .stalled)
        record.hear(.begins(stage("a")), at: noon.after(122))
        #expect(Self.health(record) == .ok)
        #expect(record.job?.recoveries == 1)
    }

    @Test("a stage's own patience counts while it runs")
    func ownPatience() {
        let record = Self.alive(JobRecord(Pipeline.patient, .begins(stage("c"))), through: 285)
        #expect(Self.health(record) == .ok)
        #expect(record.nextDeadline(catalog: catalog) == noon.after(300))
        let between = Self.alive(JobRecord(Pipeline.patient, .ends(stage("c"))), through: 105)
        #expect(between.nextDeadline(catalog: catalog) == noon.after(120))
    }

    @Test("a quiet stage is neither suspect nor stalled, but its worker can be lost")
    func quiet() {
        var record = JobRecord(Pipeline.patient, .begins(stage("b")))
        #expect(record.nextDeadline(catalog: catalog) == noon.after(600))
        _ = record.fire(jobID, at: noon.after(599), catalog: catalog)
        #expect(Self.health(record) == .ok)
        _ = record.fire(jobID, at: noon.after(600), catalog: catalog)
        #expect(record.job?.isLost == true)
    }

    @Test("silence hides that a job stands still, and its end shows it")
    func suspectThenStalled() {
        var record = JobRecord(Pipeline.plain, .works)
        _ = record.fire(jobID, at: noon.after(200), catalog: catalog)
        #expect(Self.health(record) == .suspect)
        #expect(record.hear(.beats, at: noon.after(200)).transitions.map(\.detail) == ["stalled"])
    }

    @Test("a silent worker is lost: the job fails with a sentence, and keeps its percent")
    func lost() throws {
        var record = JobRecord(Pipeline.patient, .tells(stage("a"), percent: 50))
        let outcome = record.fire(jobID, at: noon.after(5000), catalog: catalog)
        #expect(outcome.transitions.map(\.at) == [noon.after(30), noon.after(600)])
        #expect(outcome.transitions.map(\.kind) == [.health, .failed])
        let job = try #require(record.job)
        #expect(job.status == .failed && job.health == .lost && job.finishedAt == noon.after(600))
        #expect(
            job.failure
                == JobState.Failure(
                    message: "No sign of life from the worker for 10m, the limit, in Asking.",
                    code: "worker_lost",
                    stage: "a"))
        #expect(job.percent == 20)
        #expect(record.nextDeadline(catalog: catalog) == nil)
    }

    @Test("a lost worker that speaks again takes our verdict back, and that is counted")
    func recovers() throws {
        var record = JobRecord(Pipeline.plain, .tells(stage("a"), percent: 50))
        _ = record.fire(jobID, at: noon.after(600), catalog: catalog)
        let outcome = record.hear(.beats, at: noon.after(700))
        #expect(outcome.transitions.map(\.kind) == [.recovered])
        let job = try #require(record.job)
        #expect(job.status == .running && job.health == .ok && job.failure == nil && job.finishedAt == nil)
        #expect((job.recoveries, job.percent, job.movedAt) == (1, 15, noon.after(700)))
    }

    @Test("a lost job that reports its end was recovered first")
    func recoversToEnd() throws {
        var record = JobRecord(Pipeline.plain, .begins(stage("a")))
        _ = record.fire(jobID, at: noon.after(600), catalog: catalog)
        #expect(record.hear(.breaks, at: noon.after(700)).transitions.map(\.kind) == [.recovered, .failed])
        #expect(try #require(record.job).failure?.code == "broken")
        #expect(record.hear(.beats, at: noon.after(701)).verdict == .refused(.late))
    }

    @Test("a queued job that nobody starts is abandoned, and that is final")
    func abandoned() throws {
        let week = Int64(7 * 24 * 3600)
        var record = JobRecord(Pipeline.plain)
        #expect(record.nextDeadline(catalog: catalog) == noon.after(week))
        record.hear(.heartbeat(worker: nil), at: noon.after(10))
        #expect(record.fire(jobID, at: noon.after(week), catalog: catalog).verdict == .unchanged)
        _ = record.fire(jobID, at: noon.after(week + 10), catalog: catalog)
        let job = try #require(record.job)
        #expect(job.failure?.code == "abandoned")
        #expect(job.failure?.message == "Nobody started this job within 7d.")
        #expect(record.hear(.beats).verdict == .refused(.late))
        #expect(record.hear(.works).verdict == .applied)
        #expect(record.job?.attempt == 2)
    }

    @Test("it makes no difference how late deadlines are looked at, nor how often")
    func whenever() {
        var often = JobRecord(Pipeline.plain, .begins(stage("a")))
        var once = often
        for second in 0...700 { _ = often.fire(jobID, at: noon.after(Int64(second)), catalog: catalog) }
        _ = once.fire(jobID, at: noon.after(700), catalog: catalog)
        #expect(once == often)
    }

    @Test("silence before the partition had an owner again does not count")
    func floor() {
        var record = JobRecord(Pipeline.plain, .works)
        let back = noon.after(10_000)
        #expect(record.nextDeadline(catalog: catalog, countingFrom: back) == noon.after(10_030))
        let early = record.fire(jobID, at: noon.after(10_029), catalog: catalog, countingFrom: back)
        #expect(early.verdict == .unchanged)
        _ = record.fire(jobID, at: noon.after(10_030), catalog: catalog, countingFrom: back)
        #expect(Self.health(record) == .suspect)
        #expect(record.nextDeadline(catalog: catalog, countingFrom: back) == noon.after(10_600))
    }

    @Test("what has ended has no deadline, nor has a job whose pipeline is gone")
    func none() {
        #expect(JobRecord(Pipeline.plain, .done).nextDeadline(catalog: catalog) == nil)
        #expect(JobRecord(Pipeline.plain, .done).buried.nextDeadline(catalog: catalog) == nil)
        #expect(JobRecord.unknown.nextDeadline(catalog: catalog) == nil)
        var record = JobRecord(Pipeline.plain, .works)
        #expect(record.nextDeadline(catalog: PipelineCatalog()) == nil)
        #expect(record.fire(jobID, at: noon.after(9999), catalog: PipelineCatalog()).verdict == .unchanged)
    }

    @Test(
        "durations are told in at most two units",
        arguments: zip(
            [250, 35_000, 252_000, 240_000, 3_900_000, 604_800_000, -5],
            ["250ms", "35s", "4m12s", "4m", "1h5m", "7d", "0ms"]))
    func words(_ milliseconds: Int, _ words: String) {
        #expect(Duration.milliseconds(milliseconds).inWords == words)
    }
}

extension JobState {
    var isLost: Bool { failure?.code == Failure.workerLost }
}
