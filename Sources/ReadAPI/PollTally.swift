/// How often jobs were asked for, by pipeline and stage: never by id, and never by more label sets than a
/// bound. Pure.
package struct PollTally: Sendable, Equatable {
    package struct Key: Sendable, Hashable, Comparable {
        package let pipeline: String
        /// The latest stage that began; empty before the first.
        package let stage: String

        package static func < (a: Key, b: Key) -> Bool { (a.pipeline, a.stage) < (b.pipeline, b.stage) }
    }

    /// Who comes later is counted as ``other``, of its pipeline while there are few of them.
    package static let keyLimit = 200
    package static let other = "other"

    package private(set) var counts: [Key: Int] = [:]
    private var others: Set<String> = []

    package init() {}

    package mutating func count(pipeline: String, stage: String?) {
        let key = Key(pipeline: pipeline, stage: stage ?? "")
        if counts[key] != nil || counts.count - others.count < Self.keyLimit {
            counts[key, default: 0] += 1
            return
        }
        let isKnown = others.contains(pipeline) || others.count < Self.keyLimit
        let name = isKnown ? pipeline : Self.other
        others.insert(name)
        counts[Key(pipeline: name, stage: Self.other), default: 0] += 1
    }
}
