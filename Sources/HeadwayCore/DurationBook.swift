/// How long the stages of each pipeline took, as far as somebody counted.
///
/// Kept by pipeline name, over its revisions: a changed range or label does not make a stage faster.
public struct DurationBook: Sendable, Equatable {
    public struct Key: Sendable, Hashable, Comparable {
        public let pipeline: String
        /// Nil: the whole job, from its start to its completion.
        public let stage: String?
        /// Not how long it took, but when half of its progress was told, as if the stage had taken a second.
        public let isHalf: Bool

        public init(pipeline: String, stage: String?, isHalf: Bool = false) {
            self.pipeline = pipeline
            self.stage = stage
            self.isHalf = isHalf
        }

        public static func < (a: Self, b: Self) -> Bool {
            (a.pipeline, a.stage ?? "", a.isHalf ? 1 : 0) < (b.pipeline, b.stage ?? "", b.isHalf ? 1 : 0)
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

    /// When half of the stage's progress was told, as if it had taken a second; nil without samples.
    public func half(of stage: String, in pipeline: String) -> DurationSketch? {
        sketches[Key(pipeline: pipeline, stage: stage, isHalf: true)]
    }

    /// When one sketch of a pipeline is halved all of it are, so that counts of one pipeline can be compared:
    /// how often an optional stage happens is such a comparison.
    ///
    /// - Returns: the keys whose sketches changed; none when there is no room for another one.
    @discardableResult
    public mutating func add(_ sample: Duration, pipeline: String, stage: String?, isHalf: Bool = false)
        -> [Key]
    {
        let key = Key(pipeline: pipeline, stage: stage, isHalf: isHalf)
        guard sketches.count < Self.capacity || sketches[key] != nil else { return [] }
        let before = sketches[key]?.count ?? 0
        sketches[key, default: DurationSketch()].add(sample)
        guard sketches[key].map({ $0.count <= before }) ?? false else { return [key] }
        let others = sketches.keys.filter { $0.pipeline == pipeline && $0 != key }
        for other in others { sketches[other]?.halve() }
        return [key] + others
    }

    public static func + (a: Self, b: Self) -> Self {
        DurationBook(a.sketches.merging(b.sketches) { $0 + $1 })
    }
}
