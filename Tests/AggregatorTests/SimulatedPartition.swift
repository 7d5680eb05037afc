import HeadwayCore
import HeadwayWire
import Redis

@testable import Aggregator

/// A partition in simulated time: a stream, Redis' clock, and an owner with the real memory, clock and fold.
///
/// Only the wires between them are missing: what an owner would read is handed to it, and what it would commit
/// stays in ``records``. Time passes only by ``now``; nothing waits.
struct SimulatedPartition {
    static let start: Int64 = 1_785_585_600_000

    /// What happened to a job, and when somebody could first have read it.
    struct News {
        let job: JobID
        let transition: Transition
        let toldAt: Duration
    }

    let keyspace: Keyspace
    let catalog: PipelineCatalog
    /// True time, which nobody in here knows.
    var now = Duration.zero
    /// How far Redis' clock is off.
    var redisOffset = Duration.zero
    /// Most entries per read.
    var batch = 500
    private(set) var news: [News] = []
    private var refusals: [String] = []
    private var duplicates = 0
    private var missing: Int64 = 0

    private var stream: [PartitionBatch.Entry] = []
    private var lastID = StreamID(ms: 0)
    private var memory: PartitionMemory?
    /// As the last commit left them.
    private(set) var records: [JobID: JobRecord] = [:]
    private var shares: [BulkID: BulkShare] = [:]
    private var durations = DurationBook()
    private var control: Control?

    init(_ catalog: PipelineCatalog) throws {
        keyspace = try Keyspace(partitions: 1)
        self.catalog = catalog
    }

    var redisTime: Timestamp { Timestamp(milliseconds: Self.start) + now + redisOffset }
    var unread: Int { stream.count }
    var isOwned: Bool { memory != nil }
    private var longestSilence: Duration {
        (catalog.latest.map(\.heartbeat).max() ?? .seconds(15)) + .seconds(10)
    }

    /// `XADD *`.
    mutating func add(_ event: ProgressEvent) {
        let time = UInt64(redisTime.milliseconds)
        add(
            event,
            as: time > lastID.ms ? StreamID(ms: time) : StreamID(ms: lastID.ms, seq: lastID.seq + 1)
        )
    }

    /// `XADD <id>`; no lower than the last one.
    mutating func add(_ event: ProgressEvent, as id: StreamID) {
        lastID = id
        stream.append(
            PartitionBatch.Entry(id: id, fields: .empty, event: .success(event), sequence: event.sequence))
    }

    // MARK: The owner

    /// As `PartitionOwner.take`: everything believed is dropped, what was committed is read.
    mutating func take(isNewEpoch: Bool = false) {
        let redis = redisTime
        let isOutage = PartitionMemory.isOutage(since: control, redis: redis, isNewEpoch: isNewEpoch)
        var next = control ?? Control()
        let clock = PartitionClock(skew: next.skew, watermark: next.watermark, redis: redis)
        next.skew = clock.skew
        next.watermark = clock.now
        var memory = PartitionMemory(
            control: next, clock: clock, sources: [:], jobs: JobCache(capacity: 1_000_000),
            judgeFrom: clock.now)
        memory.beginListening(isFirst: control == nil, isOutage: isOutage, longestSilence: longestSilence)
        memory.durations = durations
        for (id, record) in records { memory.jobs.insert(JobSlot(id: id, record: record)) }
        for share in shares.values { memory.shares[share.id] = ShareSlot(share: share, isStored: true) }
        self.memory = memory
        control = next
    }

    mutating func lose() { memory = nil }

    /// What an owner reads in one round trip.
    struct Reading {
        let redis: Timestamp
        let sentAt: Duration
        let batch: PartitionBatch
    }

    func read() -> Reading {
        let entries = Array(stream.prefix(batch))
        return Reading(
            redis: redisTime, sentAt: now,
            batch: PartitionBatch(
                entries: entries, after: control?.checkpoint ?? StreamID(ms: 0),
                isFull: entries.count >= batch))
    }

    /// As one cycle of `PartitionOwner.serve`, up to its accepted commit.
    mutating func fold(_ reading: Reading, patience: Duration = .milliseconds(250)) {
        guard var memory else { return }
        _ = memory.hear(
            reading.redis, until: reading.redis, sentAt: reading.sentAt, receivedAt: now, patience: patience,
            longestSilence: longestSilence)
        let watermark = max(memory.watermark(of: reading.batch), memory.control.watermark)
        for entry in reading.batch.entries {
            guard case .success(let event) = entry.event, case .job(let id, _) = event.body,
                memory.jobs.find(id) == nil
            else { continue }
            memory.jobs.insert(JobSlot(id: id, record: .unknown))
            records[id] = .unknown
        }
        var fold = PartitionFold(keyspace: keyspace, partition: 0, catalog: catalog)
        fold.apply(reading.batch, to: &memory)
        let due = memory.judgeFrom < watermark ? due(before: watermark, &memory) : []
        fold.fire(due, before: watermark, &memory)
        commit(fold, &memory, watermark)
        stream.removeFirst(reading.batch.entries.count)
        self.memory = memory
    }

    /// As the index `active` names them: by deadline, then by name.
    private func due(before watermark: Timestamp, _ memory: inout PartitionMemory) -> [JobID] {
        var due: [(at: Timestamp, id: JobID)] = []
        for id in records.keys {
            let deadline = memory.jobs.find(id)?.deadline ?? Timestamp(milliseconds: 0)
            if deadline < watermark { due.append((deadline, id)) }
        }
        return due.sorted { ($0.at, $0.id.description) < ($1.at, $1.id.description) }.map(\.id)
    }

    private mutating func commit(
        _ fold: PartitionFold, _ memory: inout PartitionMemory, _ watermark: Timestamp
    ) {
        for slot in fold.jobs {
            records[slot.id] = slot.record
            news += slot.transitions.map { News(job: slot.id, transition: $0, toldAt: now) }
            slot.transitions = []
            slot.isDirty = false
        }
        for slot in fold.rescored { slot.mustRescore = false }
        for slot in fold.shares {
            shares[slot.share.id] = slot.share
            slot.isDirty = false
        }
        durations = memory.durations
        refusals += fold.rejected.map { "\($0.entry.map(\.description) ?? "held") \($0.reason)" }
        duplicates += fold.duplicates
        missing += fold.missing
        memory.control.watermark = watermark
        memory.control.skew = memory.clock.skew
        control = memory.control
    }
}

extension SimulatedPartition {
    /// Everything that its commits wrote, but for when.
    struct Picture: Equatable {
        var records: [JobID: JobRecord]
        var timelines: [JobID: [Transition]]
        var shares: [BulkID: BulkShare]
        var durations: DurationBook
        var refusals: [String]
        var duplicates: Int
        var missing: Int64

        func difference(from other: Picture) -> String {
            var lines: [String] = []
            for (id, record) in records where record != other.records[id] {
                lines.append("\(record)\nnot\n\(other.records[id] ?? .unknown)")
            }
            for (id, timeline) in timelines where timeline != other.timelines[id] {
                lines.append("\(timeline)\nnot\n\(other.timelines[id] ?? [])")
            }
            for (id, share) in shares where share != other.shares[id] {
                lines.append("\(share)\nnot\n\(String(describing: other.shares[id]))")
            }
            if durations != other.durations { lines.append("durations") }
            if refusals != other.refusals { lines.append("\(refusals)\nnot\n\(other.refusals)") }
            return lines.joined(separator: "\n")
        }
    }

    var picture: Picture {
        let timelines = Dictionary(grouping: news, by: \.job).mapValues { $0.map(\.transition) }
        // Whether a share was empty for a moment depends on how many deadlines of other jobs were seen by then;
        // all that follows from it is one more look at the other shares.
        let shares = shares.mapValues { share in
            var share = share
            share.errands.remove(.settle)
            return share
        }
        return Picture(
            records: records, timelines: timelines, shares: shares, durations: durations, refusals: refusals,
            duplicates: duplicates, missing: missing)
    }
}
