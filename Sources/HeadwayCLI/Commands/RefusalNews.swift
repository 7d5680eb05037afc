import HeadwayCore
import HeadwayWire
import ReadAPI

/// Why nothing is to be seen of what somebody published: the aggregator's refusal, for a person.
struct RefusalNews {
    private let found: [String: RefusedEvent]

    /// Of those ids; nothing when the look fails: it is only an explanation.
    init(of answers: [Subject.Answer], from reader: StatusReader) async {
        let ids = answers.compactMap { answer in
            JobID(answer.id).flatMap { job in BulkID(answer.id).map { (job: job, bulk: $0) } }
        }
        found = ids.isEmpty ? [:] : (try? await reader.refusals(of: ids)) ?? [:]
    }

    /// As the rest of a sentence about an id that nobody knows: `: its job.started was refused 3 s ago: …`.
    func because(_ id: String) -> String {
        found[id].map { ": its \(Self.words($0))" } ?? ""
    }

    /// A line for what is known, if something of it was refused after the last change that counted.
    func line(_ answer: Subject.Answer) -> String? {
        guard let refused = found[answer.id] else { return nil }
        // A job and a bulk may bear the same id.
        let isOfBulk = refused.type?.hasPrefix("bulk.") ?? false
        let changedAt: Timestamp?
        switch answer {
        case .job(.job(let snapshot)) where !isOfBulk: changedAt = snapshot.state.updatedAt
        case .bulk(.bulk(let snapshot)) where isOfBulk: changedAt = snapshot.summary.updatedAt
        case .job, .bulk: return nil
        }
        if let changedAt, refused.rejection.at < changedAt { return nil }
        return "\(answer.id): its \(Self.words(refused))"
    }

    private static func words(_ refused: RefusedEvent) -> String {
        let rejection = refused.rejection
        let type = refused.type.map { Printable.line($0, limit: 60) } ?? "event"
        let age = max(.zero, Timestamp.wallClock - rejection.at)
        let detail = rejection.detail.map { detail in
            " (\(Printable.line([rejection.field, detail].compactMap(\.self).joined(separator: " "), limit: 200)))"
        }
        return "\(type) was refused \(TimeSpan.of(age)) ago as \(Printable.line(rejection.reason, limit: 60))"
            + (detail ?? "")
    }
}
