import HeadwayCore
import HeadwayWire
import Redis

/// What waits to be said, and who is still working. Everything that `Outbox` guards; no I/O and no clock of its own.
struct OutboxState {
    enum Phase: Sendable, Equatable {
        case open
        /// Takes nothing new; what is here still goes out.
        case closing
        case finished
    }

    /// A job that beats until it ends or its last handle is gone.
    struct OpenJob {
        var id: JobID
        var attempt: Int
        var partition: Int
        var bulk: BulkID?
        var heartbeat: Duration
        /// The number of its start, under `source`: before that is stored, a beat would come too early.
        var started: Int64
        var source: String
        var beatDue: Duration
        let cancellation: CancelFlag
    }

    /// A slot with something to send.
    struct Listed {
        var slot: TickSlot
        var due: Duration
    }

    /// What an append came to.
    enum Admission: Equatable {
        /// Under this number.
        case taken(Int64)
        /// There is no room for this many bytes.
        case full(Int)
    }

    let settings: Outbox.Settings
    private let eventKeys: [String]
    var phase = Phase.open
    var queue: SendQueue<CommandBatch>
    var jobs: [Int: OpenJob] = [:]
    var lastKey = 0
    var listed: [Listed] = []
    var isConnected = false
    /// Questions under way beside the events.
    var questions = 0
    /// After a refusal that passes: nothing is sent before.
    var restUntil: Duration = .zero
    /// Partitions whose source is being taken away: what is read of it from here on says nothing.
    var leaving: Set<Int> = []
    var nextLook: Duration = .zero
    var nextBeats: Duration = .zero
    /// What a person must mend; events are kept meanwhile.
    var fault: HeadwayError?
    var counters = Headway.Statistics()
    /// What is to be written to a file before it is sent; nil without one.
    var spool: SpoolState?
    private var fields = FieldBuffer()

    init(settings: Outbox.Settings, source: String, at now: Duration) {
        self.settings = settings
        eventKeys = (0..<settings.keyspace.partitions).map(settings.keyspace.events)
        queue = SendQueue(
            partitions: settings.keyspace.partitions, source: source, limits: settings.limits,
            rules: settings.rules, at: now)
        guard settings.isSpooled else { return }
        spool = SpoolState(partitions: settings.keyspace.partitions)
        queue.open(upTo: queue.ends)
    }

    /// Only sends what an earlier process left.
    init(settings: Outbox.Settings, queue: SendQueue<CommandBatch>) {
        self.settings = settings
        eventKeys = []
        self.queue = queue
    }

    // MARK: Lifecycle events

    /// Puts an event at the end of its partition's queue, numbered.
    ///
    /// - Parameter reserve: bytes that must stay free.
    mutating func append(
        _ event: ProgressEvent, reserve: Int = 0, at now: Duration
    ) throws(HeadwayError) -> Admission {
        let partition = settings.keyspace.partition(of: event.subject)
        if queue.senders[partition].wantsRenewal(at: now) {
            queue.renew(partition, as: settings.newSource(), at: now)
            spool?.renew(partition)
        }
        // The sender itself is not taken out: with two owners, adding to its backlog would copy all of it.
        let number = queue.senders[partition].backlog.next
        var event = event
        event.sequence = ProgressEvent.Sequence(source: queue.senders[partition].source, id: number)
        fields.removeAll(keepingCapacity: true)
        event.encode(into: &fields)
        guard fields.byteCount <= WireLimits.event else {
            throw HeadwayError(.invalid, "An event is larger than 64 KiB: shorten its texts.")
        }
        let command = command(to: partition)
        let cost = command.bytes.capacity + MemoryLayout<CommandBatch>.stride + 48
        // What is not written to the spool yet is held twice.
        let room = cost + (spool?.bytes.count ?? 0)
        guard queue.makeRoom(for: room, reserve: reserve) else { return .full(room) }
        queue.add(command, cost: cost, to: partition, at: now)
        spool?.add(fields, partition: partition, number: number, at: settings.timeOfDay())
        return .taken(number)
    }

    private func command(to partition: Int) -> CommandBatch {
        var command = CommandBatch()
        command.reserveCapacity(fields.byteCount + 14 * fields.count + eventKeys[partition].utf8.count + 40)
        command.begin("XADD", argumentCount: 2 + 2 * fields.count)
        command.append(eventKeys[partition])
        command.append("*")
        for (name, value) in fields {
            command.append(name)
            command.append(value)
        }
        return command
    }

    /// Notes that the job spoke: its next beat can wait.
    mutating func spoke(_ key: Int, at now: Duration) {
        guard let interval = jobs[key]?.heartbeat else { return }
        jobs[key]?.beatDue = now + interval
    }

    // MARK: Ticks

    /// Sends what a slot has, however short ago it was sent, so that an event after it comes in order.
    mutating func flush(_ slot: TickSlot, at now: Duration) throws(HeadwayError) -> Admission {
        try offer(slot, every: nil, reserve: 0, at: now) ?? .taken(0)
    }

    /// - Returns: nil when there was nothing to send, or it is too early.
    private mutating func offer(
        _ slot: TickSlot, every interval: Duration?, reserve: Int, at now: Duration
    ) throws(HeadwayError) -> Admission? {
        var admission: Admission?
        let offer = slot.offer(at: now, every: interval) { ticks in
            for tick in ticks {
                admission = try? append(event(tick, of: slot.header), reserve: reserve, at: now)
                if case .full = admission { return false }
            }
            return true
        }
        switch offer {
        case .taken(let reports, let words, let corrected):
            counters.reports += Int64(reports)
            counters.conflated += Int64(max(0, reports - words))
            counters.corrected += Int64(corrected)
            spoke(slot.header.key, at: now)
        case .early(let due): listed.append(Listed(slot: slot, due: due))
        case .nothing, .declined: break
        }
        return admission
    }

    private func event(_ tick: TickSlot.Tick, of header: TickSlot.Header) -> ProgressEvent {
        var mention = header.mention
        mention.message = tick.message
        return ProgressEvent(
            header.job, .stageProgressed(mention, tick.progress, substep: tick.substep),
            attempt: header.attempt)
    }

    /// Moves due ticks into the queue. What cannot go now stays in its slot, where newer values replace it.
    ///
    /// - Parameter isForced: also what is not due, and in front of a connection that is away.
    mutating func pumpTicks(_ arrivals: [TickSlot], isForced: Bool = false, at now: Duration) {
        listed += arrivals.map { Listed(slot: $0, due: now) }
        guard isConnected || isForced, isForced || listed.contains(where: { $0.due <= now }) else { return }
        let candidates = listed
        listed = []
        for candidate in candidates {
            let sender = queue.senders[candidate.slot.header.partition]
            let isOpen = sender.unsent < Int64(settings.tickBacklog) && sender.parkedUntil == nil
            guard isForced || (candidate.due <= now && isOpen) else {
                listed.append(Listed(slot: candidate.slot, due: max(candidate.due, now + .milliseconds(10))))
                continue
            }
            let reserve = isForced ? 0 : settings.limits.bytes / 8
            let interval = isForced ? nil : settings.tickInterval
            if case .full = try? offer(candidate.slot, every: interval, reserve: reserve, at: now) {
                listed.append(Listed(slot: candidate.slot, due: now + settings.tickInterval))
            }
        }
    }

    // MARK: Heartbeats

    /// The beats that are due, as one command each. Not numbered: a beat is worth nothing later, so it takes no
    /// place in the queue, is never sent again, and may overtake what is sent again.
    mutating func beats(at now: Duration, into batch: inout CommandBatch) {
        guard now >= nextBeats else { return }
        nextBeats = now + .seconds(3600)
        for (key, job) in jobs {
            guard job.beatDue <= now else {
                nextBeats = min(nextBeats, job.beatDue)
                continue
            }
            let sender = queue.senders[job.partition]
            let isKnown = job.source != sender.source || job.started <= sender.acknowledged
            guard isKnown, sender.parkedUntil == nil, batch.count < 500 else {
                nextBeats = min(nextBeats, now + .milliseconds(200))
                continue
            }
            let event = ProgressEvent(job.id, .heartbeat(worker: settings.worker), attempt: job.attempt)
            fields.removeAll(keepingCapacity: true)
            event.encode(into: &fields)
            batch.append(command(to: job.partition))
            jobs[key]?.beatDue = now + job.heartbeat
            nextBeats = min(nextBeats, now + job.heartbeat)
            counters.heartbeats += 1
        }
    }

    /// After a reconnection every open job says first that it lives.
    mutating func makeBeatsDue(at now: Duration) {
        for key in jobs.keys { jobs[key]?.beatDue = now }
        nextBeats = now
    }
}
