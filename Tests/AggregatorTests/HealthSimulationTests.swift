import Seeded
import HeadwayCore
import HeadwayWire
import Testing

@testable import Aggregator

/// Nobody who works is called stalled, whatever happens to the aggregator, to Redis and to its clock; and who
/// has stopped is named in time. In simulated time, with the limits of production: minutes cost milliseconds.
@Suite("Health in simulated time")
struct HealthSimulationTests {
    static let pipeline = Pipeline(
        reference: Pipeline.Reference(name: "article", revision: 1),
        stages: [
            Pipeline.Stage(id: "research", start: .zero, end: Fraction(partsPerMillion: 400_000)),
            Pipeline.Stage(id: "writing", start: Fraction(partsPerMillion: 400_000), end: .one),
        ])

    /// What befalls the world, for how long or by how much.
    enum Fault: Sendable, CustomTestStringConvertible {
        /// The aggregator works, but slower than events come.
        case lag
        /// `SIGSTOP` of the aggregator; its partition stays unowned, and it finds its own lease again.
        case frozenAggregator
        /// The aggregator is gone, another takes over afterwards.
        case noAggregator
        /// Redis is down and starts anew.
        case redisRestart
        /// `SIGSTOP` of Redis: connections stay.
        case frozenRedis
        case clockForward, clockBack
        /// Somebody adds an entry whose id lies centuries ahead.
        case farFuture

        var testDescription: String { "\(self)" }
    }

    static let all: [Fault] = [
        .lag, .frozenAggregator, .noAggregator, .redisRestart, .frozenRedis, .clockForward, .clockBack,
        .farFuture,
    ]

    @Test(
        "ten minutes of any one fault: no false stall, and a worker that stops afterwards is named in time",
        arguments: all)
    func one(_ fault: Fault) throws {
        for seed in UInt64(1)...3 {
            var world = try World(seed: seed, faults: [(fault, at: .seconds(300), for: .seconds(600))])
            try world.run(until: .seconds(2400), stopAt: .seconds(1500))
            world.expectTruth("\(fault), seed \(seed)")
        }
    }

    @Test(
        "several faults at random, one upon the other: no false stall either",
        arguments: 1...24 as ClosedRange<UInt64>)
    func many(seed: UInt64) throws {
        var dice = SplitMix64(seed: seed &* 7919)
        let faults = (0..<3).map { _ in
            (
                Self.all.randomElement(using: &dice) ?? .lag,
                at: Duration.seconds(Int64.random(in: 60...900, using: &dice)),
                for: Duration.seconds(Int64.random(in: 3...600, using: &dice))
            )
        }
        var world = try World(seed: seed, faults: faults)
        try world.run(until: .seconds(3200), stopAt: .seconds(2300))
        world.expectTruth("\(faults), seed \(seed)")
    }

    @Test("a worker that stopped before a fault is named after it, once everybody could speak again")
    func stoppedBefore() throws {
        for fault in Self.all {
            var world = try World(seed: 5, faults: [(fault, at: .seconds(320), for: .seconds(600))])
            try world.run(until: .seconds(2400), stopAt: .seconds(310))
            world.expectTruth("\(fault)", inTime: false)
        }
    }
}

/// Six workers, one partition, and what befalls them.
struct World {
    typealias Plan = (fault: HealthSimulationTests.Fault, at: Duration, for: Duration)

    private struct Worker {
        let id: JobID
        var nextBeat: Duration
        var nextMove: Duration
        var done = 0
        /// Told, but not yet in Redis.
        var held = false
        /// After Redis was away: when it is back.
        var reconnectsAt = Duration.zero
        var isBeating = true
        var isMoving = true
        var lastBeat = Duration.zero
        var lastMove = Duration.zero
    }

    /// It stops telling anything; it goes on beating, but does not move.
    static let silent = JobID(unchecked: "silent")
    static let still = JobID(unchecked: "still")

    private var partition: SimulatedPartition
    private var workers: [Worker]
    private var dice: SplitMix64
    private let plans: [Plan]
    private var reading: SimulatedPartition.Reading?
    private var isRedisUp = true
    private var connection = true
    private let step = Duration.milliseconds(250)

    init(seed: UInt64, faults: [Plan]) throws {
        dice = SplitMix64(seed: seed)
        plans = faults
        partition = try SimulatedPartition(PipelineCatalog([HealthSimulationTests.pipeline]))
        let names = (1...4).map { JobID(unchecked: "healthy-\($0)") } + [Self.silent, Self.still]
        workers = names.map { Worker(id: $0, nextBeat: .zero, nextMove: .zero) }
        let registration = Registration(pipeline: PipelineName(name: "article"), bulk: BulkID(unchecked: "b"))
        for worker in workers {
            partition.add(ProgressEvent(worker.id, .started(worker: "w", registration), attempt: 1))
        }
        partition.take()
    }

    mutating func run(until end: Duration, stopAt: Duration) throws {
        while partition.now < end {
            partition.now += step
            for plan in plans { befall(plan) }
            for place in workers.indices {
                if partition.now >= stopAt {
                    if workers[place].id == Self.silent { workers[place].isBeating = false }
                    if workers[place].id == Self.still || workers[place].id == Self.silent {
                        workers[place].isMoving = false
                    }
                }
                work(place)
            }
            own()
        }
    }

    private func isUnder(_ fault: HealthSimulationTests.Fault) -> Bool {
        plans.contains { $0.fault == fault && $0.at < partition.now && partition.now <= $0.at + $0.for }
    }

    private mutating func befall(_ plan: Plan) {
        let begins = plan.at < partition.now && partition.now <= plan.at + step
        let ends = plan.at + plan.for < partition.now && partition.now <= plan.at + plan.for + step
        switch plan.fault {
        case .clockForward where begins: partition.redisOffset += plan.for
        case .clockBack where begins: partition.redisOffset -= plan.for
        case .farFuture where begins:
            partition.add(
                ProgressEvent(JobID(unchecked: "planted"), .heartbeat(worker: nil), attempt: 1),
                as: StreamID(ms: 9_999_999_999_999))
        case .redisRestart where begins:
            isRedisUp = false
            lose()
        case .redisRestart where ends:
            isRedisUp = true
            partition.take(isNewEpoch: true)
        case .frozenRedis where begins: isRedisUp = false
        case .frozenRedis where ends:
            isRedisUp = true
            // Longer than the owner's patience: it gave up, and asks again.
            if plan.for > .seconds(3) {
                lose()
                partition.take()
            }
        case .noAggregator where begins: lose()
        case .noAggregator where ends: partition.take()
        default: break
        }
    }

    private mutating func lose() {
        partition.lose()
        reading = nil
    }

    /// A publisher: heartbeats on time, ticks at most 100 s apart; while Redis is away the last tick is kept, and
    /// after it a back-off of up to 10 s.
    private mutating func work(_ place: Int) {
        let now = partition.now
        guard isRedisUp else {
            workers[place].reconnectsAt = now + .milliseconds(Int64.random(in: 0...10_000, using: &dice))
            if now >= workers[place].nextMove, workers[place].isMoving { hold(place) }
            return
        }
        guard now >= workers[place].reconnectsAt else { return }
        let isBack = workers[place].reconnectsAt > .zero
        workers[place].reconnectsAt = .zero
        if workers[place].isBeating, isBack || now >= workers[place].nextBeat {
            partition.add(ProgressEvent(workers[place].id, .heartbeat(worker: "w"), attempt: 1))
            workers[place].nextBeat = now + .seconds(15)
            workers[place].lastBeat = now
        }
        if workers[place].isMoving, now >= workers[place].nextMove { hold(place) }
        guard workers[place].held else { return }
        workers[place].held = false
        partition.add(
            ProgressEvent(
                workers[place].id,
                .stageProgressed(
                    StageMention("writing"), .count(done: workers[place].done, total: 1_000_000), substep: nil
                ),
                attempt: 1))
        workers[place].lastMove = now
        workers[place].lastBeat = now
    }

    private mutating func hold(_ place: Int) {
        workers[place].done += 1
        workers[place].held = true
        workers[place].nextMove = partition.now + .seconds(Int64.random(in: 1...100, using: &dice))
    }

    /// The aggregator: a read is answered in the next step, or when whoever stands still goes on.
    private mutating func own() {
        guard partition.isOwned, isRedisUp, !isUnder(.frozenAggregator) else { return }
        if let reading {
            partition.fold(reading)
            self.reading = nil
        }
        // Slower than events come: one entry in four seconds, where six workers tell about one in two.
        partition.batch = isUnder(.lag) ? 1 : 500
        if isUnder(.lag), partition.now.wholeMilliseconds % 4000 != 0 { return }
        reading = partition.read()
    }

    // MARK: The truth

    func expectTruth(_ story: String, inTime: Bool = true) {
        for item in partition.news where item.transition.kind == .health || item.transition.kind == .failed {
            let isHealthy = item.job != Self.silent && item.job != Self.still
            #expect(!isHealthy, "\(story): \(item)")
        }
        expectNamed(Self.silent, "suspect", limit: .seconds(30), since: \.lastBeat, story, inTime)
        expectNamed(Self.still, "stalled", limit: .seconds(120), since: \.lastMove, story, inTime)
        expectNamed(Self.silent, "worker_lost", limit: .seconds(600), since: \.lastBeat, story, inTime)
    }

    private func expectNamed(
        _ job: JobID, _ word: String, limit: Duration, since: KeyPath<Worker, Duration>, _ story: String,
        _ inTime: Bool
    ) {
        guard let worker = workers.first(where: { $0.id == job }) else { return }
        let named = partition.news.filter { $0.job == job && $0.transition.detail == word }
        #expect(named.count == 1, "\(story): \(job) was called \(word) \(named.count) times: \(named)")
        guard inTime, let first = named.first else { return }
        let late = first.toldAt - worker[keyPath: since] - limit
        #expect(
            late >= .zero && late <= .seconds(1),
            "\(story): \(job) was called \(word) \(late) after its limit")
    }
}
