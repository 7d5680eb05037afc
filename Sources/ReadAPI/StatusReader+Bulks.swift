import HeadwayCore
import HeadwayWire
import Redis

/// A bulk's shares as one round trip brought them.
struct BulkTally {
    let id: BulkID
    var shares: [BulkShare] = []
    /// Each partition's share version, 0 where there is none.
    var versions: [Int64]
    /// Running members, the longest in that state first; at most as many as were asked for.
    var running: [JobID] = []
}

extension StatusReader {
    /// Per partition: the share, and of its running members the first few.
    func ask(forBulk id: BulkID, current: Int?, into batch: inout CommandBatch) {
        for partition in 0..<keyspace.partitions {
            batch.begin("HGETALL", argumentCount: 1)
            batch.append(keyspace.bulk(partition, id))
            guard let current else { continue }
            let band = MemberScore.range(of: .running)
            batch.begin("ZRANGE", argumentCount: 8)
            batch.append(keyspace.members(partition, id))
            batch.append(band.min)
            batch.append(band.max)
            batch.append("BYSCORE")
            batch.append("LIMIT")
            batch.append(0)
            batch.append(current)
            batch.append("WITHSCORES")
        }
    }

    func tally(
        of id: BulkID, current: Int?, _ replies: [RESPValue], _ place: inout Int
    ) throws(ReadError) -> BulkTally {
        var tally = BulkTally(id: id, versions: [Int64](repeating: 0, count: keyspace.partitions))
        var running: [(score: MemberScore, id: JobID)] = []
        for partition in 0..<keyspace.partitions {
            if let elements = replies[place].elements, elements.count > 0 {
                do {
                    let share = try BulkShare(id: id, fields: elements.pairs)
                    tally.shares.append(share)
                    tally.versions[partition] = share.version
                } catch {
                    throw .unreadable(key: keyspace.bulk(partition, id), detail: error.description)
                }
            }
            place += 1
            guard current != nil else { continue }
            for (name, score) in replies[place].elements?.pairs ?? FieldPairs.none {
                guard let id = JobID(bytes: name), let score = MemberScore(score) else { continue }
                running.append((score, id))
            }
            place += 1
        }
        running.sort { ($0.score, $0.id) < ($1.score, $1.id) }
        tally.running = running.prefix(current ?? 0).map(\.id)
        return tally
    }

    func answer(
        _ tally: BulkTally, _ epoch: String, _ freshness: Freshness, _ states: [JobID: JobState],
        _ wantsCurrent: Bool, _ sight: PartitionSight
    ) -> BulkAnswer {
        guard !tally.shares.isEmpty else { return .unknown(tally.id, epoch: epoch, freshness) }
        if tally.shares.allSatisfy({ $0.home == nil }),
            tally.shares.contains(where: { $0.settledGeneration != nil })
        {
            return .expired(tally.id, epoch: epoch, version: tally.versions.reduce(0, &+), freshness)
        }
        let current = tally.running.compactMap { id -> JobSnapshot? in
            // One that ended in between is not running: the next answer counts it.
            guard let state = states[id], state.status == .running else { return nil }
            let partition = keyspace.partition(of: id)
            let seen = sight[partition]
            let pipeline = catalog[state.pipeline]
            let now = sight.time(of: partition)
            return JobSnapshot(
                state: state, pipeline: pipeline, epoch: seen.epoch, freshness: seen.freshness, readAt: now,
                outlook: estimators.shown(state, pipeline, at: now, isStale: seen.freshness.isStale))
        }
        let summary = BulkSummary(id: tally.id, shares: tally.shares)
        let now = sight.redisTime
        let outlook = estimators.shown(
            summary, running: wantsCurrent ? current.map { ($0.state, $0.pipeline) } : nil, at: now,
            isStale: freshness.isStale)
        return .bulk(
            BulkSnapshot(
                summary: summary, current: wantsCurrent ? current : nil,
                epoch: epoch, freshness: freshness, readAt: now, outlook: outlook))
    }
}
