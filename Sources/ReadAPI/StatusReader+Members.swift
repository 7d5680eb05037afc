package import HeadwayCore
import HeadwayWire
import Redis

extension StatusReader {
    /// A page of a bulk's members, in three round trips at most.
    ///
    /// - Parameters:
    ///   - status: only members in this status; nil is all.
    ///   - cursor: the `next` of the page before; nil for the first.
    ///   - limit: most members to return, 1 or more.
    /// - Returns: nil when there is no such bulk.
    /// - Complexity: O(limit + partitions), whatever the size of the bulk.
    package func members(
        of bulk: BulkID, status: JobState.Status? = nil, after cursor: MemberCursor? = nil, limit: Int
    ) async throws(ReadError) -> MemberPage? {
        let band = status.map { MemberScore.range(of: $0) } ?? (min: "0", max: "+inf")
        let first = cursor?.partition ?? 0
        let later = first..<keyspace.partitions
        let from = cursor.map { "\(max($0.score, Int64(band.min) ?? 0))" } ?? band.min

        var batch = CommandBatch()
        let all = Array(0..<keyspace.partitions)
        PartitionSight.ask(of: all, keyspace, into: &batch)
        for partition in all { batch.add("EXISTS", keyspace.bulk(partition, bulk)) }
        for partition in later {
            let low = partition == first ? from : band.min
            batch.add("ZCOUNT", keyspace.members(partition, bulk), low, band.max)
        }
        range(of: bulk, first, from, band.max, limit + (cursor?.given ?? 0), into: &batch)
        let replies = try await ask(batch)

        var page = MemberPage()
        page.freshness = try sight(replies, of: all).freshness(of: all)
        var place = PartitionSight.replies(for: all)
        guard replies[place..<place + all.count].contains(where: { $0.integer == 1 }) else { return nil }
        place += all.count
        var counts: [Int: Int] = [:]
        for partition in later {
            counts[partition] = replies[place].integer ?? 0
            place += 1
        }
        var rows = MemberRows(limit: limit, after: cursor)
        rows.take(replies[place], of: first)

        // The partitions behind, as far as the page needs them.
        var wanted: [Int] = []
        var expected = rows.count
        for partition in later.dropFirst() where expected < limit {
            guard let count = counts[partition], count > 0 else { continue }
            wanted.append(partition)
            expected += count
        }
        if !wanted.isEmpty {
            var batch = CommandBatch()
            for partition in wanted { range(of: bulk, partition, band.min, band.max, limit, into: &batch) }
            let replies = try await ask(batch)
            for (reply, partition) in zip(replies, wanted) { rows.take(reply, of: partition) }
        }
        let total = counts.values.reduce(0, +) - (cursor?.given ?? 0)
        page.next = rows.count == limit && total > rows.count ? rows.last : nil
        let answers = try await jobs(rows.ids)
        page.members = zip(rows.rows, answers).map {
            MemberPage.Member(id: $0.id, status: $0.status, answer: $1)
        }
        return page
    }

    /// The queued member that was queued first; nil when none is. One round trip, O(partitions).
    func oldestQueued(in bulk: BulkID) async throws(ReadError) -> BulkBlocker.Waiting? {
        let band = MemberScore.range(of: .queued)
        var batch = CommandBatch()
        for partition in 0..<keyspace.partitions {
            range(of: bulk, partition, band.min, band.max, 1, into: &batch)
        }
        var oldest: BulkBlocker.Waiting?
        for reply in try await ask(batch) {
            for (name, text) in FieldPairs(reply.elements) {
                guard let id = JobID(bytes: name), let score = MemberScore(text) else { continue }
                let found = BulkBlocker.Waiting(id: id, since: score.at)
                guard let known = oldest else {
                    oldest = found
                    continue
                }
                if (found.since, found.id) < (known.since, known.id) { oldest = found }
            }
        }
        return oldest
    }

    private func range(
        of bulk: BulkID, _ partition: Int, _ low: String, _ high: String, _ limit: Int,
        into batch: inout CommandBatch
    ) {
        batch.add(
            "ZRANGE", keyspace.members(partition, bulk), low, high, "BYSCORE", "LIMIT", "0", "\(limit)",
            "WITHSCORES")
    }
}

/// Cuts a page out of what the partitions answered, in order.
struct MemberRows {
    struct Row {
        let id: JobID
        let status: JobState.Status
    }

    let limit: Int
    let cursor: MemberCursor?
    private(set) var rows: [Row] = []
    private(set) var last: MemberCursor?

    init(limit: Int, after cursor: MemberCursor?) {
        self.limit = limit
        self.cursor = cursor
        last = cursor
    }

    var count: Int { rows.count }
    var ids: [JobID] { rows.map(\.id) }

    mutating func take(_ reply: RESPValue, of partition: Int) {
        for (name, text) in FieldPairs(reply.elements) {
            guard rows.count < limit else { return }
            guard let id = JobID(bytes: name), let score = MemberScore(text) else { continue }
            if let cursor, cursor.partition == partition, !cursor.isBefore(score.value, id) { continue }
            let given = last.flatMap { $0.partition == partition && $0.score == score.value ? $0.given : nil }
            last = MemberCursor(partition: partition, score: score.value, id: id, given: (given ?? 0) + 1)
            rows.append(Row(id: id, status: score.status))
        }
    }
}
