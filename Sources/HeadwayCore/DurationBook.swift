/// How long the stages of each pipeline took, as far as somebody counted.
///
/// Kept by pipeline name, over its revisions: a changed range or label does not make a stage faster.
public struct DurationBook: Sendable, Equatable {
    public struct Key: Sendable, Hashable, Comparable {
        public let pipeline: String
        /// Nil: the whole job, from its start to its completion.
        public let stage: String?

        public init(pipeline: String, stage: String?) {
            self.pipeline = pipeline
            self.stage = stage
        }

        public static func < (a: Self, b: Self) -> Bool {
            (a.pipeline, a.stage ?? "") < (b.pipeline, b.stage ?? "")
        }
    }

    /// Most sketches that ``add(_:pipeline:stage:)`` keeps; further stages are not counted.
    public static let capacity = 5_000

    public private(set) var sketches: [Key: DurationSketch]

    public init(_ sketches: [Key: DurationSketch] = [:]) { self.sketches = sketches }

    public subscript(pipeline: String, stage: String?) -> DurationSketch? {
        get { sketches[Key(pipeline: pipeline, stage: stage)] }
        set { sketches[Key(pipeline: pipeline, stage: stage)] = newValue }
    }

    /// - Returns: the key whose sketch changed; nil when there is no room for another one.
    @discardableResult
    public mutating func add(_ sample: Duration, pipeline: String, stage: String?) -> Key? {
        let key = Key(pipeline: pipeline, stage: stage)
        guard sketches.count < Self.capacity || sketches[key] != nil else { return nil }
        sketches[key, default: DurationSketch()].add(sample)
        return key
    }

    public static func + (a: Self, b: Self) -> Self {
        DurationBook(a.sketches.merging(b.sketches) { $0 + $1 })
    }
}
