import HeadwayCore
import HeadwayWire
import ReadAPI

/// Why an aggregator will refuse an event, as things stand: said at once, since a refusal comes later and answers
/// nobody.
enum PublishDoubt {
    /// - Returns: nil when nothing speaks against it, or nobody can say: the aggregator decides.
    static func line(_ event: ProgressEvent, from reader: StatusReader) async -> String? {
        guard case .job(let id, let word) = event.body else { return nil }
        switch word {
        case .queued(let registration), .started(_, let registration?):
            return await doubt(registration.pipeline, of: id, from: reader)
        case .stageStarted(let mention), .stageProgressed(let mention, _, _), .stageCompleted(let mention, _):
            return await doubt(mention.stage, of: id, from: reader)
        case .started(_, nil), .completed, .failed, .cancelRequested, .cancelled, .heartbeat:
            return nil
        }
    }

    /// Of one that is known already its own pipeline counts, whatever is said.
    private static func doubt(_ name: PipelineName, of id: JobID, from reader: StatusReader) async -> String?
    {
        if (try? await reader.pipeline(of: id)) != nil { return nil }
        guard let shelf = try? await reader.pipelines(), shelf.catalog[name] == nil else { return nil }
        let known = Set(shelf.documents.keys.map(\.name)).sorted()
        let near = known.contains(name.name) ? "" : hint(name.name, known)
        return "there is no pipeline \(name)\(near) (headway pipelines apply FILE adds one)"
    }

    private static func doubt(_ stage: String, of id: JobID, from reader: StatusReader) async -> String? {
        guard let pipeline = try? await reader.pipeline(of: id), pipeline.position(of: stage) == nil else {
            return nil
        }
        let name = Printable.line(stage, limit: 60)
        return
            "pipeline \(pipeline.reference) of \(id) has no stage \(name)\(hint(stage, pipeline.stages.map(\.id)))"
    }

    private static func hint(_ typed: String, _ known: [String]) -> String {
        Suggestion.nearest(to: typed, among: known).map { "; did you mean \($0)?" } ?? ""
    }
}
