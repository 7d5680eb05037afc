import Headway
import Testing

/// The Swift code of docs/guides/bulks.md and of the catalogue's article on bulks.
@Suite("The guide to bulks", .timeLimit(.minutes(1)))
struct BulksGuideTests {
    enum Article: PipelineContract {
        static let name = "article"
        enum Stage: String, CaseIterable { case research, writing, seo }
    }

    @Test("three jobs are counted together, sealed, and told by their weight; a cancelled bulk asks who runs")
    func counted() async throws {
        let headway = try InMemoryHeadway()
        try headway.apply(Article.self)
        let bulk = try await headway.openBulk("spring", total: 3, label: "Spring issue")
        for number in 1...3 {
            try await headway.queue(Article.self, id: "article-\(number)", in: "spring")
        }
        try await bulk.seal()
        #expect(headway.bulkSnapshot(of: "spring")?.text == "0 of 3")
        #expect(headway.bulkSnapshot(of: "spring")?.phase == .sealed)
        for number in 1...3 {
            let job = try await headway.start(Article.self, id: "article-\(number)")
            for stage in Article.Stage.allCases { try await job.run(stage) { _ in } }
            try await job.complete()
        }
        #expect(headway.bulkSnapshot(of: "spring")?.text == "3 of 3")
        #expect(headway.bulkSnapshot(of: "spring")?.phase == .settled)
        try await cancel(headway)
    }

    private func cancel(_ headway: InMemoryHeadway) async throws {
        try await headway.queue(Article.self, id: "long-read", in: "summer", weight: 3)
        let job = try await headway.start(Article.self, id: "long-read")
        #expect(headway.snapshot(of: "long-read")?.weight == 3)
        if job.isCancelled { return }
        try job.checkCancellation()
        try await headway.bulk("summer").cancel()
        #expect(job.isCancelled)
    }

    @Test("every line of Swift in the guide and in the article is compiled here")
    func verbatim() throws {
        try DocumentedCode.check("docs/guides/bulks.md", isIn: #filePath, blocks: 3)
        try DocumentedCode.check(
            "Sources/Headway/Headway.docc/CountingTogether.md", isIn: #filePath, blocks: 3)
    }
}
