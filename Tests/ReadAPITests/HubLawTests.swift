import Seeded
import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

/// Random histories of a few partitions: commits whose notices are lost, late or many; reads that are
/// answered late or from the past; failovers that lose history; subscriptions that break. Whatever happens,
/// the laws hold.
@Suite("The hub's laws over random histories", .timeLimit(.minutes(2)))
struct HubLawTests {
    @Test(
        "no fall within an epoch, nothing older than announced, and the newest in the end", arguments: 0..<400
    )
    func laws(seed: Int) {
        var world = World(seed: UInt64(seed))
        for _ in 0..<300 { world.step() }
        world.settle()
        #expect(world.violations == [], "seed \(seed)")
    }

    @Test("the laws notice a hub that keeps what was announced to be old")
    func mutant() {
        var caught = 0
        for seed in 0..<20 {
            var world = World(seed: UInt64(seed), isDeaf: true)
            for _ in 0..<300 { world.step() }
            world.settle(looking: false)
            if !world.violations.isEmpty { caught += 1 }
        }
        #expect(caught > 10)
    }
}

private struct World {
    typealias Subject = ProgressEvent.Subject
    typealias State = HubState<Truth>

    /// A subject's versions in each partition, and the epochs they are of.
    struct Truth: Sendable, Equatable {
        var versions: [Int64]
        var epochs: [String]
    }

    struct Snapshot {
        var epochs: [String]
        var commits: [Int64]
        var versions: [Subject: [Int64]]
    }

    static let partitions = 3
    static let subjects: [Subject] =
        (0..<4).map { .job(JobID(unchecked: "j\($0)")) } + (0..<2).map { .bulk(BulkID(unchecked: "b\($0)")) }

    var random: SplitMix64
    /// Hears nothing: what the laws must catch.
    let isDeaf: Bool
    var now = Duration.zero
    var truth: Snapshot
    var history: [Snapshot] = []
    var messages: [[ChangeNotice]]
    var state: State
    var reading: (subjects: [Subject], seen: Snapshot?)?
    var announced: [Subject: [State.Mark]] = [:]
    var shown: [Subject: Truth] = [:]
    var best: [String: Int64] = [:]
    var lastEpoch = 0
    var violations: [String] = []

    init(seed: UInt64, isDeaf: Bool = false) {
        random = SplitMix64(seed: seed)
        self.isDeaf = isDeaf
        truth = Snapshot(
            epochs: (0..<Self.partitions).map { "e0-\($0)" }, commits: [1, 1, 1],
            versions: Dictionary(uniqueKeysWithValues: Self.subjects.map { ($0, [1, 1, 1]) }))
        messages = Array(repeating: [], count: Self.partitions)
        var pace = State.Pace()
        pace.patience = nil
        state = State(partitions: Self.partitions, pace: pace)
        for subject in Self.subjects { _ = state.watch(subject, by: 1) }
    }

    func home(_ subject: Subject) -> Int? {
        guard case .job(let id) = subject else { return nil }
        return Int(id.description.utf8.last ?? 0) % Self.partitions
    }

    // MARK: One step

    mutating func step() {
        now += .milliseconds(Int.random(in: 1...40, using: &random))
        switch Int.random(in: 0..<100, using: &random) {
        case ..<30: commit()
        case ..<55: deliver()
        case ..<65: look(at: Int.random(in: 0..<Self.partitions, using: &random))
        case ..<78: startRead()
        case ..<94: answerRead()
        case ..<96: failOver(Int.random(in: 0..<Self.partitions, using: &random))
        case ..<98: breakSubscription()
        default:
            // One goes and comes back.
            let subject = Self.subjects[Int.random(in: 0..<Self.subjects.count, using: &random)]
            guard reading == nil else { return }
            state.unwatch(subject, by: 1)
            announced[subject] = nil
            best = best.filter { !$0.key.hasPrefix("\(subject) ") }
            if let image = state.watch(subject, by: 1) { show(subject, image) }
        }
    }

    mutating func commit() {
        let partition = Int.random(in: 0..<Self.partitions, using: &random)
        history.append(truth)
        if history.count > 6 { history.removeFirst() }
        truth.commits[partition] += 1
        var changes: [ChangeNotice.Change] = []
        for subject in Self.subjects
        where (home(subject) ?? partition) == partition && Bool.random(using: &random) {
            truth.versions[subject]?[partition] += 1
            changes.append(
                ChangeNotice.Change(subject, version: truth.versions[subject]?[partition] ?? 0))
        }
        let isMany = Int.random(in: 0..<10, using: &random) == 0
        let notice = ChangeNotice(
            epoch: truth.epochs[partition], commit: truth.commits[partition],
            changes: isMany ? .many : .some(changes))
        let isLost = Int.random(in: 0..<8, using: &random) == 0
        if !isLost { messages[partition].append(notice) }
    }

    mutating func deliver() {
        let partition = Int.random(in: 0..<Self.partitions, using: &random)
        guard !messages[partition].isEmpty else { return }
        let notice = messages[partition].removeFirst()
        guard !isDeaf else { return note(notice, partition) }
        note(notice, partition)
        state.hear(notice, of: partition)
    }

    /// What was announced, for the law; news of an epoch that is over counts no more.
    private mutating func note(_ notice: ChangeNotice, _ partition: Int) {
        guard case .some(let changes) = notice.changes else { return }
        for change in changes {
            announced[change.subject, default: []].append(
                State.Mark(
                    partition: partition, epoch: notice.epoch, commit: notice.commit, version: change.version)
            )
        }
    }

    mutating func look(at partition: Int) {
        state.look(at: partition, epoch: truth.epochs[partition], commit: truth.commits[partition])
    }

    mutating func startRead() {
        guard reading == nil else { return }
        let subjects = state.startReads(at: now, limit: 4)
        if !subjects.isEmpty { reading = (subjects, Bool.random(using: &random) ? truth : nil) }
    }

    mutating func answerRead() {
        guard let (subjects, early) = reading else { return }
        reading = nil
        let isFromThePast = Int.random(in: 0..<6, using: &random) == 0
        let seen = isFromThePast ? history.first ?? truth : early ?? truth
        if Int.random(in: 0..<12, using: &random) == 0 {
            for subject in subjects { state.fail(subject, at: now) }
            return
        }
        for subject in subjects { finish(subject, seen) }
    }

    mutating func finish(_ subject: Subject, _ seen: Snapshot) {
        let versions = seen.versions[subject] ?? [0, 0, 0]
        let parts = home(subject).map { [$0] } ?? Array(0..<Self.partitions)
        let image = State.Image(
            marks: parts.map {
                State.Mark(
                    partition: $0, epoch: seen.epochs[$0], commit: seen.commits[$0], version: versions[$0])
            },
            content: Truth(versions: versions, epochs: seen.epochs), isFinal: false, isAbsent: false)
        if state.finish(subject, image, at: now) { show(subject, image) }
    }

    /// Redis came back without the last commits; then somebody began a new epoch.
    mutating func failOver(_ partition: Int) {
        lastEpoch += 1
        if let old = history.first {
            truth.commits[partition] = old.commits[partition]
            for subject in Self.subjects {
                truth.versions[subject]?[partition] = old.versions[subject]?[partition] ?? 1
            }
        }
        // Pasts of before cannot be read from here on.
        history = []
        truth.epochs[partition] = "e\(lastEpoch)-\(partition)"
        truth.commits[partition] += 1
        messages[partition].append(
            ChangeNotice(epoch: truth.epochs[partition], commit: truth.commits[partition], changes: []))
    }

    mutating func breakSubscription() {
        for partition in 0..<Self.partitions {
            messages[partition] = []
            if !isDeaf { state.lose(partition) }
        }
    }

    // MARK: The laws

    mutating func show(_ subject: Subject, _ image: State.Image) {
        for mark in image.marks {
            let key = "\(subject) \(mark.partition) \(mark.epoch)"
            if let before = best[key], mark.version < before {
                violations.append("\(key) fell from \(before) to \(mark.version)")
            }
            best[key] = max(best[key] ?? 0, mark.version)
            for news in announced[subject] ?? []
            where news.partition == mark.partition && news.epoch == mark.epoch && news.version > mark.version
            {
                violations.append("\(key) was shown at \(mark.version) after \(news.version) was announced")
            }
        }
        shown[subject] = image.content
    }

    /// Everything arrives, everybody looks, everything is read: then all must be as it is.
    mutating func settle(looking: Bool = true) {
        for _ in 0..<40 {
            now += .milliseconds(500)
            for partition in 0..<Self.partitions {
                while !messages[partition].isEmpty {
                    let notice = messages[partition].removeFirst()
                    note(notice, partition)
                    if !isDeaf { state.hear(notice, of: partition) }
                }
                if looking { look(at: partition) }
            }
            if let (subjects, _) = reading {
                reading = nil
                for subject in subjects { finish(subject, truth) }
            }
            let subjects = state.startReads(at: now, limit: 100)
            for subject in subjects { finish(subject, truth) }
        }
        for subject in Self.subjects {
            let parts = home(subject).map { [$0] } ?? Array(0..<Self.partitions)
            for partition in parts
            where shown[subject]?.versions[partition] != truth.versions[subject]?[partition] {
                violations.append(
                    "\(subject) is \(shown[subject]?.versions ?? []), not \(truth.versions[subject] ?? [])"
                )
            }
            if state.image(of: subject) == nil { violations.append("\(subject) ends without an image") }
        }
    }
}
