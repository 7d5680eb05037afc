import HeadwayCore
import Testing

@testable import HeadwayWire

@Suite("Every codec gives back what it was given")
struct RoundTripTests {
    private static let seeds = 0..<8 as Range<UInt64>

    @Test("an event", arguments: seeds)
    func event(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<300 {
            let event = dice.event()
            let fields = FieldBuffer(event.encode)
            #expect(try ProgressEvent(fields: fields) == event)
            #expect(event.fault == nil)
        }
    }

    @Test("an event, whatever the order of its fields", arguments: seeds)
    func shuffledEvent(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<100 {
            let event = dice.event()
            var fields = Fields(FieldBuffer(event.encode))
            fields.pairs.shuffle(using: &dice)
            #expect(try ProgressEvent(fields: fields) == event)
        }
    }

    @Test("a job's image", arguments: seeds)
    func job(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<200 {
            let job = dice.jobState()
            let fields = FieldBuffer(job.encode)
            #expect(try JobState(id: job.id, fields: fields) == job)
            #expect(try JobRecord(id: job.id, job: fields, tombstone: nil) == .job(job))
        }
    }

    @Test("a placeholder", arguments: seeds)
    func placeholder(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<60 {
            let record = JobRecord.placeholder(dice.placeholder())
            let fields = FieldBuffer(record.encode)
            #expect(try JobRecord(id: dice.job(), job: fields, tombstone: nil) == record)
        }
    }

    @Test("a tombstone", arguments: seeds)
    func tombstone(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<200 {
            let tombstone = dice.tombstone()
            #expect(try JobRecord.Tombstone(text: tombstone.text) == tombstone)
            let text = ArraySlice(tombstone.text.utf8)
            #expect(
                try JobRecord(id: dice.job(), job: FieldBuffer(), tombstone: text) == .expired(tombstone))
        }
    }

    @Test("a bulk's share", arguments: seeds)
    func share(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<200 {
            let share = dice.share()
            #expect(try BulkShare(id: share.id, fields: FieldBuffer(share.encode)) == share)
        }
    }

    @Test("a control hash", arguments: seeds)
    func control(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<200 {
            let control = dice.control()
            let fields = FieldBuffer(control.encode)
            #expect(try Control(fields: fields) == control)
            #expect(fields.names == Control.Field.allCases.map(\.name))
        }
    }

    @Test("what lies in strings, lists and messages", arguments: seeds)
    func texts(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<200 {
            let notice = dice.notice()
            #expect(try ChangeNotice(notice.text) == notice)
            let entry = dice.timelineEntry()
            #expect(try TimelineEntry(text: entry.text) == entry)
            let id = dice.streamID()
            #expect(StreamID(id.description) == id)
            let mark = SourceMark(id: Int64(dice.number(0...1 << 53)), at: dice.timestamp())
            #expect(try SourceMark(text: mark.text) == mark)
            let score = MemberScore(dice.pick(JobState.Status.allCases), at: dice.timestamp())
            #expect(MemberScore(score.text) == score)
            let beat = InstanceBeat(
                beat: Int64(dice.number(0...999)), owned: dice.number(0...9), isLeaving: dice.chance(50),
                commits: Int64(dice.number(0...999)), fenced: Int64(dice.number(0...9)))
            #expect(try InstanceBeat(text: beat.text) == beat)
            let config = NamespaceConfig(partitions: dice.number(1...1024))
            #expect(try NamespaceConfig(fields: FieldBuffer(config.encode)) == config)
        }
    }

    @Test("a refused event", arguments: seeds)
    func rejection(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<100 {
            let rejection = dice.rejection()
            #expect(try Rejection(fields: FieldBuffer(rejection.encode)) == rejection)
        }
    }

    @Test(
        "a percentage, for every part per million",
        arguments: [0, 1, 7, 9_999, 10_000, 495_000, 999_999, 1_000_000])
    func percent(parts: Int) {
        let fraction = Fraction(partsPerMillion: parts)
        #expect(Percent.fraction(ArraySlice(Percent.text(fraction).utf8)) == fraction)
    }
}
