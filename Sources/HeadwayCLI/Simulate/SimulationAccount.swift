import HeadwayCore

/// What the simulated workers know that they did, beside what Headway says: two counts that know nothing of each
/// other. Pure.
struct SimulationAccount: Sendable, Equatable {
    /// One job, by either side.
    struct Line: Sendable, Equatable {
        var status: JobState.Status
        var attempt: Int
        var code: String?
    }

    struct Told: Sendable, Equatable {
        var phase: BulkSummary.Phase
        var counts: BulkCounts
        /// By code, whatever the stage.
        var failures: [String: Int]
        var jobs: [String: Line]
    }

    let done: [String: Line]
    let told: Told
    /// Attempts whose process died.
    let cutOff: Int

    init(_ plan: SimulationPlan, _ ends: [Int: [SimulatedWorker.End]], _ told: Told) {
        var done: [String: Line] = [:]
        for (number, job) in plan.jobs.enumerated() {
            guard let ends = ends[number], let last = ends.last else { continue }
            done[job.id] =
                switch last {
                case .completed: Line(status: .completed, attempt: ends.count)
                case .failed(let code): Line(status: .failed, attempt: ends.count, code: code)
                case .silent:
                    Line(status: .failed, attempt: ends.count, code: JobState.Failure.workerLost)
                case .cancelled: Line(status: .cancelled, attempt: ends.count)
                case .cutOff:
                    // Nobody is left who could say more: any end is believed, and none is not.
                    told.jobs[job.id].flatMap { $0.status.isTerminal ? $0 : nil }
                        ?? Line(status: .failed, attempt: ends.count, code: JobState.Failure.workerLost)
                }
        }
        self.done = done
        self.told = told
        cutOff = ends.values.reduce(0) { $0 + $1.count { $0 == .cutOff } }
    }

    var counts: BulkCounts {
        var counts = BulkCounts()
        for line in done.values { counts[line.status] += 1 }
        return counts
    }

    var failures: [String: Int] {
        done.values.reduce(into: [:]) { sums, line in
            if let code = line.code { sums[code, default: 0] += 1 }
        }
    }

    /// Every difference as a sentence; of jobs, the first few. Empty when the two agree to the unit.
    var differences: [String] {
        var found: [String] = []
        if told.phase != .settled { found.append("the bulk is \(told.phase.rawValue), not settled") }
        for status in JobState.Status.allCases where told.counts[status] != counts[status] {
            found.append(
                "\(status.rawValue): Headway says \(told.counts[status]), the workers did \(counts[status])")
        }
        for code in Set(failures.keys).union(told.failures.keys).sorted()
        where failures[code] != told.failures[code] {
            found.append(
                "failed with \(code): Headway says \(told.failures[code] ?? 0), the workers did "
                    + "\(failures[code] ?? 0)")
        }
        let wrong = Set(done.keys).union(told.jobs.keys).filter { done[$0] != told.jobs[$0] }.sorted()
        for job in wrong.prefix(5) {
            found.append(
                "\(job): Headway says \(Self.text(told.jobs[job])), its worker did \(Self.text(done[job]))")
        }
        if wrong.count > 5 { found.append("and \(wrong.count - 5) more jobs differ") }
        return found
    }

    private static func text(_ line: Line?) -> String {
        guard let line else { return "nothing" }
        let code = line.code.map { " (\($0))" } ?? ""
        return "\(line.status.rawValue)\(code) in attempt \(line.attempt)"
    }
}
