import EventLoop
import HTTPServer
import HeadwayCore

/// One client's open stream. Lives on the hub's loop.
///
///     live ──all ended──▶ complete ──lingering──▶ closed
///      ▲──one came back────┘            (from anywhere: bye, client gone)
final class StreamSession: HubWatcher {
    let stream: EventStream
    /// What it is told besides its subjects.
    let extras: LiveHub.StreamExtras
    /// The newest bulks as last told; nil before the first time.
    private var recent: [BulkID]?
    /// Whether ``recent`` could not be sent yet.
    private var isRecentDue = false
    /// The view that shows it; nil for the API's own words.
    let lens: ViewLens?
    private(set) var ledger: StreamLedger
    /// What follows the last state that was shown, when that was the end.
    private var end: ViewFrame.End?
    /// Asked before every frame: a job may get its token while it is followed.
    private let access: ReadAccess
    private var conflation = Conflation<LiveHub.Subject>()
    private unowned let hub: LiveHub
    /// When the next comment is due, by the hub's clock.
    private(set) var commentAt: Duration
    /// When it is closed; nil while something may still come.
    private(set) var closeAt: Duration?

    init(
        _ stream: EventStream, _ subjects: [LiveHub.Subject], _ access: ReadAccess,
        telling extras: LiveHub.StreamExtras = .none, through lens: ViewLens? = nil, hub: LiveHub
    ) {
        self.extras = extras
        self.stream = stream
        self.access = access
        self.lens = lens
        self.hub = hub
        ledger = StreamLedger(subjects, isOpenEnded: extras.recent != nil)
        // Not everybody at the same moment.
        commentAt = hub.loop.clock.now + hub.options.heartbeat * Double.random(in: 0.5...1)
    }

    var skipped: Int { conflation.skipped }
    var waiting: Int { conflation.count }

    // MARK: What the hub says

    func hubShows(_ subject: LiveHub.Subject, _ image: LiveImage) {
        if conflation.isEmpty, stream.isWritable {
            show(subject, image)
            completeIfAllEnded()
        } else {
            conflation.mark(subject)
        }
    }

    func hubEnded() { stream.close() }

    /// Sends the newest of what waits, as long as the client takes it.
    func flush() {
        if isRecentDue { tellRecent() }
        while stream.isWritable, let subject = conflation.next() {
            // Without an image that may be shown it is being read again, and comes by itself.
            if let image = hub.assumeIsolated({ $0.state.image(of: subject) }) {
                show(subject, image.content)
            }
        }
        completeIfAllEnded()
    }

    private func show(_ subject: LiveHub.Subject, _ image: LiveImage) {
        if let lens {
            let isAllowed = access.grant(of: image.answer).isAllowed
            return show(
                subject,
                isAllowed
                    ? hub.assumeIsolated { $0.frame(of: image, through: lens) }
                    : lens.absence(image.answer))
        }
        let view = image.view(for: access)
        guard ledger.show(subject, view.token, outcome: view.outcome) else { return }
        closeAt = nil
        send(view.frame)
    }

    private func show(_ subject: LiveHub.Subject, _ frame: ViewFrame) {
        guard ledger.show(subject, frame.token, outcome: frame.outcome) else { return }
        end = frame.end
        // What is absent may appear, but nobody waits for ever.
        closeAt = frame.isAbsent ? hub.loop.clock.now + hub.options.lingering : nil
        send(frame.bytes)
    }

    private func completeIfAllEnded() {
        guard ledger.isComplete, closeAt == nil, conflation.isEmpty else { return }
        if lens != nil {
            if let end, !end.bytes.isEmpty { send(end.bytes) }
            closeAt = hub.loop.clock.now + hub.options.lingering
            return
        }
        send(StreamFrame.bytes(event: "complete", id: ledger.id, data: ledger.outcomes))
        closeAt = hub.loop.clock.now + hub.options.lingering
    }

    @discardableResult
    private func send(_ frame: [UInt8]) -> Bool {
        guard stream.send(frame) else { return false }
        commentAt = hub.loop.clock.now + hub.options.heartbeat
        hub.assumeIsolated { $0.stats.frames += 1 }
        return true
    }

    // MARK: Extras

    /// The newest bulks are these, newest first: tells the client, before any frame of theirs.
    ///
    /// - Returns: what is followed from here on, and what no more.
    func follow(_ bulks: [BulkID]) -> (added: [LiveHub.Subject], removed: [LiveHub.Subject]) {
        guard bulks != recent else { return ([], []) }
        recent = bulks
        tellRecent()
        return ledger.follow(bulks.map { .bulk($0) })
    }

    private func tellRecent() {
        var json = JSONWriter(capacity: 64)
        json.beginObject()
        json.field("bulks", (recent ?? []).map(\.description))
        json.endObject()
        isRecentDue = !send(StreamFrame.bytes(event: "recent", data: json.bytes))
    }

    /// One that comes too late says nothing: who takes nothing gets none.
    func pulse(_ frame: [UInt8]) {
        if stream.isWritable { send(frame) }
    }

    // MARK: Time

    /// Called about once a second.
    ///
    /// - Returns: false when its time is over.
    func tick(at now: Duration) -> Bool {
        // Who takes the pulse wants to know for as long as it looks.
        if let closeAt, now >= closeAt, !extras.pulse { return false }
        // A client that complete frames have silenced is still told that the line is up.
        if now >= commentAt {
            stream.send(Self.comment)
            commentAt = now + hub.options.heartbeat
        }
        return true
    }

    func greet() { stream.send(StreamFrame.retry(Int.random(in: hub.options.retry))) }

    func bye() {
        stream.send(StreamFrame.bye(retry: Int.random(in: hub.options.retry)))
        stream.close()
    }

    private static let comment = Array(": still here\n\n".utf8)
}
