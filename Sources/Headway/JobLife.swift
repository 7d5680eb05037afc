import EventLoop
import HeadwayCore
import HeadwayWire
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
    /// Keeps the bus as long as the job.
    private let behind: any Backing
    private let state: Mutex<State>

    init(
        _ behind: any Backing, id: JobID, attempt: Int, key: Int, cancellation: CancelFlag, course: JobCourse
    ) {
        self.behind = behind
        self.id = id
        self.attempt = attempt
        self.key = key
        self.cancellation = cancellation
        state = Mutex(State(course: course))
    }

    deinit { behind.forget(key) }

    // MARK: Stages

    func begin(_ stage: String, index: Int?, of: Int?, message: String?) async throws -> StageHandle {
        let slot = try await behind.say(obeysCancellation: true) {
            [self] () throws(HeadwayError) -> Speech<TickSlot> in
            var course = state.withLock { $0.course }
            let slots = state.withLock { $0.slots }
            let mention = try course.begin(stage, index: index, of: of, message: message)
            var header = TickSlot.Header(
                job: id, attempt: attempt, partition: behind.partition(of: id), key: key, mention: mention)
            header.mention.message = nil
            let slot = TickSlot(header)
            return Speech(key: key, slots: slots, event: event(.stageStarted(mention))) {
                [self, course] in
                state.withLock { state in
                    state.course = course
                    state.slots.append(slot)
                }
                return slot
            }
        }
        return StageHandle(slot, behind.ticks, cancellation)
    }

    /// The body returned.
    func finish(_ handle: StageHandle) async throws {
        var mention = handle.slot.header.mention
        mention.message = nil
        let word = JobWord.stageCompleted(mention, checkpoint: handle.checkpoint)
        try check(word)
        try await behind.say(obeysCancellation: true) { [self] () throws(HeadwayError) -> Speech<Void> in
            // The job may have ended inside its last stage; then the stage's end says nothing new.
            Speech(key: key, slots: [handle.slot], event: hasEnded ? nil : event(word)) { [self] in
                drop(handle.slot)
            }
        }
    }

    /// The body threw, and the caller keeps what follows from it to itself.
    func leave(_ handle: StageHandle) {
        behind.flush([handle.slot]) { [self] in drop(handle.slot) }
    }

    private func drop(_ slot: TickSlot) {
        slot.close()
        state.withLock { state in state.slots.removeAll { $0 === slot } }
    }

    func label(of stage: String) -> String { state.withLock { $0.course.label(of: stage) } }

    // MARK: The end

    /// - Returns: false when the job had ended that way already: nothing was published.
    @discardableResult
    func end(_ end: JobCourse.End, _ word: JobWord) async throws -> Bool {
        try check(word)
        return try await behind.say(obeysCancellation: false) {
            [self] () throws(HeadwayError) -> Speech<Bool> in
            var course = state.withLock { $0.course }
            let slots = state.withLock { $0.slots }
            guard try course.finish(end) else { return Speech(key: key) { false } }
            return Speech(key: key, slots: slots, event: event(word), isLast: true) { [self, course] in
                state.withLock { state in
                    state.course = course
                    for slot in state.slots { slot.close() }
                    state.slots = []
                }
                return true
            }
        }
    }

    var hasEnded: Bool { state.withLock { $0.course.end != nil } }

    // MARK: Words

    private func event(_ word: JobWord) -> ProgressEvent { ProgressEvent(id, word, attempt: attempt) }

    private func check(_ word: JobWord) throws(HeadwayError) {
        if let fault = event(word).fault { throw HeadwayError(fault, in: "Job \(id)") }
    }
}
