import HeadwayCore
import HeadwayWire
import ReadAPI

/// A pipeline's stages and answers as shapes, ready for a writer of any language. Pure.
struct PipelineTypes {
    struct View {
        /// From the route's own words: `/api/books/{job}/status` is `BooksStatus`.
        let name: String
        let route: String
        let shape: ViewShape

        var isOfBulk: Bool { shape.isOfBulk }
        var status: TypeShape? { shape.status }
        var response: TypeShape? { shape.response }
        var error: TypeShape? { shape.error }
        var events: [TypeShape.Member] { shape.events }
    }

    let name: String
    let stages: [String]
    let snapshot: [TypeShape.Member]
    let views: [View]

    init(_ document: PipelineDocument) {
        name = document.pipeline.name
        stages = document.pipeline.stages.map(\.id)
        snapshot = SnapshotShape.job(of: document.pipeline.name)
        var names: [String: Int] = [:]
        views = document.views.compactMap { json in
            guard let route = json["route"]?.string else { return nil }
            let name = Self.name(of: route)
            names[name, default: 0] += 1
            return View(
                name: names[name] == 1 ? name : "\(name)\(names[name] ?? 0)", route: route,
                shape: ViewShape(json))
        }
    }

    /// What all views of a job agree that `$status` is, if they do.
    var sharedStatus: TypeShape? {
        let all = views.filter { !$0.isOfBulk }.compactMap(\.status)
        guard let first = all.first, all.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    private static func name(of route: String) -> String {
        var words = route.split(separator: "/").map(String.init).filter { !$0.hasPrefix("{") }
        while words.count > 1, ["api", "v1", "v2"].contains(words[0].lowercased()) { words.removeFirst() }
        let name = words.map { CodeName.upperCamel($0) }.joined()
        return name.isEmpty ? "View" : name
    }
}
