import HeadwayCore
package import HeadwayWire
import Redis

/// One aggregator instance as it tells of itself.
package struct AggregatorInstance: Sendable, Equatable {
    package let name: String
    package let beat: InstanceBeat
}

/// Who owns a partition, and how far behind it is.
package struct PartitionStanding: Sendable, Equatable {
    package let partition: Int
    /// Nil when it was never owned.
    package let control: Control?
    /// Entries that nobody has read yet, by the stream's own count.
    package let lagEvents: Int64
    package let freshness: Freshness

    package var isHalted: Bool { control?.next == Control.halted }
}

extension StatusReader {
    /// The instances and the partitions, in one round trip; costs Redis four lookups per partition.
    package func aggregators() async throws(ReadError) -> (
        instances: [AggregatorInstance], partitions: [PartitionStanding]
    ) {
        let partitions = Array(0..<keyspace.partitions)
        var batch = CommandBatch()
        PartitionSight.ask(of: partitions, keyspace, into: &batch)
        batch.add("HGETALL", keyspace.aggregators)
        let first = batch.count
        for partition in partitions { batch.add("XINFO", "STREAM", keyspace.events(partition)) }
        let replies: [RESPValue]
        do throws(RedisError) {
            replies = try await client.send(batch)
            // A stream that nobody has written to yet answers XINFO with an error: nothing waits there.
            if let error = batch.firstError(in: Array(replies[..<first])) { throw error }
        } catch {
            throw .redis(error)
        }
        let sight = try sight(replies, of: partitions)
        var instances: [AggregatorInstance] = []
        for (name, text) in replies[first - 1].pairs {
            guard let beat = try? InstanceBeat(text: text) else { continue }
            instances.append(AggregatorInstance(name: String(decoding: name, as: UTF8.self), beat: beat))
        }
        let standings = partitions.map { partition in
            let entry = sight[partition]
            let added = Self.entriesAdded(replies[first + partition])
            return PartitionStanding(
                partition: partition, control: entry.control,
                lagEvents: max(0, added - (entry.control?.consumed ?? 0)), freshness: entry.freshness)
        }
        return (instances.sorted { $0.name < $1.name }, standings)
    }

    private static func entriesAdded(_ info: RESPValue) -> Int64 {
        let elements = info.elements.map(Array.init) ?? []
        for place in stride(from: 0, to: elements.count - 1, by: 2)
        where elements[place].string == "entries-added" {
            return Int64(elements[place + 1].number ?? 0)
        }
        return 0
    }
}
