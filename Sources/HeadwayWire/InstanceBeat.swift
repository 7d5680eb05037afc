/// What an aggregator says of itself in the hash `aggregators`:
/// `<beat>:<partitions owned>:<leaving>:<commits>:<fenced>:<duplicates>`.
package struct InstanceBeat: Sendable, Equatable {
    /// Moves as long as the instance lives; judged by change, not by any clock.
    package var beat: Int64
    /// How many partitions it owns.
    package var owned: Int
    /// About to stop: nothing is to be handed to it.
    package var isLeaving: Bool
    /// Since the instance started.
    package var commits: Int64
    /// Commits that were refused because another instance had taken the partition.
    package var fenced: Int64
    /// Events that came again and were dropped.
    package var duplicates: Int64

    package init(
        beat: Int64, owned: Int, isLeaving: Bool = false, commits: Int64 = 0, fenced: Int64 = 0,
        duplicates: Int64 = 0
    ) {
        self.beat = beat
        self.owned = owned
        self.isLeaving = isLeaving
        self.commits = commits
        self.fenced = fenced
        self.duplicates = duplicates
    }

    /// More parts are a later version's and are ignored.
    package init(text: ArraySlice<UInt8>) throws(WireError) {
        let parts = PackedText.parts(text, by: ":")
        guard parts.count >= 3, let beat = FieldValue.integer(parts[0], in: 0...FieldValue.greatest),
            let owned = FieldValue.integer(parts[1], in: 0...1024), let isLeaving = FieldValue.bool(parts[2])
        else { throw .unreadable("instance") }
        func counter(_ place: Int) -> Int64 {
            guard parts.count > place else { return 0 }
            return Int64(FieldValue.integer(parts[place], in: 0...FieldValue.greatest) ?? 0)
        }
        self.init(
            beat: Int64(beat), owned: owned, isLeaving: isLeaving, commits: counter(3), fenced: counter(4),
            duplicates: counter(5))
    }

    package init(text: String) throws(WireError) {
        try self.init(text: ArraySlice(text.utf8))
    }

    package var text: String {
        "\(beat):\(owned):\(isLeaving ? 1 : 0):\(commits):\(fenced):\(duplicates)"
    }
}
