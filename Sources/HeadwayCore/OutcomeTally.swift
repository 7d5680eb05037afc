/// How jobs ended, counted for a metrics page: never by id, and never by more label sets than a bound. Counters
/// only rise.
public struct OutcomeTally: Sendable, Equatable {
    public struct Ending: Sendable, Hashable {
        public let pipeline: String
        public let status: JobState.Status

        public init(pipeline: String, status: JobState.Status) {
            self.pipeline = pipeline
            self.status = status
        }
    }

    public struct Failure: Sendable, Hashable {
        public let pipeline: String
        /// Empty before the first stage.
        public let stage: String
        /// Empty when the worker named none.
        public let code: String

        public init(pipeline: String, stage: String, code: String) {
            self.pipeline = pipeline
            self.stage = stage
            self.code = code
        }
    }

    /// Label sets of one kind; who comes later is counted as ``other``.
    public static let labelLimit = 200
    public static let other = "other"
    /// In seconds: from a tenth of one to a day.
    public static let durationBounds: [Double] = [
        0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400,
    ]
    public static let percentBounds: [Double] = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]

    public private(set) var finished: [Ending: Int64] = [:]
    /// From start to completion, in seconds, by pipeline.
    public private(set) var durations: [String: Histogram] = [:]
    public private(set) var failures: [Failure: Int64] = [:]
    /// How far failed jobs had come, by pipeline.
    public private(set) var failedPercent: [String: Histogram] = [:]
    /// `worker_lost` that was taken back, by pipeline: each of them was counted as failed before.
    public private(set) var recovered: [String: Int64] = [:]
    /// Jobs that failed because their worker was silent for too long, by pipeline; each counts in ``failures`` too.
    public private(set) var lost: [String: Int64] = [:]
    private var pipelines: Set<String> = []
    private var expected: Set<String> = []

    public init() {}

    public var isEmpty: Bool {
        finished.values.allSatisfy { $0 == 0 } && recovered.values.allSatisfy { $0 == 0 }
    }

    /// Begins to count `pipelines` at 0, so that who looks now and then sees a counter rise from there and not
    /// appear.
    public mutating func expect(_ pipelines: some Sequence<String>) {
        for name in pipelines where !expected.contains(name) {
            let pipeline = known(name)
            guard pipeline == name else { return }
            expected.insert(name)
            for status in JobState.Status.allCases where status.isTerminal {
                finished[Ending(pipeline: pipeline, status: status), default: 0] += 0
            }
            recovered[pipeline, default: 0] += 0
            lost[pipeline, default: 0] += 0
        }
    }

    /// Counts a job that has just ended; anything else is left alone.
    public mutating func count(_ job: JobState) {
        guard job.status.isTerminal else { return }
        let pipeline = known(job.pipeline.name)
        finished[Ending(pipeline: pipeline, status: job.status), default: 0] += 1
        switch job.status {
        case .completed:
            guard let startedAt = job.startedAt, let finishedAt = job.finishedAt else { return }
            let seconds = Double(max(.zero, finishedAt - startedAt).wholeMilliseconds) / 1000
            durations[pipeline, default: Histogram(bounds: Self.durationBounds)].add(seconds)
        case .failed:
            let stage = job.failure?.stage ?? job.position?.stage ?? ""
            count(Failure(pipeline: pipeline, stage: stage, code: job.failure?.code ?? ""), 1)
            if job.failure?.code == JobState.Failure.workerLost { lost[pipeline, default: 0] += 1 }
            failedPercent[pipeline, default: Histogram(bounds: Self.percentBounds)].add(Double(job.percent))
        case .queued, .running, .cancelled: break
        }
    }

    /// Counts a job whose `worker_lost` was taken back.
    public mutating func countRecovery(_ job: JobState) {
        recovered[known(job.pipeline.name), default: 0] += 1
    }

    private mutating func count(_ failure: Failure, _ number: Int64) {
        // The label sets of `other` themselves stay within the pipelines' bound.
        let isKnown = failures[failure] != nil || failures.count < Self.labelLimit
        let counted =
            isKnown ? failure : Failure(pipeline: failure.pipeline, stage: Self.other, code: Self.other)
        failures[counted, default: 0] += number
    }

    private mutating func known(_ pipeline: String) -> String {
        if pipelines.contains(pipeline) { return pipeline }
        guard pipelines.count < Self.labelLimit else { return Self.other }
        pipelines.insert(pipeline)
        return pipeline
    }
}
