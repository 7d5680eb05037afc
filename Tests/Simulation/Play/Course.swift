import EventLoop
import HeadwayWire

/// One run: work under faults, then peace, in which everything must become what was said.
final class Course {
    /// What came of a run.
    struct Outcome: Equatable {
        var steps: Int
        /// Of everything that happened.
        var digest: UInt64
        var violation: String?
        var faults: Int
        var jobs: Int
        var counts: [String: Int]
        var lastWords: [String]
    }

    let settings: Settings
    let world: World
    private var instances: [Instance] = []
    private var workers: [Worker] = []
    private var reader: Reader?
    private var faults = 0
    private var kinds: [Fault] = []

    /// In peace: how long until all is as it should be, at most; of the world's time.
    private static let patience = Duration.seconds(400)

    init(_ settings: Settings) {
        self.settings = settings
        world = World(settings)
    }

    func run() -> Outcome {
        begin()
        let end = settings.steps
        while world.violation == nil, world.steps < end, world.step() {}
        if world.violation == nil { finish() }
        if world.violation == nil { part() }
        world.witness("\(world.now)".utf8)
        return Outcome(
            steps: world.steps, digest: world.digest.value, violation: world.violation, faults: faults,
            jobs: world.ledger.jobs.count, counts: world.counts,
            lastWords: world.lastWords(settings.lastWords))
    }

    private func begin() {
        let server = Server(nil, offset: .zero, in: world)
        server.redis.database.entries[Bytes(world.keyspace.pipelines)] = .init(value: .hash(pipelines))
        world.front = server
        for number in 0..<(settings.aggregators ?? 1 + world.roll(3)) {
            instances.append(Instance(number, in: world))
        }
        for number in 0..<(settings.workers ?? 1 + world.roll(3)) {
            workers.append(Worker(number, in: world))
        }
        if settings.hasReader { reader = Reader(in: world) }
        // Some kinds are left out of each run, or the frequent would hide the rare.
        kinds = settings.faults ?? Fault.harmless.filter { _ in world.hits(oneIn: 2) }
        planFault()
    }

    private var pipelines: FieldList {
        var fields = FieldList()
        _ = fields.set(Bytes("sim@1"), Bytes(Play.pipeline(expires: world.expires)))
        return fields
    }

    // MARK: Faults

    private func planFault() {
        guard !kinds.isEmpty else { return }
        world.plan(in: world.time(.milliseconds(20), .milliseconds(1_500))) { [self] in
            guard !world.isEnding, faults < settings.faultLimit else { return }
            if let fault = world.pick(kinds) {
                faults += 1
                world.count(fault.rawValue)
                world.note("FAULT \(faults): \(fault.rawValue)")
                happen(fault)
            }
            planFault()
        }
    }

    private var links: [Link] { world.processes.flatMap(\.links).filter(\.isOpen) }

    /// - Parameter span: for how long the reader, should it be its line, is promised nothing.
    private func pickLink(troubles span: Duration = .seconds(10)) -> Link? {
        let link = world.pick(links)
        if let reader, link?.process === reader.process { reader.trouble(for: span) }
        return link
    }

    private func happen(_ fault: Fault) {
        switch fault {
        case .connectionCut: pickLink()?.cut(replies: .arrive)
        case .replyHalved: pickLink()?.cut(replies: .half, requests: false)
        case .replyLost: pickLink()?.cut(replies: .lost, requests: false)
        case .deliveredLate:
            pickLink()?.slow(
                by: world.time(.milliseconds(5), .milliseconds(2_500)),
                for: world.time(.milliseconds(10), .seconds(2)))
        case .slowLine:
            pickLink(troubles: .seconds(30))?.slow(
                by: world.time(.milliseconds(30), .milliseconds(200)),
                for: world.time(.seconds(3), .seconds(25)))
        case .entryRemoved: removeFromBacklog()
        case .aggregatorKilled: world.pick(instances)?.kill(for: world.time(.zero, Instance.lease * 2))
        case .aggregatorFrozen:
            freeze(world.pick(instances)?.process, for: world.time(.milliseconds(50), Instance.lease * 4))
        case .aggregatorRestarted: world.pick(instances)?.restart(after: world.time(.zero, .seconds(1)))
        case .workerKilled: world.pick(workers)?.kill(for: world.time(.zero, .seconds(2)))
        case .workerFrozen:
            freeze(world.pick(workers)?.process, for: world.time(.milliseconds(50), .seconds(9)))
        case .readerKilled: reader?.kill(for: world.time(.zero, .seconds(1)))
        case .messageLost: reader?.mute(for: world.hits(oneIn: 2) ? .zero : world.time(.zero, .seconds(2)))
        case .redisRestarted: replaceRedis(behind: nil)
        case .redisLosesTail: replaceRedis(behind: world.time(.zero, .seconds(2)))
        case .followerPromoted: promote()
        case .redisFrozen:
            // Never shortened: what waits for its end keeps its order.
            guard let server = world.front else { return }
            reader?.trouble(for: .seconds(10))
            server.pausedUntil = max(
                server.pausedUntil, world.now + world.time(.milliseconds(50), .seconds(4)))
        case .clientsKilled:
            reader?.trouble(for: .seconds(10))
            world.front?.cutAll(replies: .arrive)
        case .clockSet: setClock()
        case .memoryFull:
            guard let server = world.front, server.redis.refusal == nil else { return }
            server.redis.refusal = .full
            world.plan(in: world.time(.milliseconds(50), .seconds(3))) {
                if server.redis.refusal == .full { server.redis.refusal = nil }
            }
        }
    }

    /// Who owns sleeps for a moment, so that there is something that nobody has read. One entry of it goes just before
    /// it is read, and Redis may be full when what was read is committed, so that it is read again.
    private func removeFromBacklog() {
        let sleep = world.time(.milliseconds(200), .milliseconds(600))
        for instance in instances { freeze(instance.process, for: sleep) }
        guard let server = world.front else { return }
        server.redis.onReading = { [unowned self, unowned server] key, read in
            guard removeEntry(of: key, after: read, from: server.redis) else { return }
            server.redis.onReading = nil
            guard world.hits(oneIn: 2), server.redis.refusal == nil else { return }
            server.redis.refusal = .full
            world.plan(in: world.time(.milliseconds(5), .milliseconds(300))) {
                if server.redis.refusal == .full { server.redis.refusal = nil }
            }
        }
    }

    /// Takes out an entry that nobody has read yet, and behind which its source says more.
    private func removeEntry(of key: Bytes, after read: EntryID, from redis: FakeRedis) -> Bool {
        guard case .stream(let stream)? = redis.value(key) else { return false }
        func field(_ name: String, _ entry: Stream.Entry) -> Bytes? {
            entry.fields.firstIndex(of: Bytes(name)).map { entry.fields[$0 + 1] }
        }
        var last: [Bytes: EntryID] = [:]
        let unread = Array(stream.entries[stream.range(read.next, .last)])
        for entry in unread { if let source = field("source", entry) { last[source] = entry.id } }
        let known = unread.filter { entry in field("source", entry).map { last[$0] != entry.id } ?? false }
        guard let entry = world.pick(known), let subject = field("subject", entry) else { return false }
        world.ledger.taint(subject.text)
        world.count("entries taken away")
        redis.change(key, orBegin: nil) { value in
            guard case .stream(var stream) = value else { return }
            _ = stream.remove(entry.id)
            value = .stream(stream)
        }
        return true
    }

    private func freeze(_ process: Process?, for span: Duration) {
        guard let process else { return }
        process.wakes = max(process.wakes, world.now + span)
    }

    /// Far enough to be noticed, or so little that it does no harm: up to two seconds are taken for the clock's own.
    private func setClock() {
        let far =
            world.hits(oneIn: 3)
            ? world.time(.seconds(60), .seconds(3_600)) : world.time(.seconds(3), .seconds(20))
        let step = world.hits(oneIn: 4) ? world.time(.zero, .milliseconds(50)) : far
        let signed = world.hits(oneIn: 2) ? step : .zero - step
        world.front?.offset += signed
        world.clockSet = (world.now, signed)
    }

    /// Restarts it, from its log.
    ///
    /// - Parameter lag: what the log lacks at its end; nil when it has all.
    private func replaceRedis(behind lag: Duration?) {
        guard let old = world.front else { return }
        reader?.trouble(for: .seconds(20))
        let past = lag.map { old.past(behind: $0) } ?? old.present
        world.front = nil
        old.stop(replies: world.hits(oneIn: 2) ? .lost : .arrive)
        if lag != nil { world.ledger.falls += 1 }
        let server = Server(past, offset: old.offset, in: world)
        world.plan(in: world.time(.milliseconds(20), .seconds(3))) { [self] in
            server.redis.refusal = .loading
            world.front = server
            world.plan(in: world.time(.zero, .milliseconds(400))) { server.redis.refusal = nil }
        }
    }

    /// A follower that lags takes over, while some still talk to the old one.
    private func promote() {
        guard let old = world.front else { return }
        reader?.trouble(for: .seconds(20))
        let offset = old.offset + world.time(.milliseconds(-40), .milliseconds(40))
        let server = Server(old.past(behind: world.time(.zero, Server.memory)), offset: offset, in: world)
        world.front = server
        world.ledger.falls += 1
        let isDemoted = world.hits(oneIn: 2)
        world.plan(in: world.time(.zero, .milliseconds(1_200))) { [self] in
            if isDemoted { old.redis.refusal = .readOnly }
            world.plan(in: isDemoted ? world.time(.zero, .milliseconds(300)) : .zero) { [self] in
                // What it said until now is gone as well.
                world.ledger.falls += 1
                old.stop(replies: .lost)
            }
        }
    }

    // MARK: Peace

    /// Nothing happens any more; what was harmed is put right.
    private func finish() {
        world.note("PEACE")
        world.isEnding = true
        guard wait(until: { self.world.front != nil }, "there is no Redis") else { return }
        world.front?.redis.refusal = nil
        guard wait(until: { self.workers.allSatisfy(\.isIdle) }, "workers are still at work") else { return }
        // What a dead worker's connection still carries arrives meanwhile.
        let later = world.now + .seconds(6)
        guard wait(until: { self.world.now >= later }, "time stands still") else { return }
        guard wait(until: { self.workers.allSatisfy(\.isThrough) }, "not all is applied") else { return }
        repeatTorn()
        guard wait(until: { self.workers.allSatisfy(\.isThrough) }, "not all is applied again") else {
            return
        }
        world.ledger.settleCancels()
        _ = wait(until: { self.differences.isEmpty }, "") { [self] in
            world.fail(differences.prefix(6).joined(separator: "\n    "))
        }
        checkAlarms()
        checkReader()
    }

    /// Every job and every bulk is answered as it was said.
    private func checkReader() {
        guard let reader, world.violation == nil else { return }
        reader.askForEverything()
        guard wait(until: { reader.everything != nil }, "the reader does not answer") else { return }
        let wrong = reader.differencesOfEverything()
        if !wrong.isEmpty { world.fail("I6: " + wrong.prefix(6).joined(separator: "\n    ")) }
    }

    /// A loss is told once, when it is committed; one that was told and not committed would be told again.
    private func checkAlarms() {
        guard settings.isLossy, world.ledger.falls == 0 else { return }
        let taken = Int64(world.counts["entries taken away"] ?? 0)
        for (what, told) in [("gaps", world.gapsTold), ("entries gone unread", world.trimsTold)]
        where told > taken {
            world.fail("I1: operators were told of \(told) \(what), \(taken) were taken away")
        }
    }

    private var oracle: Oracle? {
        world.front.map {
            Oracle(ledger: world.ledger, redis: $0.redis, keyspace: world.keyspace, expires: world.expires)
        }
    }

    private var differences: [String] {
        (oracle?.differences() ?? []) + (reader?.differences() ?? [])
    }

    /// What only a dead worker knew is said again by the living.
    private func repeatTorn() {
        guard let oracle else { return }
        var lost: [Told] = []
        for (_, told) in world.ledger.jobs.sorted(by: { $0.key < $1.key }) where told.isTorn {
            guard told.speaker?.isDead ?? true, !oracle.differences(of: told).isEmpty else { continue }
            if told.status == "queued", let bulk = told.bulk, world.ledger.bulk(bulk).isCancelled {
                // Whether it is cancelled by now or not is not asked yet.
            } else if told.wasStored, told.fallsAtEnd == world.ledger.falls {
                world.fail("I1: what Redis had acknowledged is not applied: \(oracle.differences(of: told))")
            }
            lost.append(told)
        }
        world.counts["said again", default: 0] += lost.count
        for (place, worker) in workers.enumerated() {
            worker.repeatTorn(lost.enumerated().filter { $0.offset % workers.count == place }.map(\.element))
        }
    }

    /// Goes on until `isDone`, looking each tenth of a second.
    private func wait(until isDone: () -> Bool, _ failure: String, orElse: (() -> Void)? = nil) -> Bool {
        let end = world.now + Self.patience
        var next = world.now
        while world.violation == nil {
            if world.now >= next {
                if isDone() { return true }
                guard world.now < end else {
                    if let orElse {
                        orElse()
                    } else {
                        let seen = workers.map(\.account).joined(separator: "; ")
                        world.fail("\(failure) after \(Self.patience) of peace: \(seen)")
                    }
                    return false
                }
                next = world.now + .milliseconds(100)
                world.plan(at: next) {}
            }
            guard world.step() else {
                world.fail("everything stands still")
                return false
            }
        }
        return false
    }

    /// Everybody goes home.
    private func part() {
        for worker in workers { worker.close() }
        guard wait(until: { self.workers.allSatisfy(\.isClosed) }, "workers do not close") else { return }
        for instance in instances { instance.stop() }
        reader?.stop()
        guard wait(until: { self.instances.allSatisfy(\.isStopped) }, "aggregators do not stop") else {
            return
        }
        let end = world.now + .seconds(30)
        while world.violation == nil, world.now < end,
            world.processes.contains(where: { $0.loop.isReady || $0.loop.nextTimer != nil })
        {
            guard world.step() else { return }
        }
    }
}
