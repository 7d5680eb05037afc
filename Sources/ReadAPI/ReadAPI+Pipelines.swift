import HTTPServer
import HeadwayCore
import HeadwayWire

extension ReadAPI {
    /// `GET /v1/pipelines`: each name's latest revision.
    func pipelines(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        let shelf = try await ask { reader throws(ReadError) in try await reader.pipelines() }
        var json = JSONWriter(capacity: 4096)
        json.beginObject()
        json.key("pipelines")
        json.beginArray()
        for pipeline in shelf.catalog.latest {
            guard let document = shelf.documents[pipeline.reference] else { continue }
            json.beginObject()
            json.field("name", pipeline.name)
            json.field("revision", pipeline.reference.revision)
            json.key("definition")
            json.value(encoded: Array(document.canonical.utf8))
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return .json(json.bytes, headers: Self.uncached)
    }

    /// `PUT /v1/pipelines/{name}`: 201 for a new revision, 200 when the latest says the same already.
    func putPipeline(_ call: RouteCall) async throws(Problem) -> HTTPResponse {
        try checkWrite(call)
        _ = try call.object()
        let name = call.captures[0]
        let document: PipelineDocument
        switch PipelineDocument.parse(call.request.body, file: name, revision: 1) {
        case .success(let parsed): document = parsed
        case .failure(let found): throw Self.refusal(found)
        }
        guard document.pipeline.name == name else {
            throw Problem(.badPipeline, "The document names \(document.pipeline.name), the path \(name).") {
                json in
                Self.write(
                    [PipelineProblem(file: name, path: "name", detail: "is not that of the path")], to: &json)
            }
        }
        let placement = try await ask { reader throws(ReadError) in try await reader.put(document) }
        let isNew = if case .new = placement { true } else { false }
        var json = JSONWriter(capacity: 128)
        json.beginObject()
        json.field("name", placement.reference.name)
        json.field("revision", placement.reference.revision)
        json.field("created", isNew)
        json.endObject()
        return .json(json.bytes, status: isNew ? 201 : 200)
    }

    private static func refusal(_ found: PipelineProblems) -> Problem {
        let count = found.problems.count
        return Problem(
            .badPipeline, "Nothing was stored: \(count == 1 ? "one problem" : "\(count) problems")."
        ) {
            write(found.problems, to: &$0)
        }
    }

    private static func write(_ problems: [PipelineProblem], to json: inout JSONWriter) {
        json.key("problems")
        json.beginArray()
        for problem in problems {
            json.beginObject()
            json.field("path", problem.path)
            json.field("detail", problem.detail)
            json.endObject()
        }
        json.endArray()
    }
}
