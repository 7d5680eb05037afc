import Dashboard
import HeadwayCore
import HeadwayWire

/// `/openapi.json`: the file of that name, and the paths that the pipelines' views declare.
///
/// The file is written by hand and holds for every server; what holds for one only is added here. Both are held
/// to what is really answered: by a test of the table of routes, and by `make openapi`.
struct OpenAPIDocument: Sendable {
    let content: FixedContent

    /// - Parameter views: of the latest revisions; what cannot be read is left out, as it is not served either.
    init(_ shelf: PipelineShelf) {
        var operations: [ViewRoute: ViewOperation] = [:]
        for pipeline in shelf.catalog.latest {
            guard let document = shelf.documents[pipeline.reference] else { continue }
            let compiled = document.compiledViews(file: pipeline.name).views
            for json in document.views {
                guard let view = compiled.first(where: { $0.route.pattern == json["route"]?.string }) else {
                    continue
                }
                operations[view.route, default: ViewOperation(view.route)].add(view, json)
            }
        }
        let paths = operations.values.map(\.path).sorted { $0.name < $1.name }
        content = FixedContent(Array(Self.document(with: paths).text.utf8))
    }

    private static func document(with paths: [JSON.Member]) -> JSON {
        guard case .object(var members) = file else { return file }
        for place in members.indices where members[place].name == "paths" {
            guard case .object(let own) = members[place].value else { continue }
            members[place].value = .object(own + paths)
        }
        return .object(members)
    }

    private static let file: JSON = {
        guard let file = WebFile.all["openapi.json"], let json = try? JSON(file.bytes) else {
            preconditionFailure("openapi.json is a part of the program, and JSON")
        }
        return json
    }()
}
