import HeadwayCore
import HeadwayWire
import Redis

extension PartitionOwner {
    /// Reads the jobs and shares that a batch needs and memory lacks; at most two round trips, none when the
    /// cache has all. Runs under the `WATCH` of the read, so a take-over in between fails the commit.
    func load(
        for batch: PartitionBatch, due: [JobID], into memory: inout PartitionMemory,
        on connection: RedisConnection
    ) async throws(Loss) {
        var jobs: [JobID] = []
        var bulks: Set<BulkID> = []
        var wanted: Set<JobID> = []
        var met: [JobSlot] = []
        func want(_ id: JobID) {
            if let slot = memory.jobs.find(id) {
                if let bulk = slot.record.bulk { bulks.insert(bulk) }
                met.append(slot)
            } else if wanted.insert(id).inserted {
                jobs.append(id)
            }
        }
        var unknownPipeline = false
        for entry in batch.entries {
            guard case .success(let event) = entry.event else { continue }
            switch event.body {
            case .job(let id, let word):
                guard keyspace.partition(of: id) == partition else { continue }
                want(id)
                guard let registration = word.registration else { continue }
                if let bulk = registration.bulk { bulks.insert(bulk) }
                if catalogs.known[registration.pipeline] == nil { unknownPipeline = true }
            case .bulk(let id, _): bulks.insert(id)
            }
        }
        due.forEach(want)

        for slot in try await load(jobs: jobs, into: &memory, on: connection) {
            met.append(slot)
            if let bulk = slot.record.bulk { bulks.insert(bulk) }
            if let pipeline = slot.record.pipeline, catalogs.known[pipeline] == nil { unknownPipeline = true }
        }
        let missing = bulks.filter { memory.shares[$0]?.mayBeGone ?? true }
        if !missing.isEmpty { try await load(shares: Array(missing), into: &memory, on: connection) }
        for slot in met where slot.record.bulk.map({ memory.shares[$0] == nil }) ?? false {
            // Counted by a share that has expired since: for the one that begins now it is new.
            slot.leaveBulk()
        }
        if unknownPipeline { try await refreshCatalog(on: connection) }
    }

    @discardableResult
    func load(
        jobs ids: [JobID], into memory: inout PartitionMemory, on connection: RedisConnection
    ) async throws(Loss) -> [JobSlot] {
        guard !ids.isEmpty else { return [] }
        var batch = CommandBatch()
        batch.reserveCapacity(ids.count * 120)
        for id in ids {
            batch.begin("HGETALL", argumentCount: 1)
            batch.append(keyspace.job(partition, id))
            batch.begin("GET", argumentCount: 1)
            batch.append(keyspace.tombstone(partition, id))
        }
        let replies = try await exchange(batch, on: connection)
        try refuseErrorsButWrongType(in: replies, of: batch)
        var slots: [JobSlot] = []
        slots.reserveCapacity(ids.count)
        for (index, id) in ids.enumerated() {
            let slot = slot(of: id, replies[2 * index], replies[2 * index + 1])
            slots.append(slot)
            memory.jobs.insert(slot)
            if slot.standing != nil, memory.leftOut.remove(id) != nil { memory.isCensusDoubtful = true }
        }
        return slots
    }

    /// A key of another type is that one job's trouble, as a field that cannot be read is: the caller looks for it.
    ///
    /// - Parameter replies: each of one job's key, none of them an `EXEC`'s.
    func refuseErrorsButWrongType(in replies: [RESPValue], of batch: CommandBatch) throws(Loss) {
        for (index, reply) in replies.enumerated() where !reply.isWrongType {
            guard let text = reply.error else { continue }
            try refuse(.refusal(text, command: batch.name(at: index)))
        }
    }

    private func slot(of id: JobID, _ hash: RESPValue, _ tombstone: RESPValue) -> JobSlot {
        let keys = [keyspace.job(partition, id), keyspace.tombstone(partition, id)]
        for (key, reply) in zip(keys, [hash, tombstone]) where reply.isWrongType {
            return quarantine(id, "\(key) is of another type")
        }
        do {
            let slot = JobSlot(
                id: id, record: try JobRecord(id: id, job: hash.pairs, tombstone: tombstone.bytes))
            quarantined.remove(id)
            stats.quarantined = Int64(quarantined.count)
            return slot
        } catch {
            return quarantine(id, "\(keys[0]) is not readable: \(error)")
        }
    }

    /// One job that cannot be read is no reason to keep all others of the partition waiting: its words are refused,
    /// with their fields, and nothing of it is written until somebody has mended what is stored. Its bulk counts
    /// it as it was counted last.
    private func quarantine(_ id: JobID, _ reason: String) -> JobSlot {
        if quarantined.count < Self.quarantineLimit, quarantined.insert(id).inserted {
            notify(.quarantined(partition: partition, reason: reason))
        }
        stats.quarantined = Int64(quarantined.count)
        unreadable.append(id)
        return JobSlot(unreadable: id, reason)
    }

    /// Slots of jobs that cannot be read do not outlive the commit: what was mended is noticed with the next word.
    func forgetQuarantined(_ memory: inout PartitionMemory) {
        for id in unreadable { memory.jobs.forget(id) }
        unreadable = []
    }

    func load(
        shares ids: [BulkID], into memory: inout PartitionMemory, on connection: RedisConnection
    ) async throws(Loss) {
        guard !ids.isEmpty else { return }
        var batch = CommandBatch()
        for id in ids { batch.add("HGETALL", keyspace.bulk(partition, id)) }
        let replies = try await exchange(batch, on: connection)
        try refuseErrors(in: replies, of: batch)
        for (id, reply) in zip(ids, replies) {
            guard let elements = reply.elements, elements.count > 0 else {
                memory.shares[id] = nil
                continue
            }
            do {
                let share = try BulkShare(id: id, fields: elements.pairs)
                let slot = ShareSlot(share: share, isStored: true)
                memory.shares[id] = slot
                memory.noteSweeps(of: [slot])
            } catch {
                throw .halted("\(keyspace.bulk(partition, id)) is not readable: \(error)")
            }
        }
    }
}

extension RESPValue {
    var isWrongType: Bool { error?.hasPrefix("WRONGTYPE") ?? false }
}

extension JobRecord {
    var bulk: BulkID? {
        switch self {
        case .job(let job): job.bulk
        case .expired(let tombstone): tombstone.bulk
        case .unknown, .placeholder: nil
        }
    }

    var pipeline: Pipeline.Reference? {
        switch self {
        case .job(let job): job.pipeline
        case .expired(let tombstone): tombstone.pipeline
        case .unknown, .placeholder: nil
        }
    }
}
