import HeadwayWire
import Redis

/// Trims a partition's stream behind its stored checkpoint, and only if it is the stream that was read.
///
/// A stream that somebody deleted begins anew with the next event, and after Redis' clock was set back its ids
/// lie behind the checkpoint: trimming to there would take what nobody has read. Looking first is not enough,
/// because a trim may be under way while it happens, or belong to an owner that is none any more. So one script
/// looks and trims: it asks the control hash for nonce, checkpoint and count, and the stream for its last id,
/// its count and our mark, a consumer group that never reads and goes with the stream when that is deleted.
/// A script of one write cannot leave a half behind (docs/decisions/0001).
///
/// Needs no memory, so it may ride behind a commit whose outcome is not known yet. Cost: one command, O(what goes).
package enum StreamTrim {
    /// The consumer group that marks a stream as the one that was read.
    static let mark = "headway"

    /// What became of a trim.
    enum Outcome: Equatable {
        /// So many entries went; whether the stream bears our mark now.
        case trimmed(Int, isMarked: Bool)
        /// Control bears another nonce.
        case notOurs
        /// The stream is missing, or not the one that was read.
        case notTheStream

        /// - Parameter reply: of the script; anything else is nil.
        init?(_ reply: RESPValue) {
            let parts = reply.elements.map(Array.init) ?? []
            guard parts.count == 2, let number = parts[0].number, let marked = parts[1].number else {
                return nil
            }
            switch number {
            case 0...: self = .trimmed(number, isMarked: marked == 1)
            case -1: self = .notOurs
            default: self = .notTheStream
            }
        }
    }

    /// - Parameters:
    ///   - nonce: the owner's; with another one in control nothing is trimmed.
    ///   - isMarked: the owner knows that its stream bears the mark: one without it is another.
    static func add(
        _ partition: Int, _ keyspace: Keyspace, nonce: String, isMarked: Bool, to batch: inout CommandBatch
    ) {
        batch.add(
            "EVAL", script, "2", keyspace.events(partition), keyspace.control(partition), nonce, mark,
            isMarked ? "1" : "0")
    }

    /// Ids are compared as text, part by part: their numbers are larger than Lua can count. `LIMIT 0`, or at most
    /// 10,000 entries would go at a time and a busy stream would outgrow it. The mark comes last: a full Redis refuses
    /// it at a script's beginning, not once the script has written.
    package static let script = """
        local function less(a, b)
          if #a ~= #b then return #a < #b end
          return a < b
        end
        local function before(a, b)
          local am, as = a:match('(%d+)-(%d+)')
          local bm, bs = b:match('(%d+)-(%d+)')
          if am ~= bm then return less(am, bm) end
          return less(as, bs)
        end
        local stored = redis.call('HMGET', KEYS[2], '\(Control.Field.nonce.name)', \
        '\(Control.Field.checkpoint.name)', '\(Control.Field.consumed.name)')
        if stored[1] ~= ARGV[1] then return {-1, 0} end
        local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
        if info.err then return {-2, 0} end
        local stream = {}
        for place = 1, #info, 2 do stream[info[place]] = info[place + 1] end
        local marked = 0
        for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
          if group[2] == ARGV[2] then marked = 1 end
        end
        if (stream['entries-added'] or -1) < tonumber(stored[3] or '0')
          or before(stream['last-generated-id'], stored[2]) or marked < tonumber(ARGV[3])
        then return {-2, marked} end
        local gone = redis.call('XTRIM', KEYS[1], 'MINID', '~', stored[2], 'LIMIT', '0')
        if marked == 0 and not redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[2], '$').err then marked = 1 end
        return {gone, marked}
        """
}
