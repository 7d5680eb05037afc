import HeadwayCore
import HeadwayWire
import Redis
import Testing

@testable import Headway

@Suite("OutboxState")
struct OutboxStateTests {
    private static let id = JobID(unchecked: "a-1")

    private func outbox() throws -> OutboxState {
        var settings = Outbox.Settings(keyspace: try Keyspace(partitions: 1), worker: "w")
        settings.newSource = { "later" }
        return OutboxState(settings: settings, source: "first", at: .zero)
    }

    private func heartbeat() -> ProgressEvent { ProgressEvent(Self.id, .heartbeat(worker: nil), attempt: 1) }

    @Test("after half a day without a word the next one comes from a new source, numbered from 1")
    func renewal() throws {
        var state = try outbox()
        #expect(try state.append(heartbeat(), at: .zero) == .taken(1))
        #expect(try state.append(heartbeat(), at: .zero) == .taken(2))
        let parcel = try #require(state.queue.next(at: .zero).first)
        state.queue.acknowledge(parcel)
        state.queue.see(2, of: 0, at: .seconds(1))
        #expect(try state.append(heartbeat(), at: .seconds(60)) == .taken(3))
        #expect(state.queue.senders[0].source == "first")
        let last = try #require(state.queue.next(at: .seconds(60)).first)
        state.queue.acknowledge(last)
        state.queue.see(3, of: 0, at: .seconds(61))
        state.queue.see(3, of: 0, at: .seconds(100))
        #expect(try state.append(heartbeat(), at: .seconds(13 * 3600)) == .taken(1))
        #expect(state.queue.senders[0].source == "later")
    }

    @Test("an event over 64 KiB is refused before it gets a number")
    func tooLarge() throws {
        var state = try outbox()
        let attributes = Dictionary(
            uniqueKeysWithValues: (0..<300).map { ("k\($0)", String(repeating: "v", count: 256)) })
        let registration = Registration(pipeline: PipelineName(name: "p"), attributes: attributes)
        #expect(throws: HeadwayError.self) {
            _ = try state.append(ProgressEvent(Self.id, .queued(registration)), at: .zero)
        }
        #expect(try state.append(heartbeat(), at: .zero) == .taken(1))
    }

    @Test("a job does not beat before its start is stored: a beat alone would begin it without its pipeline")
    func beatsLater() throws {
        var state = try outbox()
        guard case .taken(let number) = try state.append(heartbeat(), at: .zero) else { return }
        state.jobs[1] = OutboxState.OpenJob(
            id: Self.id, attempt: 1, partition: 0, bulk: nil, heartbeat: .seconds(1), started: number,
            source: "first",
            beatDue: .seconds(1), cancellation: CancelFlag())
        var batch = CommandBatch()
        state.beats(at: .seconds(5), into: &batch)
        #expect(batch.isEmpty)
        let parcel = try #require(state.queue.next(at: .seconds(5)).first)
        state.queue.acknowledge(parcel)
        state.beats(at: .seconds(6), into: &batch)
        #expect(batch.count == 1)
        state.beats(at: .milliseconds(6_500), into: &batch)
        #expect(batch.count == 1)
        state.beats(at: .seconds(7), into: &batch)
        #expect(batch.count == 2)
    }

    @Test(
        "a source that is being taken away is asked for no more, and a new connection believes what was known"
    )
    func leaving() throws {
        var state = try outbox()
        #expect(try state.append(heartbeat(), at: .zero) == .taken(1))
        let parcel = try #require(state.queue.next(at: .zero).first)
        state.queue.acknowledge(parcel)
        state.queue.see(1, of: 0, at: .seconds(1))
        let question = state.marks()
        #expect(question.questions.count == 1)
        state.leaving.insert(0)
        #expect(state.marks().questions.isEmpty)
        // The server has forgotten the source: that is no rollback, and nothing is sent again.
        try state.connect(state.marks(), [], at: .seconds(2))
        #expect(state.queue.senders[0].mark == 1)
        #expect(state.queue.next(at: .seconds(2)).isEmpty)
        #expect(state.statistics.unacknowledged == 0)
    }
}
