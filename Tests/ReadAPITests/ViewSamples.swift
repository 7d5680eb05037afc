import Foundation
import HeadwayCore
import HeadwayWire

@testable import ReadAPI

/// The views of docs/views.md, and what is needed to show them.
enum ViewSamples {
    static func page() throws -> String {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/views.md")
        return try String(contentsOf: page, encoding: .utf8)
    }

    /// Every view of the page, in its order.
    static func documented() throws -> [JSON] {
        let text = try page()
        var views: [JSON] = []
        for block in text.components(separatedBy: "```json\n").dropFirst() {
            guard let body = block.components(separatedBy: "```").first else { continue }
            if body.hasPrefix("{\"route\"") {
                guard case .array(let found) = try JSON(Array("[\(body)]".utf8)) else { continue }
                views += found
            } else if body.hasPrefix("{\"name\""),
                case .array(let found)? = try JSON(Array(body.utf8))["views"]
            {
                views += found
            }
        }
        return views
    }

    static func documented(_ route: String) throws -> View {
        let json = try documented().first { $0["route"]?.string == route }
        return try compile(json ?? .null)
    }

    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    static let stages = [
        "research", "writing", "seo", "outline", "references", "pages", "validating", "generating",
    ]

    static func compile(_ json: JSON, stages: [String] = stages, pipeline: String = "article") throws -> View
    {
        var reader = ViewReader(file: "test", pipeline: pipeline, stages: stages)
        let views = reader.views([json])
        guard let view = views.first, reader.problems.isEmpty else {
            throw Broken(description: reader.problems.map(\.description).joined(separator: "\n"))
        }
        return view
    }

    static func compile(_ text: String) throws -> View { try compile(try JSON(Array(text.utf8))) }

    /// A value of `fields`, rendered.
    static func value(
        _ value: String, of answer: LiveAnswer, status: String? = nil, isBulk: Bool = false
    ) throws -> String {
        let map = status.map { #", "status": \#($0)"# } ?? ""
        let route = isBulk ? "/x/{bulk}" : "/x/{job}"
        let view = try compile(#"{"route": "\#(route)"\#(map), "fields": \#(value)}"#)
        return try text(view, answer)
    }

    static func text(_ view: View, _ answer: LiveAnswer) throws -> String {
        guard let fields = view.fields, let subject = ViewSubject(answer) else {
            throw Broken(description: "nothing to show")
        }
        return String(decoding: view.write(fields, of: subject), as: UTF8.self)
    }

    // MARK: Jobs

    /// The article of the design, changed.
    static func article(_ change: (inout JobState) -> Void = { _ in }) throws -> LiveAnswer {
        let snapshot = try SnapshotTests.article()
        var job = snapshot.state
        job.token = nil
        change(&job)
        return .job(
            .job(
                JobSnapshot(
                    state: job, pipeline: snapshot.pipeline, epoch: snapshot.epoch,
                    freshness: snapshot.freshness, readAt: snapshot.readAt)))
    }

    static func ended(
        _ status: JobState.Status, _ change: @escaping (inout JobState) -> Void = { _ in }
    ) throws -> LiveAnswer {
        try article {
            $0.status = status
            $0.finishedAt = Sample.start + .seconds(80)
            $0.updatedAt = Sample.start + .seconds(80)
            if status == .completed { $0.result = "clx123" }
            if status == .failed {
                $0.failure = JobState.Failure(message: "Out of words", code: "empty", stage: "writing")
            }
            change(&$0)
        }
    }

    static func queued() throws -> LiveAnswer {
        .job(
            .job(
                JobSnapshot(
                    state: Sample.job("a", .queued), pipeline: try Sample.document().pipeline, epoch: "e1",
                    freshness: .none, readAt: Sample.start)))
    }

    static func bulk(current: [JobSnapshot], total: Int? = 40) -> LiveAnswer {
        var share = Sample.share(
            "spring", BulkCounts(queued: 20, running: 7, completed: 12, failed: 1), version: 91, total: total,
            isSealed: total != nil, isHome: true)
        share.stages = ["writing": 4, "research": 3]
        share.health = [.ok: 6, .stalled: 1]
        share.failures = [BulkShare.FailureKind(code: "rate_limited", stage: ""): 1]
        return .bulk(
            .bulk(
                BulkSnapshot(
                    summary: BulkSummary(id: BulkID(unchecked: "spring"), shares: [share]), current: current,
                    epoch: "e7f3",
                    freshness: Freshness(asOf: Sample.start, lagMilliseconds: 3, isStale: false),
                    readAt: Sample.start)))
    }
}
