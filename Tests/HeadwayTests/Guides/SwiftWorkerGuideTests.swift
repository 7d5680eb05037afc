import Headway
import Testing

/// The code of docs/guides/swift-worker.md, as a user would have it.
@Suite("The guide to Swift workers", .timeLimit(.minutes(1)))
struct SwiftWorkerGuideTests {
    enum Poster: PipelineContract {
        static let name = "poster"
        enum Stage: String, CaseIterable { case sketch, paint, print }
    }

    struct Layer {
        var name: String
    }

    enum PosterError: PublicError {
        case outOfInk(colour: String)
        var publicMessage: String {
            switch self {
            case .outOfInk(let colour): "There is no more \(colour)."
            }
        }
        var publicCode: String? { "out_of_ink" }
    }

    /// As the page shows it.
    static let definition = """
        {"name": "poster", "maxAttempts": 3, "heartbeat": "5s", "lostAfter": "1m", "stages": [
          {"id": "sketch", "label": "Sketching", "range": [0, 20]},
          {"id": "paint", "label": "Painting", "range": [20, 80], "indexed": true},
          {"id": "print", "label": "Printing", "range": [80, 100], "quiet": true, "optional": true}]}
        """

    private func sketch(_ layer: Layer) async throws {}

    func make(_ poster: String, layers: [Layer], on headway: some HeadwayBus) async throws {
        let job = try await headway.start(Poster.self, id: poster, in: "spring", label: "Poster \(poster)")

        // A count: absolute values, never increments.
        try await job.run(.sketch) { stage in
            for (n, layer) in layers.enumerated() {
                try await sketch(layer)
                stage.report(n + 1, of: layers.count, "Sketched \(layer.name)")
            }
        }

        // An indexed stage: one after the other, each with a progress of its own.
        for (n, layer) in layers.enumerated() {
            try await job.run(.paint, index: n + 1, of: layers.count) { stage in
                for percent in stride(from: 10.0, through: 100, by: 10) {
                    try stage.checkCancellation()
                    stage.report(percent: percent)
                }
                stage.checkpoint("painted \(layer.name)")
            }
        }

        // A quiet stage may say nothing for long; substeps are counters beside the stage's own value.
        try await job.run(.print) { stage in
            stage.substep("plates", 4, of: 4)
        }
        try await job.complete(result: "posters/\(poster).pdf")
    }

    /// Of the page's connection only that it compiles: it wants a Redis at a fixed address.
    func connect() async throws {
        let headway = try await Headway.connect("redis://127.0.0.1:6379", contracts: [Poster.self])
        try await headway.close(within: .seconds(10))
    }

    @Test("a poster is made, and shown as the guide says")
    func made() async throws {
        let headway = try InMemoryHeadway(pipelines: [Self.definition])
        try await make("poster-7", layers: [Layer(name: "sky"), Layer(name: "sea")], on: headway)
        let job = try #require(headway.snapshot(of: "poster-7"))
        #expect(job.status == .completed && job.result == "posters/poster-7.pdf")
        #expect(job.completedStages == ["sketch", "paint", "print"])
        #expect(job.checkpoint == "painted sea" && job.label == "Poster poster-7")
        #expect(headway.refusals.isEmpty)
        try await refuse(headway)
        try await headway.close(within: .seconds(10))
    }

    private func refuse(_ headway: InMemoryHeadway) async throws {
        do {
            _ = try await headway.start(Poster.self, id: "poster-7", attempt: 1)
        } catch let error as HeadwayError where error.code == .ended {
            return
        }
        Issue.record("what is over was begun again")
    }

    @Test(
        "a stage is tried three times, a job twice, and the second worker goes on where the first one stopped"
    )
    func again() async throws {
        let headway = try InMemoryHeadway(pipelines: [Self.definition])
        let job = try await headway.start(Poster.self, id: "poster-8", attempt: 1)
        func draw(_ attempt: Int, _ stage: StageHandle) async throws {
            #expect(stage.attempt == attempt)
            if attempt < 3 { throw PosterError.outOfInk(colour: "blue") }
        }
        for attempt in 1...3 {
            do {
                try await job.run(.sketch, onError: attempt < 3 ? .rethrowOnly : .failJob) { stage in
                    try await draw(attempt, stage)
                }
                break
            } catch PosterError.outOfInk where attempt < 3 {
                continue
            }
        }
        await #expect(throws: PosterError.self) {
            try await job.run(.paint, index: 1, of: 2) { _ -> Void in
                throw PosterError.outOfInk(colour: "red")
            }
        }
        #expect(headway.snapshot(of: "poster-8")?.error?.message == "There is no more red.")
        let again = try await headway.start(Poster.self, id: "poster-8", attempt: 2)
        #expect(again.attempt == 2)
        try await goOn(headway)
    }

    private func goOn(_ headway: InMemoryHeadway) async throws {
        let first = try await headway.start(Poster.self, id: "poster-9")
        try await first.run(.sketch) { stage in stage.checkpoint("sketched once") }

        let known = try await headway.resume("poster-9")
        let job = try await headway.start(Poster.self, id: "poster-9")
        if known?.hasCompleted(Poster.Stage.sketch) != true {
            try await job.run(.sketch) { stage in stage.checkpoint("sketched twice") }
        }
        #expect(known?.checkpoint == "sketched once")
        #expect(headway.snapshot(of: "poster-9")?.completedStages == ["sketch"])

        let third = try await headway.start(Poster.self, id: "poster-10")
        try await headway.requestCancel(job: "poster-10", message: "Not needed any more")
        #expect(third.isCancelled)
    }

    @Test("every line of code in the guide is compiled here")
    func verbatim() throws {
        try DocumentedCode.check("docs/guides/swift-worker.md", isIn: #filePath, blocks: 10)
    }
}
