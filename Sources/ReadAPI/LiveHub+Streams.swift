import EventLoop
import HTTPServer
import HeadwayCore

extension LiveHub {
    /// What to answer to somebody who wants a stream.
    package enum StreamDecision: Sendable {
        /// Open it, and hand it to ``attach(_:to:for:telling:through:)``.
        case open
        /// The client has the end of everything already: 204, and EventSource stays away.
        case nothingLeft
    }

    /// - Parameters:
    ///   - lastEventID: what the client saw last, if it says so; only then this waits for images, two seconds
    ///     at most.
    ///   - access: what the client may read.
    package func decide(
        on subjects: [Subject], lastEventID: String?, for access: ReadAccess
    ) async -> StreamDecision {
        guard let lastEventID, !lastEventID.isEmpty, !isDraining, !isStopped, !isFull,
            let images = await finalImages(of: subjects, within: .seconds(2))
        else { return .open }
        var ledger = StreamLedger(subjects)
        for (subject, image) in images {
            let view = image.view(for: access)
            _ = ledger.show(subject, view.token, outcome: view.outcome)
        }
        return ledger.id == lastEventID ? .nothingLeft : .open
    }

    /// Serves a stream until its client leaves, everything has ended, or the hub drains. On the loop.
    ///
    /// - Parameters:
    ///   - extras: what it is told besides.
    ///   - lens: the view that shows it, when it is not the API's own.
    func attach(
        _ stream: EventStream, to subjects: [Subject], for access: ReadAccess,
        telling extras: StreamExtras = .none, through lens: ViewLens? = nil
    ) {
        guard !isDraining, !isStopped, !isFull, sessions.count < options.streamLimit else {
            // Any status but 200 would make a browser give up for ever.
            stream.send(StreamFrame.bye(retry: Int.random(in: options.retry)))
            return stream.close()
        }
        stats.streamsOpened += 1
        let session = StreamSession(stream, subjects, access, telling: extras, through: lens, hub: self)
        if let lens { retain(lens) }
        session.greet()
        let id = newWatcherID()
        sessions[id] = session
        stream.onWritable { [weak self] in self?.assumeIsolated { $0.sessions[id]?.flush() } }
        stream.onClose { [weak self] in self?.assumeIsolated { $0.forget(id) } }
        stream.onDrain { [weak self] in self?.assumeIsolated { $0.sayBye(to: id) } }
        add(session, as: id, to: subjects)
        tellExtras(to: id)
    }

    private func forget(_ id: Int) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        stats.conflated += session.skipped
        if let lens = session.lens { release(lens) }
        remove(id, from: session.ledger.subjects)
    }

    private func sayBye(to id: Int) {
        let spread = Duration.milliseconds(Int.random(in: 0...Int(options.drainSpread.wholeMilliseconds)))
        loop.schedule(after: spread) { [weak self] in
            self?.assumeIsolated { hub in
                hub.sessions[id]?.bye()
                hub.forget(id)
            }
        }
    }

    /// No newcomers from here on; those who are here are told to go, spread over `drainSpread`; long polls
    /// are answered at once.
    package func drain() {
        guard !isDraining else { return }
        isDraining = true
        for id in sessions.keys { sayBye(to: id) }
        for (id, watcher) in watchers where sessions[id] == nil { watcher.hubEnded() }
    }

    /// Comments, and the ends of streams whose time is over.
    func beat() {
        guard !isStopped else { return }
        let now = loop.clock.now
        for (id, session) in sessions where !session.tick(at: now) {
            session.stream.close()
            forget(id)
        }
        stats.waiting = sessions.values.reduce(0) { $0 + $1.waiting }
        loop.schedule(after: min(.seconds(1), options.heartbeat / 4)) { [weak self] in
            self?.assumeIsolated { $0.beat() }
        }
    }
}
