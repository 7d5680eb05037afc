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

    package func write(to json: inout JSONWriter, for access: ReadAccess) {
        switch self {
        case .job(let answer): answer.write(to: &json, for: access)
        case .bulk(let answer): answer.write(to: &json, for: access)
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

extension ReadAccess {
    /// A bulk is open to everybody; what it shows of its members is decided where it is written.
    package func grant(of answer: LiveAnswer) -> ReadGrant {
        switch answer {
        case .job(let answer): grant(of: answer)
        case .bulk: .open
        }
    }
}

/// One answer and the frames that carry it, rendered once however many clients are shown it.
struct LiveImage: Sendable, Equatable {
    /// What one client is shown of it.
    struct View: Sendable, Equatable {
        let token: VersionToken
        let outcome: String?
        /// `event:`, `id:` and one `data:` line.
        let frame: [UInt8]
    }

    let answer: LiveAnswer
    let token: VersionToken
    let outcome: String?
    /// With everything in it, for those who may read it.
    private let frame: [UInt8]
    /// Of a bulk with members that are not for everybody: what everybody but the operator is shown.
    private let openFrame: [UInt8]?

    init(_ answer: LiveAnswer) {
        self.answer = answer
        token = answer.token
        outcome = answer.outcome
        frame = Self.frame(answer, for: .operating)
        openFrame = answer.hasProtectedMembers ? Self.frame(answer, for: .nobody) : nil
    }

    /// - Returns: for a job that is not theirs a frame without any state, always the same, that ends it.
    func view(for access: ReadAccess) -> View {
        guard access.grant(of: answer).isAllowed else { return Self.refusal(of: answer.subject) }
        let frame = access.isOperator ? frame : openFrame ?? frame
        return View(token: token, outcome: outcome, frame: frame)
    }

    private static func frame(_ answer: LiveAnswer, for access: ReadAccess) -> [UInt8] {
        var json = JSONWriter()
        answer.write(to: &json, for: access)
        return StreamFrame.bytes(event: answer.eventName, id: answer.token.description, data: json.bytes)
    }

    private static func refusal(of subject: ProgressEvent.Subject) -> View {
        let id =
            switch subject {
            case .job(let id): id.description
            case .bulk(let id): id.description
            }
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.field("kind", "job")
        json.field("id", id)
        json.endObject()
        return View(
            token: VersionToken(epoch: "unauthorized", version: 0), outcome: "unauthorized",
            frame: StreamFrame.bytes(event: "unauthorized", data: json.bytes))
    }
}

extension LiveAnswer {
    fileprivate var hasProtectedMembers: Bool {
        guard case .bulk(.bulk(let snapshot)) = self else { return false }
        return snapshot.current?.contains { $0.state.token != nil } ?? false
    }
}
