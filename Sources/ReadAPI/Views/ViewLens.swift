import HeadwayCore

/// How a stream shows one subject in a view's words. Pure.
struct ViewLens: Sendable {
    /// Who shares a rendering. The lens lives as long as its key is in use, so no identity comes back.
    struct Key: Hashable {
        let views: ObjectIdentifier
        let subject: ProgressEvent.Subject
    }

    let views: ViewSet
    /// The one that the stream was opened with: it says that there is nothing.
    let opened: View
    let subject: ProgressEvent.Subject

    var key: Key { Key(views: ObjectIdentifier(views), subject: subject) }

    /// What goes out for a state.
    func frame(of answer: LiveAnswer) -> ViewFrame {
        if let view = views.view(of: answer), let events = view.events {
            switch answer {
            case .job(.job(let snapshot)): return frame(of: answer, ViewSubject(snapshot), view, events)
            case .bulk(.bulk(let snapshot)): return frame(of: answer, ViewSubject(snapshot), view, events)
            case .job(.expired), .bulk(.expired): return farewell(answer, view)
            case .job(.unknown), .bulk(.unknown): break
            }
        }
        return absence(answer)
    }

    private func frame(
        of answer: LiveAnswer, _ subject: ViewSubject, _ view: View, _ events: View.Events
    ) -> ViewFrame {
        let token = answer.token
        let bytes = StreamFrame.bytes(
            event: events.snapshot.name, id: token.description,
            data: view.write(events.snapshot.data, of: subject))
        guard let outcome = answer.outcome else {
            return ViewFrame(token: token, bytes: bytes, outcome: nil, end: nil)
        }
        let id = ViewFrame.endID(token)
        let complete = StreamFrame.bytes(
            event: events.complete.name, id: id, data: view.write(events.complete.data, of: subject))
        return ViewFrame(token: token, bytes: bytes, outcome: outcome, end: .init(id: id, bytes: complete))
    }

    /// Of one that ended, and of which only the outcome is kept.
    private func farewell(_ answer: LiveAnswer, _ view: View) -> ViewFrame {
        let token = answer.token
        let id = ViewFrame.endID(token)
        let failure = ViewFailure(.expired, answer, id: answer.idText)
        return ViewFrame(
            token: token, bytes: view.errorFrame(failure, id: id), outcome: answer.outcome,
            end: .init(id: id, bytes: []))
    }

    /// Of one that nobody knows, and in the same words of one that is not shown here or to this reader: its
    /// changes must not show either.
    func absence(_ answer: LiveAnswer) -> ViewFrame {
        let token = VersionToken(epoch: answer.token.epoch, version: 0)
        let failure = ViewFailure(.absent, answer, id: answer.idText)
        return ViewFrame(
            token: token, bytes: opened.errorFrame(failure, id: token.description),
            outcome: nil, end: nil, isAbsent: true)
    }
}

extension View {
    /// The frame that says why there is nothing: the view's own, or ours where it names none.
    func errorFrame(_ failure: ViewFailure, id: String) -> [UInt8] {
        guard let event = events?.error else {
            let what = route.subject.rawValue
            var json = JSONWriter(capacity: 64)
            json.beginObject()
            json.field(
                "message",
                failure.kind == .expired
                    ? "This \(what) has ended, and only its outcome is kept" : "This \(what) is not known")
            json.endObject()
            return StreamFrame.bytes(event: "error", id: id, data: json.bytes)
        }
        return StreamFrame.bytes(event: event.name, id: id, data: write(event.data, of: ViewSubject(failure)))
    }
}

/// What a state is on a view's stream.
struct ViewFrame: Sendable, Equatable {
    struct End: Sendable, Equatable {
        /// Who comes back with it has everything.
        let id: String
        /// The last frame; empty when there is none of its own.
        let bytes: [UInt8]
    }

    /// What tells it from the one before.
    let token: VersionToken
    let bytes: [UInt8]
    /// How it ended; nil while more may come.
    let outcome: String?
    let end: End?
    var isAbsent = false

    static func endID(_ token: VersionToken) -> String { "\(token)-end" }
}

extension ViewFailure {
    /// What is known of one that is not shown. Of an absent one that is how recent the answer is, nothing
    /// else: it may be there, and be somebody else's.
    init(_ kind: ViewErrorKind, _ answer: LiveAnswer, id: String) {
        self.init(kind, id: id)
        freshness = answer.freshness
        guard kind == .expired else { return }
        epoch = answer.token.epoch
        version = answer.token.version
        if case .job(.expired(_, let tombstone, _, _)) = answer { self.tombstone = tombstone }
    }
}

extension LiveAnswer {
    var idText: String {
        switch self {
        case .job(let answer): answer.id.description
        case .bulk(let answer): answer.id.description
        }
    }
}
