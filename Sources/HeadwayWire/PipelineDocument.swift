package import HeadwayCore

/// A pipeline definition in JSON: the contract of a kind of job, and the views that show it.
package struct PipelineDocument: Sendable, Equatable {
    /// The largest text that is read.
    package static let limit = 262_144
    package static let stageLimit = 200

    package let pipeline: Pipeline
    /// Kept as they were written; the read API gives them their meaning.
    package let views: [JSON]

    /// Reads a definition and collects everything that is wrong with it, not only the first thing.
    ///
    /// - Parameters:
    ///   - file: what problems call the document.
    ///   - revision: the one that the pipeline gets; see ``PipelineShelf`` for who decides it.
    package static func parse(
        _ json: [UInt8], file: String, revision: Int
    ) -> Result<PipelineDocument, PipelineProblems> {
        guard json.count <= limit else {
            let detail = "is larger than 256 KiB: split it, or shorten its views"
            return .failure(PipelineProblems([PipelineProblem(file: file, path: "", detail: detail)]))
        }
        do {
            var reader = PipelineReader(file: file)
            let document = reader.document(try JSON(json), revision: revision)
            if let document, reader.problems.isEmpty { return .success(document) }
            return .failure(PipelineProblems(reader.problems))
        } catch {
            let detail = "is not JSON: \(error)"
            return .failure(PipelineProblems([PipelineProblem(file: file, path: "", detail: detail)]))
        }
    }

    /// The same contract as another revision.
    package func revised(as revision: Int) -> PipelineDocument {
        let reference = Pipeline.Reference(name: pipeline.name, revision: revision)
        return PipelineDocument(
            pipeline: Pipeline(
                reference: reference, stages: pipeline.stages, heartbeat: pipeline.heartbeat,
                stallAfter: pipeline.stallAfter, lostAfter: pipeline.lostAfter,
                cancelAfter: pipeline.cancelAfter, maxAttempts: pipeline.maxAttempts,
                isStrict: pipeline.isStrict, retention: pipeline.retention),
            views: views)
    }

    /// The one spelling of this content: two documents are the same when their canonical texts are.
    ///
    /// Every default is written out, so that a stored revision means the same when a later version has
    /// other defaults; weights have become ranges; views are as they were written, without white space.
    package var canonical: String {
        var members = [
            JSON.Member("name", .string(pipeline.name)),
            JSON.Member("stages", .array(pipeline.stages.map(Self.canonical))),
            JSON.Member("heartbeat", .string(DurationText.text(pipeline.heartbeat))),
            JSON.Member("stallAfter", .string(DurationText.text(pipeline.stallAfter))),
            JSON.Member("lostAfter", .string(DurationText.text(pipeline.lostAfter))),
            JSON.Member("cancelAfter", .string(DurationText.text(pipeline.cancelAfter))),
            JSON.Member("maxAttempts", .number(pipeline.maxAttempts)),
            JSON.Member("strict", .bool(pipeline.isStrict)),
            JSON.Member(
                "retention",
                .object([
                    JSON.Member("finished", .string(DurationText.text(pipeline.retention.finished))),
                    JSON.Member("abandoned", .string(DurationText.text(pipeline.retention.abandoned))),
                ])),
        ]
        if !views.isEmpty { members.append(JSON.Member("views", .array(views))) }
        return JSON.object(members).text
    }

    private static func canonical(_ stage: Pipeline.Stage) -> JSON {
        var members = [JSON.Member("id", .string(stage.id))]
        if let label = stage.label { members.append(JSON.Member("label", .string(label))) }
        let range = [stage.start, stage.end].map { JSON.number(Percent.text($0)) }
        members.append(JSON.Member("range", .array(range)))
        if stage.isOptional { members.append(JSON.Member("optional", .bool(true))) }
        if stage.isIndexed { members.append(JSON.Member("indexed", .bool(true))) }
        if stage.isQuiet { members.append(JSON.Member("quiet", .bool(true))) }
        if let limit = stage.stallAfter {
            members.append(JSON.Member("stallAfter", .string(DurationText.text(limit))))
        }
        if let message = stage.message { members.append(JSON.Member("message", .string(message))) }
        return .object(members)
    }

    package init(pipeline: Pipeline, views: [JSON] = []) {
        self.pipeline = pipeline
        self.views = views
    }
}
