import HeadwayCore
import Testing

@Suite("A job that nobody has named yet")
struct PlaceholderTests {
    @Test("comes to life as if it had been queued when it was first spoken of")
    func folds() throws {
        let words: [(JobWord, Int64)] = [
            (.works, 0), (.begins(stage("a")), 1), (.begins(stage("nowhere")), 2),
            (.tells(stage("b"), percent: 50), 3),
            (.tells(stage("b"), percent: 40), 4), (.beats, 5),
        ]
        let registration = JobWord.queued(Pipeline.plain.registration(bulk: spring, label: "L"))
        var early = JobRecord.unknown
        early.hear(registration)
        var late = JobRecord.unknown
        for (word, second) in words {
            early.hear(word, at: noon.after(second))
            #expect(late.hear(word, at: noon.after(second)).verdict == .held)
        }
        let outcome = late.hear(registration, at: noon.after(60))
        #expect(late == early)
        #expect(outcome.verdict == .applied)
        #expect(outcome.transitions.first?.kind == .created)
        #expect(outcome.refusedHeld.map(\.reason) == [.unknownStage, .backwards])
        #expect(outcome.refusedHeld.first?.event == say(.begins(stage("nowhere"))))
    }

    @Test("comes to life by a start with a pipeline, which is heard after what was held")
    func foldsByStart() throws {
        var record = JobRecord.unknown
        record.hear(.tells(stage("a"), percent: 50), attempt: 1)
        record.hear(.started(worker: "w-1", Pipeline.plain.registration()), attempt: 1, at: noon.after(1))
        let job = try #require(record.job)
        #expect((job.worker, job.percent, job.createdAt) == ("w-1", 15, noon))
    }

    @Test("stays a placeholder when the start is of an attempt that the pipeline does not allow")
    func tooMany() {
        var record = JobRecord.unknown
        record.hear(.beats)
        let before = record
        let word = JobWord.started(worker: nil, Pipeline.plain.registration())
        #expect(record.hear(word, attempt: 4).verdict == .refused(.late))
        #expect(record == before)
    }

    @Test("holds 64 words and refuses the next")
    func capacity() {
        var record = JobRecord.unknown
        for number in 1...64 { #expect(record.hear(.counts(stage("a"), number, 99)).verdict == .held) }
        let full = record
        #expect(record.hear(.counts(stage("a"), 65, 99)).verdict == .refused(.unknownJob))
        #expect(record == full)
        #expect(record.hear(.queued(Pipeline.plain.registration())).verdict == .applied)
    }

    @Test("holds a word only once in a moment, if it names its attempt; without one it may be a retry")
    func repeats() {
        var record = JobRecord.unknown
        record.hear(.begins(stage("a")), attempt: 1)
        #expect(record.hear(.begins(stage("a")), attempt: 1).verdict == .unchanged)
        for word in [JobWord.works, .breaks, .works] { #expect(record.hear(word).verdict == .held) }
        record.hear(.queued(Pipeline.plain.registration()))
        #expect(record.job?.attempt == 2)
    }

    @Test("holds the first and the last of a run of heartbeats, so that they leave room for words")
    func heartbeats() {
        var record = JobRecord.unknown
        for beat in 0..<200 {
            let outcome = record.hear(.beats, at: noon.after(Int64(beat)), sequence: Int64(beat))
            #expect(outcome.verdict == .held && outcome.isRecordChanged)
        }
        guard case .placeholder(let placeholder) = record else { return #expect(Bool(false)) }
        #expect(placeholder.held.map(\.at) == [noon, noon.after(199)])
    }

    @Test("has an hour; then every word that was held is refused, and the id is unknown again")
    func patience() {
        var record = JobRecord.unknown
        record.hear(.beats)
        record.hear(.breaks, at: noon.after(60))
        #expect(record.nextDeadline(catalog: catalog) == noon.after(3600))
        #expect(record.fire(jobID, at: noon.after(3599), catalog: catalog).verdict == .unchanged)
        let outcome = record.fire(jobID, at: noon.after(3600), catalog: catalog)
        #expect(outcome.verdict == .applied && outcome.isRecordChanged)
        #expect(outcome.refusedHeld.map(\.event) == [say(.beats), say(.breaks)])
        #expect(outcome.refusedHeld.map(\.reason) == [.unknownJob, .unknownJob])
        #expect(record == .unknown)
    }
}
