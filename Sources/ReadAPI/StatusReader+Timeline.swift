package import HeadwayCore
import HeadwayWire
import Redis

/// What a question about a job's timeline brings.
package enum TimelineAnswer: Sendable, Equatable {
    case timeline(JobTimeline)
    /// Without a timeline: expired, or not known.
    case absent(JobAnswer)
}

extension StatusReader {
    /// A job's transitions, in one round trip. Entries that this version cannot read are left out.
    package func timeline(of id: JobID) async throws(ReadError) -> TimelineAnswer {
        let partition = keyspace.partition(of: id)
        var batch = CommandBatch()
        PartitionSight.ask(of: [partition], keyspace, into: &batch)
        Self.ask(for: id, partition, keyspace, into: &batch)
        batch.add("LRANGE", keyspace.timeline(partition, id), "0", "-1")
        let replies = try await ask(batch)
        let sight = try sight(replies, of: [partition])
        let record = try record(of: id, partition, replies[3], replies[4])
        guard case .job(let state) = record else { return .absent(answer(id, record, partition, sight)) }
        var entries: [TimelineEntry] = []
        if let elements = replies[5].elements {
            for element in elements {
                guard let text = element.bytes, let entry = try? TimelineEntry(text: text) else { continue }
                entries.append(entry)
            }
        }
        let seen = sight[partition]
        return .timeline(
            JobTimeline(
                id: id, tokenDigest: state.token, entries: entries, epoch: seen.epoch,
                freshness: seen.freshness))
    }
}
