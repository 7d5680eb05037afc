import HeadwayCore
import Testing

@testable import HeadwayWire

/// 200,000 entries that no producer should send: bytes at random, and valid entries with something broken.
@Suite("Bytes from anywhere")
struct RandomBytesTests {
    private static let nasty: [[UInt8]] = [
        [], [0], [0xff, 0xfe], Array("-1".utf8), Array("9223372036854775808".utf8),
        Array("-9223372036854775808".utf8),
        Array("1e400".utf8), Array("0x10".utf8), Array("%".utf8), Array("%2".utf8), Array("=".utf8),
        Array(" ".utf8),
        Array("a=r/0 =".utf8), Array("5/".utf8), Array("/".utf8), Array("|=1".utf8), Array(";;;;;;;;".utf8),
        Array("at=1&type=x".utf8), Array("ä".utf8), Array("99999999999999999999-99999999999999999999".utf8),
    ]
    private static let names =
        (EventField.allCases.map(\.name) + JobField.allCases.map(\.name) + ShareField.allCases.map(\.name)
        + Control.Field.allCases.map(\.name) + ["attr.a", "attr.", "event.a", "reason", "at"]).map {
            Array($0.utf8)
        }

    private func salad(_ dice: inout Dice) -> Fields {
        var fields: Fields = [:]
        for _ in 0..<dice.number(0...8) {
            let name = dice.chance(60) ? dice.pick(Self.names) : dice.bytes(0...24)
            fields.pairs.append((name, dice.chance(40) ? dice.pick(Self.nasty) : dice.bytes(0...12)))
        }
        return fields
    }

    private func broken(_ fields: Fields, _ dice: inout Dice) -> Fields {
        var fields = fields
        for _ in 0..<dice.number(1...2) where !fields.pairs.isEmpty {
            let place = dice.number(0...fields.pairs.count - 1)
            switch dice.number(0...5) {
            case 0: fields.pairs.remove(at: place)
            case 1: fields.pairs.append(fields.pairs[place])
            case 2: fields.pairs[place].value = dice.pick(Self.nasty)
            case 3: fields.pairs[place].name = dice.pick(Self.names)
            case 4: fields.pairs[place].value = Array(fields.pairs[place].value.dropLast(dice.number(1...3)))
            default:
                guard !fields.pairs[place].value.isEmpty else { continue }
                let byte = dice.number(0...fields.pairs[place].value.count - 1)
                fields.pairs[place].value[byte] ^= 1 << UInt8(dice.number(0...7))
            }
        }
        return fields
    }

    // `#expect` costs more than what it looks at here, so it is asked only when something is wrong.

    private func check(_ error: WireError) {
        let isTyped = [.malformed, .unknownType, .tooLarge].contains(error.reason)
        if !isTyped || error.detail.utf8.count > 100 { Issue.record(error) }
    }

    private func check(_ fields: Fields, _ isStable: Bool) {
        if !isStable { Issue.record("not the same again: \(fields.pairs)") }
    }

    @Test("give an event that travels on unchanged, or a typed error", arguments: 0..<8 as Range<UInt64>)
    func events(seed: UInt64) {
        var dice = Dice(seed: seed)
        let valid = (0..<500).map { _ in Fields(FieldBuffer(dice.event().encode)) }
        for round in 0..<17_500 {
            let fields = round % 2 == 0 ? salad(&dice) : broken(valid[round % valid.count], &dice)
            do {
                let event = try ProgressEvent(fields: fields)
                check(fields, try ProgressEvent(fields: FieldBuffer(event.encode)) == event)
            } catch {
                check(error)
            }
        }
    }

    @Test("give a state that is kept unchanged, or a typed error", arguments: 0..<8 as Range<UInt64>)
    func states(seed: UInt64) {
        var dice = Dice(seed: seed)
        let id = JobID(unchecked: "a")
        let bulk = BulkID(unchecked: "b")
        let jobs = (0..<50).map { _ in Fields(FieldBuffer(dice.jobState().encode)) }
        let shares = (0..<50).map { _ in Fields(FieldBuffer(dice.share().encode)) }
        let controls = (0..<50).map { _ in Fields(FieldBuffer(dice.control().encode)) }
        for round in 0..<1500 {
            let isSalad = round % 3 == 0
            let tombstone = dice.pick(Self.nasty)[...]
            expectStable(isSalad ? salad(&dice) : broken(jobs[round % 50], &dice)) {
                fields throws(WireError) in
                let record = try JobRecord(id: id, job: fields, tombstone: tombstone)
                guard case .job = record else { return }
                check(
                    fields, try JobRecord(id: id, job: FieldBuffer(record.encode), tombstone: nil) == record)
            }
            expectStable(isSalad ? salad(&dice) : broken(shares[round % 50], &dice)) {
                fields throws(WireError) in
                let share = try BulkShare(id: bulk, fields: fields)
                check(fields, try BulkShare(id: bulk, fields: FieldBuffer(share.encode)) == share)
            }
            expectStable(isSalad ? salad(&dice) : broken(controls[round % 50], &dice)) {
                fields throws(WireError) in
                let control = try Control(fields: fields)
                check(fields, try Control(fields: FieldBuffer(control.encode)) == control)
            }
        }
    }

    private func expectStable(_ fields: Fields, _ body: (Fields) throws(WireError) -> Void) {
        do {
            try body(fields)
        } catch {
            check(error)
        }
    }

    @Test("give a text's value, or a typed error", arguments: 0..<8 as Range<UInt64>)
    func texts(seed: UInt64) {
        var dice = Dice(seed: seed)
        for _ in 0..<2000 {
            var bytes = dice.chance(30) ? dice.pick(Self.nasty) + dice.pick(Self.nasty) : dice.bytes(0...30)
            if dice.chance(50) {
                let valid = dice.pick([
                    dice.notice().text, dice.tombstone().text, dice.timelineEntry().text,
                    dice.streamID().description,
                    "5:17", "3:2:0",
                ])
                bytes = Array(valid.utf8)
                if !bytes.isEmpty { bytes[dice.number(0...bytes.count - 1)] = UInt8(dice.number(0...255)) }
            }
            _ = try? ChangeNotice(bytes[...])
            _ = try? JobRecord.Tombstone(text: bytes[...])
            _ = try? TimelineEntry(text: bytes[...])
            _ = try? SourceMark(text: bytes[...])
            _ = try? InstanceBeat(text: bytes[...])
            _ = StreamID(bytes)
            _ = MemberScore(bytes[...])
            _ = RFC3339.timestamp(String(decoding: bytes, as: UTF8.self))
            _ = DurationText.duration(String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test("give JSON's value, or the place where it breaks", arguments: 0..<4 as Range<UInt64>)
    func json(seed: UInt64) {
        var dice = Dice(seed: seed)
        let valid = Array(#"{"a":[1,-2.5e+3,"x\u00e4\ud83d\ude00\n",null,true,false],"b":{"c":{}}}"#.utf8)
        for _ in 0..<2500 {
            var bytes = valid
            for _ in 0..<dice.number(1...3) {
                bytes[dice.number(0...bytes.count - 1)] =
                    dice.chance(50) ? dice.pick(valid) : UInt8(dice.number(0...255))
            }
            bytes.removeLast(dice.number(0...3))
            guard let value = try? JSON(bytes) else { continue }
            #expect((try? JSON(Array(value.text.utf8))) == value)
            _ = PipelineDocument.parse(bytes, file: "x", revision: 1)
            _ = CloudEvent.parse(bytes, batch: false)
            _ = CloudEvent.parse(bytes, batch: true)
        }
    }
}
