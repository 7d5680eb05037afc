import HeadwayCore
import Testing

/// What the table of docs/wire.md says in words beside it.
@Suite("The words about a job")
struct JobWordTests {
    @Test("a registration fills in what is missing and changes nothing that is known")
    func registers() throws {
        var record = JobRecord(Pipeline.plain)
        let first = Pipeline.plain.registration(
            bulk: spring, label: "First", weight: 7, token: "t1", attributes: ["mode": "topic"])
        let second = Pipeline.lenient.registration(
            bulk: spring, label: "Second", weight: 9, token: "t2",
            attributes: ["mode": "spin", "tone": "dry"])
        #expect(record.hear(.queued(first)).verdict == .applied)
        #expect(record.hear(.queued(second)).verdict == .applied)
        let job = try #require(record.job)
        #expect((job.label, job.weight, job.token) == ("First", 7, "t1"))
        #expect(job.bulk == spring)
        #expect(job.attributes == ["mode": "topic", "tone": "dry"])
        #expect(job.pipeline == Pipeline.plain.reference)
        #expect(job.version == 3)
        #expect(record.hear(.queued(second)).verdict == .unchanged)
    }

    @Test("a job that has ended may still gain its bulk")
    func joinsLate() throws {
        var record = JobRecord(Pipeline.plain, .done)
        #expect(record.hear(.queued(Pipeline.plain.registration(bulk: spring))).verdict == .applied)
        #expect(try #require(record.contribution).bulk == spring)
        #expect(try #require(record.job).status == .completed)
    }

    @Test("a weight is not changed once the job runs")
    func weight() throws {
        var record = JobRecord(Pipeline.plain, .works)
        #expect(record.hear(.queued(Pipeline.plain.registration(weight: 5))).verdict == .unchanged)
        #expect(try #require(record.job).weight == 1)
    }

    @Test("another bulk is a conflict, and nothing of the word counts")
    func conflict() throws {
        var record = JobRecord(Pipeline.plain, bulk: spring)
        let other = Pipeline.plain.registration(bulk: autumn, label: "Other")
        let before = record
        #expect(record.hear(.queued(other)).verdict == .refused(.bulkConflict))
        #expect(record.hear(.started(worker: "w-1", other)).verdict == .refused(.bulkConflict))
        #expect(record == before)
        var buried = JobRecord(Pipeline.plain, bulk: spring)
        buried.hear(.breaks)
        buried = buried.buried
        #expect(buried.hear(.started(worker: nil, other)).verdict == .refused(.bulkConflict))
    }

    @Test("at most 16 attributes are kept, by name")
    func attributes() throws {
        func numbered(_ range: ClosedRange<Int>) -> [String: String] {
            Dictionary(uniqueKeysWithValues: range.map { ("k\($0)", "v") })
        }
        var record = JobRecord(Pipeline.plain)
        record.hear(.queued(Pipeline.plain.registration(attributes: numbered(10...22))))
        record.hear(.queued(Pipeline.plain.registration(attributes: numbered(23...35))))
        #expect(try #require(record.job).attributes.keys.sorted() == (10...25).map { "k\($0)" })
        let tooMany = Pipeline.plain.registration(attributes: numbered(1...17))
        #expect(record.hear(.queued(tooMany)).verdict == .refused(.malformed))
    }

    @Test("a pipeline that nobody defined is refused, and the job stays unknown")
    func unknownPipeline() {
        var record = JobRecord.unknown
        let nowhere = Registration(pipeline: PipelineName(name: "nowhere"))
        #expect(record.hear(.queued(nowhere)).verdict == .refused(.unknownPipeline))
        #expect(record == .unknown)
        record.hear(.beats)
        #expect(record.hear(.started(worker: nil, nowhere)).verdict == .refused(.unknownPipeline))
    }

    @Test("a new attempt starts afresh and keeps who the job is, its checkpoint and its version")
    func retry() throws {
        var record = JobRecord(Pipeline.plain, bulk: spring)
        for word: JobWord in [
            .works, .ends(stage("a"), checkpoint: "c"), .counts(stage("b", saying: "B"), 1, 2),
            .counts(stage("b"), 1, 2, substep: "p"), .cancelRequested(message: nil), .breaks,
        ] { record.hear(word) }
        let old = try #require(record.job)
        record.hear(.started(worker: "w-2", nil), at: noon.after(9))
        let new = try #require(record.job)
        var expected = JobState(
            id: jobID, registration: Pipeline.plain.registration(bulk: spring), pipeline: old.pipeline,
            at: noon)
        expected.status = .running
        expected.attempt = 2
        expected.worker = "w-2"
        expected.checkpoint = "c"
        expected.startedAt = noon.after(9)
        expected.updatedAt = noon.after(9)
        expected.aliveAt = noon.after(9)
        expected.movedAt = noon.after(9)
        expected.version = old.version + 1
        #expect(new == expected)
    }

    @Test("any word of a higher attempt begins it, and what it says counts at once")
    func implied() throws {
        var record = JobRecord(Pipeline.plain, .works, .tells(stage("b"), percent: 50))
        let outcome = record.hear(.tells(stage("a"), percent: 50), attempt: 2)
        let job = try #require(record.job)
        #expect((job.attempt, job.percent, job.version) == (2, 15, 4))
        #expect(outcome.transitions.map(\.kind) == [.started, .stageStarted])
    }

    @Test("a refused word does not begin its attempt, start its job or take a loss back")
    func refusedLeavesNoTrace() {
        var lost = JobRecord(Pipeline.plain, .works, .begins(stage("b")))
        _ = lost.fire(jobID, at: noon.after(600), catalog: catalog)
        for (record, attempt) in [(JobRecord(.plain), 1), (JobRecord(.plain, .works), 2), (lost, 1)] {
            let (after, outcome) = record.after(say(.begins(stage("nowhere")), attempt: attempt))
            #expect(outcome.verdict == .refused(.unknownStage))
            #expect(outcome.transitions.isEmpty && !outcome.isRecordChanged)
            #expect(after == record)
        }
    }

    @Test("a lower attempt is no sign of life")
    func superseded() throws {
        var record = JobRecord(Pipeline.plain, .works)
        record.hear(.works, attempt: 2)
        #expect(record.hear(.beats, attempt: 1, at: noon.after(9)).verdict == .refused(.superseded))
        #expect(try #require(record.job).aliveAt == noon)
    }

    @Test("a heartbeat must be written, but is no new version")
    func heartbeat() throws {
        var record = JobRecord(Pipeline.plain, .works)
        let outcome = record.hear(.beats, at: noon.after(9))
        #expect(outcome.verdict == .unchanged && outcome.isRecordChanged)
        let job = try #require(record.job)
        #expect((job.aliveAt, job.movedAt, job.updatedAt, job.version) == (noon.after(9), noon, noon, 2))
    }

    @Test("who waits for a job gives no sign of life of its worker")
    func waiting() throws {
        var record = JobRecord(Pipeline.plain, .works)
        record.hear(.queued(Pipeline.plain.registration(label: "L")), at: noon.after(9))
        record.hear(.cancelRequested(message: nil), at: noon.after(9))
        #expect(try #require(record.job).aliveAt == noon)
    }

    @Test("another worker takes over by a start that is surely news, or when the known one is silent")
    func takesOver() throws {
        var record = JobRecord(Pipeline.plain, .works, .ends(stage("a")))
        let other = JobWord.started(worker: "w-2", nil)
        #expect(record.hear(other).verdict == .unchanged)
        #expect(record.hear(.heartbeat(worker: "w-2"), sequence: 5).verdict == .unchanged)
        let outcome = record.hear(other, sequence: 5)
        #expect(outcome.transitions.map(\.kind) == [.workerReplaced])
        let job = try #require(record.job)
        #expect((job.worker, job.completedStages) == ("w-2", ["a"]))

        _ = record.fire(jobID, at: noon.after(30), catalog: catalog)
        record.hear(.heartbeat(worker: "w-3"), at: noon.after(31))
        #expect(try #require(record.job).worker == "w-3")
    }

    @Test("a failure is of the stage it names, else of the current one")
    func failureStage() throws {
        for (named, expected) in [(nil, "b"), ("nowhere", "b"), ("a", "a")] {
            var record = JobRecord(Pipeline.plain, .begins(stage("b")))
            record.hear(.failed(message: "No", code: nil, stage: named))
            #expect(try #require(record.job).failure?.stage == expected)
        }
    }

    @Test("nobody else may speak our verdict")
    func reservedCode() {
        var record = JobRecord(Pipeline.plain, .works)
        let word = JobWord.failed(message: "Lost", code: "worker_lost", stage: nil)
        #expect(record.hear(word).verdict == .refused(.malformed))
    }

    @Test("another end than the first is late")
    func otherEnd() {
        var completed = JobRecord(Pipeline.plain, .completed(result: "r", message: nil))
        #expect(completed.hear(.completed(result: "r", message: "Done")).verdict == .unchanged)
        #expect(completed.hear(.completed(result: "s", message: nil)).verdict == .refused(.late))
        var failed = JobRecord(Pipeline.plain, .breaks)
        #expect(failed.hear(.failed(message: "Other", code: nil, stage: nil)).verdict == .refused(.late))
    }

    @Test("a word about a bulk is not one about a job")
    func wrongSubject() {
        let (record, outcome) = JobRecord(Pipeline.plain).after(ProgressEvent(spring, .cancelRequested))
        #expect(outcome.verdict == .refused(.malformed))
        #expect(record == JobRecord(Pipeline.plain))
    }

    @Test("the first trace context that comes with a change is kept")
    func trace() throws {
        var record = JobRecord.unknown
        for (word, trace) in [(JobWord.queued(Pipeline.plain.registration()), "00-a"), (.works, "00-b")] {
            var event = say(word)
            event.traceparent = trace
            _ = record.apply(jobID, event, at: noon, catalog: catalog)
        }
        #expect(try #require(record.job).traceparent == "00-a")
    }

    @Test("a new life goes on from the tombstone")
    func newLife() throws {
        var record = JobRecord.unknown
        record.hear(.queued(Pipeline.plain.registration(bulk: spring, weight: 7, token: "t")))
        record.hear(.breaks)
        let end = try #require(record.job)
        record = record.buried
        let again = Pipeline.lenient.registration(label: "Again", weight: 3, token: "u")
        let outcome = record.hear(.started(worker: "w-2", again), at: noon.after(9))
        let job = try #require(record.job)
        #expect(outcome.transitions.map(\.kind) == [.created, .started])
        #expect((job.attempt, job.version, job.weight) == (2, end.version + 1, 7))
        #expect((job.pipeline, job.bulk) == (end.pipeline, spring))
        #expect((job.label, job.token, job.createdAt) == ("Again", "t", noon.after(9)))
    }

    @Test("a cancelled job is started again by name only, even after its end was forgotten")
    func cancelledStays() {
        for record in [JobRecord(Pipeline.plain, .cancelled(message: nil))].flatMap({ [$0, $0.buried] }) {
            #expect(record.after(say(.works)).outcome.verdict == .refused(.late))
            #expect(record.after(say(.works, attempt: 2)).outcome.verdict == .applied)
        }
    }

    @Test("a job is not created in an attempt that its pipeline does not allow")
    func bornTooLate() throws {
        for word in [
            JobWord.queued(Pipeline.plain.registration()),
            .started(worker: nil, Pipeline.plain.registration()),
        ] {
            let (record, outcome) = JobRecord.unknown.after(say(word, attempt: 4))
            #expect(outcome.verdict == .refused(.late))
            #expect(record == .unknown)
            #expect(JobRecord.unknown.after(say(word, attempt: 3)).record.job?.attempt == 3)
        }
    }

    @Test("a start without an attempt is refused once the pipeline's attempts are used up")
    func usedUp() {
        var record = JobRecord(Pipeline.plain, .breaks)
        for attempt in 2...3 {
            #expect(record.hear(.works).verdict == .applied)
            #expect(record.job?.attempt == attempt)
            record.hear(.breaks)
        }
        #expect(record.hear(.works).verdict == .refused(.late))
        #expect(record.buried.after(say(.works)).outcome.verdict == .refused(.late))
    }
}
