import HeadwayCore
import Testing

/// The five systems under seeds/, each by its own words and its own numbers.
@Suite("The percent of a job")
struct PercentTests {
    struct Step: Sendable {
        let word: JobWord
        let percent: Int
    }

    struct Seed: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let pipeline: Pipeline
        let steps: [Step]
    }

    /// Each stage by its id and its end, in percent; it starts where the one before ends, or at `from`.
    static func pipeline(_ name: String, _ stages: Pipeline.Stage...) -> Pipeline {
        Pipeline(reference: Pipeline.Reference(name: name, revision: 1), stages: stages)
    }

    static func span(
        _ id: String, _ from: Int, _ to: Int, isOptional: Bool = false, isIndexed: Bool = false
    ) -> Pipeline.Stage {
        Pipeline.Stage(
            id: id, start: percent(from), end: percent(to), isOptional: isOptional, isIndexed: isIndexed)
    }

    static let pages = Seed(
        testDescription: "page generation: stages that are only started and completed",
        pipeline: pipeline(
            "page", span("PLANNING_PAGE", 0, 25), span("WRITING_OPENING_PAGE", 25, 75, isOptional: true),
            span("WRITING_CONTINUING_PAGE", 25, 75, isOptional: true), span("ANALYZING_SCENE", 75, 100),
            span("RESTRUCTURING_STORY", 100, 100, isOptional: true)),
        steps: [
            Step(word: .works, percent: 0), Step(word: .begins(stage("PLANNING_PAGE", try: 1)), percent: 0),
            Step(word: .ends(stage("PLANNING_PAGE", try: 1)), percent: 25),
            Step(word: .begins(stage("WRITING_CONTINUING_PAGE", try: 1)), percent: 25),
            Step(word: .begins(stage("WRITING_CONTINUING_PAGE", try: 2)), percent: 25),
            Step(word: .ends(stage("WRITING_CONTINUING_PAGE", try: 2)), percent: 75),
            Step(word: .begins(stage("ANALYZING_SCENE")), percent: 75),
            Step(word: .begins(stage("RESTRUCTURING_STORY")), percent: 99), Step(word: .done, percent: 100),
        ])

    static let story = Seed(
        testDescription: "story: images page by page",
        pipeline: pipeline(
            "story", span("GENERATING_OUTLINE", 0, 10), span("GENERATING_REFERENCE_IMAGES", 10, 20),
            span("GENERATING_PAGE_IMAGE", 20, 100, isIndexed: true)),
        steps: [
            Step(word: .begins(stage("GENERATING_OUTLINE")), percent: 0),
            Step(word: .begins(stage("GENERATING_REFERENCE_IMAGES")), percent: 10),
            Step(word: .counts(stage("GENERATING_REFERENCE_IMAGES"), 1, 3), percent: 13),
            Step(word: .begins(stage("GENERATING_PAGE_IMAGE", 1, of: 3)), percent: 20),
            Step(word: .begins(stage("GENERATING_PAGE_IMAGE", 2, of: 3)), percent: 46),
            Step(word: .tells(stage("GENERATING_PAGE_IMAGE", 2, of: 3), percent: 50), percent: 60),
            Step(word: .ends(stage("GENERATING_PAGE_IMAGE", 2, of: 3)), percent: 73),
            Step(word: .ends(stage("GENERATING_PAGE_IMAGE", 3, of: 3)), percent: 99),
            Step(word: .done, percent: 100),
        ])

    static let book = Seed(
        testDescription: "book: substeps beside the stage's own progress",
        pipeline: pipeline(
            "book", span("UPLOADED", 0, 0), span("ANALYZING", 0, 30), span("GENERATING_SCENES", 30, 60),
            span("CREATING_ARTWORK", 60, 100)),
        steps: [
            Step(word: .begins(stage("UPLOADED")), percent: 0),
            Step(word: .counts(stage("ANALYZING"), 1, 2, substep: "chapters"), percent: 0),
            Step(word: .tells(stage("ANALYZING"), percent: 50), percent: 15),
            Step(word: .counts(stage("GENERATING_SCENES"), 7, 9), percent: 53),
            Step(word: .counts(stage("GENERATING_SCENES"), 8, 20), percent: 53),
            Step(word: .counts(stage("GENERATING_SCENES"), 20, 20), percent: 60),
            Step(word: .counts(stage("CREATING_ARTWORK"), 199, 200), percent: 99),
            Step(word: .done, percent: 100),
        ])

    static let image = Seed(
        testDescription: "image: ranges with gaps, and a failure that keeps the last value",
        pipeline: pipeline(
            "image", span("validating", 10, 10), span("generating", 30, 70), span("storing", 80, 80),
            span("watermarking", 90, 100)),
        steps: [
            Step(word: .works, percent: 0), Step(word: .begins(stage("validating")), percent: 10),
            Step(word: .begins(stage("generating")), percent: 30),
            Step(word: .tells(stage("generating"), percent: 50), percent: 50),
            Step(word: .ends(stage("generating")), percent: 70),
            Step(word: .begins(stage("storing")), percent: 80),
            Step(word: .begins(stage("watermarking")), percent: 90), Step(word: .breaks, percent: 90),
        ])

    static let article = Seed(
        testDescription: "article: thirds, and a cancellation that keeps the last value",
        pipeline: pipeline(
            "article", span("research", 0, 33, isOptional: true), span("writing", 33, 66),
            span("seo", 66, 100)),
        steps: [
            Step(word: .tells(stage("research"), percent: 100), percent: 33),
            Step(word: .counts(stage("writing"), 5, 10), percent: 49),
            Step(word: .begins(stage("seo")), percent: 66),
            Step(word: .tells(stage("seo"), percent: 99), percent: 99),
            Step(word: .cancelled(message: nil), percent: 99),
        ])

    @Test(arguments: [pages, story, book, image, article])
    func follows(_ seed: Seed) {
        let catalog = PipelineCatalog([seed.pipeline])
        var record = JobRecord.unknown
        _ = record.apply(jobID, say(.queued(seed.pipeline.registration())), at: noon, catalog: catalog)
        for step in seed.steps {
            let verdict = record.apply(jobID, say(step.word), at: noon, catalog: catalog).verdict
            #expect(verdict == .applied, "\(step.word)")
            #expect(record.job?.percent == step.percent, "\(step.word)")
        }
    }

    @Test("a stage's own fraction is served beside the job's")
    func ofStage() throws {
        let record = JobRecord(Pipeline.paged, .tells(stage("b", 2, of: 4), percent: 50))
        #expect(try #require(record.job).stageFraction(under: .paged) == Fraction(partsPerMillion: 375_000))
        #expect(try #require(record.job).stageFraction == Fraction(partsPerMillion: 375_000))
        #expect(try #require(JobRecord(Pipeline.plain).job).stageFraction(under: .plain) == .zero)
    }

    @Test("a fraction is floored, and 999,999 of a million is 99 percent")
    func floors() {
        #expect(JobRecord(Pipeline.plain, .counts(stage("a"), 1, 7)).job?.fraction.partsPerMillion == 42_857)
        let record = JobRecord(Pipeline.plain, .counts(stage("c"), 999_999, 1_000_000))
        #expect(record.job?.percent == 99)
    }
}
