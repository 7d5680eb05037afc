import HeadwayWire

/// Reads `$path|filter` and `text with ${path|filter}`.
struct ViewTextReader {
    typealias Mistake = ViewPlace.Mistake

    let place: ViewPlace

    /// Whether a text is a path: it begins with a dollar and a letter.
    static func isPath(_ text: String) -> Bool {
        let start = Array(text.utf8.prefix(2))
        guard start.count == 2, start[0] == UInt8(ascii: "$") else { return false }
        return UInt8(ascii: "a")...UInt8(ascii: "z") ~= start[1] | 0x20
    }

    func node(_ text: String) throws(Mistake) -> ViewNode {
        if text == "$nothing" { return .nothing }
        if Self.isPath(text) {
            let (path, filters) = try path(String(text.dropFirst()))
            return .path(path, filters)
        }
        let pieces = try pieces(text)
        if pieces.isEmpty { return .constant(ViewNode.Constant(.string(""))) }
        if pieces.count == 1, case .literal(let literal) = pieces[0] {
            return .constant(ViewNode.Constant(.string(literal)))
        }
        return .text(pieces)
    }

    /// A bare path, such as `$if` takes.
    func path(_ text: String) throws(Mistake) -> (ViewPath, ViewFilters) {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        let path = try place.path(parts[0])
        return (path, try filters(Array(parts.dropFirst()), on: path.kind, of: parts[0]))
    }

    // MARK: Filters

    private static let known = ["iso", "iso:s", "ms", "round:1", "json", "or:", "omitnull"]

    private func filters(
        _ parts: [String], on kind: ViewPath.Kind, of path: String
    ) throws(Mistake) -> ViewFilters {
        var filters = ViewFilters()
        var isConverted = false
        for part in parts {
            guard filters.fallback == nil, !filters.omitsNull else {
                throw Mistake(detail: "|\(part) comes behind |or or |omitnull: those stand last, and alone")
            }
            if part.hasPrefix("or:") {
                filters.fallback = fallback(String(part.dropFirst(3)), on: kind, filters.conversion)
            } else if part == "omitnull" {
                filters.omitsNull = true
            } else {
                guard !isConverted else {
                    throw Mistake(detail: "|\(part) is a second conversion of $\(path): one is enough")
                }
                isConverted = true
                filters.conversion = try conversion(part, on: kind, of: path)
            }
        }
        return filters
    }

    private func conversion(
        _ part: String, on kind: ViewPath.Kind, of path: String
    ) throws(Mistake) -> ViewFilters.Conversion {
        func check(_ wanted: ViewPath.Kind, _ word: String) throws(Mistake) {
            guard kind == wanted else {
                throw Mistake(detail: "|\(part) takes \(word), and $\(path) is \(Self.word(for: kind))")
            }
        }
        switch part {
        case "iso":
            try check(.moment, "a moment")
            return .none
        case "iso:s":
            try check(.moment, "a moment")
            return .isoSeconds
        case "ms":
            try check(.moment, "a moment")
            return .milliseconds
        case "json":
            try check(.text, "a text")
            return .json
        case let round where round.hasPrefix("round"):
            try check(.number, "a number")
            guard let decimals = Int(round.dropFirst(6)), round.hasPrefix("round:"), 0...3 ~= decimals else {
                throw Mistake(detail: "|\(part) is not |round:0 to |round:3")
            }
            return .rounded(decimals)
        default:
            let near = Suggestion.nearest(to: part, among: Self.known).map { "did you mean |\($0)?" }
            throw Mistake(
                detail: "|\(part) is not a filter: "
                    + (near ?? "use |iso, |iso:s, |ms, |round:N, |json, |or:X or |omitnull"))
        }
    }

    private func fallback(
        _ text: String, on kind: ViewPath.Kind, _ conversion: ViewFilters.Conversion
    ) -> ViewFilters.Fallback {
        guard kind == .number || conversion == .milliseconds, case .number = try? JSON(Array(text.utf8))
        else { return .text(text) }
        return .number(text)
    }

    private static func word(for kind: ViewPath.Kind) -> String {
        switch kind {
        case .text: "a text"
        case .number: "a number"
        case .flag: "true or false"
        case .moment: "a moment"
        case .list: "a list"
        case .object: "an object"
        case .mapped: "what the status map says"
        }
    }

    // MARK: Texts with values

    private func pieces(_ text: String) throws(Mistake) -> [ViewNode.Piece] {
        var pieces: [ViewNode.Piece] = []
        var literal = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            literal += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                literal += "$"
                rest = rest.dropFirst()
            } else if rest.first == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Mistake(detail: "has a ${ without its }: write ${stage.index}, or $${ for the text")
                }
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = ""
                pieces.append(try piece(String(rest[rest.index(after: rest.startIndex)..<end])))
                rest = rest[rest.index(after: end)...]
            } else {
                literal += "$"
            }
        }
        literal += rest
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        return pieces
    }

    private func piece(_ text: String) throws(Mistake) -> ViewNode.Piece {
        let (path, filters) = try path(text)
        guard path.kind != .list, path.kind != .object else {
            throw Mistake(detail: "${\(text)} is \(Self.word(for: path.kind)): a text has no place for it")
        }
        guard !filters.omitsNull, filters.conversion != .json else {
            throw Mistake(detail: "${\(text)} stands within a text: |omitnull and |json have no place there")
        }
        return .path(path, filters)
    }
}
