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

    public private(set) var sketches: [Key: DurationSketch]

    public init(_ sketches: [Key: DurationSketch] = [:]) { self.sketches = sketches }

    public subscript(pipeline: String, stage: String?) -> DurationSketch? {
        get { sketches[Key(pipeline: pipeline, stage: stage)] }
        set { sketches[Key(pipeline: pipeline, stage: stage)] = newValue }
    }

    public mutating func add(_ sample: Duration, pipeline: String, stage: String?) {
        sketches[Key(pipeline: pipeline, stage: stage), default: DurationSketch()].add(sample)
    }

    public static func + (a: Self, b: Self) -> Self {
        DurationBook(a.sketches.merging(b.sketches) { $0 + $1 })
    }
}
