import EventLoop
import HeadwayCore
import Synchronization

/// How jobs ended in all partitions of this process together: one, so that the bound on label sets is one, too.
final class OutcomeLedger: Sendable {
    private let tally = Mutex(OutcomeTally())

    var current: OutcomeTally { tally.withLock { $0 } }

    /// Pipelines that are known now: they are counted from 0 on.
    func expect(_ pipelines: [String]) { tally.withLock { $0.expect(pipelines) } }

    /// Called when the commit that says so is accepted, never before.
    func count(_ outcomes: [PartitionFold.Outcome]) {
        guard !outcomes.isEmpty else { return }
        tally.withLock { tally in
            for outcome in outcomes {
                switch outcome {
                case .ended(let job): tally.count(job)
                case .recovered(let job): tally.countRecovery(job)
                }
            }
        }
    }
}
