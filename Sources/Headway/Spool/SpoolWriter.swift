import EventLoop
import HeadwayCore
import HeadwayWire

/// Writes what the outbox takes in to this process's own spool file, on a thread of its own: a slow disk delays
/// lifecycle calls, and never a heartbeat.
///
///     writing ⇄ failing (the disk refuses: everything goes on without it, and it is tried again each second)
///
/// The file holds what the outbox holds: what is applied and past the failover window is left out when the file is
/// written anew, which it is at twice what is needed, or is cut to nothing when nothing is needed.
actor SpoolWriter {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let outbox: Outbox
    private let sync: Headway.SpoolSync
    private let bound: Int
    private var file: SpoolFile?
    private var index: [SpoolState.Entry] = []
    private var isDirty = false
    private var isFailing = false
    private var mustRewrite = false
    private var nextUpkeep = Duration.zero
    private var isStopping = false
    private var task: Task<Void, Never>?

    /// Of what may go before it is worth writing the file anew.
    private static let slack = 1 << 20

    /// - Throws: ``HeadwayError`` with `spool`.
    init(
        _ directory: SpoolDirectory, name: SpoolName, outbox: Outbox, sync: Headway.SpoolSync, limit: Int,
        on loop: EventLoop
    ) throws(HeadwayError) {
        self.loop = loop
        self.outbox = outbox
        self.sync = sync
        bound = 2 * limit + Self.slack
        do throws(SpoolProblem) {
            file = try SpoolFile.create(at: directory.file(name))
        } catch {
            throw HeadwayError(error)
        }
    }

    func begin() { task = Task(executorPreference: loop) { await self.run() } }

    /// Writes what is there and lets go of the file.
    ///
    /// - Parameter removing: nothing of it is needed.
    func stop(removing: Bool) async {
        isStopping = true
        outbox.spoolBell.ring()
        await task?.value
        task = nil
        if removing {
            try? file?.remove()
        } else if isDirty {
            try? file?.sync()
        }
        file = nil
    }

    private func run() async {
        while true {
            let load = outbox.takeSpoolLoad()
            if let load {
                write(load)
                continue
            }
            if isStopping { return }
            if loop.clock.now >= nextUpkeep { upkeep() }
            let bell = outbox.spoolBell
            let needsUpkeep = isDirty || isFailing || !index.isEmpty
            let timer =
                needsUpkeep
                ? loop.schedule(after: max(.zero, nextUpkeep - loop.clock.now)) { bell.ring() } : nil
            await bell.wait()
            timer?.cancel()
        }
    }

    // MARK: Writing

    private func write(_ load: SpoolState.Load) {
        guard let file else { return }
        do throws(SpoolProblem) {
            if file.size + load.bytes.count > bound { try compact(file) }
            try file.append(load.bytes)
            index += load.entries
            isDirty = true
            if sync == .always { try flush(file) }
        } catch {
            isFailing = true
            outbox.withState { state, _ in state.spoolFailed(load, HeadwayError(error), size: file.size) }
            return
        }
        outbox.withState { state, _ in state.spoolSettled(load, size: file.size) }
        outbox.bell.ring()
    }

    private func flush(_ file: SpoolFile) throws(SpoolProblem) {
        do throws(SpoolProblem) {
            try file.sync()
        } catch {
            // What the kernel could not write it may have dropped: only a new file says what is there.
            mustRewrite = true
            throw error
        }
        isDirty = false
    }

    // MARK: Upkeep

    private func upkeep() {
        nextUpkeep = loop.clock.now + .seconds(1)
        guard let file else { return }
        do throws(SpoolProblem) {
            try trim(file)
            if isDirty { try flush(file) }
            if isFailing {
                if mustRewrite { try compact(file) }
                mustRewrite = false
                isFailing = false
                outbox.withState { state, _ in state.spoolMended() }
            }
            outbox.withState { state, _ in state.spool?.statistics.bytes = file.size }
        } catch {
            isFailing = true
            outbox.withState { state, _ in
                state.spoolFailed(SpoolState.Load(), HeadwayError(error), size: file.size)
            }
        }
    }

    private func trim(_ file: SpoolFile) throws(SpoolProblem) {
        guard !index.isEmpty else { return }
        let need = outbox.spoolNeed
        let needed = index.reduce(0) { need.covers($1) ? $0 + $1.length : $0 }
        if needed == 0 {
            try file.clear()
            index = []
        } else if file.size > 2 * needed + Self.slack {
            try compact(file)
        }
    }

    private func compact(_ file: SpoolFile) throws(SpoolProblem) {
        let need = outbox.spoolNeed
        var stretches: [Range<Int>] = []
        var kept: [SpoolState.Entry] = []
        var place = 0
        for entry in index {
            let stretch = place..<(place + entry.length)
            place = stretch.upperBound
            guard need.covers(entry) else { continue }
            kept.append(entry)
            if let last = stretches.last, last.upperBound == stretch.lowerBound {
                stretches[stretches.count - 1] = last.lowerBound..<stretch.upperBound
            } else {
                stretches.append(stretch)
            }
        }
        try file.keep(stretches)
        index = kept
        outbox.withState { state, _ in state.spool?.statistics.compactions += 1 }
        try flush(file)
    }
}

extension Outbox {
    func takeSpoolLoad() -> SpoolState.Load? {
        withState { state, _ in
            guard state.spool?.isEmpty == false else { return nil }
            return state.spool?.take(ends: state.queue.ends)
        }
    }

    var spoolNeed: SpoolState.Need {
        withState { state, _ in
            SpoolState.Need(
                firsts: state.queue.senders.map(\.backlog.first), generations: state.spool?.generations ?? [])
        }
    }
}

extension OutboxState {
    /// It is written: it may be sent.
    mutating func spoolSettled(_ load: SpoolState.Load, size: Int) {
        spool?.settle(load)
        spool?.statistics.bytes = size
        if let spool, !spool.isFailing { queue.open(upTo: spool.gates(load)) }
    }

    /// The disk refuses: everything may be sent without it.
    mutating func spoolFailed(_ load: SpoolState.Load, _ fault: HeadwayError, size: Int) {
        spool?.fail(load, fault)
        spool?.statistics.bytes = size
        queue.openAll()
    }

    /// From here on events are written before they are sent.
    mutating func spoolMended() {
        spool?.mend()
        queue.open(upTo: queue.ends)
    }
}
