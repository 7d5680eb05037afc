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

        init(_ subject: ProgressEvent.Subject) { self.subject = subject }
    }

    private unowned let world: World
    private(set) var process: Process
    private var hub: LiveHub?
    private var source: StatusReader?
    private var screens: [Screen] = []

    private static let most = 10

    init(in world: World) {
        self.world = world
        process = world.begin("reader")
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

    // MARK: I10

    private func show(_ answer: LiveAnswer, on screen: Screen) {
        defer { screen.last = answer }
        let token = answer.token
        world.note("\(process.name) shows \(screen.subject) as \(token) \(answer.outcome ?? "")")
        guard let last = screen.last?.token else { return }
        if token.epoch == last.epoch {
            if isExpiry(answer, after: screen.last) { return }
            if token.version < last.version {
                world.fail("I10: \(screen.subject) was shown as \(last), then as \(token)")
            }
        } else {
            screen.epochs[last.epoch] = world.ledger.falls
            // Redis itself may fall back to before an epoch began; nothing else brings one back.
            if let falls = screen.epochs[token.epoch], falls == world.ledger.falls {
                world.fail("I10: \(screen.subject): epoch \(token.epoch) is back after \(last.epoch)")
            }
        }
    }

    private func isExpiry(_ answer: LiveAnswer, after last: LiveAnswer?) -> Bool {
        switch answer {
        case .bulk(.expired), .bulk(.unknown): world.expires && last?.outcome != nil
        default: false
        }
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
                let seen = Witness.statuses.map { status in
                    JobState.Status(rawValue: status.text).map { snapshot.summary.counts[$0] } ?? 0
                }
                let said = Witness.statuses.map { status in told.members.count { Bytes($0.status) == status }
                }
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
