package import HeadwayCore

/// One page of a bulk's members.
package struct MemberPage: Sendable {
    package struct Member: Sendable, Equatable {
        package let id: JobID
        /// As the bulk counts it: membership outlives the job's own record.
        package let status: JobState.Status
        /// Read a moment after the page was cut, so its status may be newer.
        package let answer: JobAnswer
    }

    package var members: [Member] = []
    /// Where the next page begins; nil after the last one.
    package var next: MemberCursor?
    package var freshness = Freshness.none
}

/// A place in a bulk's members: partition by partition, and within one by status, then by when a member
/// entered that status, then by id.
///
/// A member that stays where it is comes exactly once; one that moves on while pages are read may come again
/// further down, and one that goes back to an earlier status (a retry) may be missed.
package struct MemberCursor: Sendable, Equatable, CustomStringConvertible {
    package let partition: Int
    package let score: Int64
    package let id: JobID
    /// Members with this score in this partition that were given already: what the next page reads past.
    package let given: Int

    /// What a cursor may make us read past: many times the members that can enter a status within one
    /// millisecond, and little enough that a forged one costs nobody else anything.
    private static let givenLimit = 20_000

    init(partition: Int, score: Int64, id: JobID, given: Int) {
        self.partition = partition
        self.score = score
        self.id = id
        self.given = given
    }

    /// - Returns: nil unless `text` is a cursor that this keyspace could have given.
    package init?(_ text: String, partitions: Int) {
        let parts = text.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let partition = Int(parts[0]), 0..<partitions ~= partition,
            let score = Int64(parts[1]), score >= 0, let given = Int(parts[2]), 1...Self.givenLimit ~= given,
            let id = JobID(String(parts[3]))
        else { return nil }
        self.init(partition: partition, score: score, id: id, given: given)
    }

    package var description: String { "\(partition).\(score).\(given).\(id)" }

    func isBefore(_ score: Int64, _ id: JobID) -> Bool { (self.score, self.id) < (score, id) }
}
