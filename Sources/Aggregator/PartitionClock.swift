import HeadwayCore
import HeadwayWire

/// The partition's time: Redis' clock less its jumps, never falling. Pure.
///
/// Redis' `TIME` is compared with the owner's monotonic clock. Where the two disagree by more than two
/// seconds beyond what the round trip can explain, Redis' clock was set, and the difference goes into `skew`.
struct PartitionClock: Sendable, Equatable {
    /// What to take off Redis' time.
    var skew: Duration { .milliseconds(skewed) }
    private var skewed: Int64
    private(set) var now: Timestamp
    private var last: Reading?
    private var lastEntry: Timestamp

    private struct Reading: Sendable, Equatable {
        let redis: Timestamp
        let sentAt: Duration
        let receivedAt: Duration
    }

    static let tolerance = Duration.seconds(2)

    /// - Parameters:
    ///   - skew: as the last owner left it.
    ///   - watermark: the time that the last commit reached; time never falls below it.
    ///   - redis: Redis' time now. If the clock was set back while nobody looked, the skew gives way.
    ///   - reading: between which moments of the monotonic clock it was read, so that a jump before the next
    ///     reading is noticed.
    init(
        skew: Duration, watermark: Timestamp, redis: Timestamp,
        read reading: (sentAt: Duration, receivedAt: Duration)? = nil
    ) {
        last = reading.map { Reading(redis: redis, sentAt: $0.sentAt, receivedAt: $0.receivedAt) }
        let (lag, overflow) = watermark.milliseconds.subtractingReportingOverflow(
            redis.milliseconds &- skew.wholeMilliseconds)
        let wasSetBack = !overflow && lag > Self.tolerance.wholeMilliseconds
        skewed = wasSetBack ? redis.milliseconds &- watermark.milliseconds : skew.wholeMilliseconds
        now = max(watermark, Timestamp(milliseconds: redis.milliseconds &- skewed))
        lastEntry = watermark
    }

    /// Takes in a reading of `TIME` that was executed between two moments of the monotonic clock.
    ///
    /// - Returns: how far Redis' clock was found set, or nil.
    mutating func read(_ redis: Timestamp, sentAt: Duration, receivedAt: Duration) -> Duration? {
        var jump: Duration?
        if let last {
            let passed = redis - last.redis
            let least = sentAt - last.receivedAt
            let most = receivedAt - last.sentAt
            if passed > most + Self.tolerance {
                jump = passed - most
            } else if passed < least - Self.tolerance {
                jump = passed - least
            }
        }
        if let jump { skewed &+= jump.wholeMilliseconds }
        last = Reading(redis: redis, sentAt: sentAt, receivedAt: receivedAt)
        now = max(now, Timestamp(milliseconds: redis.milliseconds &- skewed))
        return jump
    }

    /// The time of an entry: when Redis says that it was added, but never later than now and never earlier
    /// than the entry before. After Redis' clock was set back, ids stand still at their old time, so the
    /// skew is added to them; after it was set forward, entries from before keep theirs.
    mutating func time(of entry: StreamID) -> Timestamp {
        lastEntry = max(lastEntry, min(told(by: entry), now))
        return lastEntry
    }

    /// Whether ``time(of:)`` is when the entry was added, and not only no earlier than that.
    ///
    /// Ids run ahead of time after Redis' clock was set, and for ever after somebody chose one in the future.
    func isCertain(_ entry: StreamID) -> Bool { told(by: entry) <= now + Self.tolerance }

    private func told(by entry: StreamID) -> Timestamp {
        let added = entry.timestamp
        return skewed < 0 ? added + .milliseconds(0 &- skewed) : added
    }
}
