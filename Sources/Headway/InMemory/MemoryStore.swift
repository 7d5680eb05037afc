import EventLoop
import HeadwayCore
import HeadwayWire
import Synchronization

/// The lock around a ``MemoryState``, its clock, and those who watch it.
///
/// What is due happens before anybody looks, so nobody needs a thread that waits for it. Only while somebody
/// watches a sequence does a task sleep until the next deadline.
final class MemoryStore: TickTaker {
    private struct Watchers {
        var jobs: [JobID: [Int: AsyncStream<InMemoryHeadway.JobSnapshot>.Continuation]] = [:]
        var bulks: [BulkID: [Int: AsyncStream<InMemoryHeadway.BulkSnapshot>.Continuation]] = [:]
        var last = 0

        var isEmpty: Bool { jobs.isEmpty && bulks.isEmpty }
        var count: Int { jobs.values.reduce(0) { $0 + $1.count } + bulks.values.reduce(0) { $0 + $1.count } }
    }

    private struct Guarded {
        var state: MemoryState
        var watchers = Watchers()
        var alarm: Task<Void, Never>?
        var alarmAt: Timestamp?
    }

    private let guarded: Mutex<Guarded>
    private let start: Timestamp
    private let elapsed: @Sendable () -> Duration
    private let sleep: @Sendable (Duration) async throws -> Void

    init(limits: MemoryState.Limits, startingAt start: Timestamp, clock: some Clock<Duration>) {
        let first = clock.now
        self.start = start
        elapsed = { first.duration(to: clock.now) }
        sleep = { span in try await clock.sleep(for: span) }
        guarded = Mutex(Guarded(state: MemoryState(limits: limits, at: start)))
    }

    deinit { guarded.withLock { $0.alarm?.cancel() } }

    /// Lets what is due happen, looks or changes, and tells those who watch.
    func withState<R: Sendable, E: Error>(
        _ body: (inout MemoryState) throws(E) -> R
    ) throws(E) -> R {
        let now = start + elapsed()
        let (result, ended) = guarded.withLock { guarded in
            guarded.state.advance(to: now)
            let result = Result { () throws(E) -> R in try body(&guarded.state) }
            let ended = Self.tell(&guarded)
            setAlarm(&guarded)
            return (result, ended)
        }
        // Ends run code of their owners, which may ask us again.
        for end in ended { end() }
        return try result.get()
    }

    func list(_ slot: TickSlot) { withState { $0.flush(slot) } }

    // MARK: Watching

    var watcherCount: Int { guarded.withLock { $0.watchers.count } }

    func watch(_ id: JobID) -> AsyncStream<InMemoryHeadway.JobSnapshot> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: InMemoryHeadway.JobSnapshot.self, bufferingPolicy: .bufferingNewest(1))
        let number = guarded.withLock { guarded in
            guarded.watchers.last += 1
            guarded.watchers.jobs[id, default: [:]][guarded.watchers.last] = continuation
            return guarded.watchers.last
        }
        continuation.onTermination = { [weak self] _ in
            self?.guarded.withLock { guarded in
                guarded.watchers.jobs[id]?[number] = nil
                if guarded.watchers.jobs[id]?.isEmpty == true { guarded.watchers.jobs[id] = nil }
            }
        }
        withState { _ = $0.changed.insert(.job(id)) }
        return stream
    }

    func watch(_ id: BulkID) -> AsyncStream<InMemoryHeadway.BulkSnapshot> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: InMemoryHeadway.BulkSnapshot.self, bufferingPolicy: .bufferingNewest(1))
        let number = guarded.withLock { guarded in
            guarded.watchers.last += 1
            guarded.watchers.bulks[id, default: [:]][guarded.watchers.last] = continuation
            return guarded.watchers.last
        }
        continuation.onTermination = { [weak self] _ in
            self?.guarded.withLock { guarded in
                guarded.watchers.bulks[id]?[number] = nil
                if guarded.watchers.bulks[id]?.isEmpty == true { guarded.watchers.bulks[id] = nil }
            }
        }
        withState { _ = $0.changed.insert(.bulk(id)) }
        return stream
    }

    /// Under the lock, so that nobody gets an older state after a newer one.
    ///
    /// - Returns: the sequences that have come to their end, to be ended outside the lock.
    private static func tell(_ guarded: inout Guarded) -> [@Sendable () -> Void] {
        defer { guarded.state.changed.removeAll(keepingCapacity: true) }
        guard !guarded.watchers.isEmpty else { return [] }
        var ended: [@Sendable () -> Void] = []
        for subject in guarded.state.changed {
            switch subject {
            case .job(let id):
                guard let watchers = guarded.watchers.jobs[id] else { continue }
                let snapshot = guarded.state.snapshot(of: id)
                for watcher in watchers.values {
                    if let snapshot { watcher.yield(snapshot) }
                    if guarded.state.hasEnded(id) { ended.append { watcher.finish() } }
                }
            case .bulk(let id):
                guard let watchers = guarded.watchers.bulks[id] else { continue }
                let snapshot = guarded.state.snapshot(of: id)
                for watcher in watchers.values {
                    if let snapshot { watcher.yield(snapshot) }
                    if guarded.state.hasEnded(id) { ended.append { watcher.finish() } }
                }
            }
        }
        return ended
    }

    private func setAlarm(_ guarded: inout Guarded) {
        guard !guarded.watchers.isEmpty, let next = guarded.state.deadlines.first else { return }
        if let set = guarded.alarmAt, set <= next { return }
        guarded.alarm?.cancel()
        guarded.alarmAt = next
        // No clock is asked for an absurd time; it is looked at again then.
        let span = min(max(next - guarded.state.now, .milliseconds(1)), .seconds(3600))
        guarded.alarm = Task { [weak self, sleep] in
            do { try await sleep(span) } catch { return }
            self?.ring(at: next)
        }
    }

    private func ring(at time: Timestamp) {
        guarded.withLock { if $0.alarmAt == time { $0.alarmAt = nil } }
        withState { _ in }
    }
}
