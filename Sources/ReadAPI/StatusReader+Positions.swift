import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

/// How far a partition is, and whether anybody owns it.
struct PartitionPosition: Sendable, Equatable {
    let epoch: String
    let commit: Int64
    let isStale: Bool
}

extension StatusReader {
    /// Where every partition stands, in one round trip.
    func positions() async throws(ReadError) -> [PartitionPosition] {
        var batch = CommandBatch()
        for partition in 0..<keyspace.partitions { batch.add("HGETALL", keyspace.control(partition)) }
        let replies = try await ask(batch)
        let now = loop.clock.now
        var positions: [PartitionPosition] = []
        for (partition, reply) in replies.enumerated() {
            let control = try PartitionSight.control(reply, keyspace.control(partition))
            let reading = pulses[partition].observe(control, at: now)
            positions.append(
                PartitionPosition(
                    epoch: control?.epoch ?? "", commit: control?.commit ?? 0,
                    isStale: reading == .still || reading == .unowned))
        }
        return positions
    }

    /// How recent everything is: of all partitions the one that is furthest behind. One round trip.
    func freshness() async throws(ReadError) -> Freshness {
        let partitions = Array(0..<keyspace.partitions)
        var batch = CommandBatch()
        PartitionSight.ask(of: partitions, keyspace, into: &batch)
        return try sight(try await ask(batch), of: partitions).freshness(of: partitions)
    }

    /// Which partitions have no living owner, by what was seen so far: also while Redis is away.
    func stalePartitions() -> [Bool] {
        let now = loop.clock.now
        return pulses.map { pulse in
            let reading = pulse.reading(at: now)
            return reading == .still || reading == .unowned
        }
    }
}
