import Headway

/// Where simulated workers sit: in this process, or in one of their own.
protocol SimulationSeat: Sendable {
    /// Plays one attempt to its end.
    ///
    /// - Parameters:
    ///   - job: its place in the plan.
    ///   - attempt: from 0.
    /// - Throws: what only a person can mend.
    func play(job: Int, attempt: Int) async throws -> SimulatedWorker.End
    /// Waits until all that was said is stored.
    func flush() async throws
    /// Ends what is under way, and waits for its end.
    func close() async
}

/// A bus of this process.
struct OwnSeat: SimulationSeat {
    let bus: Headway
    let plan: SimulationPlan

    func play(job: Int, attempt: Int) async throws -> SimulatedWorker.End {
        let job = plan.jobs[job]
        return try await SimulatedWorker.play(
            job.script.attempts[attempt], number: attempt + 1, of: job, plan, on: bus
        ) { try await Task.sleep(for: $0) }
    }

    func flush() async throws { try await bus.flush(within: .seconds(30)) }
    func close() async { try? await bus.close(within: .seconds(10)) }
}
