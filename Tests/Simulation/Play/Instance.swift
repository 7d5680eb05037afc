import Aggregator
import EventLoop
import Redis

/// One aggregator instance, and those that take its place.
///
/// `@unchecked Sendable`, proof: as ``World``.
final class Instance: @unchecked Sendable {
    let number: Int
    private unowned let world: World
    private(set) var process: Process
    private var aggregator: Aggregator?
    private var life = 0
    private(set) var isStopped = false

    static let lease = Duration.seconds(1)

    init(_ number: Int, in world: World) {
        self.number = number
        self.world = world
        process = world.begin("aggregator-\(number)")
        begin()
    }

    private func begin() {
        life += 1
        let (process, world) = (process, world)
        var options = AggregatorOptions(endpoint: world.endpoint, instance: "\(process.name).\(life)")
        options.lease = Self.lease
        options.batch = 1 + world.roll(world.hits(oneIn: 2) ? 6 : 120)
        options.cachedJobs = 2 + world.roll(40)
        options.auditPause = .seconds(2)
        options.publisherBackoff = .seconds(2)
        if world.expires { options.bulkRetention = .seconds(20) }
        Task(executorPreference: process.loop) { [self, options] in
            let aggregator = Aggregator(keyspace: world.keyspace, options: options, on: [process.loop]) {
                notice in
                world.hear(notice, from: process)
            }
            guard self.process === process, !isStopped else { return }
            self.aggregator = aggregator
            await aggregator.start()
        }
    }

    func kill(for span: Duration) {
        let (old, aggregator) = (process, aggregator)
        self.aggregator = nil
        old.die()
        world.bury(old) { await aggregator?.stop() }
        replace(after: span)
    }

    /// As an operator does.
    func restart(after span: Duration) {
        let (old, aggregator) = (process, aggregator)
        self.aggregator = nil
        world.bury(old) { await aggregator?.stop() }
        replace(after: span)
    }

    private func replace(after span: Duration) {
        process = world.begin("aggregator-\(number)")
        process.wakes = world.now + span
        begin()
    }

    func stop() {
        let aggregator = aggregator
        Task(executorPreference: process.loop) { [self] in
            await aggregator?.stop()
            isStopped = true
        }
    }
}

extension World {
    var endpoint: RedisEndpoint { RedisEndpoint(.tcp(host: "10.0.0.1", port: 6379)) }

    /// Operators hear of nothing that did not happen.
    func hear(_ notice: AggregatorNotice, from process: Process) {
        guard !process.isDead else { return }
        note("\(process.name): \(notice)")
        switch notice {
        case .gap(_, let missing) where settings.isLossy:
            gapsTold += missing
            counts["gaps told", default: 0] += Int(missing)
        case .trimmedUnread(_, let missing) where settings.isLossy:
            trimsTold += missing
            counts["entries told as gone", default: 0] += Int(missing)
        case .gap, .trimmedUnread, .streamDeleted:
            fail("I1: \(process.name) tells of a loss where none was: \(notice)")
        case .drift: fail("I2: \(notice)")
        case .halted: fail("\(notice)")
        case .took: count("take-overs")
        case .lost: count("ownerships lost")
        default: break
        }
    }
}
