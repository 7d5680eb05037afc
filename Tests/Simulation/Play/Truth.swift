import HeadwayCore
import HeadwayWire
import ReadAPI

/// What every version of every job and bulk looked like, as committed and as shown: one version has one content.
struct Truth {
    private struct Name: Hashable {
        var subject: Bytes
        var epoch: String
        var version: Int64
    }

    private var jobs: [Name: UInt64] = [:]
    private var bulks: [Name: String] = [:]

    /// A sign of life changes nothing that is shown.
    private static let unseen: Set<Bytes> = [Bytes("alive")]

    /// The owner of the job's partition wrote it.
    ///
    /// - Returns: whether that version has always been so.
    mutating func committed(_ fields: FieldList, of id: Bytes, _ epoch: String, _ version: Int64) -> Bool {
        let content = fields.fields.reduce(into: UInt64(0)) { $0 &+= Self.digest($1.name, $1.value) }
        return note(content, Name(subject: id, epoch: epoch, version: version))
    }

    /// Somebody was shown it.
    ///
    /// - Returns: whether it is what that version was committed as, or was shown as before.
    mutating func shown(_ answer: LiveAnswer) -> Bool {
        let token = answer.token
        switch answer {
        case .job(.job(let snapshot)):
            var fields = FieldBuffer()
            snapshot.state.encode(into: &fields)
            let content = fields.reduce(into: UInt64(0)) {
                $0 &+= Self.digest(Bytes($1.name), Bytes($1.value))
            }
            return note(
                content,
                Name(subject: Bytes(snapshot.id.description), epoch: token.epoch, version: token.version))
        case .bulk(.bulk(let snapshot)):
            let name = Name(
                subject: Bytes(snapshot.id.description), epoch: token.epoch, version: token.version)
            let content = Self.text(of: snapshot.summary)
            if let known = bulks[name] { return known == content }
            bulks[name] = content
            return true
        default: return true
        }
    }

    /// What was shown of it before in this version.
    func known(_ answer: LiveAnswer) -> String {
        guard case .bulk(.bulk(let snapshot)) = answer else { return "another" }
        let name = Name(
            subject: Bytes(snapshot.id.description), epoch: answer.token.epoch, version: answer.token.version)
        return bulks[name] ?? "nothing"
    }

    private mutating func note(_ content: UInt64, _ name: Name) -> Bool {
        if let known = jobs[name] { return known == content }
        jobs[name] = content
        return true
    }

    /// Added up over the fields, whose order means nothing.
    private static func digest(_ name: Bytes, _ value: Bytes) -> UInt64 {
        if unseen.contains(name) { return 0 }
        var digest = Digest()
        digest.add(name)
        digest.add(value)
        return digest.value
    }

    static func text(of bulk: BulkSummary) -> String {
        let health = bulk.health.filter { $0.value > 0 }.map { "\($0.key)=\($0.value)" }.sorted()
        let stages = bulk.stages.filter { $0.value > 0 }.map { "\($0.key)=\($0.value)" }.sorted()
        let failures = bulk.failures.map { "\($0.key)=\($0.value)" }.sorted()
        return "\(bulk.phase) \(bulk.text) \(bulk.counts) \(bulk.fraction) \(health) \(stages) \(failures) "
            + "reopened \(bulk.reopened) cancelling \(bulk.isCancelling) \(bulk.outcome.map { "\($0)" } ?? "")"
    }
}
