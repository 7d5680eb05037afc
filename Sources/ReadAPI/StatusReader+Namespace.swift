package import HeadwayCore
import HeadwayWire
import Redis

/// How a whole namespace stands, for whoever watches over it: true whichever process is asked, and while no
/// aggregator lives.
package struct NamespaceStanding: Sendable {
    package let partitions: [PartitionStanding]
    /// The open jobs of all partitions.
    package let census: Census
    /// Webhooks that wait to be delivered.
    package let webhooksWaiting: Int
    /// Webhooks that were given up and are still kept.
    package let webhooksUndelivered: Int
    /// What Redis uses and may use, in bytes; a limit of 0 is none. Nil when this user may not ask.
    package let memory: (used: Int, limit: Int)?
}

extension StatusReader {
    /// Two round trips; costs Redis seven lookups per partition.
    package func namespace() async throws(ReadError) -> NamespaceStanding {
        let standings = try await aggregators().partitions
        var batch = CommandBatch()
        for partition in 0..<keyspace.partitions {
            batch.add("HGETALL", keyspace.census(partition))
            batch.add("XLEN", keyspace.outbox(partition))
            batch.add("XLEN", keyspace.undelivered(partition))
        }
        let first = batch.count
        batch.add("INFO", "memory")
        let replies: [RESPValue]
        do throws(RedisError) {
            replies = try await client.send(batch)
            // A user without the right to ask for the memory is told everything else.
            if let error = batch.firstError(in: Array(replies[..<first])) { throw error }
        } catch {
            throw .redis(error)
        }
        var census = Census()
        var waiting = 0
        var undelivered = 0
        for place in stride(from: 0, to: first, by: 3) {
            census = census + Census(fields: replies[place].pairs)
            waiting += replies[place + 1].integer ?? 0
            undelivered += replies[place + 2].integer ?? 0
        }
        return NamespaceStanding(
            partitions: standings, census: census, webhooksWaiting: waiting,
            webhooksUndelivered: undelivered, memory: Self.memory(replies[first]))
    }

    private static func memory(_ info: RESPValue) -> (used: Int, limit: Int)? {
        var used: Int?
        var limit = 0
        for line in (info.string ?? "").split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":")
            guard parts.count == 2, let number = Int(parts[1]) else { continue }
            switch parts[0] {
            case "used_memory": used = number
            case "maxmemory": limit = number
            default: continue
            }
        }
        return used.map { ($0, limit) }
    }
}
