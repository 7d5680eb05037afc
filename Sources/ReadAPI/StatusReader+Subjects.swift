package import HeadwayCore
import HeadwayWire
import Redis

extension StatusReader {
    /// What one question about many subjects brought.
    package struct Answers: Sendable {
        /// In the order asked.
        package var jobs: [JobAnswer] = []
        package var bulks: [BulkAnswer] = []
        /// Per bulk, each partition's share version, 0 where there is none: what notices are compared with.
        var shareVersions: [[Int64]] = []
        /// Per partition, "" where nobody has ever owned it, or where it was not looked at.
        var epochs: [String] = []
        /// Per partition, its commit when it was looked at, just before the rest was read.
        var commits: [Int64] = []
        /// Of everything together.
        package var freshness = Freshness.none
    }

    /// What is known of each bulk, in the order asked.
    ///
    /// - Parameters:
    ///   - ids: each costs a lookup in every partition.
    ///   - current: how many running members to show of each, nil for none; when there are any, they cost a
    ///     second round trip.
    package func bulks(_ ids: [BulkID], current: Int? = 10) async throws(ReadError) -> [BulkAnswer] {
        try await read(jobs: [], bulks: ids, current: current).bulks
    }

    /// Jobs and bulks together: one round trip, and a second one when running members are asked for.
    package func read(
        jobs: [JobID], bulks: [BulkID], current: Int?
    ) async throws(ReadError) -> Answers {
        let homes = jobs.map { keyspace.partition(of: $0) }
        let partitions = touched(homes, all: !bulks.isEmpty)
        var batch = CommandBatch()
        batch.reserveCapacity(256 + jobs.count * 120 + bulks.count * keyspace.partitions * 160)
        PartitionSight.ask(of: partitions, keyspace, into: &batch)
        for (id, partition) in zip(jobs, homes) { Self.ask(for: id, partition, keyspace, into: &batch) }
        for id in bulks { ask(forBulk: id, current: current, into: &batch) }

        let replies = try await ask(batch)
        let sight = try sight(replies, of: partitions)
        var place = PartitionSight.replies(for: partitions)
        var records: [JobRecord] = []
        records.reserveCapacity(jobs.count)
        for (id, partition) in zip(jobs, homes) {
            records.append(try record(of: id, partition, replies[place], replies[place + 1]))
            place += 2
        }
        var tallies: [BulkTally] = []
        tallies.reserveCapacity(bulks.count)
        for id in bulks { tallies.append(try tally(of: id, current: current, replies, &place)) }

        var running: [JobID: JobState] = [:]
        if current != nil { running = try await states(of: tallies.flatMap(\.running)) }
        if records.contains(where: {
            if case .job(let state) = $0 { !state.status.isTerminal } else { false }
        })
            || !tallies.isEmpty
        {
            await learnDurations()
        }
        await learn(
            records.lazy.compactMap { if case .job(let state) = $0 { state.pipeline } else { nil } }
                + running.values.map(\.pipeline))

        var answers = Answers()
        answers.epochs = (0..<keyspace.partitions).map { sight[$0].epoch }
        answers.commits = (0..<keyspace.partitions).map { sight[$0].control?.commit ?? 0 }
        answers.freshness = sight.freshness(of: partitions)
        answers.jobs.reserveCapacity(jobs.count)
        for (place, id) in jobs.enumerated() {
            answers.jobs.append(answer(id, records[place], homes[place], sight))
        }
        let epoch = bulks.isEmpty ? "" : BulkEpoch.joined(answers.epochs)
        for tally in tallies {
            answers.bulks.append(answer(tally, epoch, answers.freshness, running, current != nil, sight))
            answers.shareVersions.append(tally.versions)
        }
        return answers
    }

    /// Ascending, each once.
    private func touched(_ homes: [Int], all: Bool) -> [Int] {
        if all { return Array(0..<keyspace.partitions) }
        if homes.count == 1 { return homes }
        var isTouched = [Bool](repeating: false, count: keyspace.partitions)
        for home in homes { isTouched[home] = true }
        return isTouched.indices.filter { isTouched[$0] }
    }

    /// The jobs among `ids` that still have a hash, and one that can be read: one round trip, none when there are no
    /// ids. A member that cannot be read is no reason to show nothing of its bulk; asked for by itself it is an error.
    private func states(of ids: [JobID]) async throws(ReadError) -> [JobID: JobState] {
        guard !ids.isEmpty else { return [:] }
        var batch = CommandBatch()
        for id in ids {
            batch.begin("HGETALL", argumentCount: 1)
            batch.append(keyspace.job(keyspace.partition(of: id), id))
        }
        let replies: [RESPValue]
        do throws(RedisError) {
            replies = try await client.send(batch)
        } catch {
            throw .redis(error)
        }
        var states: [JobID: JobState] = [:]
        for (id, reply) in zip(ids, replies) {
            if let error = reply.error {
                // A key of another type is that member's trouble.
                if error.hasPrefix("WRONGTYPE") { continue }
                throw .redis(RedisError.refusal(error, command: "HGETALL"))
            }
            guard let elements = reply.elements, elements.count > 0 else { continue }
            if case .job(let state)? = try? JobRecord(id: id, job: elements.pairs, tombstone: nil) {
                states[id] = state
            }
        }
        return states
    }
}
