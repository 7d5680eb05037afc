import EventLoop
import HeadwayCore
import Synchronization

/// The latest words of one running stage, until they are sent: what makes `report` nearly free.
///
/// Reporting replaces a value behind a lock that nobody holds for long; only the first report after a sending
/// rings. Taking the words out is done under the outbox's lock, so that nothing of a stage can be sent after its
/// end. Lock order: outbox, then slot.
final class TickSlot: Sendable {
    /// One word to send.
    struct Tick: Sendable, Equatable {
        var substep: String?
        var progress: Progress
        var message: String?
    }

    /// Whose words these are.
    struct Header: Sendable {
        var job: JobID
        var attempt: Int
        var partition: Int
        /// The job's entry in the outbox.
        var key: Int
        var mention: StageMention
    }

    private struct Line: Sendable {
        var progress: Progress?
        var isFresh = false
    }

    private struct State: Sendable {
        var main = Line()
        var message: String?
        var substeps: [(name: String, line: Line)] = []
        var isOpen = true
        /// In the outbox's list of slots with something to send.
        var isListed = false
        var sentAt: Duration?
        var reports = 0
        var corrected = 0
    }

    /// What the fold keeps of one stage.
    static let mostSubsteps = 32

    let header: Header
    private let state = Mutex(State())

    init(_ header: Header) { self.header = header }

    // MARK: In

    /// - Parameter progress: nil for a message alone.
    /// - Returns: whether the slot must be listed, which is then noted.
    func report(_ progress: Progress?, _ message: String?, isCorrected: Bool) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            state.reports += 1
            if isCorrected { state.corrected += 1 }
            if let message { state.message = message }
            // What goes back would be refused: a stage's value never falls within its attempt.
            if let progress {
                if let known = state.main.progress, progress < known {
                    state.corrected += 1
                } else {
                    state.main.progress = progress
                }
            }
            state.main.isFresh = true
            defer { state.isListed = true }
            return !state.isListed
        }
    }

    /// As `report`, for a counter inside the stage.
    func substep(_ name: String, _ progress: Progress, isCorrected: Bool) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            state.reports += 1
            if isCorrected { state.corrected += 1 }
            if let place = state.substeps.firstIndex(where: { $0.name == name }) {
                guard let known = state.substeps[place].line.progress, known <= progress else {
                    state.corrected += 1
                    return false
                }
                state.substeps[place].line = Line(progress: progress, isFresh: true)
            } else {
                guard state.substeps.count < Self.mostSubsteps, isIdentifier(name.utf8) else {
                    state.corrected += 1
                    return false
                }
                state.substeps.append((name, Line(progress: progress, isFresh: true)))
            }
            defer { state.isListed = true }
            return !state.isListed
        }
    }

    // MARK: Out

    enum Offer: Sendable, Equatable {
        /// Nothing new to send; the slot is off the list.
        case nothing
        /// Sent; off the list. How many reports that covered, in how many words, and how many needed correction.
        case taken(reports: Int, words: Int, corrected: Int)
        /// Not before then.
        case early(Duration)
        /// Not taken: it stays as it is.
        case declined
    }

    /// Offers what is new to `take`, which says whether it took it.
    ///
    /// - Parameter interval: the least time between two sendings; nil sends at once.
    func offer(at now: Duration, every interval: Duration?, _ take: ([Tick]) -> Bool) -> Offer {
        state.withLock { state in
            let ticks = Self.ticks(of: state)
            guard !ticks.isEmpty else {
                state.isListed = false
                return .nothing
            }
            if let interval, let sentAt = state.sentAt, sentAt + interval > now {
                return .early(sentAt + interval)
            }
            guard take(ticks) else { return .declined }
            let offer = Offer.taken(reports: state.reports, words: ticks.count, corrected: state.corrected)
            state.reports = 0
            state.corrected = 0
            state.message = nil
            state.main.isFresh = false
            for place in state.substeps.indices { state.substeps[place].line.isFresh = false }
            state.isListed = false
            state.sentAt = now
            return offer
        }
    }

    private static func ticks(of state: State) -> [Tick] {
        var ticks: [Tick] = []
        for (name, line) in state.substeps where line.isFresh {
            guard let progress = line.progress else { continue }
            ticks.append(Tick(substep: name, progress: progress))
        }
        if state.main.isFresh {
            ticks.append(Tick(progress: state.main.progress ?? .fraction(.zero), message: state.message))
        }
        return ticks
    }

    /// Takes no more reports. What is not sent by now is not sent.
    func close() { state.withLock { $0.isOpen = false } }
}
