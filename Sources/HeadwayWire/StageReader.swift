import HeadwayCore

/// Reads the stages of a pipeline document: each on its own, then their ranges together.
struct StageReader {
    private static let keys = [
        "id", "label", "range", "weight", "optional", "indexed", "quiet", "stallAfter", "message",
    ]

    /// What a stage says of its place.
    private struct Claim {
        var range: (start: Fraction, end: Fraction)?
        var hasRange = false
        var weight: Int?
    }

    private var firstPlaces: [String: Int] = [:]
    private var claims: [Claim] = []

    mutating func stages(_ elements: [JSON], _ problems: inout PipelineReader) -> [Pipeline.Stage] {
        let drafts = elements.enumerated().map { draft($1, at: "stages[\($0)]", $0, &problems) }
        let ranges = claims.contains { $0.hasRange } ? given(drafts, &problems) : weighed()
        return zip(drafts, ranges).map { draft, range in
            Pipeline.Stage(
                id: draft.id, label: draft.label, start: range.start, end: range.end,
                isOptional: draft.isOptional, isIndexed: draft.isIndexed, isQuiet: draft.isQuiet,
                stallAfter: draft.stallAfter, message: draft.message)
        }
    }

    /// The stage without its range.
    private mutating func draft(
        _ json: JSON, at path: String, _ place: Int, _ problems: inout PipelineReader
    ) -> Pipeline.Stage {
        var claim = Claim()
        defer { claims.append(claim) }
        guard case .object(let members) = json else {
            problems.report(path, #"is not an object: write {"id": "writing"}"#)
            return Pipeline.Stage(id: "", start: .zero, end: .zero)
        }
        problems.checkKeys(members, of: "a stage", at: path, among: Self.keys)
        claim = self.claim(json, at: path, &problems)
        return Pipeline.Stage(
            id: id(json["id"], at: path, place, &problems),
            label: problems.text(json["label"], limit: WireLimits.label, at: "\(path).label"), start: .zero,
            end: .zero, isOptional: problems.flag(json["optional"], at: "\(path).optional") ?? false,
            isIndexed: problems.flag(json["indexed"], at: "\(path).indexed") ?? false,
            isQuiet: problems.flag(json["quiet"], at: "\(path).quiet") ?? false,
            stallAfter: problems.duration(json["stallAfter"], at: "\(path).stallAfter"),
            message: problems.text(json["message"], limit: WireLimits.message, at: "\(path).message"))
    }

    private mutating func id(
        _ json: JSON?, at path: String, _ place: Int, _ problems: inout PipelineReader
    ) -> String {
        guard let json else {
            problems.report("\(path).id", #"is missing: give the stage an id, such as "writing""#)
            return ""
        }
        guard let id = json.string, isIdentifier(id.utf8) else {
            problems.report("\(path).id", "is not an id: use 1 to 200 letters, digits or . _ : @ -")
            return ""
        }
        if let first = firstPlaces[id] {
            problems.report(
                "\(path).id", "\"\(id)\" is the id of stages[\(first)] too: give each stage its own")
        } else {
            firstPlaces[id] = place
        }
        return id
    }

    private func claim(_ json: JSON, at path: String, _ problems: inout PipelineReader) -> Claim {
        var claim = Claim()
        claim.weight = problems.count(json["weight"], from: 0, at: "\(path).weight")
        guard let range = json["range"] else { return claim }
        claim.hasRange = true
        if json["weight"] != nil {
            problems.report("\(path).weight", "stands beside a range: keep one of the two")
        }
        guard case .array(let ends) = range, ends.count == 2, let start = percent(ends[0]),
            let end = percent(ends[1])
        else {
            problems.report("\(path).range", "is not two percentages from 0 to 100: write [0, 33]")
            return claim
        }
        guard start <= end else {
            problems.report(
                "\(path).range",
                "starts at \(Percent.text(start)) and ends at \(Percent.text(end)): swap them")
            return claim
        }
        claim.range = (start, end)
        return claim
    }

    private func percent(_ json: JSON) -> Fraction? {
        guard case .number(let text) = json else { return nil }
        return Percent.fraction(ArraySlice(text.utf8))
    }

    /// Ranges as they were given: they ascend and do not overlap; gaps are allowed.
    private func given(
        _ drafts: [Pipeline.Stage], _ problems: inout PipelineReader
    ) -> [(start: Fraction, end: Fraction)] {
        var last: (place: Int, end: Fraction)?
        return claims.enumerated().map { place, claim in
            if !claim.hasRange {
                problems.report(
                    "stages[\(place)]", "has no range, but others have one: give every stage a range, or none"
                )
            }
            guard let range = claim.range else { return (.zero, .zero) }
            if let last, range.start < last.end {
                problems.report(
                    "stages[\(place)].range",
                    "starts at \(Percent.text(range.start)), before stages[\(last.place)] "
                        + "\"\(drafts[last.place].id)\" ends: start at \(Percent.text(last.end)) or later")
            }
            last = (place, max(range.end, last?.end ?? .zero))
            return range
        }
    }

    /// Ranges from weights; a stage without one weighs 1.
    private func weighed() -> [(start: Fraction, end: Fraction)] {
        let weights = claims.map { $0.weight ?? 1 }
        // All of no weight: all of no width, and the percent stays 0 until the end.
        let total = max(weights.reduce(0, +), 1)
        var before = 0
        return weights.map { weight in
            let start = Fraction(before, of: total)
            before += weight
            return (start, Fraction(before, of: total))
        }
    }
}
