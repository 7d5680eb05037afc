import EventLoop
import Headway
import HeadwayWire

/// A place where workers work: when one is killed the next one takes its place, and up what it left.
///
/// `@unchecked Sendable`, proof: as ``World``.
final class Worker: @unchecked Sendable {
    let number: Int
    private unowned let world: World
    private(set) var process: Process
    private(set) var headway: Headway?
    /// Jobs that are being played.
    var open: Set<String> = []
    /// Bulks that were opened here.
    var bulks: [String] = []
    private var life = 0
    /// Hands that are still at work.
    private var busy = 0
    private(set) var isClosed = false
    private var beginning: Task<Void, any Error>?

    init(_ number: Int, in world: World) {
        self.number = number
        self.world = world
        process = world.begin("worker-\(number)")
        begin()
    }

    /// Connected, and nobody at work.
    var isIdle: Bool { headway != nil && busy == 0 }

    /// All that was said is applied.
    var isThrough: Bool {
        guard let statistics = headway?.statistics else { return false }
        return isIdle && statistics.unapplied == 0
    }

    /// How far it is, for people.
    var account: String {
        let statistics = headway?.statistics
        return "\(process.name): \(busy) hands busy, open \(open.sorted()), "
            + "\(statistics?.unacknowledged ?? -1) not stored, \(statistics?.unapplied ?? -1) not applied, "
            + "connected \(statistics?.isConnected ?? false), \(statistics?.fault.map { "\($0)" } ?? "no fault")"
    }

    private func begin() {
        life += 1
        let (process, life) = (process, life)
        var options = Headway.Options(worker: "\(process.name).\(life)")
        options.loop = process.loop
        options.partitions = world.keyspace.partitions
        options.longestBackoff = .seconds(2)
        options.replyTimeout = .seconds(3)
        options.connectTimeout = .seconds(600)
        let hands = world.hands
        let left = open.sorted()
        busy = 1
        beginning = Task(executorPreference: process.loop) { [self, world, options] in
            let headway: Headway
            do {
                headway = try await Headway.connect(World.address, options: options)
            } catch {
                if !process.isDead { world.fail("\(process.name) cannot connect: \(error)") }
                return
            }
            guard !process.isDead else { return try await headway.close(within: .zero) }
            self.headway = headway
            busy += hands - 1
            for hand in 0..<hands {
                let dice = Dice(seed: world.settings.seed, number, life, hand)
                let mine = left.enumerated().filter { $0.offset % hands == hand }.map(\.element)
                Task(executorPreference: process.loop) { [self] in
                    var play = Play(
                        world: world, worker: self, process: process, headway: headway, dice: dice)
                    try? await Self.work(&play, again: mine, as: "w\(number).\(life).\(hand)", in: world)
                    if self.process === process { busy -= 1 }
                }
            }
        }
    }

    private static func work(_ play: inout Play, again: [String], as name: String, in world: World)
        async throws
    {
        for id in again { try await play.again(id) }
        var count = 0
        while !world.isEnding {
            count += 1
            try await play.bulk("\(name).\(count)")
        }
    }

    /// Killed, and back after a while under another name.
    func kill(for span: Duration) {
        let (old, bus) = (process, headway)
        headway = nil
        beginning?.cancel()
        // Whether all that was said is in Redis, by its word.
        let isStored = bus?.statistics.unacknowledged == 0
        world.ledger.tear(old, isStored: isStored)
        for bulk in bulks { world.ledger.bulk(bulk).isTorn = true }
        old.die()
        world.bury(old) { try? await bus?.close(within: .zero) }
        process = world.begin("worker-\(number)")
        process.wakes = world.now + span
        begin()
    }

    /// Says again what somebody who was killed may not have got through.
    func repeatTorn(_ lost: [Told]) {
        guard let headway else { return }
        let (process, world) = (process, world)
        busy += 1
        let dice = Dice(seed: world.settings.seed, number, -1)
        Task(executorPreference: process.loop) { [self] in
            var play = Play(world: world, worker: self, process: process, headway: headway, dice: dice)
            for id in bulks {
                let told = world.ledger.bulk(id)
                guard told.isTorn, let total = told.total else { continue }
                // A bulk whose worker was killed while it played holds what it got to.
                let size = told.isSealed ? total : told.members.count
                told.total = size
                try? await play.open(id, size)
                if told.isCancelled { try? await play.cancel(id) }
                try? await play.seal(id, size)
            }
            for told in lost {
                if let bulk = told.bulk, world.ledger.bulk(bulk).isCancelled {
                    try? await play.queue(told.id, in: bulk)
                } else {
                    try? await play.again(told.id)
                }
            }
            if self.process === process { busy -= 1 }
        }
    }

    func close() {
        let (bus, process) = (headway, process)
        Task(executorPreference: process.loop) { [self] in
            do {
                try await bus?.close(within: .seconds(30))
            } catch {
                world.fail("\(process.name) cannot close: \(error)")
            }
            isClosed = true
        }
    }
}
