import HeadwayCore

/// Walks a pipeline document and notes every problem with its path.
struct PipelineReader {
    private let file: String
    private(set) var problems: [PipelineProblem] = []

    init(file: String) { self.file = file }

    private static let keys = [
        "name", "stages", "heartbeat", "stallAfter", "lostAfter", "cancelAfter", "maxAttempts", "strict",
        "retention", "views",
    ]

    /// - Returns: nil only when there is nothing to make a pipeline of; otherwise ``problems`` decides.
    mutating func document(_ json: JSON, revision: Int) -> PipelineDocument? {
        guard case .object(let members) = json else {
            report("", #"is not a JSON object: write {"name": "article", "stages": [{"id": "writing"}]}"#)
            return nil
        }
        checkKeys(members, of: "a pipeline", at: "", among: Self.keys)
        let name = name(json["name"])
        let stages = stages(json["stages"])
        let heartbeat = duration(json["heartbeat"], at: "heartbeat") ?? .seconds(15)
        let lostAfter = duration(json["lostAfter"], at: "lostAfter") ?? .seconds(600)
        if lostAfter <= heartbeat {
            report(
                json["lostAfter"] == nil ? "heartbeat" : "lostAfter",
                "lostAfter (\(DurationText.text(lostAfter))) is not longer than heartbeat"
                    + " (\(DurationText.text(heartbeat))): a healthy worker would be called lost")
        }
        let pipeline = Pipeline(
            reference: Pipeline.Reference(name: name, revision: revision), stages: stages,
            heartbeat: heartbeat,
            stallAfter: duration(json["stallAfter"], at: "stallAfter") ?? .seconds(120), lostAfter: lostAfter,
            cancelAfter: duration(json["cancelAfter"], at: "cancelAfter") ?? .seconds(60),
            maxAttempts: count(json["maxAttempts"], from: 1, at: "maxAttempts") ?? 1,
            isStrict: flag(json["strict"], at: "strict") ?? false, retention: retention(json["retention"]))
        return PipelineDocument(pipeline: pipeline, views: views(json["views"]))
    }

    // MARK: The parts of a pipeline

    private mutating func name(_ json: JSON?) -> String {
        guard let json else {
            report("name", #"is missing: give the pipeline a name, such as "article""#)
            return ""
        }
        guard let name = json.string, name.utf8.count <= 100, isIdentifier(name.utf8) else {
            report("name", "is not a name: use 1 to 100 letters, digits or . _ : -")
            return ""
        }
        if name.contains("@") {
            report("name", "has an @ in it: revisions are counted by Headway, leave it out")
        }
        return name
    }

    private mutating func stages(_ json: JSON?) -> [Pipeline.Stage] {
        guard let json else {
            report("stages", #"is missing: list at least one, such as [{"id": "writing"}]"#)
            return []
        }
        guard case .array(let elements) = json, 1...PipelineDocument.stageLimit ~= elements.count else {
            report("stages", #"is not a list of 1 to 200 stages: write [{"id": "writing"}]"#)
            return []
        }
        var reader = StageReader()
        let stages = reader.stages(elements, &self)
        return stages
    }

    private mutating func retention(_ json: JSON?) -> Pipeline.Retention {
        guard let json else { return Pipeline.Retention() }
        guard case .object(let members) = json else {
            report("retention", #"is not an object: write {"finished": "24h", "abandoned": "7d"}"#)
            return Pipeline.Retention()
        }
        checkKeys(members, of: "retention", at: "retention", among: ["finished", "abandoned"])
        var retention = Pipeline.Retention()
        if let finished = duration(json["finished"], at: "retention.finished") {
            retention.finished = finished
        }
        if let abandoned = duration(json["abandoned"], at: "retention.abandoned") {
            retention.abandoned = abandoned
        }
        return retention
    }

    private mutating func views(_ json: JSON?) -> [JSON] {
        guard let json else { return [] }
        guard case .array(let views) = json else {
            report("views", "is not a list of views")
            return []
        }
        for (place, view) in views.enumerated() {
            if case .object = view { continue }
            report("views[\(place)]", "is not an object")
        }
        return views
    }

    // MARK: One value

    mutating func report(_ path: String, _ detail: String) {
        problems.append(PipelineProblem(file: file, path: path, detail: detail))
    }

    mutating func checkKeys(_ members: [JSON.Member], of whole: String, at path: String, among keys: [String])
    {
        for member in members where !keys.contains(member.name) {
            let advice = Suggestion.nearest(to: member.name, among: keys).map { "did you mean \"\($0)\"?" }
            report(
                path.isEmpty ? member.name : "\(path).\(member.name)",
                "is not a key of \(whole): \(advice ?? "use \(keys.joined(separator: ", "))")")
        }
    }

    mutating func duration(_ json: JSON?, at path: String) -> Duration? {
        guard let json else { return nil }
        if let duration = json.string.flatMap(DurationText.duration) { return duration }
        report(path, #"is not a duration: write "500ms", "15s", "4m", "24h" or "7d""#)
        return nil
    }

    mutating func flag(_ json: JSON?, at path: String) -> Bool? {
        guard let json else { return nil }
        if case .bool(let value) = json { return value }
        report(path, "is not true or false")
        return nil
    }

    mutating func count(_ json: JSON?, from low: Int, at path: String) -> Int? {
        guard let json else { return nil }
        if case .number(let text) = json, let value = Int(text), low...1_000_000 ~= value { return value }
        report(path, "is not a whole number from \(low) to 1000000")
        return nil
    }

    mutating func text(_ json: JSON?, limit: Int, at path: String) -> String? {
        guard let json else { return nil }
        if let text = json.string, WireLimits.holds(text, limit) { return text }
        report(path, "is not a text of at most \(limit) characters")
        return nil
    }
}
