import HeadwayCore
import HeadwayWire

/// From when on silence is judged, and which silence counts. Pure; the owner brings the readings.
///
/// Nobody may be called silent who could not be heard: not while the partition had no owner, Redis was away
/// or its clock was set (``silenceFloor``), nor before everybody could speak again (``judgeFrom``).
extension PartitionMemory {
    /// How the time that an owner reads can break.
    enum TimeBreak: Sendable, Equatable {
        /// Redis' clock was set, by this much.
        case jump(Duration)
        /// Redis answered a read this much later than it may take.
        case pause(Duration)
    }

    /// Whether, before a take-over, there was a time in which nobody listened.
    ///
    /// - Parameters:
    ///   - stored: control as the last owner left it; nil when there was none.
    ///   - redis: Redis' time now.
    static func isOutage(since stored: Control?, redis: Timestamp, isNewEpoch: Bool) -> Bool {
        guard let stored else { return false }
        return isNewEpoch || redis - stored.watermark - stored.skew > PartitionClock.tolerance
    }

    /// After a take-over.
    ///
    /// - Parameter longestSilence: a heartbeat and the publishers' longest back-off.
    mutating func beginListening(isFirst: Bool, isOutage: Bool, longestSilence: Duration) {
        judgeFrom = isFirst ? clock.now : clock.now + longestSilence
        // What waits in a stream that nobody has read yet was said while nobody listened, too.
        if isFirst || isOutage { silenceFloor = clock.now }
    }

    /// Takes in the times that came with a read.
    ///
    /// - Parameters:
    ///   - redis: before it waited for entries.
    ///   - end: when the answer was complete: no entry of it is younger.
    ///   - patience: how long the read may take, its `BLOCK` included.
    mutating func hear(
        _ redis: Timestamp, until end: Timestamp, sentAt: Duration, receivedAt: Duration, patience: Duration,
        longestSilence: Duration
    ) -> TimeBreak? {
        var found: TimeBreak?
        let jumps = [redis, end].compactMap { clock.read($0, sentAt: sentAt, receivedAt: receivedAt) }
        if !jumps.isEmpty {
            found = .jump(jumps.reduce(.zero, +))
        } else if receivedAt - sentAt > patience + PartitionClock.tolerance {
            // It stood still, or we did; while it did, no worker could say anything.
            found = .pause(receivedAt - sentAt - patience)
        }
        if found != nil {
            judgeFrom = max(judgeFrom, clock.now + longestSilence)
            silenceFloor = clock.now
        }
        return found
    }

    /// The time up to which deadlines may fire: while more is waiting, unread words may still put them off.
    func watermark(of batch: PartitionBatch) -> Timestamp {
        guard batch.isFull, !Sabotage.watermark.isOn, let last = batch.entries.last else {
            return clock.judged
        }
        // An id that is ahead of time says nothing of how far behind this batch is.
        guard clock.isCertain(last.id) else { return control.watermark }
        var clock = clock
        return min(clock.time(of: last.id), clock.judged)
    }
}
