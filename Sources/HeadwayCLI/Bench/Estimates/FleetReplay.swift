import HeadwayCore

/// Runs bulks of a fleet through the real fold on a virtual clock, and asks now and then how long they will take.
struct FleetReplay {
    let fleet: ReplayFleet
    let pipeline: Pipeline
    private let catalog: PipelineCatalog
    private var dice: ReplayDice
    private var book = DurationBook()
    private var lastBulk = 0
    private(set) var jobs = EstimateScore()
    private(set) var bulks = EstimateScore()

    init(_ fleet: ReplayFleet, seed: UInt64) {
        self.fleet = fleet
        pipeline = fleet.pipeline
        catalog = PipelineCatalog([pipeline])
        // Fleets of one seed have nothing in common.
        dice = ReplayDice(
            seed: fleet.rawValue.utf8.reduce(seed &* 31) { $0 &* 1_099_511_628_211 ^ UInt64($1) })
    }

    /// Earlier jobs, of which only the durations are kept.
    mutating func learn(jobs count: Int) {
        for _ in 0..<(count + fleet.size - 1) / fleet.size { run(asking: .nothing) }
    }

    /// - Parameters:
    ///   - count: jobs that are asked about.
    ///   - fewest: bulks that are asked about, also when that takes more jobs.
    mutating func test(jobs count: Int, bulks fewest: Int) {
        let needed = (count + fleet.size - 1) / fleet.size
        for number in 0..<max(needed, fewest) { run(asking: number < needed ? .all : .bulk) }
    }

    // MARK: One bulk

    private enum Step {
        case word(Int, JobWord)
        case askJob(Int)
        case askBulk
    }

    private enum Question { case nothing, bulk, all }

    private mutating func run(asking: Question) {
        lastBulk += 1
        let id = BulkID(unchecked: "bulk-\(lastBulk)")
        let (jobs, end) = plan()
        var steps: [(at: Double, order: Int, step: Step)] = []
        func add(_ at: Double, _ step: Step) { steps.append((at, steps.count, step)) }
        for (number, job) in jobs.enumerated() {
            add(
                0, .word(number, .queued(Registration(pipeline: PipelineName(name: pipeline.name), bulk: id)))
            )
            add(job.start, .word(number, .started(worker: nil, nil)))
            for line in job.script { add(job.start + line.at, .word(number, line.word)) }
        }
        if asking == .all {
            for (number, job) in jobs.enumerated() {
                for _ in 0..<20 { add(job.start + dice.unit() * job.length, .askJob(number)) }
            }
        }
        if asking != .nothing {
            for _ in 0..<60 { add(dice.unit() * end, .askBulk) }
        }
        steps.sort { ($0.at, $0.order) < ($1.at, $1.order) }

        let estimator = Estimator(pipeline, book)
        var shown = EstimateMemory<Int>(capacity: 1000)
        var records = [JobRecord](repeating: .unknown, count: jobs.count)
        var share = BulkShare(id: id, at: moment(0))
        _ = share.apply(.opened(total: jobs.count, label: nil), isHome: true, at: moment(0))
        for (at, _, step) in steps {
            let now = moment(at)
            switch step {
            case .word(let number, let word):
                let before = records[number].contribution?.1
                let outcome = records[number].apply(
                    JobID(unchecked: "job-\(number)"),
                    ProgressEvent(JobID(unchecked: "job-\(number)"), word, attempt: 1),
                    at: now, catalog: catalog)
                for sample in outcome.durations {
                    book.add(
                        sample.duration, pipeline: pipeline.name, stage: sample.stage, isHalf: sample.isHalf)
                }
                share.move(from: before, to: records[number].contribution?.1, isHome: true, at: now)
            case .askJob(let number):
                guard case .job(let state) = records[number], state.status == .running else { continue }
                let elapsed = at - jobs[number].start
                let outlook = estimator.outlook(of: state, at: now)
                self.jobs.count(
                    outlook, shown: shown.show(outlook, of: number, life: 1, at: now),
                    naive: Self.naive(elapsed, state.percent),
                    truth: jobs[number].length - elapsed)
            case .askBulk:
                let summary = BulkSummary(id: id, shares: [share])
                let running: [BulkEstimator.Member] = records.compactMap {
                    guard case .job(let state) = $0, state.status == .running else { return nil }
                    return BulkEstimator.Member(
                        state, estimator.outlook(of: state, at: now), in: summary, at: now)
                }
                let outlook = BulkEstimator.outlook(
                    of: summary, running: Array(running.prefix(10)), typical: estimator, at: now)
                bulks.count(
                    outlook, shown: shown.show(outlook, of: -1, life: 1, at: now),
                    naive: Self.naive(at, summary.percent), truth: end - at)
            }
        }
    }

    private struct Job {
        let start: Double
        let script: [(at: Double, word: JobWord)]
        var length: Double { script.last?.at ?? 0 }
    }

    /// Who begins when: each job by the worker that is free first.
    private mutating func plan() -> (jobs: [Job], end: Double) {
        let pool = fleet.pool
        var free = (0..<pool.most).map { Double(max(0, $0 - pool.first + 1)) * pool.every }
        var jobs: [Job] = []
        for _ in 0..<fleet.size {
            let worker = free.indices.min { free[$0] < free[$1] } ?? 0
            let job = Job(start: free[worker], script: fleet.script(&dice))
            free[worker] += job.length
            jobs.append(job)
        }
        return (jobs, jobs.map { $0.start + $0.length }.max() ?? 0)
    }

    private func moment(_ seconds: Double) -> Timestamp {
        Timestamp(milliseconds: 1_754_000_000_000 + Int64(lastBulk) * 86_400_000 + Int64(seconds * 1000))
    }

    /// What a bar that knows nothing says: as fast as so far.
    static func naive(_ elapsed: Double, _ percent: Int) -> Double? {
        percent > 0 ? elapsed * Double(100 - percent) / Double(percent) : nil
    }
}
