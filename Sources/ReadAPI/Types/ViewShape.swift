package import HeadwayWire

/// What a view's answers look like, derived from its JSON. Pure.
package struct ViewShape: Equatable, Sendable {
    package let isOfBulk: Bool
    /// What `$status` can be; nil where it is the plain word.
    package let status: TypeShape?
    /// Of a 200; nil where the view is a stream only.
    package let response: TypeShape?
    /// Of the other bodies that the view declares; nil where it declares none.
    package let error: TypeShape?
    /// Every body that the view declares for an error, by the status that it comes with.
    package let errors: [Int: TypeShape]
    /// By the event's name, in order: two of one name are one.
    package let events: [TypeShape.Member]

    /// - Parameter json: an element of a definition's `views`.
    package init(_ json: JSON) {
        isOfBulk = json["route"]?.string?.contains("{bulk}") ?? false
        let words = isOfBulk ? SnapshotShape.phases : SnapshotShape.statuses
        var typing = ViewTyping(subject: isOfBulk ? .bulk : .job, status: .words(words))
        var status: TypeShape?
        if case .object(let members) = json["status"] {
            let mapped = TypeShape.joined(members.map { typing.value($0.value).shape })
            status = mapped
            typing.status = mapped
        }
        self.status = status
        var good = json["fields"].map { [typing.value($0).shape] } ?? []
        var bad: [TypeShape] = []
        var errors: [Int: TypeShape] = [:]
        if case .object(let declared) = json["errors"] {
            for error in declared {
                guard let body = error.value["body"] else { continue }
                let shape = ViewTyping(subject: .problem(error.name), status: .text).value(body).shape
                if error.value["status"] == .number("200"), !good.isEmpty {
                    good.append(shape)
                } else {
                    bad.append(shape)
                }
                if case .number(let text)? = error.value["status"], let code = Int(text) {
                    errors[code] = errors[code].map { .joined([$0, shape]) } ?? shape
                }
            }
        }
        response = good.isEmpty ? nil : .joined(good)
        error = bad.isEmpty ? nil : .joined(bad)
        self.errors = errors
        events = Self.events(json["events"], typing)
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
