import HeadwayCore
import HeadwayWire

/// All that an ``InMemoryHeadway`` knows: the jobs, the bulks that count them, and what time will do to them.
/// No lock and no clock of its own.
///
/// Decides nothing about jobs and bulks: that is `HeadwayCore`, as behind Redis. One share holds each bulk, so that
/// what shares tell one another is done at once.
struct MemoryState: Sendable {
    struct Limits: Sendable {
        var jobs = 100_000
        var bulks = 10_000
        var bulkRetention = Duration.seconds(7 * 24 * 3600)
        var tombstoneRetention = Duration.seconds(7 * 24 * 3600)
    }

    /// One id.
    struct Line: Sendable {
        var record = JobRecord.unknown
        /// What its bulk's share has of it.
        var contribution: BulkContribution?
        /// Keys of those who work on it.
        var keys: [Int] = []
        var due: Timestamp?
        /// Where the queue has it.
        var queued: Timestamp?
    }

    /// A job that beats until it ends or its last handle is gone.
    struct OpenJob: Sendable {
        var id: JobID
        var attempt: Int
        /// As it was known when the work began.
        var bulk: BulkID?
        var worker: String
        /// Which bus opened it.
        var owner: Int
        var heartbeat: Duration
        var beatAt: Timestamp
        let cancellation: CancelFlag
    }

    struct BulkLine: Sendable {
        var share: BulkShare
        /// Of members whose line is still here.
        var members: Set<JobID> = []
        /// Of these, those that run.
        var running: Set<JobID> = []
        var due: Timestamp?
        var queued: Timestamp?
        /// The version that it had when it was let go.
        var expired: Int64?
    }

    let limits: Limits
    private(set) var now: Timestamp
    var shelf = PipelineShelf()
    var catalog = PipelineCatalog()
    /// The revision that each contract, by name, was found to fit.
    var checked: [String: Pipeline] = [:]
    var lines: [JobID: Line] = [:]
    var bulks: [BulkID: BulkLine] = [:]
    var open: [Int: OpenJob] = [:]
    var lastKey = 0
    var lastOwner = 0
    /// How long stages took: what is usual, and what estimates rest on.
    private(set) var durations = DurationBook()
    private var estimators = Estimators()
    /// Whether `estimators` has yet to hear of some of it.
    private var isHistoryNew = false
    var deadlines = DeadlineQueue()
    /// Shares that have something to tell.
    var errands: Set<BulkID> = []
    /// What changed since somebody was told of it.
    var changed: Set<ProgressEvent.Subject> = []
    var counters = InMemoryHeadway.Statistics()
    var refusals: [InMemoryHeadway.Refused] = []
    private var fields = FieldBuffer()
    private var lastNumber: Int64 = 0

    static let mostRefusals = 100

    init(limits: Limits, at now: Timestamp) {
        self.limits = limits
        self.now = now
    }

    /// Time never falls.
    mutating func pass(to time: Timestamp) { now = max(now, time) }

    // MARK: Words

    /// Folds a word that one of us says. It is spelled and read as on its way through Redis, so that what is cut or
    /// refused there is so here.
    mutating func hear(_ event: ProgressEvent) throws(HeadwayError) {
        lastNumber += 1
        var event = event
        event.sequence = ProgressEvent.Sequence(source: "memory", id: lastNumber)
        fields.removeAll(keepingCapacity: true)
        event.encode(into: &fields)
        guard fields.byteCount <= WireLimits.event else {
            throw HeadwayError(.invalid, "An event is larger than 64 KiB: shorten its texts.")
        }
        let read: ProgressEvent
        do throws(WireError) {
            read = try ProgressEvent(fields: fields)
        } catch {
            counters.events += 1
            return refuse(error.reason, event)
        }
        switch read.body {
        case .job(let id, let word):
            if lines[id] == nil { try makeRoomForJob() }
            if let bulk = word.registration?.bulk, bulks[bulk] == nil { try makeRoomForBulk() }
            counters.events += 1
            fold(id, read)
        case .bulk(let id, let word):
            if bulks[id]?.expired ?? 0 > 0 { bulks[id] = nil }
            if bulks[id] == nil { try makeRoomForBulk() }
            counters.events += 1
            fold(id, word, read)
        }
        runErrands()
    }

    /// A word about a job, as heard now.
    mutating func fold(_ id: JobID, _ event: ProgressEvent) {
        fire(id, upTo: now + .milliseconds(-1))
        let outcome = lines[id, default: Line()].record.apply(
            id, event, at: now, catalog: catalog, book: durations)
        switch outcome.verdict {
        case .applied: counters.applied += 1
        case .unchanged, .held: break
        case .refused(let reason): refuse(reason, event)
        }
        note(outcome, id, at: now)
    }

    private mutating func fold(_ id: BulkID, _ word: BulkWord, _ event: ProgressEvent) {
        var line = bulks.removeValue(forKey: id) ?? BulkLine(share: BulkShare(id: id, at: now))
        let verdict = line.share.apply(word, isHome: true, at: now)
        // What was refused leaves no trace.
        if line.share.version > 0 { bulks[id] = line }
        switch verdict {
        case .applied:
            counters.applied += 1
            if line.share.isCancelling { warnWorkers(of: id) }
            touch(id)
        case .unchanged, .held: break
        case .refused(let reason): refuse(reason, event)
        }
    }

    /// What a word or a deadline did to a job: its bulk counts it anew, its workers and watchers hear of it.
    mutating func note(_ outcome: JobOutcome, _ id: JobID, at time: Timestamp) {
        for (held, reason) in outcome.refusedHeld { refuse(reason, held) }
        guard let line = lines[id] else { return }
        if case .unknown = line.record { return remove(id) }
        if outcome.isRecordChanged { changed.insert(.job(id)) }
        measure(outcome.durations, line.record)
        if let (bulk, after) = line.record.contribution { count(id, in: bulk, as: after, at: time) }
        if case .job(let job) = line.record {
            if job.isCancelRequested { warn(line.keys, of: job.attempt) }
            // Also one that began anew, and counts as before: nobody has asked this attempt yet.
            if outcome.isRecordChanged, job.status == .running, !job.isCancelRequested, let bulk = job.bulk,
                bulks[bulk]?.share.isCancelling ?? false
            {
                errands.insert(bulk)
            }
        }
        look(ahead: id)
    }

    // MARK: Durations

    /// Word by word, so that what is usual is what was so when a stage began.
    private mutating func measure(_ samples: [DurationSample], _ record: JobRecord) {
        guard !samples.isEmpty, case .job(let job) = record else { return }
        for sample in samples {
            durations.add(
                sample.duration, pipeline: job.pipeline.name, stage: sample.stage, isHalf: sample.isHalf)
        }
        isHistoryNew = true
    }

    /// A history from elsewhere.
    mutating func learn(_ book: DurationBook) {
        durations = durations + book
        isHistoryNew = true
    }

    /// How long a job will still take, as it is shown to those who look.
    mutating func outlook(of job: JobState) -> Outlook {
        refreshHistory()
        return estimators.shown(job, catalog[job.pipeline], at: now)
    }

    /// As a reader behind Redis, by what ended lately and by some of the members that run now, the longest first.
    /// O(running members).
    mutating func outlook(of summary: BulkSummary) -> Outlook {
        refreshHistory()
        let members = (bulks[summary.id]?.running ?? []).compactMap { id -> JobState? in
            if case .job(let job)? = lines[id]?.record, job.status == .running { job } else { nil }
        }
        let longest = members.sorted { ($0.startedAt ?? now, $0.id) < ($1.startedAt ?? now, $1.id) }
        let running = longest.prefix(Self.mostRunning).map { (job: $0, pipeline: catalog[$0.pipeline]) }
        return estimators.shown(summary, running: running, at: now)
    }

    private static let mostRunning = 10

    private mutating func refreshHistory() {
        guard isHistoryNew else { return }
        estimators.take(durations)
        isHistoryNew = false
    }

    // MARK: Refusals

    mutating func refuse(_ reason: Refusal, _ event: ProgressEvent) {
        counters.refused[reason.rawValue, default: 0] += 1
        let subject =
            switch event.subject {
            case .job(let id): id.description
            case .bulk(let id): id.description
            }
        if refusals.count == Self.mostRefusals { refusals.removeFirst() }
        refusals.append(InMemoryHeadway.Refused(subject: subject, reason: reason.rawValue))
    }

    // MARK: Workers

    /// - Returns: the key under which it beats.
    mutating func begin(
        _ opening: JobOpening, worker: String, owner: Int
    ) throws(HeadwayError) -> Int {
        try hear(opening.start)
        lastKey += 1
        open[lastKey] = OpenJob(
            id: opening.id, attempt: opening.attempt, bulk: opening.bulk, worker: worker, owner: owner,
            heartbeat: max(opening.heartbeat, .milliseconds(1)), beatAt: now,
            cancellation: opening.cancellation)
        lines[opening.id]?.keys.append(lastKey)
        if case .job(let job)? = lines[opening.id]?.record, job.isCancelRequested {
            warn([lastKey], of: job.attempt)
        }
        if let bulk = opening.bulk, bulks[bulk]?.share.isCancelling == true { opening.cancellation.set() }
        return lastKey
    }

    mutating func forget(_ key: Int) {
        guard let job = open.removeValue(forKey: key) else { return }
        // What it beat until now counts.
        beat(job, upTo: now)
        lines[job.id]?.keys.removeAll { $0 == key }
        look(ahead: job.id)
    }

    mutating func forget(owner: Int) {
        for (key, job) in open where job.owner == owner { forget(key) }
    }

    /// Whoever works on this attempt, or an earlier one, is told to stop.
    func warn(_ keys: [Int], of attempt: Int) {
        for key in keys {
            if let job = open[key], job.attempt <= attempt { job.cancellation.set() }
        }
    }

    /// Puts in what a slot has.
    mutating func flush(_ slot: TickSlot) {
        let header = slot.header
        let offer = slot.offer(at: .zero, every: nil) { ticks in
            for tick in ticks {
                var mention = header.mention
                mention.message = tick.message
                let word = JobWord.stageProgressed(mention, tick.progress, substep: tick.substep)
                try? hear(ProgressEvent(header.job, word, attempt: header.attempt))
            }
            return true
        }
        guard case .taken(let reports, _, let corrected) = offer else { return }
        counters.reports += Int64(reports)
        counters.corrected += Int64(corrected)
        open[header.key]?.beatAt = now
    }
}
