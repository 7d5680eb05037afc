import HeadwayCore
import HeadwayWire

/// Every view of the pipelines' latest revisions, by route.
struct ViewTable: Sendable {
    /// By the first segment, which is always a literal; literals before captures.
    private var shelves: [String: [ViewSet]] = [:]
    /// What is wrong with views that are left out.
    private(set) var problems: [PipelineProblem] = []
    /// The shelf that it was made of.
    let generation: Int

    init() { generation = 0 }

    init(_ shelf: PipelineShelf, generation: Int) {
        self.generation = generation
        var order: [ViewRoute] = []
        var views: [ViewRoute: [View]] = [:]
        for pipeline in shelf.catalog.latest {
            guard let document = shelf.documents[pipeline.reference] else { continue }
            let found = document.compiledViews(file: pipeline.reference.description)
            problems += found.problems
            for view in found.views {
                if views[view.route] == nil { order.append(view.route) }
                views[view.route, default: []].append(view)
            }
        }
        for route in order {
            guard let first = route.segments[0], let views = views[route] else { continue }
            shelves[first, default: []].append(ViewSet(views))
        }
        for first in shelves.keys {
            shelves[first]?.sort { $0.views[0].route.precedes($1.views[0].route) }
        }
    }

    /// The views of a path, and the id in it.
    func match(_ path: [String]) -> ViewMatch? {
        guard let first = path.first, let sets = shelves[first] else { return nil }
        for set in sets {
            if let id = set.views[0].route.match(path) { return ViewMatch(views: set, id: id) }
        }
        return nil
    }
}

/// A path that views answer.
struct ViewMatch: Sendable {
    let views: ViewSet
    let id: String
}

/// The views of one route: one for each pipeline that declares it. A class for its identity.
final class ViewSet: Sendable {
    /// By the pipeline's name; never empty.
    let views: [View]

    init(_ views: [View]) { self.views = views }

    var first: View { views[0] }

    /// The view that shows it; nil when it is absent here: not known, or of another pipeline.
    func view(of answer: LiveAnswer) -> View? {
        switch answer {
        case .job(.job(let snapshot)): view(of: snapshot.state.pipeline.name)
        case .job(.expired(_, let tombstone, _, _)): view(of: tombstone.pipeline.name)
        case .bulk(.bulk), .bulk(.expired): first
        case .job(.unknown), .bulk(.unknown): nil
        }
    }

    private func view(of pipeline: String) -> View? { views.first { $0.pipeline == pipeline } }
}
