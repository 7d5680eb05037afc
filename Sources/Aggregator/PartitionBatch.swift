import HeadwayCore
import HeadwayWire
import Redis

/// Entries as read, before anything was decided about them.
struct PartitionBatch {
    struct Entry {
        let id: StreamID
        let fields: RESPPairs
        let event: Result<ProgressEvent, WireError>
        /// Who sent it, also when the rest cannot be read.
        let sequence: ProgressEvent.Sequence?
    }

    var entries: [Entry] = []
    /// Where the next read begins if this batch is committed.
    var checkpoint: StreamID
    /// Whether more was waiting when this was read: then time stands at the last entry.
    var isFull: Bool
    /// Whether entries were left for the next read because of their size.
    var isCut = false

    /// Nothing read yet, from there on.
    init(from checkpoint: StreamID) {
        self.checkpoint = checkpoint
        isFull = true
    }

    /// Takes entries from an `XREAD` reply until `byteLimit` is reached (one entry always fits); the rest is
    /// read again after the commit.
    init(reply: RESPValue, after checkpoint: StreamID, countLimit: Int, byteLimit: Int) throws(RedisError) {
        self.checkpoint = checkpoint
        isFull = false
        guard let streams = reply.elements else { return }
        guard let stream = streams.first?.elements, stream.count == 2, let list = stream[1].elements else {
            throw RedisError(.unexpectedReply, command: "XREAD", detail: "not a list of entries")
        }
        entries.reserveCapacity(list.count)
        var bytes = 0
        for element in list {
            guard bytes <= byteLimit else {
                isFull = true
                isCut = true
                return
            }
            guard let entry = element.elements, entry.count == 2, let idBytes = entry[0].bytes,
                let id = StreamID(idBytes), id > self.checkpoint
            else { throw RedisError(.unexpectedReply, command: "XREAD", detail: "an entry out of order") }
            // Entries deleted with XDEL while we read come as nil: there is nothing to fold.
            self.checkpoint = id
            guard let fields = entry[1].elements else { continue }
            bytes += fields.byteCount
            entries.append(Self.entry(id, fields.pairs))
        }
        isFull = list.count >= countLimit
    }

    /// Bulks whose share here is to be counted anew, each once.
    var recounts: Set<BulkID> {
        var bulks: Set<BulkID> = []
        for entry in entries {
            guard case .success(let event) = entry.event, case .bulk(let id, .recount) = event.body else {
                continue
            }
            bulks.insert(id)
        }
        return bulks
    }

    init(entries: [Entry], after checkpoint: StreamID, isFull: Bool) {
        self.entries = entries
        self.checkpoint = entries.last?.id ?? checkpoint
        self.isFull = isFull
    }

    private static func entry(_ id: StreamID, _ fields: RESPPairs) -> Entry {
        do {
            let event = try ProgressEvent(fields: fields)
            return Entry(id: id, fields: fields, event: .success(event), sequence: event.sequence)
        } catch {
            let sequence = ProgressEvent.Sequence(fields: fields)
            return Entry(id: id, fields: fields, event: .failure(error), sequence: sequence)
        }
    }
}
