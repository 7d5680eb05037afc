/// What an aggregator says of itself in the hash `aggregators`: `<beat>:<partitions owned>:<leaving>`.
package struct InstanceBeat: Sendable, Equatable {
    /// Moves as long as the instance lives; judged by change, not by any clock.
    package var beat: Int64
    /// How many partitions it owns.
    package var owned: Int
    /// About to stop: nothing is to be handed to it.
    package var isLeaving: Bool

    package init(beat: Int64, owned: Int, isLeaving: Bool = false) {
        self.beat = beat
        self.owned = owned
        self.isLeaving = isLeaving
    }

    /// More parts are a later version's and are ignored.
    package init(text: ArraySlice<UInt8>) throws(WireError) {
        let parts = PackedText.parts(text, by: ":")
        guard parts.count >= 3, let beat = FieldValue.integer(parts[0], in: 0...FieldValue.greatest),
            let owned = FieldValue.integer(parts[1], in: 0...1024), let isLeaving = FieldValue.bool(parts[2])
        else { throw .unreadable("instance") }
        self.init(beat: Int64(beat), owned: owned, isLeaving: isLeaving)
    }

    package init(text: String) throws(WireError) {
        try self.init(text: ArraySlice(text.utf8))
    }

    package var text: String { "\(beat):\(owned):\(isLeaving ? 1 : 0)" }
}
