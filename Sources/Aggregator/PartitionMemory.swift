import HeadwayCore
import HeadwayWire

/// One job as its partition's owner holds it between commits.
final class JobSlot {
    let id: JobID
    var record: JobRecord
    /// What the job adds to its bulk as the share has it; kept, because every tick asks for it.
    var contribution: (bulk: BulkID, BulkContribution)?
    /// The next deadline, or a moment before it; nil while none is known.
    var deadline: Timestamp?
    /// Which fields the stored image has, so that one that vanished is noticed; nil when nothing is stored.
    var stored: FieldSet<JobField>?
    /// The score in `active`; nil when it is not there or not known.
    var activeScore: Timestamp?
    var isActiveKnown: Bool
    /// What the job counts as in the partition's census.
    var standing: Census.Standing?
    /// What of this slot the next commit must write.
    var isDirty = false
    var transitions: [Transition] = []
    /// Status and bulk as `members` has them.
    var storedMember: Member?
    /// The tombstone as stored, while the job is at an end.
    var tombstone: JobRecord.Tombstone?
    /// Its score in `active` came due too early and must be moved.
    var mustRescore = false
    /// Why what is stored of it cannot be read. Then nothing of this slot is true, and nothing of it is ever
    /// written: its words are refused, its deadlines rest, and it is read anew with the next batch.
    let unreadable: String?

    struct Member: Equatable {
        var bulk: BulkID
        var status: JobState.Status
    }

    /// Forgets that a bulk counts it: that bulk's share is gone, and its members' index with it.
    func leaveBulk() {
        contribution = nil
        storedMember = nil
    }

    /// - Parameter reason: what is wrong with what is stored.
    init(unreadable id: JobID, _ reason: String) {
        self.id = id
        unreadable = reason
        record = .unknown
        isActiveKnown = false
    }

    init(id: JobID, record: JobRecord) {
        self.id = id
        self.record = record
        unreadable = nil
        contribution = record.contribution
        standing = record.standing
        switch record {
        case .job(let job):
            stored = record.imageFields
            isActiveKnown = false
            storedMember = job.bulk.map { Member(bulk: $0, status: job.status) }
            if job.status.isTerminal { tombstone = JobRecord.Tombstone(of: job) }
        case .expired(let tombstone):
            isActiveKnown = true
            storedMember = tombstone.bulk.map { Member(bulk: $0, status: tombstone.status) }
        case .placeholder:
            stored = record.imageFields
            isActiveKnown = false
        case .unknown:
            isActiveKnown = true
        }
    }
}

/// One bulk's share as its partition's owner holds it between commits.
final class ShareSlot {
    var share: BulkShare
    var isDirty = false
    /// Which fields the stored image has; nil when nothing is stored.
    var stored: FieldSet<ShareField>?
    /// Whether `bulks` lists it; only shares at home are listed.
    var isListed: Bool
    /// Whether `errands` lists it; see ``hasWork``.
    var isListedForWork: Bool
    /// The generation whose settlement gave the stored keys their expiry.
    var expiringGeneration: Int?

    /// Its keys expire some day, and it must not be believed then: whoever needs it reads it again.
    var mayBeGone: Bool { share.settledGeneration != nil && !isDirty && !share.hasWork }

    init(share: BulkShare, isStored: Bool) {
        self.share = share
        stored = isStored ? share.imageFields : nil
        isListed = isStored && share.home != nil
        isListedForWork = isStored && share.hasWork
        expiringGeneration = share.settledGeneration
    }
}

extension BulkShare {
    /// Queued members that a cancelled bulk still has to sweep away.
    var isSweeping: Bool { isCancelling && counts.queued > 0 }
    /// What an owner must go on with, also after a take-over: `errands` lists such shares.
    var hasWork: Bool { !errands.isEmpty || isSweeping || isAskingWorkers }
    /// Running members of a cancelled bulk, each of which is asked to cancel, so that a worker that does not
    /// answer meets its deadline.
    var isAskingWorkers: Bool { isCancelling && counts.running > 0 }
}

/// All that an owner believes of its partition. Dropped whole when anything is lost.
struct PartitionMemory {
    var control: Control
    var clock: PartitionClock
    var sources: [String: SourceMark]
    var jobs: JobCache
    var shares: [BulkID: ShareSlot] = [:]
    /// Of these, the shares that are being cancelled and have open members: a few among thousands.
    private(set) var cancelling: Set<BulkID> = []
    /// How long the stages of this partition's jobs took.
    var durations = DurationBook()
    /// How many of this partition's jobs are open.
    var census = Census()
    /// The next commit must write the whole census: what is stored is not what it was made from.
    var mustRewriteCensus = false
    /// Entries that were found gone unread, and counted as lost by the next commit: told behind it.
    var removedUnread: Int64 = 0
    /// Entries of `active` that the census does not count, as the last count left them: whose job is gone or
    /// cannot be read.
    var uncounted = 0
    /// Who they are, as many as a count remembers.
    var leftOut: Set<JobID> = []
    /// One of them can be read again, and its end would lower another's count: the next audit counts anew.
    var isCensusDoubtful = false
    /// Until then nobody is judged by silence.
    var judgeFrom: Timestamp
    /// Silence before this does not count: nobody was there to hear.
    var silenceFloor: Timestamp? {
        get { control.silenceFloor }
        set { control.silenceFloor = newValue }
    }
    /// Whether the stream is known to bear our mark; see ``StreamTrim``.
    var isStreamMarked = false
    /// Score of the first entry of `active`, as last read.
    var nextDeadline: Timestamp?

    /// - Parameter changed: shares that a commit changed, or that were read.
    mutating func noteSweeps(of changed: some Sequence<ShareSlot>) {
        for slot in changed {
            if slot.share.isSweeping || slot.share.isAskingWorkers {
                cancelling.insert(slot.share.id)
            } else {
                cancelling.remove(slot.share.id)
            }
        }
    }

    /// The bulk whose queued members come next: by id, the first after `last`, then from the first again, so that a
    /// great bulk keeps no other one waiting.
    func nextToSweep(after last: BulkID?) -> BulkID? {
        let waiting = cancelling.filter { shares[$0]?.share.isSweeping ?? false }
        return waiting.filter { bulk in last.map { bulk > $0 } ?? true }.min() ?? waiting.min()
    }

    /// Shares of which running members are to be asked.
    var asking: [BulkID] { cancelling.filter { shares[$0]?.share.isAskingWorkers ?? false } }

    /// Shares that nothing refers to any more this commit are cheap to read again; keep the map bounded.
    mutating func trimShares(to limit: Int) {
        guard shares.count > limit else { return }
        shares = shares.filter { $0.value.isDirty || $0.value.share.hasWork }
    }
}

/// The jobs in memory: two generations, so that what was not touched for a whole generation is let go.
struct JobCache {
    private var young: [JobID: JobSlot] = [:]
    private var old: [JobID: JobSlot] = [:]
    private let generation: Int

    /// - Parameter capacity: most slots kept, 2 or more.
    init(capacity: Int) { generation = max(capacity / 2, 1) }

    var count: Int { young.count + old.count }

    mutating func find(_ id: JobID) -> JobSlot? {
        if let slot = young[id] { return slot }
        guard let slot = old.removeValue(forKey: id) else { return nil }
        young[id] = slot
        return slot
    }

    mutating func insert(_ slot: JobSlot) { young[slot.id] = slot }

    /// Only between commits, as ``age()``.
    mutating func forget(_ id: JobID) {
        young[id] = nil
        old[id] = nil
    }

    /// Lets go of the older generation once the younger is full. Only between commits: nothing dirty is lost.
    mutating func age() {
        guard young.count >= generation else { return }
        old = young
        young = [:]
    }
}
