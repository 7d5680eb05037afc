import HeadwayCore
import ReadAPI

/// Names a bulk's failures as they come: each attempt once, and only as many as a person can read.
struct FailureNews: Sendable {
    /// With more failures than this a bulk's are not named any more, only counted.
    static let mostFailures = 200
    /// Most lines at a time.
    static let mostLines = 10

    private var told: Set<String> = []
    /// Versions of bulks as last looked at, so that nothing is asked twice.
    private var seen: [BulkID: Int64] = [:]

    /// The lines that are new; asks for the failed members only when the bulk has changed and some have failed.
    mutating func lines(
        _ snapshot: BulkSnapshot, from reader: StatusReader
    ) async throws(ReadError) -> [String] {
        let summary = snapshot.summary
        guard 1...Self.mostFailures ~= summary.counts.failed, seen[summary.id] != summary.version else {
            return []
        }
        seen[summary.id] = summary.version
        let page = try await reader.members(of: summary.id, status: .failed, limit: Self.mostFailures)
        return lines(
            page?.members.compactMap { if case .job(let job) = $0.answer { job.state } else { nil } } ?? [],
            of: summary.id)
    }

    /// - Parameter jobs: of a bulk; those that have not failed are passed over.
    mutating func lines(_ jobs: [JobState], of bulk: BulkID) -> [String] {
        var news: [String] = []
        for job in jobs {
            guard job.status == .failed, let failure = job.failure,
                told.insert("\(job.id) \(job.attempt)").inserted
            else { continue }
            let place = failure.stage.map { " in \($0)" } ?? ""
            let code = failure.code.map { " (\($0))" } ?? ""
            let attempt = job.attempt > 1 ? ", attempt \(job.attempt)" : ""
            news.append(
                Printable.line(
                    "\(job.label ?? "\(job.id)") failed\(place)\(attempt): \(failure.message)\(code)"))
        }
        guard news.count > Self.mostLines else { return news }
        return news.prefix(Self.mostLines - 1) + [
            "and \(news.count - Self.mostLines + 1) more failed: headway jobs --bulk \(bulk) --status failed"
        ]
    }
}
