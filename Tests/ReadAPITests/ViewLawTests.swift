import Seeded
import Foundation
import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

/// Whatever a view says that was accepted, of whatever state: what comes out is JSON.
@Suite("The law of rendering")
struct ViewLawTests {
    @Test("any state in any accepted view is valid JSON, on one line, by two readers", arguments: 0..<400)
    func valid(seed: Int) throws {
        var world = ViewWorld(seed: UInt64(seed))
        let isBulk = world.chance(3)
        let json = world.view(isBulk: isBulk)
        let view: View
        do {
            view = try ViewSamples.compile(json)
        } catch {
            Issue.record("seed \(seed): the world wrote what is refused: \(error)\n\(json.text)")
            return
        }
        for _ in 0..<20 {
            let answer = isBulk ? world.bulk() : .job(.job(world.job()))
            let text = try ViewSamples.text(view, answer)
            #expect(!text.contains("\n"), "seed \(seed)")
            #expect(throws: Never.self, "seed \(seed): \(text)") { _ = try JSON(Array(text.utf8)) }
            #expect(throws: Never.self, "seed \(seed): \(text)") {
                _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
            }
            for secret in ["CHECKPOINT", "TOKEN", "TRACE"] { #expect(!text.contains(secret), "seed \(seed)") }
        }
    }
}

/// Writes random views that are sound, and random states.
private struct ViewWorld {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func chance(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &random) == 0 }

    private mutating func pick<Element>(_ list: [Element]) -> Element {
        list[Int.random(in: 0..<list.count, using: &random)]
    }

    mutating func view(isBulk: Bool) -> JSON {
        var members = [JSON.Member("route", .string(isBulk ? "/x/{bulk}" : "/x/{job}"))]
        if chance(2) {
            let words =
                isBulk ? BulkSummary.Phase.allCases.map(\.rawValue) : JobState.Status.allCases.map(\.rawValue)
            members.append(
                JSON.Member(
                    "status",
                    .object(words.map { JSON.Member($0, .string(pick(["A", "b c", "${id}", "$id"]))) })))
        }
        members.append(JSON.Member("fields", value(4, isBulk: isBulk)))
        return .object(members)
    }

    private mutating func value(_ depth: Int, isBulk: Bool, item: String? = nil) -> JSON {
        if depth > 0, !chance(3) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                return .object(
                    (0..<Int.random(in: 0...5, using: &random)).map {
                        JSON.Member(
                            "k\($0)" + pick(["", "\"", "é"]), value(depth - 1, isBulk: isBulk, item: item))
                    })
            case 2:
                return .array(
                    (0..<Int.random(in: 0...4, using: &random)).map { _ in
                        value(depth - 1, isBulk: isBulk, item: item)
                    })
            case 3:
                return .object([
                    JSON.Member("$if", .string("$" + path(isBulk: isBulk, item: item))),
                    JSON.Member("then", value(depth - 1, isBulk: isBulk, item: item)),
                    JSON.Member("else", value(depth - 1, isBulk: isBulk, item: item)),
                ])
            case 4:
                return .object([
                    JSON.Member("$by", .string(isBulk ? "phase" : pick(["status", "health", "stage"]))),
                    JSON.Member("else", value(depth - 1, isBulk: isBulk, item: item)),
                ])
            default:
                guard item == nil else { break }
                let list = isBulk ? pick(["current", "failures"]) : pick(["substeps", "completedStages"])
                return .object([
                    JSON.Member("$each", .string("$" + list)),
                    JSON.Member("as", value(depth - 1, isBulk: isBulk, item: list)),
                ])
            }
        }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return .string(pick(["plain", "\u{1}\"\\\u{7f}", "$$", "5$", "é\n", ""]))
        case 1: return pick([.null, .bool(true), .number("-1.5e3"), .number(7)])
        case 2: return .string("a ${\(scalar(isBulk: isBulk))} b")
        default:
            return .string(
                "$" + path(isBulk: isBulk, item: item) + pick(["", "", "|or:x\"y", "|omitnull", "|or:1"]))
        }
    }

    private mutating func scalar(isBulk: Bool) -> String {
        isBulk
            ? pick(["id", "text", "total", "percent", "updatedAt", "stale", "current.0.message", "status"])
            : pick([
                "id", "message", "stage.index", "elapsedSeconds", "exactPercent", "finishedAt", "status",
                "result",
            ])
    }

    private mutating func path(isBulk: Bool, item: String?) -> String {
        if let item, chance(2) {
            switch item {
            case "current": return "item." + pick(JobPath.Plain.allCases).rawValue
            case "failures": return "item." + pick(FailureKindPath.allCases).rawValue
            case "substeps": return "item." + pick(SubstepPath.allCases).rawValue
            default: return pick(["item", "item.label"])
            }
        }
        if isBulk {
            return pick(
                BulkPath.Plain.allCases.map(\.rawValue) + [
                    "counts.failed", "current.3.stage", "failures.0.code",
                ])
        }
        return pick(
            JobPath.Plain.allCases.map(\.rawValue) + [
                "attributes.mode", "substeps.0.done", "skippedStages.2", "status",
            ])
    }

    private mutating func text() -> String {
        pick([
            "plain", "", "\"", "\\", "\n\r\t", "\u{0}\u{1f}", "é漢🙂", "</script>", "{\"a\": [1,\n2]}",
            "\u{2028}", "null",
        ])
    }

    mutating func job() -> JobSnapshot {
        let status = pick(JobState.Status.allCases)
        var job = Sample.job("j", status, version: Int64.random(in: 1...Int64.max, using: &random))
        job.checkpoint = "CHECKPOINT"
        job.traceparent = "TRACE"
        if chance(3) { job.token = "TOKEN" }
        job.message = chance(2) ? text() : nil
        job.label = chance(2) ? text() : nil
        job.worker = chance(2) ? "w" : nil
        job.result = chance(2) ? text() : nil
        job.attributes = chance(2) ? ["mode": text()] : [:]
        job.health = pick(Health.allCases)
        job.fraction = Fraction(partsPerMillion: Int.random(in: 0...1_000_000, using: &random))
        if status == .failed { job.failure = JobState.Failure(message: text(), code: chance(2) ? "c" : nil) }
        if chance(2) {
            let progress: [HeadwayCore.Progress?] = [
                nil, .count(done: 1, total: 3), .fraction(Fraction(partsPerMillion: 333_333)),
            ]
            job.position = JobState.Position(
                stage: pick(["research", "writing", "pages", "gone"]), index: chance(2) ? 2 : nil,
                of: chance(2) ? 8 : nil, progress: pick(progress), startedAt: Sample.start)
            job.stages = [
                JobState.StageRecord(
                    stage: "writing", attempt: 1, phase: pick([.running, .completed, .skipped]))
            ]
            job.substeps = chance(2) ? [JobState.Substep(id: "s", progress: .count(done: 0, total: 0))] : []
        }
        job.updatedAt = Timestamp(milliseconds: pick([0, -1, Int64.max, Int64.min, 1_767_225_600_123]))
        return JobSnapshot(
            state: job, pipeline: chance(3) ? nil : try? Sample.document().pipeline, epoch: "e",
            freshness: chance(2) ? .none : Freshness(asOf: Sample.start, lagMilliseconds: 1, isStale: true),
            readAt: Sample.start + .milliseconds(Int64.random(in: 0...10_000_000, using: &random)))
    }

    mutating func bulk() -> LiveAnswer {
        ViewSamples.bulk(
            current: (0..<Int.random(in: 0...3, using: &random)).map { _ in job() },
            total: chance(2) ? nil : 40)
    }
}
