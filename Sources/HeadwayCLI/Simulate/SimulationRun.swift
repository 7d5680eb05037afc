import EventLoop
import Headway
import HeadwayCore
import HeadwayWire
import ReadAPI

/// One simulation from its first to its last line.
struct SimulationRun: Sendable {
    let desk: Desk
    let plan: SimulationPlan
    let workers: Int
    /// In which the workers sit; 0: in this one.
    let processes: Int
    /// How worker process n is started.
    let process: @Sendable (_ number: Int) -> ChildProcess.Plan
    let log: Log
    let display: ProgressDisplay
    let namespace: String

    /// As many connections as make the workers' names differ, and no more threads than that.
    private var names: [String] { (1...min(workers, 8)).map { "sim-\($0)" } }

    func go() async throws -> ExitCode {
        try await checkAggregator()
        for line in plan.lines(workers: workers, processes: processes) { Terminal.say(line) }
        var buses: [Headway] = []
        for name in processes > 0 ? ["simulation"] : names {
            buses.append(
                try await Headway.connect(
                    desk.redis.url, options: Headway.Options(namespace: namespace, worker: name)))
        }
        var seats: [any SimulationSeat] = buses.map { OwnSeat(bus: $0, plan: plan) }
        if processes > 0 {
            seats = (1...processes).map {
                SimulationProcess(process($0), name: "\($0)", on: desk.loop, log: log)
            }
        }
        do {
            let code = try await go(buses[0], seats)
            await close(seats, buses)
            return code
        } catch {
            // The task may be cancelled; the end is not.
            await Task { [seats, buses] in await close(seats, buses) }.value
            throw error
        }
    }

    private func close(_ seats: [any SimulationSeat], _ buses: [Headway]) async {
        await withDiscardingTaskGroup { group in
            for seat in seats { group.addTask { await seat.close() } }
        }
        for bus in buses { try? await bus.close(within: .seconds(10)) }
    }

    private func go(_ bus: Headway, _ seats: [any SimulationSeat]) async throws -> ExitCode {
        let start = ContinuousClock.now
        let bulk = try await enqueue(on: bus)
        let crew = SimulationCrew(plan, on: seats)
        let watching = Task { await watch(crew) }
        defer { watching.cancel() }
        do {
            try await crew.run(workers: workers)
            for seat in seats { try await seat.flush() }
            try await waitForTheEnd(crew)
        } catch {
            watching.cancel()
            await watching.value
            await Task { await abandon(bulk, bus) }.value
            throw error
        }
        watching.cancel()
        await watching.value
        display.close()
        return try await account(crew, ContinuousClock.now - start)
    }

    // MARK: The beginning

    /// Without an aggregator every word would be stored and none counted: better said before than waited for.
    private func checkAggregator() async throws {
        guard let bulk = BulkID(plan.bulk) else { throw Failure("the bulk has no usable id") }
        let start = desk.loop.clock.now
        while true {
            guard let answer = try await desk.reader.bulks([bulk], current: nil).first else { return }
            let freshness = answer.freshness
            let waited = desk.loop.clock.now - start
            if !freshness.isStale, freshness.lagMilliseconds == 0 { return }
            let isNobody = freshness.isStale && (freshness.lagMilliseconds != nil || waited > .seconds(2))
            if isNobody {
                throw Failure(
                    "no aggregator is at work here, so nothing would be counted; start headway up or "
                        + "headway aggregate, or say where one is with --state or --redis")
            }
            // Alive, but behind: its business.
            if waited > .seconds(7) { return }
            try await desk.loop.sleep(for: .milliseconds(100))
        }
    }

    /// All jobs wait in a sealed bulk before the first one begins, so that "X of Y" has its Y.
    private func enqueue(on bus: Headway) async throws -> Bulk {
        let bulk = try await bus.openBulk(
            plan.bulk, total: plan.jobs.count, label: "Simulation of \(plan.pipeline.name)")
        for job in plan.jobs {
            try Task.checkCancellation()
            try await bus.queue(
                pipeline: plan.pipeline.reference.description, id: job.id, in: plan.bulk, label: job.label,
                attributes: ["simulated": "true"])
        }
        try await bulk.seal()
        try await bus.flush(within: .seconds(60))
        return bulk
    }

    // MARK: The course

    private func watch(_ crew: SimulationCrew) async {
        guard let id = BulkID(plan.bulk) else { return }
        var failures = FailureNews()
        while !Task.isCancelled {
            if let answer = try? await desk.reader.bulks([id], current: 50).first,
                case .bulk(let snapshot) = answer
            {
                for line in (try? await failures.lines(snapshot, from: desk.reader)) ?? [] {
                    display.note(line)
                }
                display.show(ProgressView([.bulk(answer)]))
            }
            try? await desk.loop.sleep(for: .milliseconds(150))
        }
        // As it stands at the end, whatever was painted last.
        await Task {
            if let answer = try? await desk.reader.bulks([id], current: 50).first, case .bulk = answer {
                display.show(ProgressView([.bulk(answer)]), last: true)
            }
        }.value
    }

    /// Until the bulk has settled, or it should have long since.
    private func waitForTheEnd(_ crew: SimulationCrew) async throws {
        guard let id = BulkID(plan.bulk) else { return }
        var patience = ContinuousClock.now + .seconds(15)
        if let silence = crew.lastSilence {
            // An aggregator that has just taken over judges nobody before every publisher could have come back.
            let pipeline = plan.pipeline
            patience = max(
                patience,
                silence + pipeline.lostAfter + pipeline.heartbeat * 2 + .seconds(25))
        }
        while ContinuousClock.now < patience {
            if case .bulk(let snapshot)? = try await desk.reader.bulks([id], current: nil).first,
                snapshot.summary.phase == .settled
            {
                return
            }
            try await desk.loop.sleep(for: .milliseconds(50))
        }
    }

    /// Interrupted: nothing of it may stay open.
    private func abandon(_ bulk: Bulk, _ bus: Headway) async {
        try? await bulk.cancel()
        try? await bus.flush(within: .seconds(5))
    }

    // MARK: The account

    private func account(_ crew: SimulationCrew, _ time: Duration) async throws -> ExitCode {
        let account = SimulationAccount(plan, crew.ends, try await told())
        let counts = account.counts
        let failures = account.failures.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let kinds = failures.isEmpty ? "" : " (\(failures.joined(separator: ", ")))"
        Terminal.say("")
        Terminal.say(
            "The workers did: \(counts.completed) completed, \(counts.failed) failed\(kinds), "
                + "\(counts.cancelled) cancelled in \(TimeSpan.precise(time))")
        let said = account.told.counts
        Terminal.say(
            "Headway says:    \(said.completed) completed, \(said.failed) failed, \(said.cancelled) cancelled; "
                + "\(said.registered) of \(plan.jobs.count) registered, \(account.told.phase.rawValue)")
        if !plan.stalling.isEmpty {
            let seen = try await stallsSeen()
            Terminal.say("Standing still:  \(plan.stalling.count) did, \(seen) of them were judged stalled")
        }
        if account.cutOff > 0 {
            Terminal.say(
                "Cut off:         \(account.cutOff) attempts, whose process died; what Headway says is taken")
        }
        let differences = account.differences
        for difference in differences {
            Terminal.write("headway simulate: \(Printable.line(difference))\n", to: 2)
        }
        return differences.isEmpty ? .done : .failed
    }

    private func told() async throws -> SimulationAccount.Told {
        guard let id = BulkID(plan.bulk),
            case .bulk(let snapshot)? = try await desk.reader.bulks([id], current: nil).first
        else { throw Failure("Headway does not know the bulk \(plan.bulk)") }
        var told = SimulationAccount.Told(
            phase: snapshot.summary.phase, counts: snapshot.summary.counts, failures: [:], jobs: [:])
        for (kind, count) in snapshot.summary.failures { told.failures[kind.code, default: 0] += count }
        var cursor: MemberCursor?
        repeat {
            guard let page = try await desk.reader.members(of: id, after: cursor, limit: 1000) else { break }
            for member in page.members {
                guard case .job(let snapshot) = member.answer else { continue }
                told.jobs[member.id.description] = SimulationAccount.Line(
                    status: snapshot.state.status, attempt: snapshot.state.attempt,
                    code: snapshot.state.failure?.code)
            }
            cursor = page.next
        } while cursor != nil
        return told
    }

    private func stallsSeen() async throws -> Int {
        var seen = 0
        for job in plan.stalling {
            guard let id = JobID(job.id),
                case .timeline(let timeline) = try await desk.reader.timeline(of: id)
            else { continue }
            let isSeen = timeline.entries.contains {
                $0.kind == Transition.Kind.health.rawValue && $0.detail == Health.stalled.rawValue
            }
            if isSeen { seen += 1 }
        }
        return seen
    }
}
