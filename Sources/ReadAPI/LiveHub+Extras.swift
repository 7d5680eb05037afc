import EventLoop
import HeadwayCore

extension LiveHub {
    /// What a stream is told besides the subjects that it names.
    struct StreamExtras: Sendable, Equatable {
        /// So many of the newest bulks, as they come and go.
        var recent: Int?
        /// How recent everything is, every two seconds: so that silence can be told from nothing new.
        var pulse = false

        static let none = StreamExtras()
    }

    /// How long a new bulk may stay unseen.
    private static let recentPeriod = Duration.seconds(1)
    private static let pulsePeriod = Duration.seconds(2)

    func tellExtras(to id: Int) {
        guard let extras = sessions[id]?.extras else { return }
        if extras.recent != nil {
            tellRecent(to: id)
            if !isFollowingRecent {
                isFollowingRecent = true
                lookForRecent()
            }
        }
        if extras.pulse {
            if let lastPulse { sessions[id]?.pulse(lastPulse) }
            if !isPulsing {
                isPulsing = true
                takePulse()
            }
        }
    }

    // MARK: The newest bulks

    /// One small question a second, as long as anybody wants to know.
    private func lookForRecent() {
        let limit = sessions.values.compactMap(\.extras.recent).max()
        guard let limit, !isStopped else {
            isFollowingRecent = false
            recentBulks = nil
            return
        }
        Task { [weak self, reader] in
            let bulks = try? await reader.newestBulks(limit: limit)
            await self?.sawRecent(bulks)
        }
    }

    private func sawRecent(_ bulks: [BulkID]?) {
        if let bulks {
            recentBulks = bulks
            for (id, session) in sessions where session.extras.recent != nil { tellRecent(to: id) }
        }
        loop.schedule(after: Self.recentPeriod) { [weak self] in
            self?.assumeIsolated { $0.lookForRecent() }
        }
    }

    private func tellRecent(to id: Int) {
        guard let session = sessions[id], let limit = session.extras.recent, let recentBulks else { return }
        let (added, removed) = session.follow(Array(recentBulks.prefix(limit)))
        for subject in removed { state.unwatch(subject, by: id) }
        if !added.isEmpty { add(session, as: id, to: added) }
    }

    // MARK: The pulse

    /// While Redis does not answer there is none.
    private func takePulse() {
        guard !isStopped, sessions.values.contains(where: { $0.extras.pulse }) else {
            isPulsing = false
            lastPulse = nil
            return
        }
        Task { [weak self, reader] in
            let freshness = try? await reader.freshness()
            await self?.tookPulse(freshness)
        }
    }

    private func tookPulse(_ freshness: Freshness?) {
        lastPulse = nil
        if let freshness {
            var json = JSONWriter(capacity: 96)
            json.beginObject()
            json.fields(freshness)
            json.endObject()
            let frame = StreamFrame.bytes(event: "pulse", data: json.bytes)
            lastPulse = frame
            for session in sessions.values where session.extras.pulse { session.pulse(frame) }
        }
        loop.schedule(after: Self.pulsePeriod) { [weak self] in self?.assumeIsolated { $0.takePulse() } }
    }
}
