package import HeadwayCore
package import HeadwayWire
package import Redis

/// Appends events to the streams of the partitions they belong to: what a producer without Redis asks for.
package struct EventAppender: Sendable {
    /// Where an event went.
    package struct Receipt: Sendable, Equatable {
        package let partition: Int
        /// The stream entry's id.
        package let entry: String
    }

    package let keyspace: Keyspace
    package let client: RedisClient

    package init(keyspace: Keyspace, client: RedisClient) {
        self.keyspace = keyspace
        self.client = client
    }

    /// Appends all events in one round trip.
    ///
    /// Not one transaction: events of different partitions live on different slots. When it throws, some may have
    /// been appended; appending them all again is harmless, because every event is idempotent.
    ///
    /// - Returns: one receipt per event, in order: Redis has them all.
    package func append(_ events: [ProgressEvent]) async throws(ReadError) -> [Receipt] {
        var batch = CommandBatch()
        var fields = FieldBuffer()
        for event in events {
            fields.removeAll(keepingCapacity: true)
            event.encode(into: &fields)
            batch.begin("XADD", argumentCount: 2 + 2 * fields.count)
            batch.append(keyspace.events(keyspace.partition(of: event.subject)))
            batch.append("*")
            for (name, value) in fields {
                batch.append(name)
                batch.append(value)
            }
        }
        do throws(RedisError) {
            let replies = try await client.send(batch)
            if let error = batch.firstError(in: replies) { throw error }
            return zip(events, replies).map { event, reply in
                Receipt(partition: keyspace.partition(of: event.subject), entry: reply.string ?? "")
            }
        } catch {
            throw .redis(error)
        }
    }
}
