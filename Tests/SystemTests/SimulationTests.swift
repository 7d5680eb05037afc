import Foundation
import Glibc
import Headway
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import HeadwayCLI

@Suite("Simulation", .timeLimit(.minutes(3)))
struct SimulationTests {
    /// Limits in seconds, so that stalls and losses are judged while somebody waits.
    static let tale = """
        {"name": "tale", "heartbeat": "300ms", "stallAfter": "1500ms", "lostAfter": "3s", "maxAttempts": 3,
         "stages": [{"id": "plan", "label": "Planning", "range": [0, 10], "optional": true},
          {"id": "page", "label": "Drawing page", "range": [10, 80], "indexed": true},
          {"id": "wait", "range": [80, 80], "quiet": true},
          {"id": "print", "label": "Printing", "range": [90, 100]}]}
        """
    static let form = """
        {"name": "form", "strict": true, "maxAttempts": 1, "stages": [
          {"id": "a", "range": [0, 50]}, {"id": "b", "range": [50, 100]}]}
        """

    private static func pipeline(_ json: String) throws -> Pipeline {
        try PipelineDocument.parse(Array(json.utf8), file: "test", revision: 1).get().pipeline
    }

    private static func plan(_ json: String, seed: UInt64, jobs: Int = 40) throws -> SimulationPlan {
        var wishes = SimulationPlan.Wishes()
        wishes.jobs = jobs
        wishes.fail = 0.2
        wishes.stall = 0.1
        wishes.lost = 0.1
        wishes.retries = seed % 2 == 0
        wishes.seed = seed
        return SimulationPlan(try pipeline(json), bulk: "sim-\(seed)", wishes)
    }

    @Test("a seed makes one plan; another makes another")
    func seeds() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            #expect(try Self.plan(Self.tale, seed: seed) == Self.plan(Self.tale, seed: seed))
            #expect(try Self.plan(Self.tale, seed: seed).jobs != Self.plan(Self.tale, seed: seed + 2).jobs)
        }
    }

    @Test(
        "as many jobs fail, stand still and fall silent as asked, at least one of each; attempts keep the limit"
    )
    func quotas() throws {
        for seed in 1...50 as ClosedRange<UInt64> {
            let plan = try Self.plan(Self.tale, seed: seed)
            let first = plan.jobs.compactMap(\.script.attempts.first)
            #expect(first.count { $0.ending == .goesSilent } == 4)
            #expect(plan.stalling.count == 4)
            let failing = first.count { if case .fails = $0.ending { true } else { false } }
            #expect(8...12 ~= failing)
            #expect(plan.jobs.allSatisfy { 1...3 ~= $0.script.attempts.count })
            for attempt in plan.jobs.flatMap(\.script.attempts) {
                #expect(attempt.acts.allSatisfy { $0.stall == nil || $0.stage != "wait" })
                #expect(attempt.acts.dropLast().allSatisfy { $0.ending == .completes })
                #expect(attempt.acts.allSatisfy { !$0.ticks.isEmpty })
            }
        }
        var wishes = SimulationPlan.Wishes()
        wishes.fail = 0.001
        let small = SimulationPlan(try Self.pipeline(Self.tale), bulk: "b", wishes)
        #expect(small.intended.failed.values.reduce(0, +) == 1)
        wishes.fail = 0
        #expect(SimulationPlan(try Self.pipeline(Self.tale), bulk: "b", wishes).intended.completed == 20)
    }

    @Test("played in memory, every plan comes out as it was meant, job by job")
    func inMemory() async throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            let json = seed % 4 < 2 ? Self.tale : Self.form
            let plan = try Self.plan(json, seed: seed)
            let clock = ManualClock()
            let bus = try InMemoryHeadway(pipelines: [json], clock: clock)
            let bulk = try await bus.openBulk(plan.bulk, total: plan.jobs.count)
            for job in plan.jobs {
                try await bus.queue(pipeline: plan.pipeline.name, id: job.id, in: plan.bulk)
            }
            try await bulk.seal()
            var ends: [Int: [SimulatedWorker.End]] = [:]
            for (number, job) in plan.jobs.enumerated() {
                for (attempt, script) in job.script.attempts.enumerated() {
                    let end = try await SimulatedWorker.play(
                        script, number: attempt + 1, of: job, plan, on: bus
                    ) { clock.advance(by: $0) }
                    ends[number, default: []].append(end)
                    if end == .silent { clock.advance(by: plan.pipeline.lostAfter + .seconds(1)) }
                }
            }
            let seen = try #require(bus.bulkSnapshot(of: plan.bulk))
            let jobs = bus.jobs(in: plan.bulk).map { job in
                (
                    job.id,
                    SimulationAccount.Line(
                        status: JobState.Status(rawValue: job.status.rawValue) ?? .queued,
                        attempt: job.attempt, code: job.error?.code)
                )
            }
            let told = SimulationAccount.Told(
                phase: seen.phase == .settled ? .settled : .sealed,
                counts: BulkCounts(
                    queued: seen.counts.queued, running: seen.counts.running,
                    completed: seen.counts.completed, failed: seen.counts.failed,
                    cancelled: seen.counts.cancelled),
                failures: seen.failures.reduce(into: [:]) { $0[$1.code, default: 0] += $1.count },
                jobs: Dictionary(uniqueKeysWithValues: jobs))
            let account = SimulationAccount(plan, ends, told)
            #expect(account.differences == [], "seed \(seed)")
            #expect(account.counts.completed == plan.intended.completed, "seed \(seed)")
            #expect(account.failures == plan.intended.failed, "seed \(seed)")
            #expect(bus.refusals == [], "seed \(seed)")
        }
    }

    @Test("a difference anywhere is found: phase, count, code, a single job")
    func differences() throws {
        let plan = try Self.plan(Self.form, seed: 1, jobs: 2)
        let good = SimulationAccount.Told(
            phase: .settled, counts: BulkCounts(completed: 1, failed: 1), failures: ["timeout": 1],
            jobs: [
                "sim-1.1": .init(status: .completed, attempt: 1),
                "sim-1.2": .init(status: .failed, attempt: 1, code: "timeout"),
            ])
        let ends: [Int: [SimulatedWorker.End]] = [0: [.completed], 1: [.failed(code: "timeout")]]
        #expect(SimulationAccount(plan, ends, good).differences == [])
        let changes: [(inout SimulationAccount.Told) -> Void] = [
            { $0.phase = .sealed }, { $0.counts.completed = 2 }, { $0.counts.queued = 1 },
            { $0.failures = [:] }, { $0.failures["other"] = 1 }, { $0.jobs["sim-1.1"]?.attempt = 2 },
            { $0.jobs["sim-1.2"] = nil }, { $0.jobs["sim-1.2"]?.code = "x" },
        ]
        for (number, change) in changes.enumerated() {
            var told = good
            change(&told)
            #expect(SimulationAccount(plan, ends, told).differences.count == 1, "change \(number)")
        }
    }

    @Test("failures are named once per attempt, and so many that nobody reads them are summed up")
    func failureNews() throws {
        let pipeline = Pipeline.Reference(name: "tale", revision: 1)
        func job(_ number: Int, attempt: Int = 1) -> JobState {
            var job = JobState(
                id: JobID(unchecked: "j\(number)"),
                registration: Registration(pipeline: PipelineName(name: "tale")),
                pipeline: pipeline, at: Timestamp(milliseconds: 0))
            job.status = .failed
            job.attempt = attempt
            job.failure = JobState.Failure(message: "No.", code: "timeout", stage: "page")
            return job
        }
        let bulk = BulkID(unchecked: "b")
        var news = FailureNews()
        #expect(news.lines([job(1)], of: bulk) == ["j1 failed in page: No. (timeout)"])
        #expect(news.lines([job(1)], of: bulk) == [])
        #expect(news.lines([job(1, attempt: 2)], of: bulk) == ["j1 failed in page, attempt 2: No. (timeout)"])
        let many = news.lines((2...100).map { job($0) }, of: bulk)
        #expect(many.count == FailureNews.mostLines)
        #expect(many.last == "and 90 more failed: headway jobs --bulk b --status failed")
    }

    // MARK: The command

    @Test("60 jobs with failures and retries: what the workers did is what Headway says, in every count")
    func sixty() async throws {
        let up = try await HeadwayUp.start()
        let file = up.directory.file("tale.json")
        try FileAccess.write(Self.tale, to: file)
        let first = try await up.run(
            "simulate", "--pipeline", file, "--jobs", "60", "--workers", "12", "--fail", "20%", "--retry",
            "--pace", "700ms", "--seed", "4", "--bulk", "first", within: .seconds(90))
        #expect(first.code == 0, "\(first.error)")
        #expect(first.error == "")
        #expect(first.output.contains("60 of 60 registered, settled"))
        // Named as they come, each attempt once; one that is tried again at once may be missed.
        let named = first.output.split(separator: "\n").filter { $0.contains(" failed in ") }
        #expect(named.count >= 1 && Set(named).count == named.count)
        let meant = try #require(first.output.firstMatch(of: /meant to come out: (\d+) completed/)).output.1
        #expect(first.output.contains("The workers did: \(meant) completed"))
        #expect(first.output.contains("Headway says:    \(meant) completed"))

        // Stored by now, and the same plan for the same seed.
        let second = try await up.run(
            "simulate", "-p", "tale", "-n", "60", "-w", "30", "--fail", "20%", "--retry", "--pace", "200ms",
            "--seed", "4", within: .seconds(90))
        #expect(second.code == 0, "\(second.error)")
        #expect(second.output.contains("meant to come out: \(meant) completed"))
        #expect(second.output.contains("The workers did: \(meant) completed"))

        let again = try await up.run("simulate", "-p", "tale", "--bulk", "first")
        #expect(again.code == 1)
        #expect(again.error.contains("there is a bulk first already"))
        let other = try await up.run("simulate", "-p", "tail")
        #expect(other.code == 1)
        #expect(other.error == "headway simulate: there is no pipeline tail; stored are tale\n")
    }

    @Test("in three processes it comes out as in one, and every process has worked")
    func processes() async throws {
        let up = try await HeadwayUp.start()
        let file = up.directory.file("tale.json")
        try FileAccess.write(Self.tale, to: file)
        let outcome = try await up.run(
            "simulate", "--pipeline", file, "--jobs", "30", "--workers", "9", "--processes", "3", "--fail",
            "20%", "--retry", "--pace", "500ms", "--seed", "4", "--bulk", "three", within: .seconds(120))
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output.contains("with 9 workers in 3 processes of their own"))
        #expect(outcome.output.contains("30 of 30 registered, settled"))
        let jobs = try await up.run("jobs", "--bulk", "three", "--json").output
        for worker in ["sim-1", "sim-2", "sim-3"] { #expect(jobs.contains("\"worker\":\"\(worker)\"")) }
    }

    @Test("a worker process that is killed with -9 is started again; what it had is lost, and all adds up")
    func killed() async throws {
        let up = try await HeadwayUp.start()
        let file = up.directory.file("tale.json")
        try FileAccess.write(Self.tale, to: file)
        let running = try await HeadwayBinary.start(
            [
                "simulate", "-p", file, "-n", "12", "-w", "6", "--processes", "2", "--pace", "4s", "--seed",
                "5",
                "--bulk", "killed",
            ], environment: ["HEADWAY_STATE": up.state])
        let isWorking = await eventually(within: .seconds(30)) {
            (try? await up.run("status", "killed", "--json").output.contains(/"running":[1-9]/)) ?? false
        }
        #expect(isWorking)
        let worker = try #require(Self.children(of: running.pid).first)
        kill(worker, SIGKILL)
        #expect(await running.end(within: .seconds(120)) == 0, "\(running.error)")
        #expect(running.error.contains("killed by SIGKILL with "))
        #expect(running.output.contains("Cut off:"))
        #expect(running.output.contains("12 of 12 registered, settled"))
        #expect(Self.children(of: running.pid).isEmpty)
    }

    /// Whichever thread started them.
    private static func children(of parent: pid_t) -> [pid_t] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { pid_t($0) }.filter { process in
            guard let text = try? FileAccess.read("/proc/\(process)/stat") else { return false }
            let fields = String(decoding: text, as: UTF8.self).split(separator: ")").last?.split(
                separator: " ")
            return fields.map { $0.count > 1 && pid_t($0[1]) == parent } ?? false
        }
    }

    @Test("what a worker process says of an attempt is read as it was written")
    func answers() {
        let all: [SimulationAnswer] = [
            .end(.completed), .end(.failed(code: "rate_limited")), .end(.silent), .end(.cancelled),
            .end(.cutOff),
            .trouble("no such thing, at all"),
        ]
        for answer in all {
            let read = SimulationAnswer.read(answer.line(of: "17 2"))
            #expect(read?.order == "17 2" && read?.1 == answer)
        }
        for broken in ["", "17", "17 2", "17 2 nonsense"] { #expect(SimulationAnswer.read(broken) == nil) }
    }

    @Test("a worker that falls silent is lost, one that stands still is stalled, and both are accounted for")
    func silence() async throws {
        let up = try await HeadwayUp.start()
        let file = up.directory.file("tale.json")
        try FileAccess.write(Self.tale, to: file)
        // Just after a take-over nobody is judged.
        try await Task.sleep(for: .seconds(11))
        let outcome = try await up.run(
            "simulate", "-p", file, "-n", "12", "-w", "12", "--lost", "10%", "--stall", "10%", "--pace",
            "500ms", "--seed", "3", within: .seconds(90))
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output.contains("worker_lost"))
        #expect(outcome.output.contains("Standing still:  1 did, 1 of them were judged stalled"))
    }

    @Test(
        "interrupted, it leaves nothing open: the bulk is cancelled, and every job of it",
        arguments: [SIGINT, SIGTERM])
    func interrupted(signal: CInt) async throws {
        let up = try await HeadwayUp.start()
        let file = up.directory.file("tale.json")
        try FileAccess.write(Self.tale, to: file)
        let running = try await HeadwayBinary.start(
            ["simulate", "-p", file, "-n", "20", "-w", "4", "--pace", "60s", "--bulk", "cut"],
            environment: ["HEADWAY_STATE": up.state])
        #expect(await eventually(within: .seconds(15)) { running.output.contains("running") })
        running.signal(signal)
        #expect(await running.end() == 128 + signal)
        #expect(running.output.contains("bulk cut is cancelled"))
        let isOver = await eventually(within: .seconds(10)) {
            let status = try? await up.run("status", "cut", "--json")
            return status?.output.contains("\"cancelled\":20") ?? false
        }
        #expect(isOver)
    }

    @Test("without an aggregator it says so, and queues nothing")
    func nobody() async throws {
        let server = try await RedisServer.start()
        let file = server.directory.file("tale.json")
        try FileAccess.write(Self.tale, to: file)
        let outcome = try await HeadwayBinary.run(
            ["simulate", "-p", file, "--redis", server.endpointURL, "--bulk", "b"], within: .seconds(30))
        #expect(outcome.code == 1)
        #expect(outcome.error.contains("no aggregator is at work here"))
        #expect(outcome.error.contains("headway up"))
        let status = try await HeadwayBinary.run(["status", "b", "--redis", server.endpointURL])
        #expect(status.error.contains("there is no job or bulk b"))
    }
}
