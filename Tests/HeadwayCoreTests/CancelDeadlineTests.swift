import HeadwayCore
import Testing

/// Nobody waits for ever for a worker that was asked to stop.
@Suite("A cancel that is not answered")
struct CancelDeadlineTests {
    static let impatient = Pipeline(
        reference: Pipeline.Reference(name: "impatient", revision: 1), stages: Pipeline.plain.stages,
        cancelAfter: .seconds(5), maxAttempts: 3)
    static let ours = PipelineCatalog([.plain, impatient])

    static func asked(_ pipeline: Pipeline = .plain, at second: Int64 = 0) -> JobRecord {
        var record = JobRecord.unknown
        let words: [JobWord] = [
            .queued(pipeline.registration(bulk: spring)), .works, .tells(stage("a"), percent: 50),
        ]
        for word in words { _ = record.apply(jobID, say(word), at: noon, catalog: Self.ours) }
        _ = record.apply(
            jobID, say(.cancelRequested(message: nil)), at: noon.after(second), catalog: Self.ours)
        return record
    }

    @Test("is carried out by us at its deadline, with a sentence; the percent stays")
    func carriedOut() throws {
        var record = Self.asked(at: 10)
        record.hear(.beats, at: noon.after(60))
        #expect(record.nextDeadline(catalog: catalog) == noon.after(70))
        #expect(record.fire(jobID, at: noon.after(69), catalog: catalog).verdict == .unchanged)
        let outcome = record.fire(jobID, at: noon.after(3600), catalog: catalog)
        #expect(outcome.transitions.map(\.kind) == [.cancelled])
        #expect(outcome.transitions.map(\.at) == [noon.after(70)])
        let job = try #require(record.job)
        #expect(job.status == .cancelled && job.finishedAt == noon.after(70) && job.health == .ok)
        #expect(job.message == "Cancelled; its worker did not answer within 1m.")
        #expect(job.failure == nil && job.percent == 15)
        #expect(record.nextDeadline(catalog: catalog) == nil)
        #expect(record.contribution?.1.status == .cancelled)
    }

    @Test("is final: late words of that attempt are late, the same end is none, a higher attempt begins anew")
    func final() {
        var record = Self.asked()
        _ = record.fire(jobID, at: noon.after(60), catalog: catalog)
        for word: JobWord in [
            .beats, .works, .begins(stage("b")), .tells(stage("a"), percent: 60), .ends(stage("a")), .done,
            .breaks,
        ] {
            #expect(record.hear(word, attempt: 1, at: noon.after(61)).verdict == .refused(.late))
        }
        #expect(record.hear(.cancelled(message: "Stopped"), at: noon.after(62)).verdict == .unchanged)
        #expect(record.hear(.works, attempt: 2, at: noon.after(63)).verdict == .applied)
        #expect(record.job?.isCancelRequested == false && record.job?.status == .running)
    }

    @Test("is answered by any end that the worker tells in time")
    func answered() {
        for (word, status): (JobWord, JobState.Status) in [
            (.cancelled(message: nil), .cancelled), (.done, .completed), (.breaks, .failed),
        ] {
            var record = Self.asked()
            record.hear(word, at: noon.after(59))
            _ = record.fire(jobID, at: noon.after(3600), catalog: catalog)
            #expect(record.job?.status == status && record.job?.finishedAt == noon.after(59))
        }
    }

    @Test("no sign of life and no progress puts it off, nor does asking again")
    func notPutOff() {
        var record = Self.asked()
        for second in stride(from: Int64(5), through: 55, by: 5) {
            _ = record.fire(jobID, at: noon.after(second), catalog: catalog)
            record.hear(.tells(stage("a"), percent: 50 + Int(second / 5)), at: noon.after(second))
            record.hear(.cancelRequested(message: "Again"), at: noon.after(second))
        }
        #expect(record.nextDeadline(catalog: catalog) == noon.after(60))
    }

    @Test("each pipeline has its own patience")
    func patience() {
        var record = Self.asked(Self.impatient)
        #expect(record.nextDeadline(catalog: Self.ours) == noon.after(5))
        _ = record.fire(jobID, at: noon.after(6), catalog: Self.ours)
        #expect(record.job?.message == "Cancelled; its worker did not answer within 5s.")
    }

    @Test("a silent worker is suspect before and cancelled then, not lost; a quiet stage makes no difference")
    func silent() {
        var record = Self.asked()
        let outcome = record.fire(jobID, at: noon.after(9999), catalog: catalog)
        #expect(outcome.transitions.map(\.kind) == [.health, .cancelled])
        var quiet = JobRecord(Pipeline.patient, .begins(stage("b")), .cancelRequested(message: nil))
        #expect(
            quiet.fire(jobID, at: noon.after(9999), catalog: catalog).transitions.map(\.kind) == [.cancelled])
    }

    @Test("a worker that was lost first and comes back is asked still, and its time is over")
    func lostFirst() {
        var record = JobRecord(Pipeline.plain, .works)
        record.hear(.cancelRequested(message: nil), at: noon.after(570))
        _ = record.fire(jobID, at: noon.after(601), catalog: catalog)
        #expect(record.job?.isLost == true)
        record.hear(.beats, at: noon.after(700))
        _ = record.fire(jobID, at: noon.after(700), catalog: catalog)
        #expect(record.job?.status == .cancelled && record.job?.finishedAt == noon.after(700))
    }

    @Test("time in which nobody could hear the answer does not count")
    func floor() {
        var record = Self.asked()
        let back = noon.after(1000)
        #expect(
            record.fire(jobID, at: back.after(59), catalog: catalog, countingFrom: back).transitions.map(
                \.kind) == [.health])
        _ = record.fire(jobID, at: back.after(60), catalog: catalog, countingFrom: back)
        #expect(record.job?.status == .cancelled && record.job?.finishedAt == back.after(60))
    }
}
