package import HeadwayCore
import HeadwayWire
import Redis

/// A place among all bulks, newest first.
package struct BulkCursor: Sendable, Equatable, CustomStringConvertible {
    package let createdAt: Int64
    package let id: BulkID
    /// Bulks of this very millisecond that were given already.
    package let given: Int

    /// As of ``MemberCursor``, and read from every partition.
    private static let givenLimit = 5_000

    init(createdAt: Int64, id: BulkID, given: Int) {
        self.createdAt = createdAt
        self.id = id
        self.given = given
    }

    /// - Returns: nil unless `text` is a cursor that we could have given.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let createdAt = Int64(parts[0]), createdAt >= 0, let given = Int(parts[1]),
            1...Self.givenLimit ~= given, let id = BulkID(String(parts[2]))
        else { return nil }
        self.init(createdAt: createdAt, id: id, given: given)
    }

    package var description: String { "\(createdAt).\(given).\(id)" }
}

/// One page of all bulks, newest first.
package struct BulkPage: Sendable {
    /// Without what runs now; those that have expired are left out, so a page may be short.
    package var bulks: [BulkSnapshot] = []
    package var next: BulkCursor?
    package var freshness = Freshness.none
}

extension StatusReader {
    /// The ids of the newest bulks, newest first; some may have expired.
    ///
    /// - Complexity: O(limit × partitions); one round trip.
    func newestBulks(limit: Int) async throws(ReadError) -> [BulkID] {
        try await rows(after: nil, limit: limit).prefix(limit).map(\.id)
    }

    /// - Returns: one more than `limit` at least, when there are so many.
    private func rows(
        after cursor: BulkCursor?, limit: Int
    ) async throws(ReadError) -> [(createdAt: Int64, id: BulkID)] {
        var batch = CommandBatch()
        let depth = limit + 1 + (cursor?.given ?? 0)
        for partition in 0..<keyspace.partitions {
            batch.add(
                "ZRANGE", keyspace.bulks(partition), cursor.map { "\($0.createdAt)" } ?? "+inf", "-inf",
                "BYSCORE",
                "REV", "LIMIT", "0", "\(depth)", "WITHSCORES")
        }
        var rows: [(createdAt: Int64, id: BulkID)] = []
        for reply in try await ask(batch) {
            for (name, score) in FieldPairs(reply.elements) {
                guard let id = BulkID(bytes: name), let at = Int64(String(decoding: score, as: UTF8.self))
                else { continue }
                if let cursor, (at, id) >= (cursor.createdAt, cursor.id) { continue }
                rows.append((at, id))
            }
        }
        rows.sort { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
        return rows
    }

    /// - Parameter limit: most bulks to return, 1 or more.
    /// - Complexity: O(limit × partitions); two round trips.
    package func recentBulks(after cursor: BulkCursor? = nil, limit: Int) async throws(ReadError) -> BulkPage
    {
        let rows = try await rows(after: cursor, limit: limit)
        let cut = rows.prefix(limit)

        var page = BulkPage()
        if rows.count > limit, let last = cut.last {
            let alike = cut.reversed().prefix { $0.createdAt == last.createdAt }.count
            let before = cursor.map { $0.createdAt == last.createdAt ? $0.given : 0 } ?? 0
            page.next = BulkCursor(createdAt: last.createdAt, id: last.id, given: alike + before)
        }
        let answers = try await read(jobs: [], bulks: cut.map(\.id), current: nil)
        page.freshness = answers.freshness
        page.bulks = answers.bulks.compactMap { if case .bulk(let snapshot) = $0 { snapshot } else { nil } }
        return page
    }
}
