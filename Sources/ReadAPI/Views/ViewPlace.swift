import HeadwayCore
import HeadwayWire

/// Where in a view a value stands: it decides which paths are known.
struct ViewPlace {
    enum Ground: Equatable {
        case job, bulk
        case failure([ViewFailurePath])
    }

    enum Item {
        case job, stage, substep, failure
    }

    struct Mistake: Error {
        let detail: String
    }

    let ground: Ground
    /// Of the pipeline; nil when they are not known, because the pipeline itself is broken.
    let stages: [String]?
    /// Inside of `$each`.
    var item: Item?
    /// Within the status map `$status` would be itself, and only words may stand.
    var isStatusMap = false

    init(_ ground: Ground, stages: [String]?) {
        self.ground = ground
        self.stages = stages
    }

    // MARK: Paths

    /// - Parameter text: without the dollar.
    func path(_ text: String) throws(Mistake) -> ViewPath {
        if text == "item" || text.hasPrefix("item.") {
            let rest = text == "item" ? "" : String(text.dropFirst(5))
            if let path = itemPath(rest) { return .item(path) }
            throw unknownItem(text)
        }
        switch ground {
        case .job:
            if text == "status" { return try statusPath() }
            if let path = jobPath(text) { return .job(path) }
        case .bulk:
            if text == "status" { return try statusPath() }
            if let path = bulkPath(text) { return path }
        case .failure(let known):
            if let path = ViewFailurePath(rawValue: text), known.contains(path) { return .failure(path) }
        }
        throw unknown(text)
    }

    /// What `$by` compares.
    func rawStatus() -> ViewPath? {
        switch ground {
        case .job: .job(.plain(.rawStatus))
        case .failure(let known) where known.contains(.rawStatus): .failure(.rawStatus)
        case .bulk, .failure: nil
        }
    }

    private func statusPath() throws(Mistake) -> ViewPath {
        guard !isStatusMap else {
            throw Mistake(detail: "$status within the status map would be itself: use $rawStatus")
        }
        return .status
    }

    private func jobPath(_ text: String) -> JobPath? {
        if let plain = JobPath.Plain(rawValue: text) { return .plain(plain) }
        guard let dot = text.firstIndex(of: ".") else { return nil }
        let rest = String(text[text.index(after: dot)...])
        switch text[..<dot] {
        case "attributes": return isIdentifier(rest.utf8) ? .attribute(rest) : nil
        case "completedStages": return Self.place(rest).map(JobPath.completedStage)
        case "skippedStages": return Self.place(rest).map(JobPath.skippedStage)
        case "substeps":
            guard let (place, rest) = Self.placeAndRest(rest) else { return nil }
            return SubstepPath(rawValue: rest).map { .substep(place, $0) }
        default: return nil
        }
    }

    private func bulkPath(_ text: String) -> ViewPath? {
        if let plain = BulkPath.Plain(rawValue: text) { return .bulk(.plain(plain)) }
        guard let dot = text.firstIndex(of: ".") else { return nil }
        let rest = String(text[text.index(after: dot)...])
        switch text[..<dot] {
        case "counts" where rest == "registered": return .bulk(.count(.registered))
        case "counts": return JobState.Status(rawValue: rest).map { .bulk(.count(.status($0))) }
        case "health": return Health(rawValue: rest).map { .bulk(.health($0)) }
        case "stages":
            guard let stages else { return .bulk(.stage(rest)) }
            return stages.contains(rest) ? .bulk(.stage(rest)) : nil
        case "failures":
            guard let (place, rest) = Self.placeAndRest(rest) else { return nil }
            return FailureKindPath(rawValue: rest).map { .bulk(.failure(place, $0)) }
        case "current":
            guard let (place, rest) = Self.placeAndRest(rest) else { return nil }
            return memberPath(rest).map { .current(place, $0) }
        default: return nil
        }
    }

    private func memberPath(_ text: String) -> JobPath? { jobPath(text == "status" ? "rawStatus" : text) }

    private func itemPath(_ text: String) -> ViewItemPath? {
        switch item {
        case .job: memberPath(text).map(ViewItemPath.job)
        case .stage where text == "" || text == "id": .stage
        case .stage where text == "label": .stageLabel
        case .substep: SubstepPath(rawValue: text).map(ViewItemPath.substep)
        case .failure: FailureKindPath(rawValue: text).map(ViewItemPath.failure)
        case .stage, nil: nil
        }
    }

    /// The list that `$each` names, and what its elements are.
    func list(_ path: ViewPath) -> (ViewList, Item)? {
        switch path {
        case .job(.plain(let plain)): Self.list(plain, of: .subject)
        case .current(let place, .plain(let plain)): Self.list(plain, of: .current(place))
        case .bulk(.plain(.current)): (.current, .job)
        case .bulk(.plain(.failures)): (.failures, .failure)
        default: nil
        }
    }

    private static func list(_ plain: JobPath.Plain, of owner: ViewOwner) -> (ViewList, Item)? {
        switch plain {
        case .completedStages: (.completedStages(owner), .stage)
        case .skippedStages: (.skippedStages(owner), .stage)
        case .substeps: (.substeps(owner), .substep)
        default: nil
        }
    }

    private static func place(_ text: String) -> Int? {
        guard text.utf8.count <= 4, text.utf8.allSatisfy({ 48...57 ~= $0 }) else { return nil }
        return Int(text)
    }

    private static func placeAndRest(_ text: String) -> (Int, String)? {
        guard let dot = text.firstIndex(of: "."), let place = place(String(text[..<dot])) else { return nil }
        return (place, String(text[text.index(after: dot)...]))
    }

    // MARK: Mistakes

    private func unknown(_ text: String) -> Mistake {
        let (whole, known): (String, [String]) =
            switch ground {
            case .job: ("a job", JobPath.Plain.allCases.map(\.rawValue) + ["status", "attributes.NAME"])
            case .bulk: ("a bulk", BulkPath.Plain.allCases.map(\.rawValue) + ["status"])
            case .failure(let known): ("what is left here", known.map(\.rawValue))
            }
        if text == "attributes" {
            return Mistake(detail: "$attributes alone is not given out: name one, such as $attributes.mode")
        }
        if case .bulk = ground, text.hasPrefix("stages."), let stages {
            return Mistake(
                detail: "$\(text) is not a stage of this pipeline: use \(stages.joined(separator: ", "))")
        }
        var advice = "see docs/views.md for what there is"
        if case .failure(let known) = ground {
            advice = "use " + known.map { "$" + $0.rawValue }.joined(separator: ", ")
        }
        if let near = Suggestion.nearest(to: text, among: known) { advice = "did you mean \"$\(near)\"?" }
        return Mistake(detail: "$\(text) is not known of \(whole): \(advice)")
    }

    private func unknownItem(_ text: String) -> Mistake {
        let known =
            switch item {
            case nil: ""
            case .stage: "use $item or $item.label"
            case .substep:
                "use \(SubstepPath.allCases.map { "$item." + $0.rawValue }.joined(separator: ", "))"
            case .failure:
                "use \(FailureKindPath.allCases.map { "$item." + $0.rawValue }.joined(separator: ", "))"
            case .job: "use $item and any path of a job, such as $item.percent"
            }
        guard !known.isEmpty else {
            return Mistake(detail: "$\(text) stands outside of a $each: there is no item")
        }
        return Mistake(detail: "$\(text) is not known of an element of this list: \(known)")
    }
}
