import HeadwayCore
import ReadAPI

/// An id that somebody typed: a job's or a bulk's, which only Redis knows.
struct Subject: Sendable, Hashable {
    let job: JobID
    let bulk: BulkID

    /// What Redis knows of it: a bulk if there is one of that id, else a job.
    enum Answer: Sendable {
        case job(JobAnswer)
        case bulk(BulkAnswer)

        var id: String {
            switch self {
            case .job(let answer): answer.id.description
            case .bulk(let answer): answer.id.description
            }
        }

        var isUnknown: Bool {
            if case .job(.unknown) = self { true } else { false }
        }

        /// As the read API says it.
        var json: String {
            var json = JSONWriter()
            switch self {
            case .job(let answer): answer.write(to: &json, for: .operating)
            case .bulk(let answer): answer.write(to: &json, for: .operating)
            }
            return String(decoding: json.bytes, as: UTF8.self)
        }
    }

    /// - Throws: ``UsageError`` without ids, or for text that can be no id.
    static func list(_ words: [String]) throws(UsageError) -> [Subject] {
        guard !words.isEmpty else { throw UsageError("wants the id of a job or a bulk") }
        var subjects: [Subject] = []
        for word in words {
            guard let job = JobID(word), let bulk = BulkID(word) else {
                throw UsageError("\"\(Printable.line(word, limit: 60))\" is not an id (\(rule))")
            }
            subjects.append(Subject(job: job, bulk: bulk))
        }
        return subjects
    }

    static let rule = "1 to 200 of A–Z a–z 0–9 . _ : @ -"

    static func look(
        _ subjects: [Subject], with reader: StatusReader, current: Int?
    ) async throws(ReadError) -> [Answer] {
        let answers = try await reader.read(
            jobs: subjects.map(\.job), bulks: subjects.map(\.bulk), current: current)
        return zip(answers.jobs, answers.bulks).map { job, bulk in
            if case .unknown = bulk { .job(job) } else { .bulk(bulk) }
        }
    }
}
