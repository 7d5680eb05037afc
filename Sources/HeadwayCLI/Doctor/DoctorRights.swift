import HeadwayWire
import Redis

/// The commands that each role needs, each with keys that it needs them on. The same list as deploy/users.acl, but for
/// what nothing fails without: `SELECT` (database 0), a connection's name, and a worker's `PING`.
enum DoctorRights {
    enum Role: String, CaseIterable, Sendable { case worker, aggregator, api }

    /// Which of them the user lacks.
    ///
    /// Each is queued in a `MULTI` that is discarded: Redis checks a command and its keys when it is queued, so
    /// nothing is carried out.
    ///
    /// - Returns: nil when the user may not even do that.
    static func missing(
        _ roles: [Role], _ namespace: String, over connection: RedisConnection
    ) async throws(RedisError) -> [String: [String]]? {
        // Only the first partition is asked for, which every namespace has.
        guard let keyspace = try? Keyspace(namespace: namespace, partitions: 1) else { return nil }
        var begin = CommandBatch()
        begin.add("MULTI")
        begin.add("DISCARD")
        let allowed = try await connection.send(begin)
        guard allowed.allSatisfy({ $0.error == nil }) else { return nil }
        var missing: [String: [String]] = [:]
        for role in roles {
            let commands = commands(of: role, keyspace)
            var batch = CommandBatch()
            batch.add("MULTI")
            for command in commands { batch.add(command[0], command.dropFirst()) }
            batch.add("DISCARD")
            // Cannot be queued; behind a DISCARD it does nothing. Refused it says EXECABORT, because of NOPERM.
            batch.add("EXEC")
            let replies = try await connection.send(batch)
            for (command, reply) in zip(commands, replies.dropFirst())
            where reply.error?.hasPrefix("NOPERM") == true {
                // Of a script its first key instead of its text.
                let words = command[0] == "EVAL" ? [command[0], command[3]] : Array(command.prefix(2))
                missing[role.rawValue, default: []].append(words.joined(separator: " "))
            }
            if role != .api, replies.last?.error?.contains("NOPERM") == true {
                missing[role.rawValue, default: []].append("EXEC")
            }
        }
        return missing
    }

    private static func commands(of role: Role, _ keyspace: Keyspace) -> [[String]] {
        let prefix = "\(keyspace.namespace):{0}:"
        let (job, bulk) = (prefix + "job:x", prefix + "bulk:x")
        switch role {
        case .worker:
            return [
                ["XADD", keyspace.events(0), "*", "a", "b"], ["HGET", keyspace.sources(0), "a"],
                ["HMGET", keyspace.sources(0), "a"], ["HDEL", keyspace.sources(0), "a"],
                ["HSETNX", keyspace.config, "a", "b"],
                ["HGETALL", keyspace.config], ["HGETALL", keyspace.pipelines], ["HMGET", job, "a"],
                ["HGETALL", job], ["HGET", bulk, "a"], ["GET", prefix + "tomb:x"],
            ]
        case .aggregator:
            let keys = [
                keyspace.control(0), keyspace.sources(0), job, bulk, keyspace.durations(0),
                keyspace.census(0),
                keyspace.delivered(0),
            ]
            return keys.flatMap { [["HSET", $0, "a", "b"], ["HGETALL", $0], ["HDEL", $0, "a"]] } + [
                ["PING"], ["HGET", keyspace.control(0), "a"], ["HMGET", keyspace.control(0), "a"],
                ["WATCH", keyspace.control(0)], ["UNWATCH"], ["TIME"], ["INFO", "replication"],
                ["EVAL", "return 1", "2", keyspace.events(0), keyspace.control(0)],
                ["XINFO", "GROUPS", keyspace.events(0)], ["XGROUP", "CREATE", keyspace.events(0), "a", "$"],
                ["XREVRANGE", keyspace.events(0), "+", "-", "COUNT", "1"],
                ["XREAD", "COUNT", "1", "STREAMS", keyspace.events(0), "0"],
                ["XADD", keyspace.events(0), "*", "a", "b"], ["XTRIM", keyspace.events(0), "MINID", "0"],
                ["XINFO", "STREAM", keyspace.events(0)], ["XADD", keyspace.rejected(0), "*", "a", "b"],
                ["XRANGE", keyspace.outbox(0), "-", "+"], ["XDEL", keyspace.outbox(0), "0-1"],
                ["XLEN", keyspace.outbox(0)], ["XADD", keyspace.outbox(0), "*", "a", "b"],
                ["XADD", keyspace.undelivered(0), "*", "a", "b"],
                ["PUBLISH", keyspace.changes(0), "a"], ["SET", prefix + "tomb:x", "a"],
                ["GET", prefix + "tomb:x"],
                ["DEL", prefix + "tomb:x"], ["EXISTS", job], ["PERSIST", job], ["PEXPIRE", job, "1"],
                ["RPUSH", prefix + "timeline:x", "a"], ["LTRIM", prefix + "timeline:x", "0", "1"],
                ["SADD", keyspace.errands(0), "a"], ["SREM", keyspace.errands(0), "a"],
                ["SMEMBERS", keyspace.errands(0)], ["ZADD", keyspace.active(0), "1", "a"],
                ["ZREM", keyspace.active(0), "a"], ["ZRANGE", keyspace.active(0), "0", "1"],
                ["ZCARD", prefix + "members:x"], ["ZCOUNT", prefix + "members:x", "0", "1"],
                ["HSET", keyspace.aggregators, "a", "b"], ["HGETALL", keyspace.pipelines],
                ["HKEYS", keyspace.pipelines], ["HSETNX", keyspace.config, "a", "b"],
            ]
        case .api:
            return [
                ["PING"], ["TIME"], ["INFO", "memory"], ["SUBSCRIBE", keyspace.changes(0)],
                ["UNSUBSCRIBE", keyspace.changes(0)], ["HGETALL", keyspace.control(0)],
                ["HGETALL", job], ["HGETALL", keyspace.census(0)], ["HGETALL", bulk],
                ["HGETALL", keyspace.durations(0)], ["GET", prefix + "tomb:x"],
                ["EXISTS", bulk], ["LRANGE", prefix + "timeline:x", "0", "1"],
                ["ZRANGE", prefix + "members:x", "0", "1"], ["ZCOUNT", prefix + "members:x", "0", "1"],
                ["ZSCORE", keyspace.active(0), "a"], ["ZCARD", keyspace.active(0)],
                ["XLEN", keyspace.outbox(0)], ["XLEN", keyspace.undelivered(0)],
                ["XRANGE", keyspace.rejected(0), "-", "+", "COUNT", "1"],
                ["XREVRANGE", keyspace.events(0), "+", "-", "COUNT", "1"],
                ["XINFO", "STREAM", keyspace.events(0)], ["HGETALL", keyspace.aggregators],
                ["HGETALL", keyspace.pipelines], ["HKEYS", keyspace.pipelines],
                ["HSETNX", keyspace.pipelines, "a", "b"], ["HSETNX", keyspace.config, "a", "b"],
                ["XADD", keyspace.events(0), "*", "a", "b"], ["XADD", keyspace.outbox(0), "*", "a", "b"],
            ]
        }
    }
}
