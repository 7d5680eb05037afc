import HeadwayCore

/// What a worker has said of its job so far: gives each stage its attempt, and refuses words after the end. Pure.
///
/// The rules mirror the fold's: a stage that begins again, or that lies before the current one, needs a higher
/// stage attempt than it had.
struct JobCourse: Sendable, Equatable {
    enum End: String, Sendable {
        case completed, failed, cancelled
    }

    private struct Track: Sendable, Equatable {
        var attempt: Int
        var index: Int?
        /// Begun, and not taken back since.
        var isLive: Bool
    }

    private let pipeline: Pipeline
    /// Whether a stage that the job's revision lacks is the caller's mistake. It is not for a typed contract, whose
    /// latest revision has it: the job then goes on, and the aggregator counts what it refuses.
    private let isChecked: Bool
    private var tracks: [String: Track] = [:]
    private var current: String?
    private(set) var end: End?

    /// - Parameters:
    ///   - pipeline: the revision that the job follows.
    ///   - job: where an earlier worker of the same attempt stopped.
    init(pipeline: Pipeline, isChecked: Bool = true, from job: JobState? = nil) {
        self.pipeline = pipeline
        self.isChecked = isChecked
        guard let job else { return }
        current = job.position?.stage
        for record in job.stages where record.phase != .skipped || record.attempt > 1 {
            let began = record.phase == .skipped ? record.attempt - 1 : record.attempt
            let isLive = record.phase == .running || record.phase == .completed
            tracks[record.stage] = Track(
                attempt: began, index: record.stage == current ? job.position?.index : nil, isLive: isLive)
        }
    }

    /// A stage begins: who is meant, its attempt always named.
    mutating func begin(
        _ stage: String, index: Int?, of: Int?, message: String?
    ) throws(HeadwayError) -> StageMention {
        try checkOpen("begin \(stage)")
        let place = try place(of: stage, isIndexed: index != nil || of != nil)
        if let index, index < 1 || index > of ?? .max {
            throw HeadwayError(
                .invalid,
                "Index \(index) of stage \(stage) is not from 1 to \(of.map(String.init) ?? "its count").")
        }
        let attempt = attempt(of: stage, at: place, index: index)
        if isBack(place) || attempt > 1 {
            // Going back takes back what came later.
            for (name, track) in tracks where self.place(name) >= place && track.isLive {
                tracks[name]?.isLive = false
            }
        }
        tracks[stage] = Track(attempt: attempt, index: index, isLive: true)
        current = stage
        return StageMention(stage, index: index, of: of, stageAttempt: attempt, message: message)
    }

    private func attempt(of stage: String, at place: Int, index: Int?) -> Int {
        guard let track = tracks[stage] else { return isBack(place) ? 2 : 1 }
        if stage == current, let index, index > track.index ?? 0 { return track.attempt }
        // What was taken back and then passed by counts the try that did not happen.
        return track.attempt + (isBack(place) && !track.isLive ? 2 : 1)
    }

    private func isBack(_ place: Int) -> Bool { current.map { self.place($0) > place } ?? false }

    /// In the pipeline's order; a stage that it lacks lies where the job is.
    private func place(_ stage: String) -> Int {
        pipeline.position(of: stage) ?? current.flatMap { pipeline.position(of: $0) } ?? 0
    }

    private func place(of stage: String, isIndexed: Bool) throws(HeadwayError) -> Int {
        guard let place = pipeline.position(of: stage) else {
            if !isChecked { return self.place(stage) }
            let known = pipeline.stages.map(\.id).joined(separator: ", ")
            throw HeadwayError(
                .unknownStage,
                "Pipeline \(pipeline.reference) has no stage \"\(stage.prefix(40))\"; it has \(known).")
        }
        guard !isIndexed || pipeline.stages[place].isIndexed else {
            throw HeadwayError(
                .invalid,
                "Stage \(stage) of \(pipeline.reference) is not indexed: run it without an index, or write "
                    + "\"indexed\": true in its definition.")
        }
        return place
    }

    /// - Returns: whether this is the end; false when the job has ended that way already.
    mutating func finish(_ end: End) throws(HeadwayError) -> Bool {
        if self.end == end { return false }
        try checkOpen("be \(end.rawValue)")
        self.end = end
        return true
    }

    private func checkOpen(_ what: String) throws(HeadwayError) {
        guard let end else { return }
        throw HeadwayError(
            .ended, "The job has \(end.rawValue) already and cannot \(what): start a new attempt.")
    }

    /// The stage as it is called in front of people.
    func label(of stage: String) -> String {
        pipeline.position(of: stage).flatMap { pipeline.stages[$0].label } ?? stage
    }
}
