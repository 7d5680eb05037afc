import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

/// The read half of a cycle: what is asked, and what the answers say of the partition and its stream.
extension PartitionOwner {
    /// What a cycle sends behind its commit and reads at its beginning.
    struct Reading {
        var batch: PartitionBatch
        let sentAt: Duration
        let receivedAt: Duration
        let redisTime: Timestamp
        /// Of the stream as it was before the read; nil when it was not asked.
        var count: StreamCount?
    }

    /// A read that is under way.
    struct PendingReading {
        let batch: CommandBatch
        /// Where `TIME` stands in the batch.
        let first: Int
        /// Whether what became of the stream stands before it.
        let hasCount: Bool
        /// Most entries asked for.
        let count: Int
        let replies: PendingReplies
        let sentAt: Duration
    }

    /// - Parameters:
    ///   - counts: whether the stream is asked what became of it, as with every trim.
    ///   - pause: how long to wait for news at most, when there is something else to do; nil: as long as usual.
    func sendRead(
        after control: Control, trimTo checkpoint: StreamID? = nil, counts: Bool = false,
        atMost pause: Duration? = nil,
        on connection: RedisConnection
    ) async -> PendingReading {
        var batch = CommandBatch()
        // Outside the transaction, behind an accepted checkpoint: a full Redis can drain.
        if let checkpoint { addTrim(to: checkpoint, to: &batch) }
        let counts = counts || checkpoint != nil
        if counts { batch.add("XINFO", "STREAM", keyspace.events(partition)) }
        let first = batch.count
        batch.add("TIME")
        batch.add(
            "XREAD", "COUNT", "\(readCount)", "BLOCK",
            "\(max(1, min(pause ?? options.block, options.block).wholeMilliseconds))",
            "STREAMS", keyspace.events(partition), control.checkpoint.description)
        batch.add(Sabotage.fence.isOn ? "PING" : "WATCH", keyspace.control(partition))
        batch.add("HMGET", keyspace.control(partition), "nonce", "checkpoint", "commit")
        let sentAt = loop.clock.now
        let replies = await connection.submit(batch, deadline: options.block + .seconds(3))
        return PendingReading(
            batch: batch, first: first, hasCount: counts, count: readCount, replies: replies, sentAt: sentAt)
    }

    /// Without a limit, or at most 10,000 entries would go at a time and a busy stream would outgrow it.
    func addTrim(to checkpoint: StreamID, to batch: inout CommandBatch) {
        if Sabotage.trim.isOn { return batch.add("XTRIM", keyspace.events(partition), "MAXLEN", "0") }
        batch.add(
            "XTRIM", keyspace.events(partition), "MINID", "~", checkpoint.description, "LIMIT", "0")
    }

    func replies(of pending: PendingReplies) async throws(Loss) -> [RESPValue] {
        do {
            return try await pending.value()
        } catch {
            throw .connection(error)
        }
    }

    func receive(_ pending: PendingReading, after control: Control) async throws(Loss) -> Reading {
        let replies = try await replies(of: pending.replies)
        let receivedAt = loop.clock.now
        let first = pending.first
        var checked = replies
        // A stream that nobody has written to yet has nothing to tell.
        if pending.hasCount, checked[first - 1].error != nil { checked[first - 1] = replies[first] }
        try refuseErrors(in: checked, of: pending.batch)
        guard let redisTime = time(replies[first]), let seen = replies[first + 3].elements, seen.count == 3
        else {
            throw .connection(RedisError(.unexpectedReply, command: "TIME", detail: "not a time"))
        }
        let isMine =
            seen[0].string == control.nonce && seen[1].string == control.checkpoint.description
            && seen[2].number.map(Int64.init) == control.commit
        guard isMine || Sabotage.fence.isOn else {
            stats.fenced += 1
            throw .taken
        }
        do {
            let batch = try PartitionBatch(
                reply: replies[first + 1], after: control.checkpoint, countLimit: pending.count,
                byteLimit: options.batchBytes)
            // What does not fit is read again: ask for no more than did, until smaller ones come.
            readCount = batch.isCut ? max(1, batch.entries.count) : min(options.batch, 2 * readCount)
            return Reading(
                batch: batch, sentAt: pending.sentAt, receivedAt: receivedAt, redisTime: redisTime,
                count: pending.hasCount ? StreamCount(replies[first - 1]) : nil)
        } catch {
            throw .connection(error)
        }
    }

    /// What `XINFO STREAM` says of a stream's whole life.
    struct StreamCount {
        let added: Int64
        let length: Int64
        let last: StreamID

        init?(_ info: RESPValue) {
            var added: Int?
            var length: Int?
            var last: StreamID?
            let elements = info.elements.map(Array.init) ?? []
            for place in stride(from: 0, to: elements.count - 1, by: 2) {
                switch elements[place].string {
                case "entries-added": added = elements[place + 1].number
                case "length": length = elements[place + 1].number
                case "last-generated-id": last = elements[place + 1].bytes.flatMap { StreamID($0) }
                default: continue
                }
            }
            guard let added, let length, let last else { return nil }
            self.added = Int64(added)
            self.length = Int64(length)
            self.last = last
        }
    }

    /// Entries that somebody took out before anybody had read them.
    ///
    /// Exact at the stream's end, where all that was ever added is either consumed or gone; before that, more
    /// gone than ever consumed is enough to know.
    func noteRemoved(_ count: StreamCount?, _ memory: inout PartitionMemory) {
        guard let count else { return }
        let consumed = memory.control.consumed
        let missing =
            count.last <= memory.control.checkpoint
            ? count.added - consumed : count.added - count.length - consumed
        guard missing > 0 else { return }
        memory.control.consumed += missing
        memory.control.lost += missing
        notify(.trimmedUnread(partition: partition, entries: missing))
    }

    /// Whether the stream was deleted and began anew: a stream's last id and its count never fall.
    func isAnotherStream(_ count: StreamCount?, _ memory: PartitionMemory) -> Bool {
        guard let count else { return false }
        return count.last < memory.control.checkpoint || count.added < memory.control.consumed
    }

    /// Reads a stream that began anew from its beginning: its ids may lie behind the checkpoint, when Redis'
    /// clock was set back, and would then never be read. What was read already is known by its numbers.
    func startOver(_ memory: inout PartitionMemory) {
        memory.control.consumed = 0
        memory.control.epoch = newEpoch()
        memory.judgeFrom = max(memory.judgeFrom, memory.clock.now + longestSilence)
        memory.silenceFloor = memory.clock.now
        notify(.streamDeleted(partition: partition))
    }
}
