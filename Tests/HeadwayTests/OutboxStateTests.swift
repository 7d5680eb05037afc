import HeadwayCore
import HeadwayWire
import Redis
import Testing

@testable import Headway

@Suite("OutboxState")
struct OutboxStateTests {
    private static let id = JobID(unchecked: "a-1")

    private func outbox(partitions: Int = 1, isSpooled: Bool = false) throws -> OutboxState {
        var settings = Outbox.Settings(keyspace: try Keyspace(partitions: partitions), worker: "w")
        settings.isSpooled = isSpooled
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

    /// What the file takes in next.
    private func load(_ state: inout OutboxState) throws -> SpoolState.Load {
        let ends = state.queue.ends
        let load = state.spool?.take(ends: ends)
        return try #require(load)
    }

    @Test("a source that begins while the spool is written waits for its own turn to be written")
    func renewalWhileSpooling() throws {
        var state = try outbox(partitions: 2, isSpooled: true)
        let keyspace = state.settings.keyspace
        let ids = (1...20).map { JobID(unchecked: "a-\($0)") }
        let jobs = try (0..<2).map { partition in
            try #require(ids.first { keyspace.partition(of: $0) == partition })
        }
        func beat(_ partition: Int) -> ProgressEvent {
            ProgressEvent(jobs[partition], .heartbeat(worker: nil), attempt: 1)
        }
        for _ in 1...2 { _ = try state.append(beat(0), at: .zero) }
        state.spoolSettled(try load(&state), size: 0)
        let parcel = try #require(state.queue.next(at: .zero).first)
        state.queue.acknowledge(parcel)
        state.queue.see(2, of: 0, at: .seconds(1))
        state.queue.see(2, of: 0, at: .seconds(100))

        let later = Duration.seconds(13 * 3600)
        _ = try state.append(beat(1), at: later)
        let early = try load(&state)
        #expect(try state.append(beat(0), at: later) == .taken(1))
        #expect(state.queue.senders[0].source == "later")
        state.spoolSettled(early, size: 0)
        let first = state.queue.next(at: later)
        #expect(first.map(\.partition) == [1])
        for parcel in first { state.queue.acknowledge(parcel) }
        state.spoolSettled(try load(&state), size: 0)
        #expect(state.queue.next(at: later).map(\.partition) == [0])
    }

    @Test("what the disk refused is at risk until Redis has it; what comes later lies in the spool")
    func kept() throws {
        var state = try outbox(isSpooled: true)
        #expect(state.statistics.isKept)
        _ = try state.append(heartbeat(), at: .zero)
        state.spoolFailed(try load(&state), HeadwayError(.spool, "no room"), size: 0)
        _ = try state.append(heartbeat(), at: .zero)
        #expect(!state.statistics.isKept)
        state.spoolMended()
        #expect(!state.statistics.isKept)
        let parcel = try #require(state.queue.next(at: .zero).first)
        #expect(parcel.run.last == 2)
        state.queue.acknowledge(parcel)
        _ = try state.append(heartbeat(), at: .zero)
        state.spoolSettled(try load(&state), size: 0)
        #expect(state.statistics.unacknowledged == 1 && state.statistics.spool?.unspooled == 2)
        #expect(state.statistics.isKept)
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
