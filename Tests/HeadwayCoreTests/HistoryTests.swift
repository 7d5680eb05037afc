import Seeded
import Foundation
import HeadwayCore
import Synchronization
import Testing

/// Random histories from a seed. A failure names its seed; `HEADWAY_SEED=<seed>` runs that history alone, and
/// `HEADWAY_HISTORIES=<n>` more of them (`make laws`).
@Suite("Any history")
struct HistoryTests {
    static let environment = ProcessInfo.processInfo.environment
    static let total = UInt64(environment["HEADWAY_HISTORIES"] ?? "") ?? 40_000

    /// One law, its part of all histories, and how many of them kept it.
    final class Law: Sendable {
        private let name: String
        private let count: UInt64
        private let kept = Atomic<UInt64>(0)
        private let began = ContinuousClock.now

        init(_ name: String, part: UInt64) {
            self.name = name
            count = total * part / 8
        }

        /// Its seeds, cut so that all cores work.
        var seeds: [Range<UInt64>] {
            if let seed = UInt64(environment["HEADWAY_SEED"] ?? "") { return [seed..<(seed + 1)] }
            return (0..<8).map { ($0 * count / 8)..<(($0 + 1) * count / 8) }
        }

        /// Runs `history` per seed, and stops at the first that breaks the law.
        func each(_ seeds: Range<UInt64>, _ history: (inout Teller) throws -> Void) {
            for seed in seeds {
                var teller = Teller(seed: seed)
                do { try history(&teller) } catch {
                    Issue.record("HEADWAY_SEED=\(seed): \(error)\n\(teller.told.suffix(4).map { "\($0)" })")
                    return
                }
            }
            let all = kept.add(UInt64(seeds.count), ordering: .relaxed).newValue
            guard all == count else { return }
            print("laws: \(count) histories (seeds 0..<\(count)) in \(ContinuousClock.now - began): \(name)")
        }
    }

    static let steps = Law("versions, percents, ends, counts", part: 3)
    static let placeholding = Law("job.queued may come anywhere", part: 2)
    static let repetition = Law("whatever was accepted may come again", part: 2)
    static let totals = Law("a bulk's total may come anywhere", part: 1)

    @Test(
        "versions rise, percents rise within an attempt, ends stand, and every count is a recount",
        arguments: steps.seeds)
    func laws(_ seeds: Range<UInt64>) {
        Self.steps.each(seeds) { teller in
            var partition = Partition(teller.pipeline, teller.book())
            for _ in 0..<24 {
                let now = teller.wait()
                try partition.fire(at: now)
                let member = teller.number(0..<partition.records.count)
                if teller.number(0..<12) == 0 { try partition.bury(member) }
                try partition.hear(teller.event(), by: member, at: now)
            }
        }
    }

    @Test(
        "a job is what it would be, had it been queued first, whenever that is heard",
        arguments: placeholding.seeds)
    func placeholders(_ seeds: Range<UInt64>) {
        Self.placeholding.each(seeds) { teller in
            let registration = say(.queued(teller.pipeline.registration(bulk: spring)))
            let book = teller.book()
            let place = teller.number(1..<25)
            var early = JobRecord.unknown
            var late = JobRecord.unknown
            for step in 0..<25 {
                let now = teller.wait(atMost: step < place ? 12 : 700)
                guard step != place else {
                    guard case .placeholder = late else { return }
                    _ = late.apply(jobID, registration, at: now, catalog: catalog, book: book)
                    try expect(late == early, "\(late)\nis not\n\(early)")
                    continue
                }
                let event = teller.event(isNamed: false)
                let verdict = late.apply(jobID, event, at: now, catalog: catalog, book: book).verdict
                if step < place {
                    if verdict == .refused(.malformed) { continue }
                    try expect(verdict == .held || verdict == .unchanged, "is held")
                }
                if early == .unknown {
                    _ = early.apply(jobID, registration, at: now, catalog: catalog, book: book)
                }
                _ = early.apply(jobID, event, at: now, catalog: catalog, book: book)
                guard step > place else { continue }
                _ = late.fire(jobID, at: now, catalog: catalog)
                _ = early.fire(jobID, at: now, catalog: catalog)
                try expect(late == early, "\(late)\nis not\n\(early)")
            }
        }
    }

    @Test("a bulk comes to the same, wherever its total is told and however often", arguments: totals.seeds)
    func total(_ seeds: Range<UInt64>) {
        Self.totals.each(seeds) { teller in
            let members = (0..<teller.number(1..<7)).map { _ in teller.member() }
            let total = teller.number(0..<9)
            let place = teller.number(0..<(members.count + 1))
            var first = BulkShare(id: spring, at: noon)
            var later = first
            _ = first.apply(.opened(total: total, label: nil), isHome: true, at: noon)
            for (step, member) in members.enumerated() {
                let now = teller.wait()
                if step == place { _ = later.apply(.opened(total: total, label: nil), isHome: true, at: now) }
                first.move(from: nil, to: member, isHome: true, at: now)
                later.move(from: nil, to: member, isHome: true, at: now)
                if teller.number(0..<3) == 0, step >= place {
                    _ = later.apply(.opened(total: total, label: nil), isHome: true, at: now)
                }
            }
            let end = teller.wait()
            if place == members.count {
                _ = later.apply(.opened(total: total, label: nil), isHome: true, at: end)
            }
            for word in [BulkWord.sealed(total: nil), .sealed(total: total)] {
                let verdicts = (
                    first.apply(word, isHome: true, at: end), later.apply(word, isHome: true, at: end)
                )
                try expect(verdicts.0 == verdicts.1, "\(word): \(verdicts)")
            }
            later.home?.createdAt = noon
            first.version = later.version
            first.home?.createdAt = noon
            try expect(first == later, "\(first)\nis not\n\(later)")
            let summary = BulkSummary(id: spring, shares: [later])
            try expect(summary.total == total && summary.counts.registered == members.count, "\(summary)")
        }
    }

    @Test(
        "whatever was accepted may come again, any time later, and only shows that the worker lives",
        arguments: repetition.seeds)
    func redelivery(_ seeds: Range<UInt64>) {
        Self.repetition.each(seeds) { teller in
            let book = teller.book()
            let vocabulary = Vocabulary.of(teller.pipeline)
            var record = JobRecord.unknown
            var accepted: [ProgressEvent] = []
            for _ in 0..<20 {
                let event = vocabulary[teller.number(0..<vocabulary.count)]
                teller.told.append(event)
                let now = teller.wait()
                _ = record.fire(jobID, at: now, catalog: catalog)
                let verdict = record.apply(jobID, event, at: now, catalog: catalog, book: book).verdict
                if case .refused = verdict { continue }
                guard let job = record.job else { continue }
                accepted.append(event)
                // Of a silent worker it is the sign of life that is waited for.
                if job.health == .suspect || job.isLost { continue }
                let old = accepted[teller.number(0..<accepted.count)]
                let (again, outcome) = record.after(old, at: teller.wait())
                try expect(again.isSame(but: record), "\(outcome.verdict) \(outcome.transitions): \(old)")
                record = again
            }
        }
    }
}

/// A law that does not hold.
struct Broken: Error, CustomStringConvertible {
    let description: String
}

func expect(_ holds: Bool, _ law: @autoclosure () -> String) throws {
    if !holds { throw Broken(description: law()) }
}

extension Vocabulary {
    private static let known = Dictionary(
        uniqueKeysWithValues: Pipeline.four.map { ($0.name, Vocabulary($0).events) })

    static func of(_ pipeline: Pipeline) -> [ProgressEvent] { known[pipeline.name] ?? [] }
}

extension JobRecord {
    /// Equal in all but the last sign of life.
    func isSame(but other: JobRecord) -> Bool {
        guard var job, let other = other.job else { return self == other }
        job.aliveAt = other.aliveAt
        return job == other
    }
}

/// Says random things at random times.
struct Teller {
    let pipeline: Pipeline
    var told: [ProgressEvent] = []
    private var random: SplitMix64
    private var now = noon
    private var sequence: Int64 = 0

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        pipeline = Pipeline.four[Int.random(in: 0..<4, using: &random)]
    }

    mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

    /// Mostly a moment, sometimes long enough for a deadline.
    mutating func wait(atMost longest: Int = 700) -> Timestamp {
        now = now.after(Int64(number(0..<8) == 0 ? number(0..<longest) : number(0..<12)))
        return now
    }

    /// What was usual before: nothing, too little to say, or enough, from a moment to minutes.
    mutating func book() -> DurationBook {
        var book = DurationBook()
        for stage in ["a", "b", "c"] {
            for _ in 0..<[0, 18, 20][number(0..<3)] {
                book.add(.milliseconds(1 << number(8..<18)), pipeline: pipeline.name, stage: stage)
            }
        }
        return book
    }

    mutating func member() -> BulkContribution {
        var record = JobRecord.unknown
        for word: JobWord in [.queued(pipeline.registration(bulk: spring, weight: number(1..<9))), .works] {
            record.hear(word)
            if number(0..<4) == 0 { break }
        }
        switch number(0..<4) {
        case 0: record.hear(.done)
        case 1: record.hear(.breaks)
        case 2: record.hear(.tells(stage("a"), percent: number(0..<100)))
        default: break
        }
        return record.contribution?.1
            ?? BulkContribution(
                JobState(
                    id: jobID, registration: pipeline.registration(), pipeline: pipeline.reference, at: noon))
    }

    private mutating func perhaps(_ range: Range<Int>) -> Int? { number(0..<2) == 0 ? nil : number(range) }

    /// - Parameter isNamed: whether it may say which pipeline the job follows.
    mutating func event(isNamed: Bool = true) -> ProgressEvent {
        sequence += 1
        let isSequenced = number(0..<3) == 0
        let event = say(word(isNamed: isNamed), attempt: perhaps(1..<5), at: isSequenced ? sequence : nil)
        told.append(event)
        return event
    }

    private mutating func word(isNamed: Bool) -> JobWord {
        let registration = pipeline.registration(
            bulk: [nil, spring, autumn][number(0..<3)], label: perhaps(0..<9).map { "L\($0)" },
            weight: perhaps(1..<9))
        switch number(0..<24) {
        case 0, 1, 2: return isNamed ? .queued(registration) : .beats
        case 3, 4: return .started(worker: perhaps(1..<3).map { "w-\($0)" }, isNamed ? registration : nil)
        case 5: return .completed(result: perhaps(0..<2).map { "r\($0)" }, message: nil)
        case 6:
            return .failed(
                message: "No", code: perhaps(0..<3).map { "c\($0)" }, stage: ["a", nil][number(0..<2)])
        case 7: return number(0..<2) == 0 ? .cancelRequested(message: nil) : .cancelled(message: nil)
        case 8, 9: return .heartbeat(worker: perhaps(1..<3).map { "w-\($0)" })
        case 10...13: return .begins(mention())
        case 14, 15: return .stageCompleted(mention(), checkpoint: perhaps(0..<9).map { "\($0)" })
        case 16, 17:
            return .counts(mention(), number(0..<5), number(3..<9), substep: ["p", "q"][number(0..<2)])
        case 18...20: return .counts(mention(), number(0..<5), number(3..<9))
        default: return .tells(mention(), percent: number(0..<101))
        }
    }

    private mutating func mention() -> StageMention {
        let name = ["a", "b", "c"][number(0..<3)]
        let isPaged = name == "b" && pipeline == .paged
        return stage(
            name, isPaged ? perhaps(1..<5) : nil, of: isPaged ? perhaps(3..<6) : nil, try: perhaps(1..<4),
            saying: perhaps(0..<9).map { "M\($0)" })
    }
}

/// A few jobs and two bulks, as an owner keeps them, with every law checked at every step.
struct Partition {
    private(set) var records: [JobRecord]
    private var shares: [BulkID: BulkShare] = [:]
    private var book: DurationBook
    private let pipeline: String

    init(_ pipeline: Pipeline, _ book: DurationBook) {
        records = Array(repeating: .unknown, count: 3)
        self.book = book
        self.pipeline = pipeline.name
    }

    mutating func fire(at now: Timestamp) throws {
        for member in records.indices {
            let before = records[member]
            guard let due = before.nextDeadline(catalog: catalog), due <= now else {
                guard now.milliseconds % 8 == 0 else { continue }
                let outcome = records[member].fire(jobID, at: now, catalog: catalog)
                try expect(outcome.verdict == .unchanged && records[member] == before, "nothing was due")
                continue
            }
            let outcome = records[member].fire(jobID, at: now, catalog: catalog)
            try expect(outcome.verdict == .applied, "something was due")
            try follow(member, from: before, outcome, at: now)
            try expect(
                records[member].nextDeadline(catalog: catalog).map { $0 > now } ?? true, "due means done")
        }
    }

    mutating func hear(_ event: ProgressEvent, by member: Int, at now: Timestamp) throws {
        let before = records[member]
        let outcome = records[member].apply(jobID, event, at: now, catalog: catalog, book: book)
        for sample in outcome.durations {
            try expect(sample.duration >= .zero && outcome.verdict == .applied, "what took time was news")
            book.add(sample.duration, pipeline: pipeline, stage: sample.stage)
        }
        if let named = event.attempt, let attempt = before.job?.attempt, named < attempt {
            try expect(
                outcome.verdict == .refused(.superseded) || outcome.verdict == .refused(.malformed),
                "an older attempt: \(outcome.verdict)")
        }
        switch outcome.verdict {
        case .applied:
            if let old = before.job?.version {
                try expect(records[member].job?.version == old + 1, "one version")
            }
        case .unchanged: try expect(records[member].job?.version == before.job?.version, "no version")
        case .held:
            guard case .placeholder = records[member] else { throw Broken(description: "held where?") }
        case .refused:
            try expect(records[member] == before && outcome.transitions.isEmpty, "refused leaves no trace")
        }
        try follow(member, from: before, outcome, at: now)
    }

    mutating func bury(_ member: Int) throws {
        guard records[member].job?.status.isTerminal ?? false else { return }
        records[member] = records[member].buried
        if let bulk = records[member].contribution?.bulk { try recount(bulk) }
    }

    private mutating func follow(
        _ member: Int, from before: JobRecord, _ outcome: JobOutcome, at now: Timestamp
    ) throws {
        let after = records[member]
        try expect(outcome.isRecordChanged == (after != before), "says whether it changed")
        if let old = before.job, let new = after.job {
            try expect(new.version >= old.version && new.attempt >= old.attempt, "versions and attempts rise")
            if new.attempt == old.attempt {
                try expect(new.fraction >= old.fraction && new.percent >= old.percent, "percent rises")
                if old.status.isTerminal, !old.isLost {
                    try expect(new.status == old.status, "the end stands")
                }
            }
        }
        if case .expired(let old) = before, let new = after.job {
            try expect(new.version > old.version && new.attempt > old.attempt, "a new life goes on")
        }
        if let job = after.job { try check(job, at: now) }
        let (old, new) = (before.contribution, after.contribution)
        guard let bulk = new?.bulk ?? old?.bulk else { return }
        shares[bulk, default: BulkShare(id: bulk, at: now)].move(
            from: old?.1, to: new?.1, isHome: true, at: now)
        if old?.1 != new?.1 { try recount(bulk) }
    }

    /// What is true of any job at any time.
    private func check(_ job: JobState, at now: Timestamp) throws {
        let pipeline = catalog[job.pipeline] ?? .plain
        let lines = job.stages.map { pipeline.position(of: $0.stage) ?? -1 }
        try expect(lines == lines.sorted() && Set(lines).count == lines.count, "the book is in order")
        try expect(job.stages.filter { $0.phase == .running }.count <= 1, "one stage runs")
        try expect(
            job.position.map { job.stages.map(\.stage).contains($0.stage) } ?? true, "the position has a line"
        )
        try expect(job.status.isTerminal == (job.finishedAt != nil), "ended means finished")
        try expect((job.status == .failed) == (job.failure != nil), "failed means why")
        try expect(job.status == .running || job.health == .ok || job.isLost, "health is of running jobs")
        try expect(job.updatedAt <= now && job.aliveAt <= now && job.movedAt <= job.aliveAt, "no time ahead")
        try expect(job.health != .slow || job.position?.usual != nil, "slow is beside what is usual")
        try expect(
            job.position?.indexStartedAt == nil || job.position?.index != nil, "an index began that there is")
        try expect(job.attempt <= pipeline.maxAttempts, "attempts are bounded")
        if pipeline.isStrict { try expect(job.skippedStages.isEmpty, "strict skips nothing") }
    }

    /// The share equals a count over its members.
    private func recount(_ bulk: BulkID) throws {
        guard let share = shares[bulk] else { return }
        var fresh = BulkShare(id: bulk, at: share.updatedAt)
        for record in records {
            guard let (member, contribution) = record.contribution, member == bulk else { continue }
            fresh.move(from: nil, to: contribution, isHome: true, at: share.updatedAt)
        }
        try expect(
            fresh.counts == share.counts && fresh.weight == share.weight && fresh.progress == share.progress
                && fresh.health == share.health && fresh.stages == share.stages
                && fresh.failures == share.failures,
            "\(share)\nis not\n\(fresh)")
    }
}
