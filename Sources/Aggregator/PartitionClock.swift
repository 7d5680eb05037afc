import HeadwayCore
import HeadwayWire

/// The partition's time: Redis' clock less its jumps, never falling. Pure.
///
/// Redis' `TIME` is compared with the owner's monotonic clock. An answer was executed between its question and its
/// arrival, so it bounds by how much the two differ; all answers together bound it as narrowly as the quickest of them.
/// Where an answer lies more than two seconds beyond these bounds, Redis' clock was set, and the difference goes into
/// `skew`. A slow answer may hide a jump as long as itself. It is found with the next quick one, and until then silence
/// is judged up to the question only (``judged``), as if nothing of the slow answer had passed: nobody is judged by a
/// jump. What was heard with it counts as heard at its end.
struct PartitionClock: Sendable, Equatable {
    /// What to take off Redis' time.
    var skew: Duration { .milliseconds(skewed) }
    private var skewed: Int64
    /// When what is heard is heard. May run ahead by a jump that is still hidden: silence is judged by ``judged``.
    private(set) var now: Timestamp
    /// The part of it that is certain to have passed: up to here silence may be judged. Never falls either.
    private(set) var judged: Timestamp
    private var bounds: Bounds?
    /// Of the last entry that was asked for by ``time(of:)``; the watermark before the first.
    private(set) var lastEntry: Timestamp

    /// Redis' clock less the monotonic one: between `least` and `most`.
    private struct Bounds: Sendable, Equatable {
        var least: Duration
        var most: Duration
        /// On the monotonic clock.
        var asOf: Duration

        init(_ redis: Timestamp, sentAt: Duration, receivedAt: Duration) {
            let time = redis - Timestamp(milliseconds: 0)
            least = time - receivedAt
            most = time - sentAt
            asOf = receivedAt
        }

        /// Two clocks run apart by less than a tenth of the time: chrony slews by a twelfth at most, others by less.
        /// It matters only between two quick answers.
        private static let drift = 10

        /// As wide as drift may have made them since.
        func relaxed(at moment: Duration) -> Bounds {
            var bounds = self
            let drifted = max(.zero, moment - asOf) / Self.drift
            bounds.least -= drifted
            bounds.most += drifted
            bounds.asOf = max(asOf, moment)
            return bounds
        }

        /// What both leave open. Where they do not meet, a jump may hide in the newer one: this one stays, and as
        /// it widens with time it gives way to what was a small step after all.
        func narrowed(by newer: Bounds) -> Bounds {
            var bounds = self
            bounds.least = max(least, newer.least)
            bounds.most = min(most, newer.most)
            return bounds.least <= bounds.most ? bounds : self
        }
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
        bounds = reading.map { Bounds(redis, sentAt: $0.sentAt, receivedAt: $0.receivedAt) }
        let (lag, overflow) = watermark.milliseconds.subtractingReportingOverflow(
            redis.milliseconds &- skew.wholeMilliseconds)
        let wasSetBack = !overflow && lag > Self.tolerance.wholeMilliseconds
        skewed = wasSetBack ? redis.milliseconds &- watermark.milliseconds : skew.wholeMilliseconds
        now = max(watermark, Timestamp(milliseconds: redis.milliseconds &- skewed))
        judged = now
        lastEntry = watermark
    }

    /// Takes in a reading of `TIME` that was executed between two moments of the monotonic clock.
    ///
    /// - Returns: how far Redis' clock was found set, or nil.
    mutating func read(_ redis: Timestamp, sentAt: Duration, receivedAt: Duration) -> Duration? {
        let seen = Bounds(redis, sentAt: sentAt, receivedAt: receivedAt)
        guard let exact = bounds else {
            bounds = seen
            advance(to: redis, judging: redis)
            return nil
        }
        let known = exact.relaxed(at: receivedAt)
        let jump: Duration? =
            if seen.least > known.most + Self.tolerance {
                seen.least - exact.most
            } else if seen.most < known.least - Self.tolerance {
                seen.most - exact.least
            } else {
                nil
            }
        guard let jump else {
            bounds = known.narrowed(by: seen)
            advance(to: redis, judging: min(redis, Timestamp(milliseconds: 0) + (sentAt + known.most)))
            return nil
        }
        skewed &+= jump.wholeMilliseconds
        bounds = seen
        advance(to: redis, judging: redis)
        return jump
    }

    private mutating func advance(to redis: Timestamp, judging certain: Timestamp) {
        now = max(now, Timestamp(milliseconds: redis.milliseconds &- skewed))
        judged = max(judged, Timestamp(milliseconds: certain.milliseconds &- skewed))
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
