import Headway
import Testing

/// The code of the README and of the catalogue's pages, as a user would have it.
@Suite("The catalogue and the README", .timeLimit(.minutes(1)))
struct ArticleTests {
    struct Source {
        var title: String
    }

    enum Article: PipelineContract {
        static let name = "article"
        enum Stage: String, CaseIterable { case research, writing, seo }
    }

    enum Book: PipelineContract {
        enum Stage: String, CaseIterable, Sendable {
            case analyzing = "ANALYZING", scenes = "GENERATING_SCENES", artwork = "CREATING_ARTWORK"
        }
        static let name = "book"
    }

    enum DraftError: PublicError {
        case rateLimited
        var publicMessage: String { "The writing service is busy." }
        var publicCode: String? { "rate_limited" }
    }

    static let definition = """
        {"name": "article", "maxAttempts": 2, "stages": [
          {"id": "research", "label": "Researching", "range": [0, 33], "optional": true},
          {"id": "writing", "label": "Writing", "range": [33, 66]},
          {"id": "seo", "label": "Optimizing", "range": [66, 100], "optional": true}]}
        """

    private func read(_ source: Source) async throws {}
    private func analyze(_ page: Source) async throws {}
    private func findScenes() async throws {}
    private func draw() async throws {}

    /// Only that they compile: they want a Redis at a fixed address.
    func landingPage(sources: [Source]) async throws {
        let headway = try await Headway.connect("redis://127.0.0.1:6379")
        let job = try await headway.start(Article.self, id: "article-42", in: "spring")
        try await job.run(.research) { stage in
            for (n, source) in sources.enumerated() {
                try await read(source)
                stage.report(n + 1, of: sources.count, "Reading \(source.title)")
            }
        }
        try await job.complete(result: "clx123")
        try await headway.close()
    }

    func readme(pages: [Source]) async throws {
        let headway = try await Headway.connect("redis://127.0.0.1:6379")
        let job = try await headway.start(Book.self, id: "book-3", in: "spring")
        try await job.run(.analyzing) { stage in
            for (n, page) in pages.enumerated() {
                try await analyze(page)
                stage.report(n + 1, of: pages.count, "Read \(page.title)")
            }
        }
        try await job.run(.scenes) { _ in try await findScenes() }
        try await job.run(.artwork) { _ in try await draw() }
        try await job.complete(result: "books/3.html")
        try await headway.close()
    }

    func write(_ id: String, about sources: [Source], on headway: some HeadwayBus) async throws {
        let job = try await headway.start(Article.self, id: id, label: "Spring gardening")
        try await job.run(.research) { stage in
            for (n, source) in sources.enumerated() {
                try await read(source)
                stage.report(n + 1, of: sources.count, "Reading \(source.title)")
            }
        }
        try await job.run(.writing) { stage in
            for section in 1...4 {
                stage.substep("sections", section, of: 4)
                stage.report(percent: Double(section) * 25)
            }
        }
        try await job.complete(result: "articles/\(id)")
    }

    @Test("what the articles show runs, and is seen as they say")
    func articles() async throws {
        let headway = try InMemoryHeadway(pipelines: [Self.definition])
        try await write("article-42", about: [Source(title: "a")], on: headway)
        #expect(headway.snapshot(of: "article-42")?.result == "articles/article-42")
        #expect(headway.snapshot(of: "article-42")?.skippedStages == [])
        try await failures(headway)
        #expect(headway.refusals.isEmpty)
        try await headway.close()
    }

    private func failures(_ headway: InMemoryHeadway) async throws {
        let job = try await headway.start(Article.self, id: "article-43", attempt: 1)
        func draft(_ stage: StageHandle) async throws {
            if stage.attempt < 3 { throw DraftError.rateLimited }
        }
        for attempt in 1...3 {
            do {
                try await job.run(.writing, onError: attempt < 3 ? .rethrowOnly : .failJob) { stage in
                    try await draft(stage)
                }
                break
            } catch DraftError.rateLimited where attempt < 3 {
                continue
            }
        }
        await #expect(throws: DraftError.self) {
            try await job.run(.seo) { _ -> Void in throw DraftError.rateLimited }
        }
        #expect(headway.snapshot(of: "article-43")?.error?.message == "The writing service is busy.")
        let again = try await headway.start(Article.self, id: "article-43", attempt: 2)
        #expect(again.attempt == 2)
        try await goOn(headway)
    }

    private func goOn(_ headway: InMemoryHeadway) async throws {
        let job = try await headway.start(Article.self, id: "article-44")
        let known = try await headway.resume("article-44")
        if known?.hasCompleted(Article.Stage.research) != true {
            try await job.run(.research) { stage in stage.checkpoint("notes-17") }
        }
        #expect(headway.snapshot(of: "article-44")?.checkpoint == "notes-17")
    }

    @Test("every line of Swift in them is compiled: here, or where the testing guide's is")
    func verbatim() throws {
        try DocumentedCode.check("README.md", isIn: #filePath, blocks: 1)
        let catalogue = "Sources/Headway/Headway.docc"
        try DocumentedCode.check("\(catalogue)/Headway.md", isIn: #filePath, blocks: 1)
        try DocumentedCode.check("\(catalogue)/GettingStarted.md", isIn: #filePath, blocks: 3)
        try DocumentedCode.check("\(catalogue)/FailuresAndRetries.md", isIn: #filePath, blocks: 4)
        let testing = #filePath.replacing("Guides/ArticleTests.swift", with: "GuideTests.swift")
        try DocumentedCode.check("\(catalogue)/TestingYourWorker.md", isIn: testing, blocks: 2)
    }
}
