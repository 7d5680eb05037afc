extension ProgressEvent {
    /// Numbers on the wire go to 2^53, so that every language can hold them; attempts and indexes from 1.
    public static let largestNumber = 1 << 53
    public static let largestWeight = 1_000_000
    public static let mostAttributes = 16
}

/// Whether a word keeps the rules that need no knowledge of its job. The codec refuses most of this earlier;
/// the fold does not rely on it, and computes only with what passed here.
func isWithinBounds(_ word: JobWord, attempt: Int?) -> Bool {
    guard isOrdinal(attempt) else { return false }
    switch word {
    case .queued(let registration): return isWithinBounds(registration)
    case .started(_, let registration): return registration.map(isWithinBounds) ?? true
    case .stageStarted(let mention): return isWithinBounds(mention)
    case .stageProgressed(let mention, let progress, _):
        return isWithinBounds(mention) && isWithinBounds(progress)
    case .stageCompleted(let mention, _): return isWithinBounds(mention)
    // The code is our own verdict, which a later word takes back; nobody else may speak it.
    case .failed(_, let code, _): return code != JobState.Failure.workerLost
    case .completed, .cancelRequested, .cancelled, .heartbeat: return true
    }
}

private func isWithinBounds(_ registration: Registration) -> Bool {
    1...ProgressEvent.largestWeight ~= registration.weight ?? 1
        && registration.attributes.count <= ProgressEvent.mostAttributes
}

private func isWithinBounds(_ mention: StageMention) -> Bool {
    guard isOrdinal(mention.stageAttempt), isOrdinal(mention.index), isOrdinal(mention.of) else {
        return false
    }
    guard let index = mention.index, let of = mention.of else { return true }
    return index <= of
}

private func isWithinBounds(_ progress: Progress) -> Bool {
    switch progress {
    case .count(let done, let total): 0 <= done && done <= total && total <= ProgressEvent.largestNumber
    case .fraction: true
    }
}

private func isOrdinal(_ number: Int?) -> Bool {
    guard let number else { return true }
    return 1 <= number && number <= ProgressEvent.largestNumber
}
