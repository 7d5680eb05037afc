import HeadwayCore
import HeadwayWire

/// The API's own answers as shapes, by docs/api.md; and what each path of a view holds, by docs/views.md.
package enum SnapshotShape {
    package typealias Member = TypeShape.Member

    package static let statuses = JobState.Status.allCases.map(\.rawValue)
    package static let phases = BulkSummary.Phase.allCases.map(\.rawValue)

    private static let whole = TypeShape.number(isWhole: true)
    private static let decimal = TypeShape.number(isWhole: false)

    static let substep = TypeShape.object([
        Member("id", .text), Member("done", whole, isOptional: true),
        Member("total", whole, isOptional: true),
        Member("percent", whole, isOptional: true),
    ])
    static let error = TypeShape.object([
        Member("message", .text), Member("code", .optional(.text)), Member("stage", .optional(.text)),
    ])
    static let estimate = TypeShape.object([
        Member("seconds", whole), Member("high", whole), Member("at", .text), Member("basis", .text),
    ])
    static let stage = TypeShape.object([
        Member("id", .stage), Member("label", .text), Member("percent", whole),
        Member("done", .optional(whole)), Member("total", .optional(whole)),
        Member("index", .optional(whole), isOptional: true), Member("of", .optional(whole), isOptional: true),
        Member("attempt", whole), Member("startedAt", .text),
    ])

    /// `GET /v1/jobs/{id}`.
    package static func job(of pipeline: String) -> [Member] {
        [
            Member("id", .text), Member("pipeline", .literal(.string(pipeline))),
            Member("bulk", .optional(.text)), Member("label", .optional(.text)),
            Member("status", .words(statuses)),
            Member("health", .words(Health.allCases.map(\.rawValue))), Member("reason", .optional(.text)),
            Member("percent", whole), Member("message", .optional(.text)), Member("attempt", whole),
            Member("worker", .optional(.text)), Member("cancelRequested", .flag),
            Member("stage", .optional(stage)),
            Member("completedStages", .list(.stage)), Member("skippedStages", .list(.stage)),
            Member("substeps", .list(substep)), Member("result", .optional(.text)),
            Member("error", .optional(error)), Member("attributes", .dictionary(.text)),
            Member("createdAt", .text), Member("startedAt", .optional(.text)), Member("updatedAt", .text),
            Member("finishedAt", .optional(.text)), Member("elapsedSeconds", .optional(decimal)),
            Member("eta", .optional(estimate)), Member("etaReason", .optional(.text)),
            Member("epoch", .text), Member("version", whole),
            Member("asOf", .optional(.text)), Member("lagMs", whole),
            Member("stale", .literal(.bool(true)), isOptional: true),
        ]
    }

    /// The events of `GET /v1/jobs/{id}/events`, but the snapshot itself.
    package static let streamEvents: [Member] = [
        Member(
            "unknown",
            .object([
                Member("kind", .words(["job"])), Member("id", .text), Member("status", .null),
            ])),
        Member(
            "expired",
            .object([
                Member("kind", .words(["job"])), Member("id", .text),
                Member("status", .words(["completed", "failed", "cancelled"])),
                Member("expired", .literal(.bool(true))), Member("finishedAt", .text),
            ])),
        Member("unauthorized", .object([Member("kind", .words(["job"])), Member("id", .text)])),
        Member(
            "complete",
            .object([Member("jobs", .dictionary(.text)), Member("bulks", .dictionary(.text))])),
        Member("bye", .object([Member("retryMs", whole)])),
    ]

    // MARK: Paths

    /// Whose paths a view speaks of.
    package enum Subject: Equatable {
        case job, bulk, substep, failure, stage, member, problem(String), other
    }

    /// - Returns: what the path holds; `anything` for one that this version does not know.
    static func at(_ path: String, of subject: Subject, status: TypeShape, attributes: [String] = [])
        -> TypeShape
    {
        let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        switch subject {
        case .job, .member: return job(parts, subject == .member ? .words(statuses) : status)
        case .bulk: return bulk(parts, status)
        case .problem(let word): return problem(parts, word)
        case .substep, .failure, .stage, .other: return .anything
        }
    }

    private static func job(_ parts: [String], _ status: TypeShape) -> TypeShape {
        let first = parts[0]
        let second = parts.count > 1 ? parts[1] : nil
        switch (first, second) {
        case ("status", nil): return status
        case ("rawStatus", nil): return .words(statuses)
        case ("id", nil), ("pipeline", nil), ("epoch", nil): return .text
        case ("bulk", nil), ("label", nil), ("worker", nil), ("result", nil), ("message", nil),
            ("reason", nil):
            return .optional(.text)
        case ("health", nil): return .words(Health.allCases.map(\.rawValue))
        case ("percent", nil), ("attempt", nil), ("version", nil), ("revision", nil): return whole
        case ("exactPercent", nil): return decimal
        case ("stage", nil), ("stage", "id"), ("activeStage", nil): return .optional(.stage)
        case ("stage", "label"), ("stage", "startedAt"): return .optional(.text)
        case ("stage", "percent"), ("stage", "done"), ("stage", "total"), ("stage", "index"), ("stage", "of"),
            ("stage", "attempt"):
            return .optional(whole)
        case ("completedStages", nil), ("skippedStages", nil): return .list(.stage)
        case ("completedStages", _), ("skippedStages", _):
            return .optional(parts.count > 2 ? .text : .stage)
        case ("substeps", nil): return .list(substep)
        case ("substeps", _):
            return parts.count > 2 ? .optional(at(parts[2], ofItem: .substep)) : .optional(substep)
        case ("error", nil): return .optional(error)
        case ("error", _): return .optional(.text)
        case ("attributes", _?): return .optional(.text)
        case ("createdAt", nil), ("updatedAt", nil), ("now", nil): return .text
        case ("startedAt", nil), ("finishedAt", nil), ("asOf", nil), ("eta", "at"): return .optional(.text)
        case ("elapsedSeconds", nil): return .optional(decimal)
        case ("eta", nil): return .optional(estimate)
        case ("eta", "seconds"), ("eta", "high"): return .optional(whole)
        case ("eta", _): return .optional(.text)
        case ("lagMs", nil): return whole
        case ("stale", nil): return .flag
        default: return .anything
        }
    }

    private static func bulk(_ parts: [String], _ status: TypeShape) -> TypeShape {
        let first = parts[0]
        let second = parts.count > 1 ? parts[1] : nil
        switch (first, second) {
        case ("status", nil): return status
        case ("phase", nil): return .words(phases)
        case ("id", nil), ("text", nil), ("epoch", nil), ("now", nil): return .text
        case ("label", nil), ("outcome", nil), ("createdAt", nil), ("updatedAt", nil), ("asOf", nil),
            ("eta", "at"):
            return .optional(.text)
        case ("completed", nil), ("done", nil), ("percent", nil), ("generation", nil), ("version", nil),
            ("lagMs", nil):
            return whole
        case ("total", nil): return .optional(whole)
        case ("counts", nil), ("health", nil), ("stages", nil): return .dictionary(whole)
        case ("counts", _), ("health", _), ("stages", _): return whole
        case ("current", nil): return .list(.anything)
        case ("current", _):
            let rest = Array(parts.dropFirst(2))
            return rest.isEmpty ? .anything : .optional(job(rest, .words(statuses)))
        case ("failures", nil):
            return .list(
                .object([
                    Member("code", .optional(.text)), Member("stage", .optional(.text)),
                    Member("count", whole),
                ]))
        case ("rate", nil): return .optional(.object([Member("perMinute", decimal)]))
        case ("rate", _): return .optional(decimal)
        case ("eta", nil): return .optional(estimate)
        case ("eta", "seconds"), ("eta", "high"): return .optional(whole)
        case ("eta", _): return .optional(.text)
        case ("stale", nil): return .flag
        default: return .anything
        }
    }

    /// What an element of a list holds under `$item.name`, or as `$item` alone.
    static func at(_ path: String, ofItem subject: Subject) -> TypeShape {
        switch (subject, path) {
        case (.stage, ""): .stage
        case (.stage, "label"): .text
        case (.substep, ""): substep
        case (.substep, "id"): .text
        case (.substep, "done"), (.substep, "total"): .optional(whole)
        case (.substep, "percent"): whole
        case (.failure, "code"), (.failure, "stage"): .optional(.text)
        case (.failure, "count"): whole
        case (.member, let path) where !path.isEmpty: at(path, of: .member, status: .words(statuses))
        default: .anything
        }
    }

    /// What `$each` walks over.
    static func item(of list: String) -> Subject {
        switch list {
        case "completedStages", "skippedStages": .stage
        case "substeps": .substep
        case "failures": .failure
        case "current": .member
        default: .other
        }
    }

    /// The few paths of a body that says why there is no answer.
    private static func problem(_ parts: [String], _ word: String) -> TypeShape {
        switch parts.joined(separator: ".") {
        case "id": .text
        case "problem": word.isEmpty ? .words(["absent", "expired"]) : .words([word])
        case "lagMs", "version", "attempt": .optional(whole)
        case "asOf", "epoch", "pipeline", "bulk", "finishedAt": .optional(.text)
        case "rawStatus": .optional(.words(statuses))
        case "stale": .flag
        default: .anything
        }
    }
}
