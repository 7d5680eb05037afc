import HeadwayCore
import HeadwayWire

/// What the live hub believes, and what it must read again. Pure: told what came and when, it answers what to
/// read and what to show; the shell does both.
///
///     unread ──▶ reading ──▶ clean ──announced newer, line broken──▶ dirty ──▶ reading …
///                   └── older than announced ──▶ dirty
///
/// **An image older than a version already announced is read again, never shown.** The floor of a subject is,
/// per partition, the highest version that was announced or shown in its epoch; an image below it is refused.
/// So within an epoch no watcher sees a version fall, whatever is lost, late or reordered. The shell has one
/// batch of reads under way at a time.
struct HubState<Content: Sendable>: Sendable {
    typealias Subject = ProgressEvent.Subject
    typealias Watcher = Int

    /// Where a part of a subject stood in one partition.
    struct Mark: Sendable, Equatable {
        var partition: Int
        var epoch: String
        /// The partition's commit that was there when it was read, or later.
        var commit: Int64
        var version: Int64
    }

    struct Image: Sendable {
        /// One for a job; one per partition, in order, for a bulk.
        var marks: [Mark]
        var content: Content
        /// Nothing more is expected of it: it may expire without a word.
        var isFinal: Bool
        /// There is nothing (any more), or only a remainder: its versions mean nothing.
        var isAbsent: Bool

    }

    private struct Entry: Sendable {
        var watchers: Set<Watcher> = []
        var image: Image?
        /// Whether ``image`` may be shown.
        var isClean = false
        /// Whether ``image`` says itself that it is out of date, and may be shown for that.
        var isStale = false
        /// Whether it waits in the queue.
        var isQueued = false
        var isReading = false
        /// Something may have been missed while the read under way was under way.
        var mustRepeat = false
        var floors: [Mark] = []
        /// The floors when the read under way began.
        var floorsOfRead: [Mark] = []
        /// Reads in a row that were older than what had been announced meanwhile.
        var overtaken = 0
        var notBefore = Duration.zero
    }

    /// How the hub paces itself; times are the hub's monotonic ones.
    struct Pace: Sendable {
        /// Between two reads of a job.
        var job = Duration.milliseconds(50)
        /// Between two reads of a bulk: every commit of every partition may touch it.
        var bulk = Duration.milliseconds(100)
        /// After a read that failed, or was overtaken; doubled for each in a row, up to half a second.
        var retry = Duration.milliseconds(2)
        /// After this many overtaken reads in a row the newest image is shown if it was not older than what
        /// had been announced when its read began. Nil: never. Without it a bulk that all partitions change
        /// all the time might never be shown.
        var patience: Int? = 4

        init() {}
    }

    private let pace: Pace
    private var lines: [PartitionLine]
    /// The lines as they were when the reads under way began.
    private var linesOfRead: [PartitionLine]
    private var entries: [Subject: Entry] = [:]
    private var queue: [Subject] = []

    init(partitions: Int, pace: Pace = Pace()) {
        self.pace = pace
        lines = [PartitionLine](repeating: PartitionLine(), count: partitions)
        linesOfRead = lines
    }

    // MARK: Watching

    var watched: Int { entries.count }

    /// - Returns: the image, when there is one that may be shown; otherwise it will be read.
    mutating func watch(_ subject: Subject, by watcher: Watcher) -> Image? {
        // In place: a popular subject has thousands of watchers.
        entries[subject, default: Entry()].watchers.insert(watcher)
        if let image = image(of: subject) { return image }
        if entries[subject]?.isReading != true { soil(subject) }
        return nil
    }

    /// Forgets what nobody watches any more.
    mutating func unwatch(_ subject: Subject, by watcher: Watcher) {
        entries[subject]?.watchers.remove(watcher)
        if entries[subject]?.watchers.isEmpty == true { entries[subject] = nil }
    }

    func watchers(of subject: Subject) -> Set<Watcher> { entries[subject]?.watchers ?? [] }

    /// The image that may be shown now.
    func image(of subject: Subject) -> Image? {
        guard let entry = entries[subject], entry.isClean || entry.isStale else { return nil }
        return entry.image
    }

    /// A client knows more than the image says: read it again.
    mutating func doubt(_ subject: Subject) { soil(subject) }

    // MARK: What comes in

    mutating func hear(_ notice: ChangeNotice, of partition: Int) {
        switch lines[partition].hear(epoch: notice.epoch, commit: notice.commit) {
        case .over: return
        case .broken: soilAll(of: partition)
        case .unbroken, .late: break
        }
        switch notice.changes {
        case .many: soilAll(of: partition)
        case .some(let changes):
            for change in changes where entries[change.subject] != nil {
                let mark = Mark(
                    partition: partition, epoch: notice.epoch, commit: notice.commit, version: change.version)
                announce(mark, of: change.subject)
            }
        }
    }

    /// `control` was looked at, as it is every half second.
    mutating func look(at partition: Int, epoch: String, commit: Int64) {
        if lines[partition].look(epoch: epoch, commit: commit) == .broken { soilAll(of: partition) }
    }

    /// The subscription was lost, or began anew.
    mutating func lose(_ partition: Int) {
        lines[partition].reset()
        soilAll(of: partition)
    }

    private mutating func announce(_ mark: Mark, of subject: Subject) {
        guard var entry = entries[subject] else { return }
        raise(&entry.floors, to: mark)
        if let image = entry.image, covers(image.marks, mark) {
            entries[subject] = entry
            return
        }
        entry.isClean = false
        if !entry.isReading { enqueue(subject, &entry) }
        entries[subject] = entry
    }

    private mutating func soil(_ subject: Subject) {
        guard var entry = entries[subject] else { return }
        entry.isClean = false
        if entry.isReading { entry.mustRepeat = true } else { enqueue(subject, &entry) }
        entries[subject] = entry
    }

    private mutating func soilAll(of partition: Int) {
        for (subject, entry) in entries where concerns(subject, entry, partition) { soil(subject) }
    }

    private func concerns(_ subject: Subject, _ entry: Entry, _ partition: Int) -> Bool {
        // Before the first image nobody knows where a job lives; reading it once more is harmless.
        guard case .job = subject, let image = entry.image else { return true }
        return image.marks.contains { $0.partition == partition }
    }

    // MARK: Reading

    /// What to read now, in one batch; each is under way until it is finished or failed.
    mutating func startReads(at now: Duration, limit: Int) -> [Subject] {
        var started: [Subject] = []
        var waiting: [Subject] = []
        for subject in queue {
            guard var entry = entries[subject], entry.isQueued else { continue }
            guard started.count < limit, entry.notBefore <= now else {
                waiting.append(subject)
                continue
            }
            entry.isQueued = false
            entry.isReading = true
            entry.mustRepeat = false
            entry.floorsOfRead = entry.floors
            entries[subject] = entry
            started.append(subject)
        }
        queue = waiting
        if !started.isEmpty { linesOfRead = lines }
        return started
    }

    /// When the next read may start; nil when nothing waits.
    var nextRead: Duration? {
        queue.lazy.compactMap { entries[$0]?.notBefore }.min()
    }

    /// An image was read.
    ///
    /// - Returns: whether its watchers are to be shown it.
    mutating func finish(_ subject: Subject, _ image: Image, at now: Duration) -> Bool {
        guard var entry = entries[subject], entry.isReading else { return false }
        entry.isReading = false
        let isNews = entry.image?.isFinal ?? false
        if image.isAbsent, isNews { entry.floors = [] }
        let isAbove = isAllowed(image, above: entry.floors)
        let isPatienceOver = pace.patience.map { entry.overtaken >= $0 } ?? false
        guard !isFromBefore(image), !isFallen(image, below: entry.image),
            isAbove || isPatienceOver && isAllowed(image, above: entry.floorsOfRead)
        else {
            entry.overtaken += 1
            entry.notBefore = now + retry(after: entry.overtaken)
            enqueue(subject, &entry)
            entries[subject] = entry
            return false
        }
        entry.overtaken = 0
        entry.image = image
        entry.isClean = true
        entry.isStale = false
        entry.notBefore = now + paceOf(subject)
        for mark in image.marks { raise(&entry.floors, to: mark) }
        if !isAbove || entry.mustRepeat {
            // Shown all the same: it is as new as anything that was known when its read began.
            enqueue(subject, &entry)
        }
        entries[subject] = entry
        return true
    }

    /// A read failed: what was asked for is asked for again.
    mutating func fail(_ subject: Subject, at now: Duration) {
        guard var entry = entries[subject], entry.isReading else { return }
        entry.isReading = false
        entry.overtaken += 1
        entry.notBefore = now + retry(after: entry.overtaken)
        enqueue(subject, &entry)
        entries[subject] = entry
    }

    /// Nobody owns `partition` any more, or Redis is away: `mark` makes its images say so.
    ///
    /// They are shown until they can be read again, also those that something newer was announced of: out of
    /// date is what they say they are.
    ///
    /// - Returns: those that `mark` did change, to be shown.
    mutating func markStale(_ partition: Int, _ mark: (inout Content) -> Bool) -> [Subject] {
        var changed: [Subject] = []
        for (subject, entry) in entries {
            guard var image = entry.image, concerns(subject, entry, partition), mark(&image.content) else {
                continue
            }
            entries[subject]?.image = image
            entries[subject]?.isStale = true
            changed.append(subject)
        }
        return changed
    }

    // MARK: Floors

    private mutating func enqueue(_ subject: Subject, _ entry: inout Entry) {
        guard !entry.isQueued else { return }
        entry.isQueued = true
        queue.append(subject)
    }

    private func paceOf(_ subject: Subject) -> Duration {
        switch subject {
        case .job: pace.job
        case .bulk: pace.bulk
        }
    }

    private func retry(after count: Int) -> Duration {
        min(pace.retry * (1 << min(count, 10)), .milliseconds(500))
    }

    /// Floors of another epoch count no more.
    private func isAllowed(_ image: Image, above floors: [Mark]) -> Bool {
        guard image.marks.allSatisfy({ lines[$0.partition].isCurrent($0.epoch) }) else { return false }
        return floors.allSatisfy { floor in
            image.marks.allSatisfy {
                $0.partition != floor.partition || $0.epoch != floor.epoch || $0.version >= floor.version
            }
        }
    }

    /// Whether it shows the partition as it was before what had been heard when the read began: a replica may
    /// lag.
    private func isFromBefore(_ image: Image) -> Bool {
        image.marks.contains { mark in
            let line = linesOfRead[mark.partition]
            return line.epoch == mark.epoch && mark.commit < line.commit
        }
    }

    /// Whether it shows a partition as it was before what is shown: Redis fell back to an earlier state, and nobody
    /// has begun a new epoch yet. That an ended job is gone in it does not mean that it has expired.
    private func isFallen(_ image: Image, below shown: Image?) -> Bool {
        shown?.marks.contains { mark in
            image.marks.contains {
                $0.partition == mark.partition && $0.epoch == mark.epoch && $0.commit < mark.commit
            }
        } ?? false
    }

    private func covers(_ marks: [Mark], _ announced: Mark) -> Bool {
        marks.contains {
            $0.partition == announced.partition && $0.epoch == announced.epoch
                && $0.version >= announced.version
        }
    }

    private func raise(_ floors: inout [Mark], to mark: Mark) {
        guard let place = floors.firstIndex(where: { $0.partition == mark.partition }) else {
            floors.append(mark)
            return
        }
        if floors[place].epoch != mark.epoch || floors[place].version < mark.version { floors[place] = mark }
    }
}
