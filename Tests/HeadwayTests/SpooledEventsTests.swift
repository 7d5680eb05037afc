import HeadwayCore
import HeadwayWire
import Redis
import Seeded
import Testing

@testable import Headway

@Suite("SpooledEvents")
struct SpooledEventsTests {
    private static func keyspace(_ partitions: Int = 3) throws -> Keyspace {
        try Keyspace(partitions: partitions)
    }

    private static func record(_ job: String, _ source: String, _ id: Int64) -> SpoolRecord {
        var event = ProgressEvent(JobID(unchecked: job), .cancelRequested(message: nil), attempt: 1)
        event.sequence = ProgressEvent.Sequence(source: source, id: id)
        var fields = FieldBuffer()
        event.encode(into: &fields)
        return SpoolRecord(time: Timestamp(milliseconds: id), fields: fields)
    }

    private static func queue(
        _ events: SpooledEvents, _ keyspace: Keyspace, marks: [Int64?], isForgotten: Bool = false
    ) -> SendQueue<CommandBatch> {
        events.queue(
            keyspace, marks: marks, isForgotten: isForgotten, newSource: { "new" },
            limits: .init(bytes: .max),
            rules: .init(), at: .zero)
    }

    @Test("each event goes out under its own source and number, above the mark only")
    func aboveTheMark() throws {
        let keyspace = try Self.keyspace(1)
        let events = SpooledEvents((5...9).map { Self.record("a", "s", $0) }, keyspace)
        #expect(events.lanes.map(\.first) == [5])
        var queue = Self.queue(events, keyspace, marks: [6])
        queue.reconnect(marks: [6], at: .zero)
        let parcels = queue.next(at: .zero)
        #expect(parcels.map(\.run) == [.init(first: 7, last: 9)])
        let text = String(decoding: queue.senders[0].backlog[7].item.bytes, as: UTF8.self)
        #expect(text.contains("\r\nhw:{0}:events\r\n") && text.contains("\r\nid\r\n$1\r\n7\r\n"))
        #expect(text.contains("\r\nsource\r\n$1\r\ns\r\n"))
    }

    @Test("a server that lost everything gets all of it, from the first that is kept")
    func belowTheMark() throws {
        let keyspace = try Self.keyspace(1)
        let events = SpooledEvents((70_000...70_004).map { Self.record("a", "s", $0) }, keyspace)
        var queue = Self.queue(events, keyspace, marks: [nil])
        queue.reconnect(marks: [0], at: .zero)
        // However far its numbers are above 0: what is not kept does not count as under way.
        #expect(queue.next(at: .zero).map(\.run) == [.init(first: 70_000, last: 70_004)])
    }

    @Test("a number that cannot be read is a command that says nothing, so that the rest keeps its numbers")
    func gap() throws {
        let keyspace = try Self.keyspace(1)
        let events = SpooledEvents([1, 2, 5].map { Self.record("a", "s", $0) }, keyspace)
        #expect(events.missing == 2)
        var queue = Self.queue(events, keyspace, marks: [0])
        #expect(queue.next(at: .zero).map(\.run) == [.init(first: 1, last: 5)])
        let commands = (1...5).map {
            String(decoding: queue.senders[0].backlog[$0].item.bytes, as: UTF8.self)
        }
        #expect(commands.map { $0.contains("PING") } == [false, false, true, true, false])
    }

    @Test("of a partition whose source was changed only the last one's events are needed")
    func renewed() throws {
        let keyspace = try Self.keyspace(1)
        let events = SpooledEvents(
            [Self.record("a", "s", 7), Self.record("a", "t", 1), Self.record("a", "t", 2)], keyspace)
        #expect(events.lanes.map(\.source) == ["t"])
        #expect(events.lanes.map(\.last) == [2])
    }

    @Test(
        "what an aggregator may have forgotten comes under a new source from 1: old numbers would look like a loss"
    )
    func forgotten() throws {
        let keyspace = try Self.keyspace(1)
        let events = SpooledEvents([7, 9].map { Self.record("a", "s", $0) }, keyspace)
        let queue = Self.queue(events, keyspace, marks: [nil], isForgotten: true)
        #expect(queue.senders[0].source == "new")
        #expect(queue.ends == [2])
        let text = String(decoding: queue.senders[0].backlog[2].item.bytes, as: UTF8.self)
        #expect(text.contains("\r\nid\r\n$1\r\n2\r\n") && text.contains("\r\nnew\r\n"))
        // Known still: as it was.
        #expect(Self.queue(events, keyspace, marks: [3], isForgotten: true).senders[0].source == "s")
    }

    @Test("events of no number, and a damage that claims a million, are counted and harm nothing else")
    func unreadable() throws {
        let keyspace = try Self.keyspace(1)
        var nameless = FieldBuffer()
        ProgressEvent(JobID(unchecked: "a"), .cancelRequested(message: nil), attempt: 1).encode(
            into: &nameless)
        var garbage = FieldBuffer()
        garbage.add("type", "no.such")
        let odd = [nameless, garbage].map { SpoolRecord(time: Timestamp(milliseconds: 0), fields: $0) }
        let events = SpooledEvents(odd + [Self.record("a", "s", 1)], keyspace)
        #expect(events.unreadable == 2)
        #expect(events.lanes.map(\.last) == [1])
        let far = SpooledEvents([Self.record("a", "s", 1), Self.record("a", "s", 5_000_000)], keyspace)
        #expect(far.isEmpty && far.unreadable == 2)
    }

    /// A process that died at any moment, a file that was cut at any byte, a server that had got and applied any of
    /// it and may fall back once more: whoever sends the file again completes it, each event once.
    @Test(
        "whatever was cut, sent, applied or rolled back: each event of the file is applied once, in order",
        arguments: 0..<60)
    func law(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let keyspace = try Self.keyspace()
        var bytes: [UInt8] = []
        var counts = [Int](repeating: 0, count: 3)
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            let job = "a-\(Int.random(in: 0..<20, using: &random))"
            let partition = keyspace.partition(of: JobID(unchecked: job))
            counts[partition] += 1
            Self.record(job, "s", Int64(counts[partition])).encode(into: &bytes)
        }
        let cut = Int.random(in: 0...bytes.count, using: &random)
        let events = SpooledEvents(SpoolReading(Array(bytes[..<cut])).records, keyspace)

        var server = ModelServer(partitions: 3)
        for lane in events.lanes {
            // No more than what was written was ever sent.
            let sent = Int64.random(in: 0...lane.last, using: &random)
            server.append((0..<sent).map { .init(id: $0 + 1, item: Int($0) + 1) }, to: lane.partition)
            server.consume(Int.random(in: 0...Int(sent), using: &random), of: lane.partition)
        }
        let before = server
        var queue = Self.queue(
            events, keyspace, marks: events.lanes.map { server.partitions[$0.partition].last })
        func reconnect() { queue.reconnect(marks: server.partitions.map(\.last), at: .zero) }
        func ship() {
            for parcel in queue.next(at: .zero) {
                server.append(
                    (parcel.run.first...parcel.run.last).map { .init(id: $0, item: Int($0)) },
                    to: parcel.partition)
                queue.acknowledge(parcel)
            }
        }
        reconnect()
        ship()
        if seed % 3 == 0 {
            for partition in 0..<3 { server.consume(.max, of: partition) }
            for partition in 0..<3 { queue.see(server.partitions[partition].last, of: partition, at: .zero) }
            server = before
            reconnect()
            ship()
        }
        for partition in 0..<3 { server.consume(.max, of: partition) }
        for lane in events.lanes {
            #expect(server.partitions[lane.partition].applied == Array(1...Int(lane.last)), "seed \(seed)")
            #expect(server.partitions[lane.partition].gaps == 0)
        }
        for partition in 0..<3 {
            queue.see(server.partitions[partition].last, of: partition, at: .seconds(1))
            queue.see(server.partitions[partition].last, of: partition, at: .seconds(40))
        }
        #expect(queue.isEmpty && queue.unapplied == 0)
    }
}
