/// How long a stage usually takes, as the partition's history says when a try of it begins.
public struct UsualDuration: Sendable, Equatable {
    /// Half of all took at most this.
    public var median: Duration
    /// 95 of 100 took at most this.
    public var p95: Duration

    /// Samples before anything is called usual.
    public static let fewestSamples = 20
    /// Nothing is called slow before: a moment more is nobody's business.
    public static let shortestSlow = Duration.seconds(1)

    public init(median: Duration, p95: Duration) {
        self.median = median
        self.p95 = p95
    }

    /// From when on the stage is slow, counted from its start.
    public var slowAfter: Duration { max(p95, Self.shortestSlow) }
}

extension DurationSketch {
    /// Nil while there are too few samples.
    public var usual: UsualDuration? {
        guard count >= UsualDuration.fewestSamples, let median = quantile(0.5), let p95 = quantile(0.95)
        else {
            return nil
        }
        return UsualDuration(median: median, p95: p95)
    }
}

/// How long something took that has just been completed.
public struct DurationSample: Sendable, Equatable {
    /// Nil: the whole job, from the start of its attempt to its completion.
    public var stage: String?
    public var duration: Duration
    /// As of ``DurationBook/Key``.
    public var isHalf: Bool

    public init(stage: String?, duration: Duration, isHalf: Bool = false) {
        self.stage = stage
        self.duration = duration
        self.isHalf = isHalf
    }
}
