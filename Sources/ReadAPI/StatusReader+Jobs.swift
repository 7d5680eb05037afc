package import HeadwayCore
import HeadwayWire
import Redis

extension StatusReader {
    /// What is known of each id, in the order asked, in one round trip.
    ///
    /// - Parameter ids: any number; each costs Redis two lookups, each partition touched two more.
    /// - Throws: ``ReadError``.
    package func jobs(_ ids: [JobID]) async throws(ReadError) -> [JobAnswer] {
        try await read(jobs: ids, bulks: [], current: nil).jobs
    }

    /// As ``jobs(_:)``, for one: the hot path of a poll.
    package func job(_ id: JobID) async throws(ReadError) -> JobAnswer {
        let partition = keyspace.partition(of: id)
        var batch = CommandBatch()
        batch.reserveCapacity(512)
        PartitionSight.ask(of: [partition], keyspace, into: &batch)
        Self.ask(for: id, partition, keyspace, into: &batch)
        let replies = try await ask(batch)
        let sight = try sight(replies, of: [partition])
        let record = try record(of: id, partition, replies[3], replies[4])
        if case .job(let state) = record {
            await learn(CollectionOfOne(state.pipeline))
            if !state.status.isTerminal { await learnDurations() }
        }
        return answer(id, record, partition, sight)
    }

    /// The revision that a job keeps to; nil when there is no such job or nobody can read its pipeline.
    ///
    /// One lookup, and a look at the pipelines when it is not known: no more than a worker's rights allow.
    package func pipeline(of id: JobID) async throws(ReadError) -> Pipeline? {
        var batch = CommandBatch()
        batch.add("HGET", keyspace.job(keyspace.partition(of: id), id), JobField.pipeline.name)
        guard let text = try await ask(batch)[0].string, let reference = Pipeline.Reference(text: text) else {
            return nil
        }
        await learn(CollectionOfOne(reference))
        return catalog[reference]
    }

    static func ask(for id: JobID, _ partition: Int, _ keyspace: Keyspace, into batch: inout CommandBatch) {
        batch.begin("HGETALL", argumentCount: 1)
        batch.append(keyspace.job(partition, id))
        batch.begin("GET", argumentCount: 1)
        batch.append(keyspace.tombstone(partition, id))
    }

    func record(
        of id: JobID, _ partition: Int, _ image: RESPValue, _ tombstone: RESPValue
    ) throws(ReadError) -> JobRecord {
        do {
            guard let elements = image.elements, elements.count > 0 else {
                return try tombstone.bytes.map { .expired(try JobRecord.Tombstone(text: $0)) } ?? .unknown
            }
            return try JobRecord(id: id, job: elements.pairs, tombstone: tombstone.bytes)
        } catch {
            throw .unreadable(key: keyspace.job(partition, id), detail: "\(error)")
        }
    }

    func answer(_ id: JobID, _ record: JobRecord, _ partition: Int, _ sight: PartitionSight) -> JobAnswer {
        let seen = sight[partition]
        switch record {
        case .job(let state):
            let pipeline = catalog[state.pipeline]
            let now = sight.time(of: partition)
            return .job(
                JobSnapshot(
                    state: state, pipeline: pipeline, epoch: seen.epoch, freshness: seen.freshness,
                    readAt: now,
                    outlook: estimators.shown(state, pipeline, at: now, isStale: seen.freshness.isStale)))
        case .expired(let tombstone):
            return .expired(id, tombstone, epoch: seen.epoch, seen.freshness)
        case .unknown, .placeholder:
            return .unknown(id, epoch: seen.epoch, seen.freshness)
        }
    }
}
