import EventLoop
import HeadwayWire

/// Everything there is in one run: processes, the network, Redis, and the time that they share.
///
/// One thread turns it, ``step()`` by step, and every choice is thrown with its dice: the same settings give the
/// same world, to the last byte.
///
/// `@unchecked Sendable`, proof: that one thread; a driven loop traps when work comes from another.
final class World: LoopDriver, @unchecked Sendable {
    let settings: Settings
    private let timepiece = WorldClock()
    private var dice: Dice
    private(set) var digest = Digest()
    private(set) var steps = 0
    private var agenda = Agenda()
    private(set) var processes: [Process] = []
    /// Where new connections lead; nil while nobody is there.
    var front: Server?
    private(set) var lastLink = 0
    /// What went wrong first.
    private(set) var violation: String?
    /// What happened last, for people.
    private var chronicle: [String] = []
    var counts: [String: Int] = [:]

    let ledger = Ledger()
    var truth = Truth()
    /// A message did not reach who listens.
    var onMessageLost: ((Bytes) -> Void)?
    /// How many jobs a worker has at a time.
    let hands: Int
    let keyspace: Keyspace
    /// Whether what has ended expires while the world lasts.
    let expires: Bool
    /// Gaps that operators were told of, in events, and entries that were gone unread.
    var gapsTold: Int64 = 0
    var trimsTold: Int64 = 0
    /// When Redis' clock was set last, and by how much.
    var clockSet: (at: Duration, by: Duration) = (.zero, .zero)
    /// No more bulks are begun.
    var isEnding = false

    static let address = "redis://10.0.0.1:6379"

    init(_ settings: Settings) {
        self.settings = settings
        var dice = Dice(seed: settings.seed)
        hands = settings.hands ?? 1 + dice.roll(3)
        do {
            keyspace = try Keyspace(partitions: settings.partitions ?? 1 + dice.roll(3))
        } catch {
            preconditionFailure("\(error)")
        }
        expires = settings.expires ?? dice.hits(oneIn: 4)
        self.dice = dice
    }

    // MARK: For the loops

    var clock: any LoopClock { timepiece }
    var now: Duration { timepiece.now }

    func random() -> UInt64 { dice.next() }

    func connect(
        to address: String, from loop: EventLoop, _ handle: @escaping (LoopStreamEvent) -> Void
    ) -> any LoopStream {
        guard let process = processes.first(where: { $0.loop === loop }) else {
            preconditionFailure("a loop of no process connects")
        }
        lastLink += 1
        let link = Link(id: lastLink, of: process, in: self, handle)
        process.links.append(link)
        link.begin()
        return link
    }

    // MARK: Chance and time

    func roll(_ sides: Int) -> Int { dice.roll(sides) }
    func hits(oneIn sides: Int) -> Bool { dice.hits(oneIn: sides) }
    func time(_ low: Duration, _ high: Duration) -> Duration { dice.time(low, high) }
    func pick<Item>(_ items: [Item]) -> Item? { dice.pick(items) }

    func plan(in delay: Duration, _ body: @escaping () -> Void) { agenda.add(at: now + delay, body) }
    func plan(at time: Duration, _ body: @escaping () -> Void) { agenda.add(at: max(time, now), body) }

    // MARK: Steps

    /// One piece of work, one timer, or one thing on the agenda; time passes when there is nothing to do.
    ///
    /// - Returns: false when nothing will ever happen again.
    func step() -> Bool {
        steps += 1
        if hits(oneIn: 8), runAgenda() { return true }
        let first = roll(max(1, processes.count))
        for place in processes.indices where run(processes[(first + place) % processes.count]) { return true }
        return runAgenda() || pass()
    }

    private func run(_ process: Process) -> Bool {
        guard process.wakes <= now else { return false }
        let hasTimer = process.loop.nextTimer.map { $0 <= now } ?? false
        guard process.loop.isReady || hasTimer else { return false }
        digest.add(UInt64(process.number))
        if hasTimer, !process.loop.isReady || hits(oneIn: 3) {
            process.loop.fireTimer()
        } else {
            process.loop.turn()
        }
        // Now and then the processor is somebody else's.
        if hits(oneIn: 256) { process.wakes = now + time(.zero, .milliseconds(3)) }
        return true
    }

    private func runAgenda() -> Bool {
        guard let next = agenda.next, next <= now else { return false }
        agenda.removeFirst()()
        return true
    }

    private func pass() -> Bool {
        var next = agenda.next
        for process in processes {
            let due = process.loop.isReady ? now : process.loop.nextTimer
            guard let due else { continue }
            let at = max(due, process.wakes)
            if next.map({ at < $0 }) ?? true { next = at }
        }
        guard let next else { return false }
        timepiece.now = max(now, next)
        digest.add(UInt64(truncatingIfNeeded: Int64(now / .microseconds(1))))
        return true
    }

    // MARK: Processes

    func begin(_ name: String) -> Process {
        let process = Process(name, number: (processes.last?.number ?? 0) + 1, in: self)
        processes.append(process)
        return process
    }

    /// Takes apart what a dead process was made of, with its own code, and forgets it.
    func bury(_ process: Process, _ rites: @escaping @Sendable () async -> Void) {
        Task(executorPreference: process.loop) { [self] in
            await rites()
            remove(process, within: .seconds(30))
        }
    }

    private func remove(_ process: Process, within limit: Duration) {
        plan(in: .milliseconds(500)) { [self] in
            let isQuiet = !process.loop.isReady && process.loop.nextTimer == nil
            if isQuiet || limit <= .zero {
                processes.removeAll { $0 === process }
            } else {
                remove(process, within: limit - .milliseconds(500))
            }
        }
    }

    // MARK: What is told

    func note(_ line: @autoclosure () -> String) {
        guard settings.isTracing else { return }
        chronicle.append("\(Self.seconds(now))  \(line())")
        if chronicle.count > 2 * settings.lastWords { chronicle.removeFirst(settings.lastWords) }
    }

    func count(_ what: String) { counts[what, default: 0] += 1 }

    func fail(_ what: @autoclosure () -> String) {
        guard violation == nil else { return }
        violation = what()
        note("VIOLATION \(violation ?? "")")
    }

    func witness(_ bytes: some Collection<UInt8>) { digest.add(bytes) }

    func lastWords(_ count: Int) -> [String] { Array(chronicle.suffix(count)) }

    static func seconds(_ time: Duration) -> String {
        let micros = Int64(time / .microseconds(1))
        let rest = String(micros % 1_000_000)
        return "\(micros / 1_000_000).\(String(repeating: "0", count: 6 - rest.count))\(rest)"
    }
}

/// Stands still but for ``World/step()``.
///
/// `@unchecked Sendable`, proof: as ``World``.
final class WorldClock: LoopClock, @unchecked Sendable {
    var now = Duration.zero

    func onJump(_ poke: @escaping @Sendable () -> Void) {}
}

/// One process: a loop, its connections, and what may befall it.
///
/// `@unchecked Sendable`, proof: as ``World``.
final class Process: @unchecked Sendable {
    let name: String
    let number: Int
    let loop: EventLoop
    var links: [Link] = []
    /// Nothing of it runs before then.
    var wakes = Duration.zero
    /// Killed: whatever it still does reaches nobody.
    private(set) var isDead = false

    init(_ name: String, number: Int, in world: World) {
        self.name = name
        self.number = number
        loop = EventLoop(name: name, drivenBy: world)
    }

    /// From one instant to the next nobody hears of it any more. What it is made of is taken apart afterwards, by
    /// its own code, where nobody can see it.
    func die() {
        isDead = true
        wakes = .zero
        for link in links { link.cut(replies: .lost) }
    }
}
