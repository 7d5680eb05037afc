import Headway
import HeadwayCore

/// Plays a script's attempts through a bus, as a worker would: knows nothing of what should come out.
enum SimulatedWorker {
    /// How an attempt ended, as the worker itself knows it.
    enum End: Sendable, Equatable {
        case completed
        case failed(code: String)
        /// Dropped, without a word.
        case silent
        /// Somebody asked for it, or the simulation was interrupted.
        case cancelled
        /// Its process died meanwhile: whatever it got out by then counts, or else it fell silent.
        case cutOff
    }

    private struct Broken: PublicError {
        let trouble: SimulationScript.Trouble
        var publicMessage: String { trouble.message }
        var publicCode: String? { trouble.rawValue }
    }

    private struct Silence: Error {}

    /// - Parameter sleep: what work is made of.
    /// - Throws: what only a person can mend; not that the job was cancelled.
    static func play(
        _ script: SimulationScript.Attempt, number: Int, of job: SimulationPlan.Job, _ plan: SimulationPlan,
        on bus: some HeadwayBus, sleep: @Sendable (Duration) async throws -> Void
    ) async throws -> End {
        let handle: Job<AnyPipeline>
        do {
            handle = try await bus.start(
                pipeline: plan.pipeline.reference.description, id: job.id, in: plan.bulk, attempt: number,
                label: job.label)
        } catch let error as HeadwayError where error.code == .ended {
            // Cancelled while it waited.
            return .cancelled
        }
        do {
            for act in script.acts {
                try await play(act, of: handle, sleep)
            }
            try await handle.complete(result: "simulated:\(job.id)", message: "\(job.label) is done.")
            return .completed
        } catch let broken as Broken {
            return .failed(code: broken.trouble.rawValue)
        } catch is Silence {
            return .silent
        } catch is CancellationError {
            // Published where it was noticed.
            return .cancelled
        }
    }

    private static func play(
        _ act: SimulationScript.Act, of job: Job<AnyPipeline>,
        _ sleep: @Sendable (Duration) async throws -> Void
    ) async throws {
        let policy: ErrorPolicy = act.ending == .goesSilent ? .rethrowOnly : .failJob
        try await job.run(
            StageName(act.stage), index: act.index, of: act.of, message: act.message, onError: policy
        ) { stage in
            do {
                for (number, tick) in act.ticks.enumerated() {
                    if let stall = act.stall, number == act.ticks.count / 2 { try await sleep(stall) }
                    try await sleep(tick.work)
                    try stage.checkCancellation()
                    stage.report(tick.done, of: act.total, tick.message)
                    if let substep = act.substep { stage.substep(substep, tick.done, of: act.total) }
                }
            } catch let error as CancellationError {
                try? await job.cancelled(message: "The simulation was asked to stop.")
                throw error
            }
            switch act.ending {
            case .completes: break
            case .fails(let trouble): throw Broken(trouble: trouble)
            case .goesSilent: throw Silence()
            }
        }
    }
}
