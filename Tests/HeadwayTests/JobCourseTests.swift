import Seeded
import HeadwayCore
import HeadwayWire
import Testing

@testable import Headway

@Suite("JobCourse")
struct JobCourseTests {
    private static let pipeline = Pipeline(
        reference: .init(name: "p", revision: 1),
        stages: ["a", "b", "c", "d"].enumerated().map { place, id in
            Pipeline.Stage(
                id: id, start: Fraction(partsPerMillion: place * 250_000),
                end: Fraction(partsPerMillion: (place + 1) * 250_000), isOptional: id == "c",
                isIndexed: id == "b")
        }, maxAttempts: 9)

    /// Runs stages in any order, again and again, taken over by a second worker in the middle.
    @Test("however a worker jumps between stages, the fold refuses nothing of it", arguments: 0..<40)
    func mirrorsTheFold(batch: UInt64) throws {
        for seed in batch * 25..<(batch + 1) * 25 {
            var random = SplitMix64(seed: seed)
            let id = JobID(unchecked: "j-1")
            let catalog = PipelineCatalog([Self.pipeline])
            var record = JobRecord.unknown
            var number: Int64 = 0
            var refusals: [String] = []
            func say(_ word: JobWord) {
                number += 1
                let event = ProgressEvent(id, word, attempt: 1, sequence: .init(source: "s", id: number))
                let outcome = record.apply(id, event, at: Timestamp(milliseconds: number), catalog: catalog)
                if case .refused(let reason) = outcome.verdict { refusals.append("\(reason) \(word)") }
            }
            let registration = Registration(pipeline: PipelineName(name: "p"))
            say(.started(worker: "w", registration))
            var course = JobCourse(pipeline: Self.pipeline)
            var page = 0
            for _ in 0..<20 {
                if Int.random(in: 0..<8, using: &random) == 0, case .job(let job) = record {
                    say(.started(worker: "v", registration))
                    course = JobCourse(pipeline: Self.pipeline, from: job)
                }
                let stage = ["a", "b", "c", "d"].randomElement(using: &random) ?? "a"
                var index: Int?
                if stage == "b" {
                    page =
                        Bool.random(using: &random) ? min(page + 1, 7) : Int.random(in: 1...7, using: &random)
                    index = page
                }
                var mention = try course.begin(stage, index: index, of: index.map { _ in 8 }, message: "m")
                say(.stageStarted(mention))
                mention.message = nil
                say(.stageProgressed(mention, .count(done: 1, total: 3), substep: nil))
                say(.stageProgressed(mention, .count(done: 1, total: 2), substep: "s"))
                if Bool.random(using: &random) { say(.stageCompleted(mention, checkpoint: "c")) }
            }
            say(.completed(result: nil, message: nil))
            #expect(refusals.isEmpty, "seed \(seed)")
        }
    }

    @Test("the first end counts: the same end again is nothing, another one is refused")
    func ends() throws {
        for end in [JobCourse.End.completed, .failed, .cancelled] {
            var course = JobCourse(pipeline: Self.pipeline)
            #expect(try course.finish(end))
            #expect(try !course.finish(end))
            for other in [JobCourse.End.completed, .failed, .cancelled] where other != end {
                #expect(throws: HeadwayError.self) { _ = try course.finish(other) }
            }
            #expect(throws: HeadwayError.self) {
                _ = try course.begin("a", index: nil, of: nil, message: nil)
            }
        }
    }

    @Test("a stage that the job's own revision lacks goes through when the contract vouches for it")
    func unknownStage() throws {
        var vouched = JobCourse(pipeline: Self.pipeline, isChecked: false)
        #expect(try vouched.begin("e", index: nil, of: nil, message: nil).stageAttempt == 1)
        var checked = JobCourse(pipeline: Self.pipeline)
        #expect(throws: HeadwayError.self) { _ = try checked.begin("e", index: nil, of: nil, message: nil) }
    }
}
