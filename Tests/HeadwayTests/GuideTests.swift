import Foundation
import Headway
import Testing

/// The code of docs/testing.md, as a user would have it: nothing but the public library.
@Suite("The testing guide", .timeLimit(.minutes(1)))
struct GuideTests {
    enum Article: PipelineContract {
        static let name = "article"
        enum Stage: String, CaseIterable { case research, writing, seo }
    }

    struct Topic {
        var sources: Int
    }

    enum WritingError: PublicError {
        case nothingToSay
        var publicMessage: String { "There is nothing to say." }
        var publicCode: String? { "nothing_to_say" }
    }

    let articleJSON = """
        {"name": "article", "maxAttempts": 2, "stages": [
          {"id": "research", "range": [0, 33], "optional": true}, {"id": "writing", "range": [33, 66]},
          {"id": "seo", "range": [66, 100]}]}
        """

    func write(_ id: String, of topic: Topic, on headway: some HeadwayBus) async throws {
        let job = try await headway.start(Article.self, id: id, in: "spring")
        let sources = try await job.run(.research) { stage in
            for n in 0..<topic.sources {
                try stage.checkCancellation()
                stage.report(n + 1, of: topic.sources, "Reading source \(n + 1)")
            }
            return topic.sources
        }
        try await job.run(.writing) { stage in
            guard sources > 0 else { throw WritingError.nothingToSay }
            stage.report(percent: 100)
        }
        try await job.complete(result: "clx-\(id)")
    }

    @Test("what a worker told is read at once; failures, retries and cancels are as the guide says")
    func telling() async throws {
        let headway = try InMemoryHeadway(pipelines: [articleJSON])
        try await write("article-42", of: Topic(sources: 3), on: headway)

        let job = try #require(headway.snapshot(of: "article-42"))
        #expect(job.status == .completed && job.percent == 100)
        #expect(job.completedStages == ["research", "writing"])
        #expect(job.skippedStages == ["seo"])
        #expect(headway.bulkSnapshot(of: "spring")?.text == "1 of at least 1")
        #expect(headway.refusals.isEmpty)

        await #expect(throws: WritingError.self) {
            try await write("article-43", of: Topic(sources: 0), on: headway)
        }
        let failed = try #require(headway.snapshot(of: "article-43"))
        #expect(failed.error?.code == "nothing_to_say")
        #expect(failed.error?.stage == "writing")

        let again = try await headway.start(Article.self, id: "article-43")
        #expect(again.attempt == 2)

        let bulk = try headway.bulk("spring")
        try await bulk.cancel()
        #expect(again.isCancelled)
        await #expect(throws: CancellationError.self) {
            try await again.run(.research) { stage in try stage.checkCancellation() }
        }
        #expect(headway.snapshot(of: "article-43")?.status == .cancelled)
    }

    @Test("time does what the guide says, when the clock is told to")
    func time() async throws {
        let clock = ManualClock()
        let headway = try InMemoryHeadway(pipelines: [articleJSON], clock: clock)
        var job: Job<Article>? = try await headway.start(Article.self, id: "article-44")
        clock.advance(by: .seconds(121))
        #expect(headway.snapshot(of: "article-44")?.health == .stalled)

        job = nil
        clock.advance(by: .seconds(600))
        #expect(headway.snapshot(of: "article-44")?.error?.code == "worker_lost")

        clock.advance(by: .seconds(24 * 3600))
        #expect(headway.answer(of: "article-44") == .expired(.failed, attempt: 1))
        #expect(job?.id == nil)
    }

    @Test("every line of code in the guide stands in this file, in its order")
    func verbatim() throws {
        let here = URL(filePath: #filePath)
        let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let guide = try String(contentsOf: root.appending(path: "docs/testing.md"), encoding: .utf8)
        let own = try String(contentsOf: here, encoding: .utf8).split(separator: "\n").map(trimmed)
        let blocks = guide.components(separatedBy: "```swift\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        #expect(blocks.count == 5)
        for block in blocks {
            var place = own.startIndex
            for line in block.split(separator: "\n").map(trimmed) {
                guard let found = own[place...].firstIndex(of: line) else {
                    Issue.record("docs/testing.md says what is not here: \(line)")
                    break
                }
                place = own.index(after: found)
            }
        }
    }

    private func trimmed(_ line: Substring) -> String { line.trimmingCharacters(in: .whitespaces) }
}
