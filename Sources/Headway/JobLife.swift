import EventLoop
import HeadwayCore
import HeadwayWire
import Redis
import Synchronization

/// One job in one worker, from its start to its end: what all copies of a `Job` share.
///
/// When the last copy goes away before the job has ended, the job stops beating, so that it is noticed as lost
/// instead of looking alive for ever.
final class JobLife: Sendable {
    private struct State {
        var course: JobCourse
        /// Of stages whose body runs.
        var slots: [TickSlot] = []
    }

    let id: JobID
    let attempt: Int
    let key: Int
    let cancellation: CancelFlag
    /// Keeps the connection as long as the job.
    private let headway: Headway
    private var outbox: Outbox { headway.outbox }
    private let state: Mutex<State>

    init(_ headway: Headway, id: JobID, attempt: Int, key: Int, cancellation: CancelFlag, course: JobCourse) {
        self.headway = headway
        self.id = id
        self.attempt = attempt
        self.key = key
        self.cancellation = cancellation
        state = Mutex(State(course: course))
    }

    deinit { headway.outbox.withState { [key] state, _ in state.jobs[key] = nil } }

    // MARK: Stages

    func begin(_ stage: String, index: Int?, of: Int?, message: String?) async throws -> StageHandle {
        let outbox = outbox
        let slot = try await outbox.submit {
            [self] out, now throws(HeadwayError) -> Outbox.Attempt<TickSlot> in
            try state.withLock { state throws(HeadwayError) -> Outbox.Attempt<TickSlot> in
                var course = state.course
                let mention = try course.begin(stage, index: index, of: of, message: message)
                if let cost = try flush(state.slots, &out, now) { return .full(cost) }
                if let cost = try put(.stageStarted(mention), &out, now) { return .full(cost) }
                var header = TickSlot.Header(
                    job: id, attempt: attempt, partition: outbox.keyspace.partition(of: id), key: key,
                    mention: mention)
                header.mention.message = nil
                let slot = TickSlot(header)
                state.course = course
                state.slots.append(slot)
                return .done(slot)
            }
        }
        return StageHandle(slot, outbox.ticker, cancellation)
    }

    /// The body returned.
    func finish(_ handle: StageHandle) async throws {
        var mention = handle.slot.header.mention
        mention.message = nil
        let word = JobWord.stageCompleted(mention, checkpoint: handle.checkpoint)
        try check(word)
        try await outbox.submit { [self] out, now throws(HeadwayError) -> Outbox.Attempt<Void> in
            try state.withLock { state throws(HeadwayError) -> Outbox.Attempt<Void> in
                if let cost = try flush([handle.slot], &out, now) { return .full(cost) }
                // The job may have ended inside its last stage; then the stage's end says nothing new.
                if state.course.end == nil, let cost = try put(word, &out, now) { return .full(cost) }
                drop(handle.slot, &state)
                return .done(())
            }
        }
    }

    /// The body threw, and the caller keeps what follows from it to itself.
    func leave(_ handle: StageHandle) {
        outbox.withState { [self] out, now in
            state.withLock { state in
                _ = try? flush([handle.slot], &out, now)
                drop(handle.slot, &state)
            }
        }
        outbox.bell.ring()
    }

    private func drop(_ slot: TickSlot, _ state: inout State) {
        slot.close()
        state.slots.removeAll { $0 === slot }
    }

    func label(of stage: String) -> String { state.withLock { $0.course.label(of: stage) } }

    // MARK: The end

    /// - Returns: false when the job had ended that way already: nothing was published.
    @discardableResult
    func end(_ end: JobCourse.End, _ word: JobWord) async throws -> Bool {
        try check(word)
        return try await outbox.submit(obeysCancellation: false) {
            [self] out, now throws(HeadwayError) -> Outbox.Attempt<Bool> in
            try state.withLock { state throws(HeadwayError) -> Outbox.Attempt<Bool> in
                var course = state.course
                guard try course.finish(end) else { return .done(false) }
                if let cost = try flush(state.slots, &out, now) { return .full(cost) }
                if let cost = try put(word, &out, now) { return .full(cost) }
                state.course = course
                for slot in state.slots { slot.close() }
                state.slots = []
                out.jobs[key] = nil
                return .done(true)
            }
        }
    }

    var hasEnded: Bool { state.withLock { $0.course.end != nil } }

    // MARK: Words

    /// - Returns: the bytes that there is no room for; nil when it is in.
    private func put(_ word: JobWord, _ out: inout OutboxState, _ now: Duration) throws(HeadwayError) -> Int?
    {
        let event = ProgressEvent(id, word, attempt: attempt)
        guard case .full(let cost) = try out.append(event, at: now) else {
            out.spoke(key, at: now)
            return nil
        }
        return cost
    }

    private func flush(
        _ slots: [TickSlot], _ out: inout OutboxState, _ now: Duration
    ) throws(HeadwayError) -> Int? {
        for slot in slots {
            if case .full(let cost) = try out.flush(slot, at: now) { return cost }
        }
        return nil
    }

    private func check(_ word: JobWord) throws(HeadwayError) {
        if let fault = ProgressEvent(id, word, attempt: attempt).fault {
            throw HeadwayError(fault, in: "Job \(id)")
        }
    }
}
