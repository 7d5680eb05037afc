import HeadwayCore
package import HeadwayWire

extension PipelineDocument {
    /// Reads a definition as ``PipelineDocument/parse(_:file:revision:)`` does, and its views too: what is
    /// stored or applied has to pass both.
    ///
    /// - Returns: everything that is wrong, the pipeline's own problems first.
    package static func parseWithViews(
        _ json: [UInt8], file: String, revision: Int
    ) -> Result<PipelineDocument, PipelineProblems> {
        switch parse(json, file: file, revision: revision) {
        case .success(let document):
            let problems = document.compiledViews(file: file).problems
            return problems.isEmpty ? .success(document) : .failure(PipelineProblems(problems))
        case .failure(let found):
            // Its views are looked at all the same, but for the stages that they name.
            guard json.count <= limit, case .array(let views)? = (try? JSON(json))?["views"] else {
                return .failure(found)
            }
            var reader = ViewReader(file: file, pipeline: "", stages: nil)
            _ = reader.views(views)
            return .failure(PipelineProblems(found.problems + reader.problems))
        }
    }

    /// The views that can be read, and what is wrong with the others.
    func compiledViews(file: String) -> (views: [View], problems: [PipelineProblem]) {
        var reader = ViewReader(file: file, pipeline: pipeline.name, stages: pipeline.stages.map(\.id))
        let views = reader.views(views)
        return (views, reader.problems)
    }
}

extension PipelineShelf {
    /// What is wrong with stored views of the latest revisions: each is left out, alone.
    package var viewProblems: [PipelineProblem] {
        catalog.latest.flatMap { pipeline in
            documents[pipeline.reference]?.compiledViews(file: pipeline.reference.description).problems ?? []
        }
    }
}
