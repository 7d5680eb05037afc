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
        /// Redis' time before it waited for entries, and when the answer was complete.
        let redisTime: Timestamp
        let endTime: Timestamp
        /// Of the stream as it was before the read; nil when it was not asked.
        var count: StreamCount?
        /// Nil when nothing was to be trimmed.
        var trim: StreamTrim.Outcome?
    }

    /// A read that is under way.
    struct PendingReading {
        let batch: CommandBatch
        /// Where `TIME` stands in the batch.
        let first: Int
        /// Whether what became of the stream stands before it.
        let hasCount: Bool
        /// Whether a trim stands before that.
        let hasTrim: Bool
        /// Most entries asked for.
        let count: Int
        let replies: PendingReplies
        let sentAt: Duration
    }

    /// - Parameters:
    ///   - trims: whether what control's checkpoint is past is let go.
    ///   - counts: whether the stream is asked what became of it, as with every trim.
    ///   - pause: how long to wait for news at most, when there is something else to do; nil: as long as usual.
    func sendRead(
        after memory: PartitionMemory, trims: Bool = false, counts: Bool = false,
        atMost pause: Duration? = nil,
        on connection: RedisConnection
    ) async -> PendingReading {
        let control = memory.control
        var batch = CommandBatch()
        // Outside the transaction, by the checkpoint that is stored: a full Redis can drain.
        if trims { addTrim(by: control, isMarked: memory.isStreamMarked, to: &batch) }
        let counts = counts || trims
        if counts { batch.add("XINFO", "STREAM", keyspace.events(partition)) }
        let first = batch.count
        batch.add("TIME")
        // Who leaves does not wait for entries once more.
        let wait = isStopping || heir != nil ? .zero : min(pause ?? options.block, options.block)
        batch.add(
            "XREAD", "COUNT", "\(readCount)", "BLOCK", "\(max(1, wait.wholeMilliseconds))",
            "STREAMS", keyspace.events(partition), control.checkpoint.description)
        batch.add(Sabotage.fence.isOn || Sabotage.watch.isOn ? "PING" : "WATCH", keyspace.control(partition))
        batch.add("HMGET", keyspace.control(partition), "nonce", "checkpoint", "commit")
        // Once more: Redis may have stood still while it waited for entries.
        batch.add("TIME")
        let sentAt = loop.clock.now
        let replies = await connection.submit(batch, deadline: options.block + .seconds(3))
        return PendingReading(
            batch: batch, first: first, hasCount: counts, hasTrim: trims, count: readCount, replies: replies,
            sentAt: sentAt)
    }

    func addTrim(by control: Control, isMarked: Bool, to batch: inout CommandBatch) {
        let events = keyspace.events(partition)
        if Sabotage.trim.isOn { return batch.add("XTRIM", events, "MAXLEN", "0") }
        if Sabotage.stream.isOn {
            return batch.add("XTRIM", events, "MINID", "~", control.checkpoint.description, "LIMIT", "0")
        }
        StreamTrim.add(partition, keyspace, nonce: control.nonce, isMarked: isMarked, to: &batch)
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
        guard let redisTime = time(replies[first]), let endTime = time(replies[first + 4]),
            let seen = replies[first + 3].elements, seen.count == 3
        else {
            throw .connection(RedisError(.unexpectedReply, command: "TIME", detail: "not a time"))
        }
        guard isStill(control, seen) else {
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
                endTime: endTime,
                count: pending.hasCount ? StreamCount(replies[first - 1]) : nil,
                trim: pending.hasTrim ? StreamTrim.Outcome(replies[0]) : nil)
        } catch {
            throw .connection(error)
        }
    }

    /// Whether nobody else wrote control: nonce, checkpoint and commit number as this owner left them.
    private func isStill(_ control: Control, _ seen: RESPElements) -> Bool {
        if Sabotage.fence.isOn { return true }
        return (seen[0].string == control.nonce || Sabotage.nonce.isOn)
            && (seen[1].string == control.checkpoint.description || Sabotage.checkpoint.isOn)
            && (seen[2].number.map(Int64.init) == control.commit || Sabotage.commit.isOn)
    }

    /// What `XINFO STREAM` says of a stream's whole life.
    struct StreamCount {
        let added: Int64
        let length: Int64
        let last: StreamID
        /// Consumer groups; one of them may be our mark.
        let groups: Int

        init?(_ info: RESPValue) {
            var added: Int?
            var length: Int?
            var last: StreamID?
            var groups = 0
            let elements = info.elements.map(Array.init) ?? []
            for place in stride(from: 0, to: elements.count - 1, by: 2) {
                switch elements[place].string {
                case "entries-added": added = elements[place + 1].number
                case "length": length = elements[place + 1].number
                case "last-generated-id": last = elements[place + 1].bytes.flatMap { StreamID($0) }
                case "groups": groups = elements[place + 1].number ?? 0
                default: continue
                }
            }
            guard let added, let length, let last else { return nil }
            self.added = Int64(added)
            self.length = Int64(length)
            self.last = last
            self.groups = groups
        }
    }

    /// Entries that somebody took out before anybody had read them.
    ///
    /// Exact at the stream's end, where all that was ever added is either consumed or gone; before that, more
    /// gone than ever consumed is enough to know. Told once it is known to be committed: an owner that starts over counts again.
    func noteRemoved(_ count: StreamCount?, _ memory: inout PartitionMemory) {
        guard let count else { return }
        let consumed = memory.control.consumed
        let missing =
            count.last <= memory.control.checkpoint
            ? count.added - consumed : count.added - count.length - consumed
        guard missing > 0 else { return }
        memory.control.consumed += missing
        memory.control.lost += missing
        memory.removedUnread += missing
    }

    /// Whether the stream was deleted and began anew: a stream's last id and its count never fall, and our mark
    /// stays. Somebody else's groups hide from `count` that ours is gone; the trim asks for it by name.
    func isAnotherStream(
        _ count: StreamCount?, _ trim: StreamTrim.Outcome?, _ memory: PartitionMemory
    ) -> Bool {
        guard let count else { return false }
        return count.last < memory.control.checkpoint || count.added < memory.control.consumed
            || memory.isStreamMarked && (count.groups == 0 || trim == .notTheStream)
    }

    /// Reads a stream that began anew from its beginning: its ids may lie behind the checkpoint, when Redis'
    /// clock was set back, and would then never be read. What was read already is known by its numbers.
    ///
    /// - Parameter count: what had gone from it before it was first seen is not counted as lost: nobody knows
    ///   whether it had been read. A gap in the publishers' numbers tells.
    func startOver(_ memory: inout PartitionMemory, _ count: StreamCount?) {
        memory.control.consumed = count.map { $0.added - $0.length } ?? 0
        memory.isStreamMarked = false
        memory.control.epoch = newEpoch()
        memory.judgeFrom = max(memory.judgeFrom, memory.clock.now + longestSilence)
        memory.silenceFloor = memory.clock.now
        notify(.streamDeleted(partition: partition))
    }
}
