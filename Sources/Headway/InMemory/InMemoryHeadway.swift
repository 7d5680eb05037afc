import HeadwayCore
import HeadwayWire
import Synchronization

/// The same bus in one process, without Redis: for programs that need no other, and for tests of workers.
///
///     let headway = try InMemoryHeadway(pipelines: [articleJSON])
///     try await write("article-42", on: headway)          // takes some HeadwayBus
///     #expect(headway.snapshot(of: "article-42")?.status == .completed)
///
/// Jobs, stages and bulks follow the same rules as behind Redis, because it is the same code that folds their words.
/// What is said is folded before the call returns, a `report` too, so a test needs no waiting. Time comes from the
/// clock that is given: what silence does (suspect, stalled, lost, abandoned) and what ends (a finished job after
/// its `retention`, then its tombstone) happens as it passes.
///
/// Everything is held in memory, in bounds (``Options``), and is gone with the last reference. Thread-safe.
public final class InMemoryHeadway: HeadwayBus {
    /// What it holds, and under which name it works. The defaults are what nearly everybody wants.
    public struct Options: Sendable {
        /// Who works here, as shown beside a job; at most 200 characters. `host:pid` when nil.
        public var worker: String?
        /// Publishes what any error says about itself, not only a ``PublicError``.
        public var disclosesErrors = false
        /// Most jobs held, tombstones included. For one more, those that ended first are let go.
        public var mostJobs = 100_000
        /// Most bulks held. For one more, those that settled first are let go.
        public var mostBulks = 10_000
        /// How long a settled bulk stays readable.
        public var bulkRetention = Duration.seconds(7 * 24 * 3600)
        /// How long after a finished job's `retention` it is still told from an unknown one.
        public var tombstoneRetention = Duration.seconds(7 * 24 * 3600)
        /// What the clock's start is called, in milliseconds since 1970; the machine's time when nil.
        public var startingAt: Int64?

        /// The defaults, under a name of its own.
        public init(worker: String? = nil) { self.worker = worker }
    }

    /// Who works here, as shown beside a job.
    public let worker: String
    public var backing: BusBacking { BusBacking(self) }
    let store: MemoryStore
    let disclosesErrors: Bool
    /// Tells its open jobs from those of others on the same state.
    let number: Int
    private let closed = Atomic(false)

    /// - Parameters:
    ///   - pipelines: definitions in JSON, as `headway pipelines apply` takes them.
    ///   - options: bounds, and under which name it works.
    ///   - clock: where its time comes from; a ``ManualClock`` lets a test decide.
    /// - Throws: ``HeadwayError`` with `invalid`, naming all that is wrong in the definitions.
    public init(
        pipelines: [String] = [], options: Options = Options(),
        clock: some Clock<Duration> = ContinuousClock()
    ) throws(HeadwayError) {
        var limits = MemoryState.Limits()
        limits.jobs = max(1, options.mostJobs)
        limits.bulks = max(1, options.mostBulks)
        limits.bulkRetention = max(.zero, options.bulkRetention)
        limits.tombstoneRetention = max(.zero, options.tombstoneRetention)
        let start = options.startingAt.map { Timestamp(milliseconds: $0) } ?? .wallClock
        store = MemoryStore(limits: limits, startingAt: start, clock: clock)
        worker = String((options.worker ?? WorkerName.here).unicodeScalars.prefix(WireLimits.label))
        disclosesErrors = options.disclosesErrors
        number = 0
        for pipeline in pipelines { try apply(pipeline) }
    }

    private init(_ other: InMemoryHeadway, worker: String) {
        store = other.store
        self.worker = String(worker.unicodeScalars.prefix(WireLimits.label))
        disclosesErrors = other.disclosesErrors
        number = store.withState { state in
            state.lastOwner += 1
            return state.lastOwner
        }
    }

    /// Another worker on the same state, as another process would be on the same Redis.
    public func connect(worker: String) -> InMemoryHeadway { InMemoryHeadway(self, worker: worker) }

    // MARK: Definitions

    /// Stores a definition as the next revision of its name, unless the latest says the same.
    ///
    /// - Parameter definition: JSON, as `headway pipelines apply` takes it.
    /// - Returns: `name@revision`.
    /// - Throws: ``HeadwayError`` with `invalid`, naming all that is wrong.
    @discardableResult
    public func apply(_ definition: String) throws(HeadwayError) -> String {
        switch PipelineDocument.parse(Array(definition.utf8), file: "definition", revision: 1) {
        case .success(let document): return put(document)
        case .failure(let found):
            throw HeadwayError(.invalid, found.problems.map(\.description).joined(separator: "; "))
        }
    }

    /// Makes up a definition for a contract: its stages in order, each worth as much as the others, any skipped at
    /// will; the limits are the defaults. For tests that need no more.
    @discardableResult
    public func apply<Contract: PipelineContract>(_ contract: Contract.Type) throws(HeadwayError) -> String {
        let stages = Contract.Stage.allCases.map(\.rawValue)
        let parts = stages.map { JSON.object([.init("id", .string($0)), .init("weight", .number(1))]) }
        let definition = JSON.object([.init("name", .string(Contract.name)), .init("stages", .array(parts))])
        return try apply(definition.text)
    }

    private func put(_ document: PipelineDocument) -> String {
        store.withState { state in
            let placement = state.shelf.put(document)
            state.catalog = state.shelf.catalog
            return placement.reference.description
        }
    }

    // MARK: The end

    /// Nothing is ever on its way.
    public func flush(within limit: Duration) async throws {}

    public func close(within limit: Duration) async throws {
        guard !closed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        store.withState { [number] in $0.forget(owner: number) }
    }

    func checkOpen() throws(HeadwayError) {
        if closed.load(ordering: .acquiring) { throw .closed }
    }

    /// What was done, and what is held; see ``Statistics``.
    public var statistics: Statistics {
        store.withState { state in
            var statistics = state.counters
            statistics.jobs = state.lines.count
            statistics.openJobs = state.open.count
            statistics.bulks = state.bulks.count
            return statistics
        }
    }

    /// The last hundred words that broke a rule, oldest first; behind Redis they stand in `rejected`.
    public var refusals: [Refused] { store.withState { $0.refusals } }

    /// What an `InMemoryHeadway` has done and what it holds.
    public struct Statistics: Sendable, Equatable {
        /// Calls of `report` and `substep`.
        public internal(set) var reports: Int64 = 0
        /// Reports outside their bounds, or behind what was reported before.
        public internal(set) var corrected: Int64 = 0
        /// Words that were said; beats not.
        public internal(set) var events: Int64 = 0
        /// Of these, those that changed something.
        public internal(set) var applied: Int64 = 0
        /// Of these, those that broke a rule, by reason.
        public internal(set) var refused: [String: Int] = [:]
        /// Finished jobs whose retention has passed.
        public internal(set) var expired: Int64 = 0
        /// Jobs and bulks let go early, to make room.
        public internal(set) var evicted: Int64 = 0

        // As it stands.
        /// Ids that something is known of, tombstones included.
        public internal(set) var jobs = 0
        /// Jobs that beat.
        public internal(set) var openJobs = 0
        /// Bulks that something is known of.
        public internal(set) var bulks = 0
    }

    /// A word that broke a rule.
    public struct Refused: Sendable, Equatable {
        /// The job or bulk that it was about.
        public let subject: String
        /// As in docs/wire.md: `late`, `backwards`, `bulk_conflict`, …
        public let reason: String
    }
}
