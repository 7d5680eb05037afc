import HeadwayCore

/// What one client of a stream was shown, and whether anything is left to come. Pure.
struct StreamLedger: Sendable {
    typealias Subject = ProgressEvent.Subject

    private struct Shown: Sendable {
        var token: VersionToken
        var outcome: String?
    }

    /// Each once, in the order asked.
    private(set) var subjects: [Subject]
    /// Those that were asked for by name, where others come and go.
    private var named: [Subject]
    private var followed: Set<Subject>
    /// Whether others may come: then it is never complete.
    let isOpenEnded: Bool
    private var shown: [Subject: Shown] = [:]
    private var ended = 0
    private var digest: UInt64 = 0

    /// - Parameter isOpenEnded: whether ``follow(_:)`` will name more.
    init(_ subjects: [Subject], isOpenEnded: Bool = false) {
        self.subjects = subjects
        self.isOpenEnded = isOpenEnded
        named = subjects
        followed = isOpenEnded ? Set(subjects) : []
    }

    /// Every subject was shown at its end.
    var isComplete: Bool { !isOpenEnded && ended == subjects.count && !subjects.isEmpty }

    /// Replaces the subjects that come and go. What is not followed any more is forgotten, and new when it
    /// comes back.
    mutating func follow(_ others: [Subject]) -> (added: [Subject], removed: [Subject]) {
        let next = named + others.filter { !named.contains($0) }
        let wanted = Set(next)
        let added = next.filter { !followed.contains($0) }
        let removed = subjects.filter { !wanted.contains($0) }
        for subject in removed {
            guard let before = shown.removeValue(forKey: subject) else { continue }
            digest ^= Self.hash(subject, before.token)
            if before.outcome != nil { ended -= 1 }
        }
        subjects = next
        followed = wanted
        return (added, removed)
    }

    /// Names what the client has seen so far; the same whoever counts it, in whatever order. The token itself
    /// when there is one subject, else `all-` and 16 hex digits.
    var id: String {
        if subjects.count == 1, let only = shown[subjects[0]] { return only.token.description }
        let digits = String(digest, radix: 16)
        return "all-" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// - Returns: false when it is no news to the client: the state it has, or one behind it.
    mutating func show(_ subject: Subject, _ token: VersionToken, outcome: String?) -> Bool {
        // It may have waited for a slow client longer than it was followed.
        if isOpenEnded, !followed.contains(subject) { return false }
        let before = shown[subject]
        if let before {
            guard before.token != token else { return false }
            // An id that is not known any more has no version to fall from.
            let falls = before.token.epoch == token.epoch && token.version < before.token.version
            if falls, token.version > 0 { return false }
            digest ^= Self.hash(subject, before.token)
            if before.outcome != nil { ended -= 1 }
        }
        digest ^= Self.hash(subject, token)
        if outcome != nil { ended += 1 }
        shown[subject] = Shown(token: token, outcome: outcome)
        return true
    }

    /// `{"jobs":{"a":"completed"},"bulks":{"x":"settled"}}`: how each ended.
    var outcomes: [UInt8] {
        var json = JSONWriter(capacity: 64 + subjects.count * 32)
        json.beginObject()
        json.key("jobs")
        json.beginObject()
        for case .job(let id) in subjects {
            json.key(id.description)
            json.value(shown[.job(id)]?.outcome ?? "")
        }
        json.endObject()
        json.key("bulks")
        json.beginObject()
        for case .bulk(let id) in subjects {
            json.key(id.description)
            json.value(shown[.bulk(id)]?.outcome ?? "")
        }
        json.endObject()
        json.endObject()
        return json.bytes
    }

    /// FNV-1a, 64 bits: it tells states apart, and guards nothing.
    private static func hash(_ subject: Subject, _ token: VersionToken) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ text: String) {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            hash = (hash ^ 0xff) &* 0x0000_0100_0000_01b3
        }
        switch subject {
        case .job(let id): add("j" + id.description)
        case .bulk(let id): add("b" + id.description)
        }
        add(token.description)
        return hash
    }
}
