import Seeded
import Foundation
import HeadwayCore
import HeadwayWire
import Synchronization
import Testing

@testable import Aggregator

/// I7: the fold does not know how its entries were batched. Over random histories of a partition, without
/// Redis; `batchingChangesNothing` of `AggregatorTests` compares the hashes of a real one.
///
/// `HEADWAY_SEED=<seed>` runs one history alone, `HEADWAY_HISTORIES=<n>` n / 8 of them.
@Suite("However entries are batched")
struct BatchingLawTests {
    static let environment = ProcessInfo.processInfo.environment
    static let count = (UInt64(environment["HEADWAY_HISTORIES"] ?? "") ?? 40_000) / 8
    static let kept = Atomic<UInt64>(0)
    static let began = ContinuousClock.now

    static var seeds: [Range<UInt64>] {
        if let seed = UInt64(environment["HEADWAY_SEED"] ?? "") { return [seed..<(seed + 1)] }
        return (0..<8).map { ($0 * count / 8)..<(($0 + 1) * count / 8) }
    }

    @Test("jobs, timelines, shares, durations and refusals are the same by 1, 7 and 500", arguments: seeds)
    func batches(_ seeds: Range<UInt64>) throws {
        let began = Self.began
        for seed in seeds {
            let whole = try Self.fold(seed, by: 500)
            for batch in [1, 7] where try Self.fold(seed, by: batch) != whole {
                let other = try Self.fold(seed, by: batch)
                Issue.record("HEADWAY_SEED=\(seed), by \(batch):\n\(other.difference(from: whole))")
                return
            }
        }
        let all = Self.kept.add(UInt64(seeds.count), ordering: .relaxed).newValue
        guard all == Self.count else { return }
        print(
            "laws: \(all) histories (seeds 0..<\(all)) in \(ContinuousClock.now - began): batches of 1, 7 and 500"
        )
    }

    private static func fold(_ seed: UInt64, by batch: Int) throws -> SimulatedPartition.Picture {
        var partition = try SimulatedPartition(RandomHistory.catalog)
        partition.take()
        var history = RandomHistory(seed: seed)
        for _ in 0..<history.length { history.tell(&partition) }
        partition.now += .seconds(5)
        partition.batch = batch
        // The last read is not full, so that time comes to its end.
        repeat { partition.fold(partition.read()) } while partition.unread > 0
        partition.fold(partition.read())
        return partition.picture
    }
}

/// Random words about three jobs and two bulks, at random times, some of them again.
struct RandomHistory {
    static let catalog = PipelineCatalog([pipeline(isIndexed: true), pipeline(isIndexed: false)])
    let length: Int
    private var dice: SplitMix64
    private var told: [ProgressEvent] = []
    private var numbers: [String: Int64] = [:]

    private static func pipeline(isIndexed: Bool) -> Pipeline {
        Pipeline(
            reference: Pipeline.Reference(name: isIndexed ? "paged" : "plain", revision: 1),
            stages: ["a", "b", "c"].enumerated().map { place, id in
                Pipeline.Stage(
                    id: id, start: Fraction(partsPerMillion: place * 333_333),
                    end: Fraction(partsPerMillion: (place + 1) * 333_333), isIndexed: isIndexed && id == "b")
            }, heartbeat: .seconds(4), stallAfter: .seconds(20), lostAfter: .seconds(60),
            cancelAfter: .seconds(15), maxAttempts: 3)
    }

    init(seed: UInt64) {
        dice = SplitMix64(seed: seed)
        length = Int.random(in: 20...40, using: &dice)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &dice) }

    mutating func tell(_ partition: inout SimulatedPartition) {
        partition.now += .milliseconds(number(0...9) == 0 ? number(0...70_000) : number(0...3000))
        if !told.isEmpty, number(0...7) == 0 { return partition.add(told[number(0...told.count - 1)]) }
        var event = number(0...9) == 0 ? aboutBulk() : aboutJob()
        if number(0...2) == 0 {
            let source = "s\(number(1...2))"
            numbers[source, default: 0] += Int64(number(1...12) / 12 + 1)
            event.sequence = ProgressEvent.Sequence(source: source, id: numbers[source] ?? 1)
        }
        told.append(event)
        partition.add(event)
    }

    private mutating func aboutBulk() -> ProgressEvent {
        let id = BulkID(unchecked: "bulk-\(number(1...2))")
        switch number(0...3) {
        case 0: return ProgressEvent(id, .opened(total: number(1...5), label: "L"))
        case 1: return ProgressEvent(id, .sealed(total: number(0...1) == 0 ? nil : number(1...5)))
        case 2: return ProgressEvent(id, .announced)
        default: return ProgressEvent(id, .cancelling)
        }
    }

    private mutating func aboutJob() -> ProgressEvent {
        let job = number(1...3)
        let registration = Registration(
            pipeline: PipelineName(name: job == 1 ? "paged" : "plain"),
            bulk: BulkID(unchecked: "bulk-\(job % 2 + 1)"), weight: number(1...3))
        let name = ["a", "b", "c"][number(0...2)]
        let index = job == 1 && name == "b" ? number(1...3) : nil
        let mention = StageMention(name, index: index, of: index.map { _ in 3 })
        let word: JobWord =
            switch number(0...15) {
            case 0, 1: .queued(registration)
            case 2: .started(worker: "w\(number(1...2))", registration)
            case 3: .started(worker: "w\(number(1...2))", nil)
            case 4, 5: .heartbeat(worker: nil)
            case 6: .completed(result: nil, message: nil)
            case 7: .failed(message: "No", code: "c", stage: nil)
            case 8: .cancelRequested(message: nil)
            case 9, 10, 11: .stageStarted(mention)
            case 12: .stageCompleted(mention, checkpoint: nil)
            default: .stageProgressed(mention, .count(done: number(0...5), total: 5), substep: nil)
            }
        return ProgressEvent(
            JobID(unchecked: "job-\(job)"), word, attempt: number(0...1) == 0 ? nil : number(1...2))
    }
}
