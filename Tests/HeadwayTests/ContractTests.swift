import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import Headway

@Suite("Contracts", .timeLimit(.minutes(1)))
struct ContractTests {
    enum Story: PipelineContract {
        static let name = "story"
        enum Stage: String, CaseIterable { case plot, draft }
    }

    enum Stale: PipelineContract {
        static let name = "article"
        enum Stage: String, CaseIterable { case research, drafting, seo }
    }

    @Test("a pipeline that nobody applied says how to apply it, and which there are")
    func missing() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let error = await #expect(throws: HeadwayError.self) {
            _ = try await headway.start(Story.self, id: "s-1")
        }
        #expect(error?.code == .unknownPipeline)
        #expect(error?.description.contains("headway pipelines apply FILE") == true)
        #expect(error?.description.contains("article, book are") == true)
        try await headway.close(within: .milliseconds(100))
    }

    @Test("a definition applied after the connection is found")
    func appliedLater() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        try await scene.apply(#"{"name": "story", "stages": [{"id": "plot"}, {"id": "draft"}]}"#)
        try await headway.queue(Story.self, id: "s-1")
        try await headway.close(within: .milliseconds(100))
    }

    @Test("stages that differ are named, on both sides")
    func mismatch() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let error = await #expect(throws: HeadwayError.self) {
            _ = try await headway.queue(Stale.self, id: "a-1")
        }
        #expect(error?.code == .contractMismatch)
        #expect(
            error?.description
                == "The Swift stages of article and its definition article@1 differ: the definition "
                + "lacks drafting; the Swift type lacks writing. Change one of them; a changed definition is applied "
                + "with `headway pipelines apply FILE`.")
        #expect(try await scene.said(of: "a-1").isEmpty)
        try await headway.close(within: .milliseconds(100))
    }

    enum Longer: PipelineContract {
        static let name = "article"
        enum Stage: String, CaseIterable { case research, writing, seo, proofreading }
    }

    enum Shorter: PipelineContract {
        static let name = "article"
        enum Stage: String, CaseIterable { case research, writing }
    }

    @Test(
        "a worker whose stages are not the definition's does not start: one missing, one too many, no definition"
    )
    func checkedAtStart() async throws {
        let scene = try await Scene.open()
        for (contract, code, words) in [
            (Longer.self, HeadwayError.Code.contractMismatch, "the definition lacks proofreading."),
            (Shorter.self, .contractMismatch, "the Swift type lacks seo."),
            (Story.self, .unknownPipeline, "No definition of pipeline story"),
        ] as [(any PipelineContract.Type, HeadwayError.Code, String)] {
            let error = await #expect(throws: HeadwayError.self) {
                _ = try await scene.connect(contracts: [Article.self, contract])
            }
            #expect(error?.code == code)
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
        let headway = try await scene.connect(contracts: [Article.self])
        try await headway.check(Article.self)
        await #expect(throws: HeadwayError.self) { try await headway.check(Shorter.self) }
        try await headway.close(within: .milliseconds(100))
    }

    @Test(
        "a read token's digest is what the reader's token is compared with, and its description is no secret")
    func readToken() {
        let made = ReadToken.make()
        #expect(made.token.utf8.count == 52)
        #expect(made == ReadToken(made.token))
        #expect(made.digest == SHA256.hex(made.token))
        #expect(!"\(made)".contains(made.token))
        #expect(ReadToken.make() != made)
        #expect(
            ReadToken("abc").digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("stages by name are checked when they are used")
    func untyped() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let job = try await headway.start(pipeline: "article", id: "a-1")
        try await job.run("research") { $0.report(1, of: 2) }
        let unknown = await #expect(throws: HeadwayError.self) { try await job.run("painting") { _ in } }
        #expect(unknown?.code == .unknownStage)
        #expect(unknown?.description.contains("it has research, writing, seo") == true)
        let index = await #expect(throws: HeadwayError.self) {
            try await job.run("writing", index: 1, of: 2) { _ in }
        }
        #expect(index?.code == .invalid)
        try await job.complete()
        try await headway.close(within: .milliseconds(100))
    }

    @Test("arguments that break a rule are refused before anything is published")
    func invalid() async throws {
        let scene = try await Scene.open()
        let headway = try await scene.connect()
        let attempts: [@Sendable () async throws -> Void] = [
            { try await headway.queue(Article.self, id: "a b") },
            { try await headway.queue(Article.self, id: "a-1", in: "{spring}") },
            { try await headway.queue(Article.self, id: "a-1", weight: 0) },
            { try await headway.queue(Article.self, id: "a-1", tokenDigest: "secret") },
            { try await headway.queue(Article.self, id: "a-1", attributes: ["a b": ""]) },
            { _ = try await headway.start(Article.self, id: "a-1", attempt: 0) },
            { _ = try await headway.openBulk("spring", total: -1) },
        ]
        for attempt in attempts {
            let error = await #expect(throws: HeadwayError.self) { try await attempt() }
            #expect(error?.code == .invalid)
        }
        #expect(headway.statistics.events == 0)
        try await headway.close(within: .milliseconds(100))
    }
}
