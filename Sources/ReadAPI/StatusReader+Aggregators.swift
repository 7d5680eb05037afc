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

/// Who is at work on what: `GET /v1/aggregators`, `headway status --aggregators`.
package struct AggregatorReport: Sendable, Equatable {
    /// By name.
    package let instances: [AggregatorInstance]
    /// In order.
    package let partitions: [PartitionStanding]

    /// Of all partitions together.
    package var freshness: Freshness {
        guard let first = partitions.first else { return .none }
        return partitions.dropFirst().reduce(first.freshness) { $0.joined($1.freshness) }
    }

    package func owned(by instance: AggregatorInstance) -> Int {
        partitions.count { $0.control?.owner == instance.name }
    }
}

extension AggregatorReport {
    package func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("instances")
        json.beginArray()
        for instance in instances {
            json.beginObject()
            json.field("name", instance.name)
            json.field("owned", owned(by: instance))
            json.field("beat", Int(instance.beat.beat))
            json.field("leaving", instance.beat.isLeaving)
            json.field("commits", Int(instance.beat.commits))
            json.field("fenced", Int(instance.beat.fenced))
            json.field("duplicates", Int(instance.beat.duplicates))
            json.endObject()
        }
        json.endArray()
        json.key("partitions")
        json.beginArray()
        for partition in partitions {
            json.beginObject()
            json.field("partition", partition.partition)
            json.field("owner", partition.control?.owner)
            json.field("next", partition.isHalted ? nil : partition.control?.next)
            json.field("fence", partition.control.map { Int($0.fence) })
            json.field("epoch", partition.control?.epoch)
            json.field("commit", partition.control.map { Int($0.commit) })
            json.field("lagEvents", Int(partition.lagEvents))
            json.field("lost", partition.control.map { Int($0.lost) })
            json.field("halted", partition.isHalted)
            json.fields(partition.freshness)
            json.endObject()
        }
        json.endArray()
        json.fields(freshness)
        json.endObject()
    }
}

extension StatusReader {
    /// The instances and the partitions, in one round trip; costs Redis four lookups per partition.
    package func aggregators() async throws(ReadError) -> AggregatorReport {
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
        return AggregatorReport(instances: instances.sorted { $0.name < $1.name }, partitions: standings)
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
