import HeadwayCore

/// Long lists of subjects under short ids, for streams whose URL would be too long. In memory, for a while: a
/// list that nobody used for `lifetime` goes, and so does the one longest unused when there are too many.
/// Pure.
struct StreamLists: Sendable {
    typealias Subject = ProgressEvent.Subject

    private struct List: Sendable {
        let subjects: [Subject]
        let access: ReadAccess
        var usedAt: Duration
    }

    /// Since its last use.
    static let lifetime = Duration.seconds(600)
    /// Over all lists.
    static let subjectLimit = 100_000
    /// Each may also hold the digests of a hundred tokens.
    static let listLimit = 2_000

    private var lists: [String: List] = [:]
    private var subjectCount = 0

    var count: Int { lists.count }

    /// - Parameter access: what its maker showed; whoever knows the id has it too.
    mutating func add(
        _ subjects: [Subject], as id: String, for access: ReadAccess = .nobody, at now: Duration
    ) {
        forgetOld(at: now)
        while subjectCount + subjects.count > Self.subjectLimit || lists.count >= Self.listLimit,
            let oldest = lists.min(by: { $0.value.usedAt < $1.value.usedAt })
        {
            forget(oldest.key)
        }
        lists[id] = List(subjects: subjects, access: access, usedAt: now)
        subjectCount += subjects.count
    }

    mutating func use(_ id: String, at now: Duration) -> (subjects: [Subject], access: ReadAccess)? {
        forgetOld(at: now)
        lists[id]?.usedAt = now
        return lists[id].map { ($0.subjects, $0.access) }
    }

    private mutating func forgetOld(at now: Duration) {
        for (id, list) in lists where now - list.usedAt > Self.lifetime { forget(id) }
    }

    private mutating func forget(_ id: String) {
        if let list = lists.removeValue(forKey: id) { subjectCount -= list.subjects.count }
    }
}
