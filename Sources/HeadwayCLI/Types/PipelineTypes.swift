import HeadwayCore
import HeadwayWire

/// A pipeline's stages and answers as shapes, ready for a writer of any language. Pure.
struct PipelineTypes {
    struct View {
        /// From the route's own words: `/api/books/{job}/status` is `BooksStatus`.
        let name: String
        let route: String
        let isOfBulk: Bool
        /// What `$status` can be; nil where it is the plain word.
        let status: TypeShape?
        /// Of a 200; nil where the view is a stream only.
        let response: TypeShape?
        /// Of the other bodies that the view declares; nil where it declares none.
        let error: TypeShape?
        /// By the event's name, in order: two of one name are one.
        let events: [TypeShape.Member]
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
            return Self.view(json, route, names[name] == 1 ? name : "\(name)\(names[name] ?? 0)")
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

    private static func view(_ json: JSON, _ route: String, _ name: String) -> View {
        let isOfBulk = route.contains("{bulk}")
        let words = isOfBulk ? SnapshotShape.phases : SnapshotShape.statuses
        var typing = ViewTyping(subject: isOfBulk ? .bulk : .job, status: .words(words))
        var status: TypeShape?
        if case .object(let members) = json["status"] {
            let mapped = TypeShape.joined(members.map { typing.value($0.value).shape })
            status = mapped
            typing.status = mapped
        }
        var good = json["fields"].map { [typing.value($0).shape] } ?? []
        var bad: [TypeShape] = []
        if case .object(let errors) = json["errors"] {
            for error in errors {
                guard let body = error.value["body"] else { continue }
                let shape = ViewTyping(subject: .problem(error.name), status: .text).value(body).shape
                if error.value["status"] == .number("200"), !good.isEmpty {
                    good.append(shape)
                } else {
                    bad.append(shape)
                }
            }
        }
        return View(
            name: name, route: route, isOfBulk: isOfBulk, status: status,
            response: good.isEmpty ? nil : .joined(good), error: bad.isEmpty ? nil : .joined(bad),
            events: events(json["events"], typing))
    }

    private static func events(_ json: JSON?, _ typing: ViewTyping) -> [TypeShape.Member] {
        guard let json, case .object = json else { return [] }
        var found: [TypeShape.Member] = []
        for role in ["snapshot", "complete", "error"] {
            let event = json[role]
            guard event != nil || role == "error" else { continue }
            let reader = role == "error" ? ViewTyping(subject: .problem(""), status: .text) : typing
            let fallback = TypeShape.object([TypeShape.Member("message", .text)])
            let shape = event?["data"].map { reader.value($0).shape } ?? fallback
            let name = event?["event"]?.string ?? role
            if let place = found.firstIndex(where: { $0.name == name }) {
                found[place] = TypeShape.Member(name, .joined([found[place].shape, shape]))
            } else {
                found.append(TypeShape.Member(name, shape))
            }
        }
        return found
    }
}
