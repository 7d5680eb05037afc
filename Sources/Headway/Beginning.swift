import HeadwayCore

/// Decides which attempt a start is, and whether it goes on with an earlier worker's stages. Pure.
struct Beginning: Sendable, Equatable {
    var attempt: Int
    /// What is known of the job, if it is known.
    var job: JobState?
    /// Whether the known stages are of this very attempt.
    var goesOn = false
    var isCancelRequested: Bool { goesOn && job?.isCancelRequested == true }

    /// - Parameters:
    ///   - attempt: as the caller counts; nil leaves it to what is known.
    ///   - limit: how often the pipeline allows.
    init(id: JobID, attempt wanted: Int?, known: JobRecord?, limit: Int) throws(HeadwayError) {
        if let wanted, wanted < 1 { throw HeadwayError(.invalid, "Job \(id): attempts count from 1.") }
        switch known {
        case nil, .unknown, .placeholder:
            attempt = wanted ?? 1
        case .expired(let tomb):
            attempt = try Self.next(id, after: tomb.attempt, tomb.status, wanted, limit)
        case .job(let job):
            self.job = job
            let isLost = job.status == .failed && job.failure?.code == JobState.Failure.workerLost
            if job.status.isTerminal && !isLost {
                attempt = try Self.next(id, after: job.attempt, job.status, wanted, limit)
            } else {
                attempt = wanted ?? job.attempt
                goesOn = attempt == job.attempt
            }
        }
    }

    /// After an end only a higher attempt begins, and after a cancel only one that was asked for by number.
    private static func next(
        _ id: JobID, after last: Int, _ status: JobState.Status, _ wanted: Int?, _ limit: Int
    ) throws(HeadwayError) -> Int {
        if let wanted, wanted > last { return wanted }
        if wanted == nil, status != .cancelled, last < limit { return last + 1 }
        let end = status == .cancelled ? "was cancelled" : "has \(status.rawValue)"
        let advice =
            last < limit
            ? "start attempt \(last + 1)" : "allow more in the definition (\"maxAttempts\") to try again"
        throw HeadwayError(
            .ended, "Job \(id) \(end) already, in attempt \(last) of \(limit): skip it, or \(advice).")
    }
}
