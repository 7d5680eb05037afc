import EventLoop
import HTTPServer
import HeadwayCore

/// One client's open stream. Lives on the hub's loop.
///
///     live ──all ended──▶ complete ──lingering──▶ closed
///      ▲──one came back────┘            (from anywhere: bye, client gone)
final class StreamSession: HubWatcher {
    let stream: EventStream
    private(set) var ledger: StreamLedger
    /// Asked before every frame: a job may get its token while it is followed.
    private let access: ReadAccess
    private var conflation = Conflation<LiveHub.Subject>()
    private unowned let hub: LiveHub
    /// When the next comment is due, by the hub's clock.
    private(set) var commentAt: Duration
    /// When it is closed; nil while something may still come.
    private(set) var closeAt: Duration?

    init(_ stream: EventStream, _ subjects: [LiveHub.Subject], _ access: ReadAccess, hub: LiveHub) {
        self.stream = stream
        self.access = access
        self.hub = hub
        ledger = StreamLedger(subjects)
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
        while stream.isWritable, let subject = conflation.next() {
            // Without an image that may be shown it is being read again, and comes by itself.
            if let image = hub.assumeIsolated({ $0.state.image(of: subject) }) {
                show(subject, image.content)
            }
        }
        completeIfAllEnded()
    }

    private func show(_ subject: LiveHub.Subject, _ image: LiveImage) {
        let view = image.view(for: access)
        guard ledger.show(subject, view.token, outcome: view.outcome) else { return }
        closeAt = nil
        send(view.frame)
    }

    private func completeIfAllEnded() {
        guard ledger.isComplete, closeAt == nil, conflation.isEmpty else { return }
        send(StreamFrame.bytes(event: "complete", id: ledger.id, data: ledger.outcomes))
        closeAt = hub.loop.clock.now + hub.options.lingering
    }

    private func send(_ frame: [UInt8]) {
        guard stream.send(frame) else { return }
        commentAt = hub.loop.clock.now + hub.options.heartbeat
        hub.assumeIsolated { $0.stats.frames += 1 }
    }

    // MARK: Time

    /// Called about once a second.
    ///
    /// - Returns: false when its time is over.
    func tick(at now: Duration) -> Bool {
        if let closeAt, now >= closeAt { return false }
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
