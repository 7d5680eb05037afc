package import HeadwayCore
package import HeadwayWire

/// Whether a partition's owner lives, judged as every standby judges it: by its beat and this process's own
/// monotonic clock. Pure: told what was read, and when.
///
///     unseen ──seen──▶ quiet ──beat or nonce moved──▶ beating ──still for a lease──▶ still
///                        └────still for a lease──▶ still         ◀──moved── still
package struct PartitionPulse: Sendable, Equatable {
    /// As long as a standby waits before it takes over.
    package static let lease = Duration.seconds(5)

    package enum Reading: Sendable, Equatable {
        /// Nobody has ever owned it.
        case unowned
        /// Seen alive by us: its beat moved within the lease.
        case beating
        /// Not seen to move yet, nor long enough to be given up.
        case quiet
        /// No living owner.
        case still
    }

    private var nonce = ""
    private var beat: Int64 = -1
    private var movedAt: Duration?
    private var hasMoved = false
    private var isReleased = false

    package init() {}

    /// - Parameters:
    ///   - control: as just read; nil when the partition was never owned.
    ///   - now: monotonic, when the reply arrived.
    package mutating func observe(_ control: Control?, at now: Duration) -> Reading {
        guard let control else {
            self = PartitionPulse()
            return .unowned
        }
        let isFirst = movedAt == nil
        if control.nonce != nonce || control.beat != beat {
            hasMoved = !isFirst
            nonce = control.nonce
            beat = control.beat
            movedAt = now
        }
        isReleased = control.owner == nil
        return reading(at: now)
    }

    /// What can be said without having read again.
    package func reading(at now: Duration) -> Reading {
        guard let movedAt else { return .unowned }
        if now - movedAt > Self.lease { return .still }
        if hasMoved { return .beating }
        return isReleased ? .still : .quiet
    }

    /// - Parameters:
    ///   - control: as just read.
    ///   - end: the last entry of the partition's stream; nil when it is empty.
    ///   - redisTime: of the same round trip.
    package static func freshness(
        of control: Control, _ reading: Reading, streamEnd end: StreamID?, redisTime: Timestamp
    ) -> Freshness {
        let isCaughtUp = end.map { $0 <= control.checkpoint } ?? true
        let partitionTime = Timestamp(milliseconds: redisTime.milliseconds &- control.skew.wholeMilliseconds)
        let behind = max(0, (partitionTime - control.watermark).wholeMilliseconds)
        return Freshness(
            asOf: control.watermark, lagMilliseconds: isCaughtUp && reading == .beating ? 0 : Int(behind),
            isStale: reading == .still)
    }
}
