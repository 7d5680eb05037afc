import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("Hash images")
struct HashImageTests {
    /// What Redis holds after `HSET` of the new image and `HDEL` of what vanished.
    private func replaced(_ older: FieldBuffer, _ newer: FieldBuffer, _ vanished: [String]) -> [String:
        [UInt8]]
    {
        var hash = older.hash.merging(newer.hash) { _, new in new }
        for name in vanished { hash[name] = nil }
        return hash
    }

    @Test("a job's image over any older one leaves exactly the new one", arguments: 0..<4 as Range<UInt64>)
    func jobs(seed: UInt64) {
        var dice = Dice(seed: seed)
        for _ in 0..<150 {
            var (older, newer) = (JobRecord.job(dice.jobState()), dice.jobState())
            if dice.chance(20) { older = .placeholder(dice.placeholder()) }
            // A job never loses an attribute.
            if case .job(let job) = older { newer.attributes.merge(job.attributes) { new, _ in new } }
            var (before, after) = (FieldBuffer(), FieldBuffer())
            let olderFields = older.encode(into: &before)
            let newerFields = newer.encode(into: &after)
            #expect(replaced(before, after, newerFields.vanished(since: olderFields)) == after.hash)
            #expect(newerFields.vanished(since: newerFields).isEmpty)
            #expect(older.imageFields == olderFields)
        }
    }

    @Test("a share's image over any older one leaves exactly the new one", arguments: 0..<4 as Range<UInt64>)
    func shares(seed: UInt64) {
        var dice = Dice(seed: seed)
        for _ in 0..<150 {
            let (older, newer) = (dice.share(), dice.share())
            var (before, after) = (FieldBuffer(), FieldBuffer())
            let olderFields = older.encode(into: &before)
            let newerFields = newer.encode(into: &after)
            #expect(replaced(before, after, newerFields.vanished(since: olderFields)) == after.hash)
            #expect(older.imageFields == olderFields)
        }
    }

    @Test("what has no hash has no fields")
    func nothing() {
        var dice = Dice(seed: 4)
        for record in [JobRecord.unknown, .expired(dice.tombstone())] {
            #expect(FieldBuffer(record.encode).isEmpty)
            #expect(dice.placeholder().image.imageFields.vanished(since: record.imageFields).isEmpty)
        }
    }

    @Test("a stage count that falls to nothing takes its field along")
    func lastStage() throws {
        var older = BulkShare(id: try #require(BulkID("spring")), at: Timestamp(milliseconds: 1))
        older.stages = ["writing": 1]
        older.failures = [BulkShare.FailureKind(code: "", stage: ""): 1]
        var newer = older
        newer.stages = [:]
        newer.failures = [:]
        #expect(newer.imageFields.vanished(since: older.imageFields) == ["stages", "failures"])
    }

    @Test("a running job's image is small and in one order")
    func names() throws {
        var job = JobState(
            id: try #require(JobID("a")), registration: Registration(pipeline: PipelineName(name: "article")),
            pipeline: Pipeline.Reference(name: "article", revision: 1), at: Timestamp(milliseconds: 1))
        #expect(
            FieldBuffer(job.encode).names == [
                "pipeline", "status", "created", "updated", "alive", "moved", "version",
            ])
        job.attributes = ["b": "2", "a": "1"]
        #expect(FieldBuffer(job.encode).names.suffix(2) == ["attr.a", "attr.b"])
    }

    @Test("the hash counts before the tombstone, and nothing at all is unknown")
    func precedence() throws {
        var dice = Dice(seed: 1)
        let job = dice.jobState()
        let tombstone = ArraySlice(dice.tombstone().text.utf8)
        #expect(try JobRecord(id: job.id, job: FieldBuffer(job.encode), tombstone: tombstone) == .job(job))
        #expect(try JobRecord(id: job.id, job: FieldBuffer(), tombstone: nil) == .unknown)
    }

    @Test("fields of a later version are passed over")
    func laterFields() throws {
        var dice = Dice(seed: 2)
        let job = dice.jobState()
        let share = dice.share()
        let control = dice.control()
        #expect(
            try JobState(id: job.id, fields: Fields(FieldBuffer(job.encode)).with("mood", "great")) == job)
        #expect(
            try BulkShare(id: share.id, fields: Fields(FieldBuffer(share.encode)).with("mood", "x")) == share)
        #expect(try Control(fields: Fields(FieldBuffer(control.encode)).with("mood", "great")) == control)
    }

    @Test("a partition that nobody owned yet has an empty control; half of one is refused")
    func emptyControl() throws {
        #expect(try Control(fields: FieldBuffer()) == Control())
        #expect(throws: WireError(.malformed, "nonce", "is missing")) {
            try Control(fields: ["fence": "1"] as Fields)
        }
    }
}

extension JobRecord.Placeholder {
    fileprivate var image: JobRecord { .placeholder(self) }
}
