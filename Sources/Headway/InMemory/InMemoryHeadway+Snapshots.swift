import HeadwayCore

extension InMemoryHeadway {
    /// Where a job is in its life.
    public typealias Status = Resumption.Status

    /// A judgement on a running job, never mixed into its status.
    public enum Health: String, Sendable, CaseIterable {
        /// It moves.
        case ok
        /// Longer in its stage than 95 of 100 before.
        case slow
        /// A heartbeat is missing.
        case suspect
        /// Its worker lives and says nothing new.
        case stalled
        /// Nobody heard of its worker for `lostAfter`: it has failed.
        case lost
    }

    /// How long something will still take: a range, not a promise.
    public struct Eta: Sendable, Equatable {
        /// As likely to take longer as not; rounded up.
        public let seconds: Int
        /// Nine of ten take at most this.
        public let high: Int
        /// When `seconds` will be over, in milliseconds since 1970.
        public let at: Int64
        /// What it rests on: `history` (how long the stages of finished jobs took), `pace` (what was seen of this
        /// one), or `history+pace`.
        public let basis: String
    }

    /// One job, with the words and values of `GET /v1/jobs/{id}`. Times are milliseconds since 1970.
    public struct JobSnapshot: Sendable, Equatable {
        /// The stage that was begun last.
        public struct Stage: Sendable, Equatable {
            /// Its id in the definition.
            public let id: String
            /// What people call it.
            public let label: String
            /// The try of this stage, from 1.
            public let attempt: Int
            /// Of this stage, floored.
            public let percent: Int
            /// As last reported; nil when that was a percentage, or nothing yet.
            public let done: Int?
            /// How many there are in all.
            public let total: Int?
            /// Of an indexed stage.
            public let index: Int?
            /// How many indexes there are.
            public let of: Int?
            /// When this try of it began.
            public let startedAt: Int64
        }

        /// A named counter inside the stage.
        public struct Substep: Sendable, Equatable {
            /// As the worker named it.
            public let id: String
            /// How many are done; parts per million when it was told as a percentage.
            public let done: Int
            /// How many there are in all.
            public let total: Int
        }

        /// Why it failed.
        public struct Failure: Sendable, Equatable {
            /// A sentence for end users.
            public let message: String
            /// A stable word to group failures by.
            public let code: String?
            /// The stage in which it failed.
            public let stage: String?
        }

        /// Its id.
        public let id: String
        /// Without its revision.
        public let pipeline: String
        /// The revision of the pipeline that it follows.
        public let revision: Int
        /// The bulk that it belongs to.
        public let bulk: String?
        /// What people call it.
        public let label: String?
        /// Its share of the bulk's percent.
        public let weight: Int
        /// Where it is in its life.
        public let status: Status
        /// The judgement on it while it runs.
        public let health: Health
        /// Why the health is what it is, as a sentence; nil when all is well.
        public let reason: String?
        /// Floored; at most 99 while running, 100 only when completed.
        public let percent: Int
        /// The worker's words, or else what the definition says of this stage.
        public let message: String?
        /// The try of the whole job, from 1.
        public let attempt: Int
        /// Who has it, or had it last.
        public let worker: String?
        /// The stage that was begun last; nil before the first.
        public let stage: Stage?
        /// In the pipeline's order.
        public let completedStages: [String]
        /// Mandatory ones that were passed by.
        public let skippedStages: [String]
        /// Named counters of the stage, in the order in which they were first named.
        public let substeps: [Substep]
        /// What it made: an id or a URL.
        public let result: String?
        /// Why it failed; nil when it has not.
        public let error: Failure?
        /// What the last completed stage left for whoever goes on.
        public let checkpoint: String?
        /// As they were given when it was registered.
        public let attributes: [String: String]
        /// Whether somebody has asked this attempt to end.
        public let isCancelRequested: Bool
        /// When it was first heard of.
        public let createdAt: Int64
        /// When this attempt began.
        public let startedAt: Int64?
        /// When it changed last.
        public let updatedAt: Int64
        /// When it ended.
        public let finishedAt: Int64?
        /// The last sign of life of its worker.
        public let aliveAt: Int64
        /// When it will be done; nil for the ``etaReason``.
        public let eta: Eta?
        /// Why there is no estimate: `ended`, `cancelling`, `stalled`, `queued`, `no_history`, `warming_up`.
        public let etaReason: String?
        /// Counts visible changes, from 1.
        public let version: Int64
    }

    /// One bulk, with the words and values of `GET /v1/bulks/{id}`.
    public struct BulkSnapshot: Sendable, Equatable {
        /// Whether it may still grow.
        public enum Phase: String, Sendable, CaseIterable {
            /// May grow.
            case open
            /// The total is fixed.
            case sealed
            /// Sealed, all registered, every member terminal.
            case settled
        }

        /// Members by status; the five others add up to `registered`.
        public struct Counts: Sendable, Equatable {
            /// All that are known.
            public let registered: Int
            /// Those that wait for a worker.
            public let queued: Int
            /// Those that a worker has.
            public let running: Int
            /// Those that are done.
            public let completed: Int
            /// Those that failed; never counted among those still to come.
            public let failed: Int
            /// Those that ended because somebody asked for it.
            public let cancelled: Int
        }

        /// Failures of one kind.
        public struct FailureKind: Sendable, Equatable {
            /// The failure's code; empty when there is none.
            public let code: String
            /// The stage in which they failed; empty before the first.
            public let stage: String
            /// How many members.
            public let count: Int
        }

        /// Its id.
        public let id: String
        /// Whether it may still grow.
        public let phase: Phase
        /// `12 of 40`, `7 of at least 20`.
        public let text: String
        /// What people call it.
        public let label: String?
        /// How many there will be, as declared or sealed.
        public let total: Int?
        /// Floored, weighted, running members in part; 100 only when settled.
        public let percent: Int
        /// Members by status.
        public let counts: Counts
        /// Running members by health and by stage.
        public let health: [Health: Int]
        /// Running members by the stage that they are in.
        public let stages: [String: Int]
        /// The most frequent first.
        public let failures: [FailureKind]
        /// Whether somebody has asked to cancel it.
        public let isCancelling: Bool
        /// 1, and one more each time that a member came back from an end.
        public let generation: Int
        /// Counts visible changes.
        public let version: Int64
        /// When it will have settled; nil for the ``etaReason``.
        public let eta: Eta?
        /// Why there is no estimate: as of a job, and `open` for a bulk without a total.
        public let etaReason: String?
    }
}

extension InMemoryHeadway.JobSnapshot {
    init(_ job: JobState, _ pipeline: Pipeline?, _ outlook: Outlook, at now: Timestamp) {
        id = job.id.description
        self.pipeline = job.pipeline.name
        revision = job.pipeline.revision
        bulk = job.bulk?.description
        label = job.label
        weight = job.weight
        status = InMemoryHeadway.Status(job.status)
        health = InMemoryHeadway.Health(job.health)
        reason = job.reason(under: pipeline, at: now)
        eta = outlook.estimate.map { InMemoryHeadway.Eta($0, at: now) }
        etaReason = outlook.reason?.rawValue
        percent = job.percent
        message = job.sentence(under: pipeline)
        attempt = job.attempt
        worker = job.worker
        stage = job.position.map { Stage($0, job, pipeline) }
        completedStages = job.completedStages
        skippedStages = job.skippedStages
        substeps = job.substeps.map { substep in
            switch substep.progress {
            case .count(let done, let total): Substep(id: substep.id, done: done, total: total)
            case .fraction(let fraction): Substep(id: substep.id, done: fraction.percent, total: 100)
            }
        }
        result = job.result
        error = job.failure.map { Failure(message: $0.message, code: $0.code, stage: $0.stage) }
        checkpoint = job.checkpoint
        attributes = job.attributes
        isCancelRequested = job.isCancelRequested
        createdAt = job.createdAt.milliseconds
        startedAt = job.startedAt?.milliseconds
        updatedAt = job.updatedAt.milliseconds
        finishedAt = job.finishedAt?.milliseconds
        aliveAt = job.aliveAt.milliseconds
        version = job.version
    }
}

extension InMemoryHeadway.JobSnapshot.Stage {
    fileprivate init(_ position: JobState.Position, _ job: JobState, _ pipeline: Pipeline?) {
        let stage = pipeline.flatMap { known in known.position(of: position.stage).map { known.stages[$0] } }
        id = position.stage
        label = stage?.label ?? position.stage
        attempt = position.attempt
        percent = pipeline.map { job.stageFraction(under: $0) }?.percent ?? 0
        if case .count(let done, let total) = position.progress {
            self.done = done
            self.total = total
        } else {
            done = nil
            total = nil
        }
        index = position.index
        of = position.of
        startedAt = position.startedAt.milliseconds
    }
}

extension InMemoryHeadway.BulkSnapshot {
    init(_ summary: BulkSummary, _ outlook: Outlook, at now: Timestamp) {
        eta = outlook.estimate.map { InMemoryHeadway.Eta($0, at: now) }
        etaReason = outlook.reason?.rawValue
        id = summary.id.description
        phase =
            switch summary.phase {
            case .open: .open
            case .sealed: .sealed
            case .settled: .settled
            }
        text = summary.text
        label = summary.label
        total = summary.total
        percent = summary.percent
        let counts = summary.counts
        self.counts = Counts(
            registered: counts.registered, queued: counts.queued, running: counts.running,
            completed: counts.completed, failed: counts.failed, cancelled: counts.cancelled)
        health = Dictionary(
            uniqueKeysWithValues: summary.health.map { (InMemoryHeadway.Health($0.key), $0.value) })
        stages = summary.stages
        failures = summary.failures.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { FailureKind(code: $0.key.code, stage: $0.key.stage, count: $0.value) }
        isCancelling = summary.isCancelling
        generation = summary.generation
        version = summary.version
    }
}

extension InMemoryHeadway.Health {
    fileprivate init(_ health: HeadwayCore.Health) {
        switch health {
        case .ok: self = .ok
        case .slow: self = .slow
        case .suspect: self = .suspect
        case .stalled: self = .stalled
        case .lost: self = .lost
        }
    }
}

extension InMemoryHeadway.Eta {
    fileprivate init(_ estimate: Estimate, at now: Timestamp) {
        // Rounded up: it is not over before it is.
        func seconds(_ span: Duration) -> Int { Int(clamping: (span.wholeMilliseconds + 999) / 1000) }
        self.seconds = seconds(estimate.remaining)
        high = seconds(estimate.high)
        at = (now + estimate.remaining).milliseconds
        basis = estimate.basis.rawValue
    }
}
