import EventLoop
import Glibc
import HTTPClient
import HeadwayCore
import HeadwayWire
import Redis

/// What a courier reads of the outbox, and how entries leave it: marked, deleted, or put aside.
extension WebhookCourier {
    /// Those that this receiver has not got yet. What all have is deleted on the way: its last receiver's mark was
    /// written, and whoever wrote it ended before it could delete the entry.
    func known(
        _ letters: [WebhookLane.Letter], of lane: WebhookLane
    ) async throws -> [WebhookLane.Letter] {
        guard !letters.isEmpty else { return [] }
        let receivers = options.receivers.indices
        var asking = CommandBatch()
        asking.add(
            "HMGET",
            [keyspace.delivered(lane.partition)]
                + letters.flatMap { letter in receivers.map { field(letter.id, $0) } })
        let replies = try await client.send(asking)
        if let error = asking.firstError(in: replies) { throw error }
        let marks = replies[0].elements.map { $0.map { !$0.isNull } } ?? []
        guard marks.count == letters.count * receivers.count else { return letters }
        var wanted: [WebhookLane.Letter] = []
        for (place, letter) in letters.enumerated() {
            let own = marks[(place * receivers.count)..<((place + 1) * receivers.count)]
            if own.allSatisfy({ $0 }) {
                try await delete(letter.id, lane.partition)
            } else if !marks[place * receivers.count + lane.receiver] {
                wanted.append(letter)
            }
        }
        return wanted
    }

    /// An entry that is none.
    struct Broken {
        let id: StreamID
        let reason: String
        /// As they came, cut where they are too large to keep.
        private(set) var fields = FieldBuffer()

        init(_ id: StreamID, _ reason: String, _ pairs: RESPPairs) {
            self.id = id
            self.reason = reason
            for (name, value) in pairs {
                let room = Rejection.limit - fields.byteCount - name.count
                guard room > 0, fields.count < Rejection.fieldLimit else { return }
                fields.add(name: Undelivered.rawPrefix + name, value: value.prefix(room))
            }
        }
    }

    /// Entries that nobody can post go to `undelivered` as they are, in one transaction with their deletion: they
    /// would fill the outbox for ever.
    func putAside(_ broken: [Broken], _ partition: Int) async throws {
        guard !broken.isEmpty else { return }
        var batch = CommandBatch()
        for entry in broken {
            let note = Undelivered(
                id: OutboxEntry.id(keyspace, partition, entry.id), reason: entry.reason, at: .wallClock)
            record(note, partition, raw: entry.fields, into: &batch)
            batch.add("XDEL", keyspace.outbox(partition), "\(entry.id)")
        }
        _ = try await execute(batch)
        notify(.unreadableWebhooks(partition: partition, count: broken.count))
    }

    private func field(_ entry: StreamID, _ receiver: Int) -> String {
        "\(entry)/\(options.receivers[receiver].key)"
    }

    /// Deletes the entry once every receiver has it.
    ///
    /// A mark and the look at all of them are one transaction, so of two receivers that get it at the same moment one
    /// sees both marks. A crash between that and the deletion leaves an entry that all have; whoever reads it next
    /// deletes it (``known(_:of:)``).
    func forget(_ id: StreamID, _ partition: Int, _ receiver: Int) async throws {
        let fields = options.receivers.indices.map { field(id, $0) }
        if fields.count > 1 {
            var batch = CommandBatch()
            let key = keyspace.delivered(partition)
            batch.add("HSET", key, fields[receiver], "1")
            // Marks of entries that another owner deleted in between go with the key.
            let keep = options.policy.patience + .seconds(24 * 3600)
            batch.add("PEXPIRE", key, "\(keep.wholeMilliseconds)")
            batch.add("HMGET", [key] + fields)
            let results = try await execute(batch)
            guard results.count == 3, results[2].elements?.allSatisfy({ !$0.isNull }) == true else { return }
        }
        try await delete(id, partition)
    }

    private func delete(_ id: StreamID, _ partition: Int) async throws {
        var batch = CommandBatch()
        batch.add("XDEL", keyspace.outbox(partition), "\(id)")
        batch.add("HDEL", [keyspace.delivered(partition)] + options.receivers.indices.map { field(id, $0) })
        _ = try await execute(batch)
    }

    /// All of it, or nothing.
    ///
    /// - Returns: one reply per command, none of them an error.
    private func execute(_ body: CommandBatch) async throws -> [RESPValue] {
        var batch = CommandBatch()
        batch.add("MULTI")
        batch.append(body)
        batch.add("EXEC")
        let replies = try await client.send(batch)
        if let error = batch.firstError(in: replies) { throw error }
        let results = replies[replies.count - 1].elements.map(Array.init) ?? []
        for result in results {
            if let error = result.error { throw RedisError.refusal(error, command: "EXEC") }
        }
        return results
    }

    /// - Parameter raw: what stands in the entry, whatever it is; after the note's own fields.
    nonisolated func record(
        _ note: Undelivered, _ partition: Int, raw: FieldBuffer = FieldBuffer(),
        into batch: inout CommandBatch
    ) {
        var fields = FieldBuffer()
        note.encode(into: &fields)
        for (name, value) in raw { fields.add(name: name, value: value) }
        batch.begin("XADD", argumentCount: 5 + 2 * fields.count)
        batch.append(keyspace.undelivered(partition))
        batch.append("MAXLEN")
        batch.append("~")
        batch.append(options.undeliveredLimit)
        batch.append("*")
        batch.append(fields)
    }
}
