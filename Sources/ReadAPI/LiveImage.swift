package import HeadwayCore

/// What is known of one subject, whichever kind it is.
package enum LiveAnswer: Sendable, Equatable {
    case job(JobAnswer)
    case bulk(BulkAnswer)

    package var token: VersionToken {
        switch self {
        case .job(let answer): answer.token
        case .bulk(let answer): answer.token
        }
    }

    package var subject: ProgressEvent.Subject {
        switch self {
        case .job(let answer): .job(answer.id)
        case .bulk(let answer): .bulk(answer.id)
        }
    }

    package var freshness: Freshness {
        switch self {
        case .job(let answer): answer.freshness
        case .bulk(let answer): answer.freshness
        }
    }

    /// How it ended, in one word; nil while more is to come. What is not known may yet appear.
    package var outcome: String? {
        switch self {
        case .job(let answer): answer.status.flatMap { $0.isTerminal ? $0.rawValue : nil }
        case .bulk(.bulk(let snapshot)):
            snapshot.summary.phase == .settled ? snapshot.summary.phase.rawValue : nil
        case .bulk(.expired): BulkSummary.Phase.settled.rawValue
        case .bulk(.unknown): nil
        }
    }

    var isAbsent: Bool {
        switch self {
        case .job(.unknown), .bulk(.unknown), .bulk(.expired): true
        case .job(.job), .job(.expired), .bulk(.bulk): false
        }
    }

    /// The name of the event that carries it on a stream.
    var eventName: String {
        switch self {
        case .job(.job): "job"
        case .bulk(.bulk): "bulk"
        case .job(.expired), .bulk(.expired): "expired"
        case .job(.unknown), .bulk(.unknown): "unknown"
        }
    }

    package func write(to json: inout JSONWriter) {
        switch self {
        case .job(let answer): answer.write(to: &json)
        case .bulk(let answer): answer.write(to: &json)
        }
    }

    /// The same, marked as out of date.
    func staled() -> LiveAnswer {
        switch self {
        case .job(.job(var snapshot)):
            snapshot.freshness.isStale = true
            return .job(.job(snapshot))
        case .job(.expired(let id, let tombstone, let epoch, var freshness)):
            freshness.isStale = true
            return .job(.expired(id, tombstone, epoch: epoch, freshness))
        case .job(.unknown(let id, let epoch, var freshness)):
            freshness.isStale = true
            return .job(.unknown(id, epoch: epoch, freshness))
        case .bulk(.bulk(var snapshot)):
            snapshot.freshness.isStale = true
            return .bulk(.bulk(snapshot))
        case .bulk(.expired(let id, let epoch, let version, var freshness)):
            freshness.isStale = true
            return .bulk(.expired(id, epoch: epoch, version: version, freshness))
        case .bulk(.unknown(let id, let epoch, var freshness)):
            freshness.isStale = true
            return .bulk(.unknown(id, epoch: epoch, freshness))
        }
    }
}

/// One answer and the frame that carries it, rendered once however many clients are shown it.
struct LiveImage: Sendable, Equatable {
    let answer: LiveAnswer
    let token: VersionToken
    let outcome: String?
    /// `event:`, `id:` and one `data:` line.
    let frame: [UInt8]

    init(_ answer: LiveAnswer) {
        self.answer = answer
        token = answer.token
        outcome = answer.outcome
        var json = JSONWriter()
        answer.write(to: &json)
        frame = StreamFrame.bytes(event: answer.eventName, id: token.description, data: json.bytes)
    }
}
