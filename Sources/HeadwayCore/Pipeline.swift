/// The typed contract of a kind of job: its ordered stages and their rules.
///
/// A revision never changes once it is written; a job keeps the one it was created with.
public struct Pipeline: Sendable, Equatable {
    /// Names one revision; on the wire `name@revision`.
    public struct Reference: Sendable, Hashable, CustomStringConvertible {
        public let name: String
        /// From 1.
        public let revision: Int

        public init(name: String, revision: Int) {
            self.name = name
            self.revision = revision
        }

        public var description: String { "\(name)@\(revision)" }
    }

    public struct Stage: Sendable, Equatable {
        public let id: String
        public let label: String?
        /// What the stage owns of the overall percent; lower ≤ upper, ascending over the stages.
        public let start: Fraction
        public let end: Fraction
        public let isOptional: Bool
        /// Repeated: page 2 of 8.
        public let isIndexed: Bool
        /// Legitimately says nothing for long: never judged as stalled.
        public let isQuiet: Bool
        /// Overrides the pipeline's.
        public let stallAfter: Duration?
        /// Shown when the worker gave no message; `{index}`, `{of}` and `{label}` are filled in.
        public let message: String?

        public init(
            id: String, label: String? = nil, start: Fraction, end: Fraction, isOptional: Bool = false,
            isIndexed: Bool = false, isQuiet: Bool = false, stallAfter: Duration? = nil,
            message: String? = nil
        ) {
            self.id = id
            self.label = label
            self.start = start
            self.end = end
            self.isOptional = isOptional
            self.isIndexed = isIndexed
            self.isQuiet = isQuiet
            self.stallAfter = stallAfter
            self.message = message
        }
    }

    public struct Retention: Sendable, Equatable {
        /// How long a finished job stays readable.
        public var finished: Duration
        /// How long an open job that nobody feeds may stay before it is ended as `abandoned`.
        public var abandoned: Duration

        public init(finished: Duration = .seconds(24 * 3600), abandoned: Duration = .seconds(7 * 24 * 3600)) {
            self.finished = finished
            self.abandoned = abandoned
        }
    }

    public let reference: Reference
    public let stages: [Stage]
    /// How often a worker says that it lives.
    public let heartbeat: Duration
    /// Alive but not moving for this long: stalled.
    public let stallAfter: Duration
    /// Silent for this long: lost.
    public let lostAfter: Duration
    /// Asked to cancel and no end told for this long: we end it.
    public let cancelAfter: Duration
    /// 1 or more.
    public let maxAttempts: Int
    /// Refuses what is otherwise only counted: skipping a mandatory stage.
    public let isStrict: Bool
    public let retention: Retention
    private let positions: [String: Int]

    /// - Parameter stages: valid by ``PipelineProblem``'s rules; the first of two equal ids wins.
    public init(
        reference: Reference, stages: [Stage], heartbeat: Duration = .seconds(15),
        stallAfter: Duration = .seconds(120), lostAfter: Duration = .seconds(600),
        cancelAfter: Duration = .seconds(60), maxAttempts: Int = 1, isStrict: Bool = false,
        retention: Retention = Retention()
    ) {
        self.reference = reference
        self.stages = stages
        self.heartbeat = heartbeat
        self.stallAfter = stallAfter
        self.lostAfter = lostAfter
        self.cancelAfter = cancelAfter
        self.maxAttempts = maxAttempts
        self.isStrict = isStrict
        self.retention = retention
        positions = Dictionary(
            stages.indices.map { (stages[$0].id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public var name: String { reference.name }

    /// The stage's place in ``stages``.
    public func position(of stage: String) -> Int? { positions[stage] }
}

/// The pipelines that are known here.
public struct PipelineCatalog: Sendable, Equatable {
    private var revisions: [String: [Int: Pipeline]] = [:]

    public init(_ pipelines: some Sequence<Pipeline> = []) {
        for pipeline in pipelines { add(pipeline) }
    }

    public mutating func add(_ pipeline: Pipeline) {
        revisions[pipeline.name, default: [:]][pipeline.reference.revision] = pipeline
    }

    public subscript(reference: Pipeline.Reference) -> Pipeline? {
        revisions[reference.name]?[reference.revision]
    }

    /// The highest revision of `name`.
    public func latest(_ name: String) -> Pipeline? {
        revisions[name].flatMap { revisions in revisions.keys.max().flatMap { revisions[$0] } }
    }

    /// Each name's latest revision, by name.
    public var latest: [Pipeline] {
        revisions.keys.sorted().compactMap { latest($0) }
    }
}

/// What an event says of its pipeline: `article` (the latest revision) or `article@3`.
public struct PipelineName: Sendable, Hashable, CustomStringConvertible {
    public let name: String
    public let revision: Int?

    public init(name: String, revision: Int? = nil) {
        self.name = name
        self.revision = revision
    }

    /// - Returns: nil unless `text` is an identifier, or one with `@` and a revision from 1.
    public init?(_ text: String) {
        guard isIdentifier(text.utf8) else { return nil }
        guard let at = text.lastIndex(of: "@") else {
            self.init(name: text)
            return
        }
        guard let revision = Int(text[text.index(after: at)...]), revision >= 1, at > text.startIndex,
            !text[..<at].contains("@")
        else { return nil }
        self.init(name: String(text[..<at]), revision: revision)
    }

    public var description: String { revision.map { "\(name)@\($0)" } ?? name }
}

extension PipelineCatalog {
    public subscript(name: PipelineName) -> Pipeline? {
        guard let revision = name.revision else { return latest(name.name) }
        return self[Pipeline.Reference(name: name.name, revision: revision)]
    }
}
