import HeadwayCore
import HeadwayWire

extension ViewReader {
    /// Compiles one value.
    ///
    /// - Returns: nil after a problem was noted.
    mutating func value(_ json: JSON, in place: ViewPlace, at path: String) -> ViewNode? {
        switch json {
        case .null, .bool, .number: return .constant(ViewNode.Constant(json))
        case .string(let text): return self.text(text, in: place, at: path)
        case .array(let elements):
            guard !place.isStatusMap else { return refuseInStatus(path) }
            return list(elements, in: place, at: path)
        case .object(let members):
            guard let word = members.first(where: { $0.name.hasPrefix("$") && !$0.name.hasPrefix("$$") })
            else {
                guard !place.isStatusMap else { return refuseInStatus(path) }
                return object(members, in: place, at: path)
            }
            switch word.name {
            case "$by": return choice(word.value, members, in: place, at: path)
            case "$if": return presence(word.value, members, in: place, at: path)
            case "$each":
                guard !place.isStatusMap else { return refuseInStatus(path) }
                return each(word.value, members, in: place, at: path)
            default:
                let near = Suggestion.nearest(to: word.name, among: ["$by", "$if", "$each"])
                    .map { "did you mean \"\($0)\"?" }
                report(
                    "\(path).\(word.name)",
                    "is not $by, $if or $each: \(near ?? "double the dollar for a key of that name")")
                return nil
            }
        }
    }

    private mutating func refuseInStatus(_ path: String) -> ViewNode? {
        report(
            path, "is a list or an object: a status is a text, a number, null, a path or a choice of these")
        return nil
    }

    private mutating func text(_ text: String, in place: ViewPlace, at path: String) -> ViewNode? {
        do {
            let node = try ViewTextReader(place: place).node(text)
            if place.isStatusMap, case .path(let known, _) = node,
                known.kind == .list || known.kind == .object
            {
                return refuseInStatus(path)
            }
            return node
        } catch {
            report(path, error.detail)
            return nil
        }
    }

    private mutating func list(_ elements: [JSON], in place: ViewPlace, at path: String) -> ViewNode? {
        var nodes: [ViewNode] = []
        for (number, element) in elements.enumerated() {
            if let node = value(element, in: place, at: "\(path)[\(number)]") { nodes.append(node) }
        }
        guard nodes.count == elements.count else { return nil }
        return Self.folded(.list(nodes))
    }

    private mutating func object(_ members: [JSON.Member], in place: ViewPlace, at path: String) -> ViewNode?
    {
        var nodes: [ViewNode.Member] = []
        var names: Set<String> = []
        for member in members {
            let name = Self.plain(member.name)
            if !names.insert(name).inserted { report("\(path).\(member.name)", "is there twice") }
            guard let node = value(member.value, in: place, at: "\(path).\(member.name)") else { continue }
            var key: [UInt8] = []
            JSON.append(name, to: &key)
            key.append(UInt8(ascii: ":"))
            nodes.append(ViewNode.Member(key: key, value: node))
        }
        guard nodes.count == members.count else { return nil }
        return Self.folded(.object(nodes))
    }

    /// What is made of constants only is one.
    private static func folded(_ node: ViewNode) -> ViewNode {
        let parts: [ViewNode] =
            switch node {
            case .list(let elements): elements
            case .object(let members): members.map(\.value)
            default: []
            }
        for part in parts { guard case .constant = part else { return node } }
        var json = JSONWriter(capacity: 64)
        switch node {
        case .list(let elements):
            json.beginArray()
            for case .constant(let constant) in elements { json.value(encoded: constant.encoded) }
            json.endArray()
        case .object(let members):
            json.beginObject()
            for member in members {
                guard case .constant(let constant) = member.value else { continue }
                json.key(encoded: member.key)
                json.value(encoded: constant.encoded)
            }
            json.endObject()
        default: return node
        }
        return .constant(ViewNode.Constant(whole: json.bytes))
    }

    /// A doubled dollar is one.
    private static func plain(_ name: String) -> String {
        name.hasPrefix("$$") ? String(name.dropFirst()) : name
    }

    // MARK: Choices

    private mutating func choice(
        _ what: JSON, _ members: [JSON.Member], in place: ViewPlace, at path: String
    ) -> ViewNode? {
        var words: [String: ViewNode] = [:]
        var otherwise: ViewNode?
        var isSound = true
        for member in members where member.name != "$by" {
            guard let node = value(member.value, in: place, at: "\(path).\(member.name)") else {
                isSound = false
                continue
            }
            if member.name == "else" { otherwise = node } else { words[Self.plain(member.name)] = node }
        }
        let hasElse = members.contains { $0.name == "else" }
        let given = members.map(\.name).filter { $0 != "$by" && $0 != "else" }.map(Self.plain)
        guard let (known, all) = subject(of: what, in: place, at: "\(path).$by") else { return nil }
        if let all {
            for word in given where !all.words.contains(word) {
                let near = Suggestion.nearest(to: word, among: all.words).map { "did you mean \"\($0)\"?" }
                report(
                    "\(path).\(word)",
                    "is not \(all.whole): \(near ?? "use \(all.words.joined(separator: ", ")) or else")")
                isSound = false
            }
        }
        let missing = all.map { $0.isClosed ? $0.words.filter { !given.contains($0) } : ["else"] } ?? ["else"]
        if !hasElse, !missing.isEmpty {
            let names = missing.joined(separator: ", ")
            report(
                path,
                missing == ["else"]
                    ? "has no else: say what it is for every other word, and for none"
                    : "\(names) \(missing.count == 1 ? "is" : "are") missing: add \(missing.count == 1 ? "it" : "them"), or else"
            )
            isSound = false
        }
        guard isSound else { return nil }
        return .choice(known, words, otherwise: otherwise ?? .constant(ViewNode.Constant(.null)))
    }

    /// The words that a choice may have.
    private struct Words {
        /// `a status`
        let whole: String
        let words: [String]
        /// Whether there are no others, so that `else` is not needed when all are given.
        let isClosed: Bool
    }

    private mutating func subject(
        of what: JSON, in place: ViewPlace, at path: String
    ) -> (ViewPath, Words?)? {
        let isJob = place.ground == .job
        switch what.string {
        case "status":
            if let known = place.rawStatus() {
                return (
                    known,
                    Words(whole: "a status", words: JobState.Status.allCases.map(\.rawValue), isClosed: true)
                )
            }
            report(
                path,
                place.ground == .bulk
                    ? "\"status\" is a job's: a bulk has a \"phase\"" : "no status is known here")
            return nil
        case "health" where isJob:
            return (
                .job(.plain(.health)),
                Words(whole: "a health", words: Health.allCases.map(\.rawValue), isClosed: true)
            )
        case "phase" where place.ground == .bulk:
            return (
                .bulk(.plain(.phase)),
                Words(whole: "a phase", words: BulkSummary.Phase.allCases.map(\.rawValue), isClosed: true)
            )
        case "stage" where isJob:
            let words = stages.map { Words(whole: "a stage of this pipeline", words: $0, isClosed: false) }
            return (.job(.plain(.stage)), words)
        case let text? where ViewTextReader.isPath(text):
            guard let (known, filters) = bare(text, in: place, at: path) else { return nil }
            guard known.kind != .list, known.kind != .object, filters == .none else {
                report(path, "is not a bare path of one word: \(text)")
                return nil
            }
            return (known, nil)
        default:
            report(
                path,
                isJob
                    ? "is not \"status\", \"stage\", \"health\" or a path such as \"$attributes.mode\""
                    : "is not \"phase\" or a path such as \"$outcome\"")
            return nil
        }
    }

    private mutating func presence(
        _ what: JSON, _ members: [JSON.Member], in place: ViewPlace, at path: String
    ) -> ViewNode? {
        checkKeys(members, of: "$if", at: path, among: ["$if", "then", "else"])
        let known = what.string.flatMap { bare($0, in: place, at: "\(path).$if") }
        if what.string == nil { report("\(path).$if", "is not a path: write \"$error\"") }
        guard let then = Self.member("then", of: members) else {
            report(path, "has no then: say what it is when it is there")
            return nil
        }
        let thenNode = value(then, in: place, at: "\(path).then")
        let elseNode =
            Self.member("else", of: members).map { value($0, in: place, at: "\(path).else") } ?? .nothing
        guard let (known, filters) = known else { return nil }
        guard filters == .none else {
            report("\(path).$if", "has a filter: a bare path is enough")
            return nil
        }
        guard let thenNode, let elseNode else { return nil }
        return .presence(known, then: thenNode, otherwise: elseNode)
    }

    private static func member(_ name: String, of members: [JSON.Member]) -> JSON? {
        members.first { $0.name == name }?.value
    }

    private mutating func each(
        _ what: JSON, _ members: [JSON.Member], in place: ViewPlace, at path: String
    ) -> ViewNode? {
        checkKeys(members, of: "$each", at: path, among: ["$each", "as"])
        guard place.item == nil else {
            report(
                path, "stands within another $each: one is enough, use a whole list such as $item.substeps")
            return nil
        }
        guard let text = what.string else {
            report("\(path).$each", "is not a list: write \"$substeps\"")
            return nil
        }
        let known = bare(text, in: place, at: "\(path).$each")
        guard let element = Self.member("as", of: members) else {
            report(path, "has no as: say what each element becomes")
            return nil
        }
        guard let (known, filters) = known else { return nil }
        guard filters == .none, let (list, item) = place.list(known) else {
            report("\(path).$each", "\(text) is not a list")
            return nil
        }
        var inner = place
        inner.item = item
        guard let node = value(element, in: inner, at: "\(path).as") else { return nil }
        return .each(list, node)
    }

    /// A text that has to be a path.
    private mutating func bare(
        _ text: String, in place: ViewPlace, at path: String
    ) -> (ViewPath, ViewFilters)? {
        guard ViewTextReader.isPath(text) else {
            report(path, "is not a path: begin it with a dollar, such as \"$error\"")
            return nil
        }
        do {
            return try ViewTextReader(place: place).path(String(text.dropFirst()))
        } catch {
            report(path, error.detail)
            return nil
        }
    }
}
