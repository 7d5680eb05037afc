import Seeded
import Headway
import HeadwayCore

/// A seeded random program against a bus: what an enqueuer and two workers call, right or wrong.
///
/// Within one stage the values only rise and their total stands, so that it makes no difference which of them a
/// publisher leaves out.
struct BusProgram: Sendable {
    enum Ending: Sendable {
        case returns, fails(code: String), keepsError
    }

    struct StageRun: Sendable {
        var stage: String
        var index: Int?
        var of: Int?
        var message: String?
        var reports: [(done: Int, total: Int, message: String?)]
        var percents: [Double]
        var substeps: [(name: String, done: Int)]
        var checkpoint: String?
        var ending: Ending
    }

    enum Step: Sendable {
        case openBulk(total: Int?, label: String?)
        case seal(total: Int?)
        case cancelBulk
        case queue(job: Int, pipeline: String, weight: Int?, label: String?, isMember: Bool)
        case start(job: Int, pipeline: String, worker: Int, attempt: Int?, isMember: Bool)
        case drop(job: Int)
        case stage(job: Int, StageRun)
        case complete(job: Int, result: String?)
        case fail(job: Int, code: String?)
        case cancelled(job: Int)
        case requestCancel(job: Int)
        case resume(job: Int)
    }

    static let pipelines = [
        """
        {"name": "tale", "heartbeat": "10m", "stallAfter": "1h", "lostAfter": "2h", "maxAttempts": 3, "stages": [
          {"id": "plan", "label": "Planning", "range": [0, 10], "optional": true},
          {"id": "page", "range": [10, 80], "indexed": true, "message": "Page {index} of {of}"},
          {"id": "cover", "range": [80, 80]},
          {"id": "print", "label": "Printing", "range": [85, 100]}]}
        """,
        """
        {"name": "form", "heartbeat": "10m", "stallAfter": "1h", "lostAfter": "2h", "maxAttempts": 2,
         "strict": true, "stages": [
          {"id": "plan", "range": [0, 33.3333]}, {"id": "page", "range": [33.3333, 66]},
          {"id": "print", "range": [66, 100]}]}
        """,
    ]

    /// How long stages took before any of it: so many, and so long, that what a program adds is lost in them.
    ///
    /// - Parameter cover: of that stage alone.
    static func history(cover: Duration = .seconds(3600)) -> DurationBook {
        var book = DurationBook()
        for pipeline in ["tale", "form"] {
            for stage in ["plan", "page", "cover", "print"] {
                let usual = stage == "cover" ? cover : .seconds(3600)
                for _ in 0..<1_000 { book.add(usual, pipeline: pipeline, stage: stage) }
            }
            for _ in 0..<1_000 { book.add(.seconds(4 * 3600), pipeline: pipeline, stage: nil) }
        }
        return book
    }

    let seed: UInt64
    let jobs: Int
    let steps: [Step]

    var bulk: String { "bulk-\(seed)" }
    func job(_ number: Int) -> String { "job-\(seed)-\(number)" }

    init(seed: UInt64, length: Int) {
        var random = SplitMix64(seed: seed)
        self.seed = seed
        jobs = Int.random(in: 1...4, using: &random)
        let jobs = jobs
        steps = (0..<length).map { _ in Self.step(jobs, &random) }
    }

    private static func step(_ jobs: Int, _ random: inout SplitMix64) -> Step {
        let job = Int.random(in: 0..<jobs, using: &random)
        let pipeline = Int.random(in: 0..<4, using: &random) == 0 ? "form" : "tale"
        let isMember = Int.random(in: 0..<4, using: &random) > 0
        func maybe<Value>(_ value: Value, _ random: inout SplitMix64) -> Value? {
            Bool.random(using: &random) ? value : nil
        }
        switch Int.random(in: 0..<40, using: &random) {
        case 0, 1: return .openBulk(total: maybe(jobs, &random), label: maybe("A bulk", &random))
        case 2: return .seal(total: maybe(jobs, &random))
        case 3: return .cancelBulk
        case 4...7:
            return .queue(
                job: job, pipeline: pipeline, weight: maybe(Int.random(in: 1...9, using: &random), &random),
                label: maybe("Job \(job)", &random), isMember: isMember)
        case 8...16:
            let attempt = Int.random(in: 0..<6, using: &random)
            return .start(
                job: job, pipeline: pipeline, worker: Int.random(in: 0..<2, using: &random),
                attempt: attempt < 3 ? attempt + 1 : nil, isMember: isMember)
        case 17: return .drop(job: job)
        case 18...31: return .stage(job: job, stageRun(&random))
        case 32, 33: return .complete(job: job, result: maybe("result-\(job)", &random))
        case 34, 35: return .fail(job: job, code: maybe("code-\(job)", &random))
        case 36: return .cancelled(job: job)
        case 37: return .requestCancel(job: job)
        default: return .resume(job: job)
        }
    }

    private static func stageRun(_ random: inout SplitMix64) -> StageRun {
        let stage = ["plan", "page", "page", "cover", "print", "nowhere"].randomElement(using: &random) ?? ""
        var run = StageRun(
            stage: stage, message: Bool.random(using: &random) ? "Begin \(stage)" : nil, reports: [],
            percents: [], substeps: [], ending: .returns)
        if stage == "page", Int.random(in: 0..<5, using: &random) > 0 {
            run.of = 4
            run.index = Int.random(in: 1...4, using: &random)
        }
        if Bool.random(using: &random) {
            let total = Int.random(in: 1...20, using: &random)
            for done in 1...total where Int.random(in: 0..<3, using: &random) == 0 {
                run.reports.append((done, total, Bool.random(using: &random) ? "At \(done)" : nil))
            }
        } else {
            let values = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                Double.random(in: -5...104, using: &random)
            }
            run.percents = values.sorted()
        }
        for name in ["a", "b"] where Bool.random(using: &random) {
            for done in 1...3 { run.substeps.append((name, done)) }
        }
        if Bool.random(using: &random) { run.checkpoint = "after \(stage)" }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: run.ending = .fails(code: "rate_limited")
        case 1: run.ending = .keepsError
        default: break
        }
        return run
    }
}

/// One program on one bus, step by step: it sees only the protocol.
final class BusRun<Bus: HeadwayBus> {
    private struct Broken: PublicError {
        let publicCode: String?
        var publicMessage: String { "Broken: \(publicCode ?? "")." }
    }

    let program: BusProgram
    private let workers: [Bus]
    private var handles: [Int: Job<AnyPipeline>] = [:]
    /// What each call came to.
    private(set) var transcript: [String] = []

    init(_ program: BusProgram, _ workers: [Bus]) {
        self.program = program
        self.workers = workers
    }

    /// Which of the open handles know that they shall stop.
    var cancelled: [Int] { handles.filter { $0.value.isCancelled }.keys.sorted() }

    func step(_ number: Int) async {
        let step = program.steps[number]
        do {
            transcript.append("\(number) \(step): \(try await perform(step))")
        } catch let error as HeadwayError {
            transcript.append("\(number) \(step): \(error.code)")
        } catch {
            transcript.append("\(number) \(step): \(error)")
        }
    }

    private func perform(_ step: BusProgram.Step) async throws -> String {
        let bus = workers[0]
        switch step {
        case .openBulk(let total, let label):
            _ = try await bus.openBulk(program.bulk, total: total, label: label)
        case .seal(let total): try await bus.bulk(program.bulk).seal(total: total)
        case .cancelBulk: try await bus.bulk(program.bulk).cancel()
        case .queue(let job, let pipeline, let weight, let label, let isMember):
            try await bus.queue(
                pipeline: pipeline, id: program.job(job), in: isMember ? program.bulk : nil, label: label,
                weight: weight, attributes: ["mode": "topic"])
        case .start(let job, let pipeline, let worker, let attempt, let isMember):
            let handle = try await workers[worker].start(
                pipeline: pipeline, id: program.job(job), in: isMember ? program.bulk : nil, attempt: attempt)
            handles[job] = handle
            return "attempt \(handle.attempt)"
        case .drop(let job): handles[job] = nil
        case .stage(let job, let run): return try await perform(run, job)
        case .complete(let job, let result): try await handles[job]?.complete(result: result)
        case .fail(let job, let code): try await handles[job]?.fail("It failed.", code: code)
        case .cancelled(let job): try await handles[job]?.cancelled(message: "Stopped.")
        case .requestCancel(let job): try await bus.requestCancel(job: program.job(job))
        case .resume(let job): return "\(String(describing: try await bus.resume(program.job(job))))"
        }
        return "ok"
    }

    private func perform(_ run: BusProgram.StageRun, _ job: Int) async throws -> String {
        guard let handle = handles[job] else { return "no handle" }
        let policy: ErrorPolicy = if case .keepsError = run.ending { .rethrowOnly } else { .failJob }
        return try await handle.run(
            StageName(run.stage), index: run.index, of: run.of, message: run.message, onError: policy
        ) { stage in
            for (name, done) in run.substeps { stage.substep(name, done, of: 3) }
            for report in run.reports { stage.report(report.done, of: report.total, report.message) }
            for percent in run.percents { stage.report(percent: percent) }
            if let checkpoint = run.checkpoint { stage.checkpoint(checkpoint) }
            switch run.ending {
            case .returns: return "stage attempt \(stage.attempt)"
            case .fails(let code): throw Broken(publicCode: code)
            case .keepsError: throw Broken(publicCode: "kept")
            }
        }
    }
}
