import EventLoop
import HeadwayCore
import HeadwayWire
import ReadAPI

/// Somebody who watches: the live hub and what it shows.
///
/// `@unchecked Sendable`, proof: as ``World``.
final class Reader: @unchecked Sendable {
    /// What one watcher was shown last.
    private final class Screen: @unchecked Sendable {
        let subject: ProgressEvent.Subject
        var last: LiveAnswer?
        var watch: LiveWatch?
        /// That were left, and how often Redis had fallen back by then.
        var epochs: [String: Int] = [:]
        /// What it should have been told of, and was not shown yet.
        var missed: [Missed] = []

        init(_ subject: ProgressEvent.Subject) { self.subject = subject }
    }

    private unowned let world: World
    private(set) var process: Process
    private var hub: LiveHub?
    private var source: StatusReader?
    private var screens: [Screen] = []
    /// Its lines or Redis are not well before then: nothing is promised.
    private var troubledUntil = Duration.zero
    /// Everything, as answered once in the end.
    private(set) var everything: [LiveAnswer]?

    private static let most = 10

    init(in world: World) {
        self.world = world
        process = world.begin("reader")
        world.onMessageLost = { [unowned self] message in miss(message) }
        begin()
    }

    private func begin() {
        let (process, world) = (process, world)
        Task(executorPreference: process.loop) { [self] in
            let source = StatusReader(keyspace: world.keyspace, endpoint: world.endpoint, on: process.loop)
            let hub = LiveHub(
                keyspace: world.keyspace, endpoint: world.endpoint, reader: source, on: process.loop)
            guard self.process === process else { return }
            (self.hub, self.source) = (hub, source)
            await hub.start()
            while !process.isDead, !world.isEnding {
                await look(hub, process)
                try? await process.loop.sleep(for: .milliseconds(700))
            }
        }
    }

    /// Watches another subject, and the oldest no more.
    private func look(_ hub: LiveHub, _ process: Process) async {
        let jobs = world.ledger.jobs.keys.sorted()
        let bulks = world.ledger.bulks.keys.sorted()
        var subject: ProgressEvent.Subject?
        if world.hits(oneIn: 2) {
            subject = world.pick(Array(jobs.suffix(30))).map { .job(JobID(unchecked: $0)) }
        } else {
            subject = world.pick(Array(bulks.suffix(10))).map { .bulk(BulkID(unchecked: $0)) }
        }
        guard let subject else { return }
        let screen = Screen(subject)
        screens.append(screen)
        screen.watch = await hub.watch([subject]) { [world, unowned self] answer in
            guard !process.isDead else { return }
            world.count("images shown")
            show(answer, on: screen)
        }
        if screens.count > Self.most, let watch = screens.removeFirst().watch { await hub.unwatch(watch) }
    }

    // MARK: I6, S3

    private func show(_ answer: LiveAnswer, on screen: Screen) {
        defer { screen.last = answer }
        let token = answer.token
        let healed = screen.missed.filter { $0.isHealed(by: token.epoch, token.version) }
        for missed in healed {
            world.count(world.now - missed.at <= .seconds(1) ? "healed within 1 s" : "healed after 1 s")
        }
        screen.missed.removeAll { $0.isHealed(by: token.epoch, token.version) }
        check(answer)
        world.note("\(process.name) shows \(screen.subject) as \(token) \(answer.outcome ?? "")")
        guard let last = screen.last?.token else { return }
        if token.epoch == last.epoch {
            if isExpiry(answer, after: screen.last) { return }
            if token.version < last.version {
                world.fail("S3: \(screen.subject) was shown as \(last), then as \(token)")
            }
        } else {
            screen.epochs[last.epoch] = world.ledger.falls
            // Redis itself may fall back to before an epoch began; nothing else brings one back.
            if let falls = screen.epochs[token.epoch], falls == world.ledger.falls {
                world.fail("S3: \(screen.subject): epoch \(token.epoch) is back after \(last.epoch)")
            }
        }
    }

    private func isExpiry(_ answer: LiveAnswer, after last: LiveAnswer?) -> Bool {
        switch answer {
        case .bulk(.expired), .bulk(.unknown): world.expires && last?.outcome != nil
        default: false
        }
    }

    /// One version has one content. A bulk that expires may begin anew.
    private func check(_ answer: LiveAnswer) {
        if case .bulk = answer, world.expires { return }
        let known = world.truth.known(answer)
        if world.truth.shown(answer) { return }
        var seen = "\(answer)"
        if case .bulk(.bulk(let snapshot)) = answer { seen = Truth.text(of: snapshot.summary) }
        world.fail(
            "I6: \(answer.subject) as \(answer.token) has two contents: \(known), then \(seen)")
    }

    // MARK: Messages that get lost

    /// The subscription hears nothing for a while.
    func mute(for span: Duration) { process.links.first { $0.isListening }?.mute(for: span) }

    /// Something other than a lost message befalls it: nothing is promised for so long.
    func trouble(for span: Duration) { troubledUntil = max(troubledUntil, world.now + span) }

    private func miss(_ message: Bytes) {
        world.count("messages lost")
        guard let notice = try? ChangeNotice(message[...]), case .some(let changes) = notice.changes else {
            return
        }
        let now = world.now
        for screen in screens {
            guard let shown = screen.last?.token.epoch,
                let change = changes.first(where: { $0.subject == screen.subject })
            else { continue }
            // What else the unit under way writes is there by then.
            world.plan(in: .zero) { [self] in
                var missed = Missed(shownEpoch: shown, epoch: notice.epoch, version: change.version, at: now)
                if case .bulk(let id) = screen.subject {
                    if world.expires { return }
                    missed.version = world.storedVersion(of: id)
                    missed.epoch = shown
                }
                if let token = screen.last?.token, missed.isHealed(by: token.epoch, token.version) { return }
                screen.missed.append(missed)
                world.plan(at: now + Missed.limit) { [self] in expectHealed(screen, at: now) }
            }
        }
    }

    private func expectHealed(_ screen: Screen, at time: Duration) {
        let late = screen.missed.filter { $0.at == time }
        screen.missed.removeAll { $0.at == time }
        guard troubledUntil < time, screens.contains(where: { $0 === screen }), let missed = late.first else {
            return
        }
        world.fail(
            "I6: a message on \(screen.subject), version \(missed.version), got lost; after \(Missed.limit) it is "
                + "still shown as \(screen.last.map { "\($0.token)" } ?? "nothing")")
    }

    // MARK: The end

    /// Asks for every job and bulk, until there is an answer.
    func askForEverything() {
        let (process, world) = (process, world)
        let jobs = world.ledger.jobs.keys.sorted().map { JobID(unchecked: $0) }
        let bulks = world.ledger.bulks.keys.sorted().map { BulkID(unchecked: $0) }
        Task(executorPreference: process.loop) { [self] in
            while !process.isDead, everything == nil {
                if let answers = try? await source?.read(jobs: jobs, bulks: bulks, current: nil) {
                    everything = answers.jobs.map { .job($0) } + answers.bulks.map { .bulk($0) }
                    return
                }
                try? await process.loop.sleep(for: .milliseconds(200))
            }
        }
    }

    /// How what was answered differs from what was said.
    func differencesOfEverything() -> [String] {
        for answer in everything ?? [] { check(answer) }
        return (everything ?? []).flatMap { answer in
            switch answer {
            case .job(let answer): differences(of: answer)
            case .bulk(let answer): differences(of: answer)
            }
        }
    }

    private func differences(of answer: JobAnswer) -> [String] {
        let told = world.ledger.job(answer.id.description)
        if told.isTainted { return [] }
        let said =
            "\(told.status) \(told.status == "completed" ? 100 : min(99, told.fraction / 10_000)) % \(told.message ?? "")"
        switch answer {
        case .job(let snapshot):
            let state = snapshot.state
            let seen = "\(state.status) \(state.percent) % \(snapshot.message ?? "")"
            return seen == said ? [] : ["job \(told.id) is answered as \(seen), said was \(said)"]
        case .expired(_, let tombstone, _, _) where world.expires && told.hasEnded:
            let seen = tombstone.status.rawValue
            return seen == told.status
                ? [] : ["job \(told.id) is answered as \(seen) and gone, said was \(said)"]
        default: return ["job \(told.id) is answered as \(answer.token), said was \(said)"]
        }
    }

    private func differences(of answer: BulkAnswer) -> [String] {
        let told = world.ledger.bulk(answer.id.description)
        if told.isTainted || world.expires { return [] }
        guard case .bulk(let snapshot) = answer else {
            return ["bulk \(told.id) is answered as \(answer.token)"]
        }
        let (seen, said) = counts(of: snapshot, told)
        return seen == said ? [] : ["bulk \(told.id) is answered as \(seen), said was \(said)"]
    }

    /// Members by status, as shown and as said.
    private func counts(of snapshot: BulkSnapshot, _ told: ToldBulk) -> (seen: [Int], said: [Int]) {
        let seen = Witness.statuses.map { status in
            JobState.Status(rawValue: status.text).map { snapshot.summary.counts[$0] } ?? 0
        }
        return (seen, Witness.statuses.map { status in told.members.count { Bytes($0.status) == status } })
    }

    /// What is shown in the end is what was said.
    func differences() -> [String] {
        screens.compactMap { screen in
            switch (screen.subject, screen.last) {
            case (.job(let id), .job(let answer)?):
                let told = world.ledger.job(id.description)
                if told.isTainted { return nil }
                let seen = answer.status?.rawValue
                return seen == told.status
                    ? nil : "job \(id) is shown as \(seen ?? "unknown"), said was \(told.status)"
            case (.bulk(let id), .bulk(.bulk(let snapshot))?):
                let told = world.ledger.bulk(id.description)
                if told.isTainted || world.expires { return nil }
                let (seen, said) = counts(of: snapshot, told)
                return seen == said ? nil : "bulk \(id) is shown as \(seen), said was \(said)"
            case (.bulk, .bulk(.expired)?), (.bulk, .bulk(.unknown)?):
                return world.expires ? nil : "\(screen.subject) is shown as gone"
            case (_, nil) where world.settings.isLossy: return nil
            default: return "\(screen.subject) is shown as \(screen.last.map { "\($0.token)" } ?? "nothing")"
            }
        }
    }

    // MARK: Its end

    func kill(for span: Duration) {
        let (old, hub, source) = (process, hub, source)
        (self.hub, self.source, screens) = (nil, nil, [])
        old.die()
        world.bury(old) {
            await hub?.stop()
            await source?.close()
        }
        process = world.begin("reader")
        process.wakes = world.now + span
        begin()
    }

    func stop() {
        let (hub, source) = (hub, source)
        Task(executorPreference: process.loop) {
            await hub?.stop()
            await source?.close()
        }
    }
}
