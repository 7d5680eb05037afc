import EventLoop
import Headway
import HeadwayCore
import HeadwayWire
import ReadAPI
import Redis

/// Gathers what `headway doctor` judges. Changes nothing: every question only reads, but for the rights, which are
/// probed in transactions that are discarded.
struct DoctorLook {
    /// So many of each are looked at, where looking at all could take long.
    private static let sample = 20
    private static let bulks = 50
    /// Long enough for every living owner to have beaten.
    private static let patience = Duration.milliseconds(1_500)

    let connection: RedisConnection
    let endpoint: RedisEndpoint
    let namespace: String
    let roles: [DoctorRights.Role]
    let loop: EventLoop

    func facts() async throws(RedisError) -> DoctorFacts {
        var facts = DoctorFacts()
        facts.namespace = namespace
        facts.roles = roles.map(\.rawValue)
        try await server(&facts)
        facts.missingRights = try await DoctorRights.missing(roles, namespace, over: connection)
        guard let keyspace = try await keyspace(&facts) else { return facts }
        let reader = StatusReader(keyspace: keyspace, endpoint: endpoint, on: loop)
        await standing(&facts, keyspace, reader)
        await contents(&facts, keyspace, reader)
        await reader.close()
        return facts
    }

    // MARK: The server

    private func server(_ facts: inout DoctorFacts) async throws(RedisError) {
        for _ in 0..<Self.sample {
            let start = loop.clock.now
            _ = try await connection.send("PING")
            facts.roundTrips.append(loop.clock.now - start)
        }
        facts.roundTrips.sort()
        var batch = CommandBatch()
        batch.add("TIME")
        batch.add("INFO")
        batch.add("ACL", "WHOAMI")
        let settings = [
            "appendfsync", "min-replicas-to-write", "hash-max-listpack-value", "maxmemory-policy",
        ]
        for setting in settings { batch.add("CONFIG", "GET", setting) }
        let replies = try await connection.send(batch)
        let here = Timestamp.wallClock
        if let parts = replies[0].elements?.compactMap(\.number), parts.count == 2 {
            let there = Timestamp(milliseconds: Int64(parts[0]) * 1000 + Int64(parts[1]) / 1000)
            facts.clockAhead = there - here
        }
        if replies[1].error == nil { facts.info = Self.fields(replies[1].string ?? "") }
        facts.user = replies[2].error == nil ? replies[2].string : nil
        if replies[3].error == nil {
            var config: [String: String] = [:]
            for reply in replies[3...] {
                for (name, value) in reply.pairs {
                    config[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                }
            }
            facts.config = config
        }
    }

    private static func fields(_ info: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return fields
    }

    /// - Returns: nil when the namespace was never used: it is not made by being looked at.
    func keyspace(_ facts: inout DoctorFacts) async throws(RedisError) -> Keyspace? {
        let reply = try await connection.send("HGETALL", "\(namespace):config")
        do {
            guard let config = try NamespaceConfig(fields: reply.pairs) else {
                facts.isUsed = false
                return nil
            }
            return try Keyspace(namespace: namespace, partitions: config.partitions)
        } catch {
            throw RedisError(
                .unexpectedReply, command: "HGETALL", detail: "\(namespace):config cannot be read: \(error)")
        }
    }

    // MARK: The namespace

    private func standing(_ facts: inout DoctorFacts, _ keyspace: Keyspace, _ reader: StatusReader) async {
        do {
            _ = try await reader.aggregators()
            // Whether somebody lives shows only in what moves.
            try? await loop.sleep(for: Self.patience)
            let report = try await reader.aggregators()
            facts.fenced = report.instances.reduce(0) { $0 + $1.beat.fenced }
            facts.partitions = report.partitions.map { standing in
                DoctorFacts.Partition(
                    number: standing.partition, owner: standing.control?.owner,
                    wasEverOwned: standing.control != nil, isStale: standing.freshness.isStale,
                    isHalted: standing.isHalted, lagEvents: standing.lagEvents,
                    lag: standing.freshness.lagMilliseconds.map { .milliseconds($0) },
                    lost: standing.control?.lost ?? 0, skew: standing.control?.skew ?? .zero)
            }
            var batch = CommandBatch()
            batch.add("TIME")
            for partition in 0..<keyspace.partitions {
                batch.add("XLEN", keyspace.rejected(partition))
                batch.add("XREVRANGE", keyspace.rejected(partition), "+", "-", "COUNT", "1")
            }
            let replies = try await asked(batch)
            let parts = replies[0].elements?.compactMap(\.number) ?? [0, 0]
            let now = Timestamp(milliseconds: Int64(parts[0]) * 1000)
            for place in facts.partitions.indices {
                facts.partitions[place].rejected = replies[1 + 2 * place].number ?? 0
                let newest = replies[2 + 2 * place].elements?.first?.elements.map(Array.init)
                guard let newest, newest.count == 2, let rejection = try? Rejection(fields: newest[1].pairs)
                else { continue }
                facts.partitions[place].lastRejection = (rejection.reason, max(.zero, now - rejection.at))
            }
        } catch {
            facts.refusals.append("how the partitions stand cannot be read (\(error))")
        }
    }

    private func contents(_ facts: inout DoctorFacts, _ keyspace: Keyspace, _ reader: StatusReader) async {
        do {
            let shelf = try await reader.pipelines()
            facts.pipelines = shelf.documents.count
            facts.pipelineProblems = shelf.problems.map(\.description)
        } catch {
            facts.refusals.append("pipelines cannot be read (\(error))")
        }
        do {
            let bulks = try await reader.allBulks().prefix(Self.bulks)
            for bulk in bulks { facts.drift += try await reader.verify(bulk).map(\.description) }
            try await lifetimes(&facts, keyspace, Array(bulks.prefix(Self.sample)))
        } catch {
            facts.refusals.append("counts and lifetimes cannot be read (\(error))")
        }
    }

    /// Open jobs have no TTL, finished ones have one.
    private func lifetimes(
        _ facts: inout DoctorFacts, _ keyspace: Keyspace, _ bulks: [BulkID]
    ) async throws(RedisError) {
        let ended = MemberScore.range(of: .completed)
        var list = CommandBatch()
        for partition in 0..<keyspace.partitions {
            list.add("ZRANGE", keyspace.active(partition), "0", "\(Self.sample - 1)")
            for bulk in bulks {
                list.add(
                    "ZRANGE", keyspace.members(partition, bulk), ended.min, ended.max, "BYSCORE", "LIMIT",
                    "0", "5")
            }
        }
        let listed = try await asked(list)
        var jobs: [(key: String, isOpen: Bool)] = []
        for (place, reply) in listed.enumerated() {
            let partition = place / (1 + bulks.count)
            for id in reply.elements?.compactMap({ $0.string.flatMap { JobID($0) } }) ?? [] {
                jobs.append((keyspace.job(partition, id), place % (1 + bulks.count) == 0))
            }
        }
        guard !jobs.isEmpty else { return }
        var ask = CommandBatch()
        for job in jobs {
            ask.add("HGET", job.key, JobField.status.name)
            ask.add("PTTL", job.key)
        }
        let told = try await asked(ask)
        for (place, job) in jobs.enumerated() {
            // What ended or was taken up since it was listed is neither.
            let status = told[2 * place].string.flatMap { JobState.Status(rawValue: $0) }
            let life = told[2 * place + 1].number ?? -2
            if job.isOpen, status?.isTerminal == false, life >= 0 { facts.expiringJobs.append(job.key) }
            if !job.isOpen, status?.isTerminal == true, life == -1 { facts.lastingJobs.append(job.key) }
        }
    }

    private func asked(_ batch: CommandBatch) async throws(RedisError) -> [RESPValue] {
        let replies = try await connection.send(batch)
        if let error = batch.firstError(in: replies) { throw error }
        return replies
    }
}
