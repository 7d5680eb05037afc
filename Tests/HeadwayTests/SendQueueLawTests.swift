import Seeded
import Testing

@testable import Headway

/// A publisher, a network and a server under a seeded history of everything that goes wrong.
private struct History {
    static let partitions = 3
    let limits: SendQueue<Int>.Limits
    let rules: PartitionSender<Int>.Rules
    let failsOver: Bool
    var random: SplitMix64
    var queue: SendQueue<Int>
    var server = ModelServer(partitions: partitions)
    var now = Duration.zero
    var added: [[Int]] = Array(repeating: [], count: partitions)
    /// Bytes on their way over connections that are closed: they may be executed any time later.
    var limbo: [[(partition: Int, entries: [ModelServer.Entry])]] = []
    /// What a failover may fall back to.
    var past: [(at: Duration, server: ModelServer)] = []
    var problems: [String] = []
    var refusedForRoom = 0

    init(seed: UInt64, limits: SendQueue<Int>.Limits, holdBack: Int, failsOver: Bool) {
        random = SplitMix64(seed: seed)
        self.limits = limits
        self.failsOver = failsOver
        rules = PartitionSender<Int>.Rules(holdBack: holdBack)
        queue = SendQueue(partitions: Self.partitions, source: "s", limits: limits, rules: rules)
    }

    mutating func run(steps: Int) {
        for step in 0..<steps {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<30: add()
            case 30..<70: ship()
            case 70..<85: consume()
            case 85..<92: look()
            case 92..<95: deliverLimbo()
            case 95..<97 where failsOver: failOver()
            default: passTime()
            }
            check()
            if step % 20 == 0 { count() }
        }
        count()
        heal()
    }

    private mutating func add() {
        let partition = Int.random(in: 0..<Self.partitions, using: &random)
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let cost = Int.random(in: 1...100, using: &random)
            guard queue.makeRoom(for: cost) else {
                refusedForRoom += 1
                return
            }
            let item = added[partition].count + 1
            added[partition].append(item)
            queue.add(item, cost: cost, to: partition, at: now)
        }
    }

    private mutating func entries(of parcel: SendQueue<Int>.Parcel) -> [ModelServer.Entry] {
        (parcel.run.first...parcel.run.last).map {
            ModelServer.Entry(id: $0, item: queue.senders[parcel.partition].backlog[$0].item)
        }
    }

    private mutating func ship() {
        let parcels = queue.next(at: now)
        guard !parcels.isEmpty else { return }
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5:
            for parcel in parcels {
                server.append(entries(of: parcel), to: parcel.partition)
                queue.acknowledge(parcel)
            }
        case 5, 6:  // The connection breaks: the first few runs were executed, unknown to us.
            for parcel in parcels.prefix(Int.random(in: 0...parcels.count, using: &random)) {
                server.append(entries(of: parcel), to: parcel.partition)
            }
            reconnect()
        case 7:  // The same, but what was sent is executed later.
            let late = parcels.map { (partition: $0.partition, entries: entries(of: $0)) }
            limbo.append(Array(late.prefix(Int.random(in: 0...late.count, using: &random))))
            reconnect()
        case 8:  // Refused as a whole, for now.
            for parcel in parcels { queue.refuse(parcel) }
        default:  // One partition needs a person.
            for (place, parcel) in parcels.enumerated() {
                guard place > 0 else {
                    queue.park(parcel, until: now + .seconds(10))
                    continue
                }
                server.append(entries(of: parcel), to: parcel.partition)
                queue.acknowledge(parcel)
            }
        }
    }

    private mutating func reconnect() {
        queue.reconnect(marks: server.partitions.map(\.last), at: now)
    }

    private mutating func consume() {
        let partition = Int.random(in: 0..<Self.partitions, using: &random)
        server.consume(Int.random(in: 0...40, using: &random), of: partition)
    }

    private mutating func look() {
        for partition in 0..<Self.partitions {
            queue.see(server.partitions[partition].last, of: partition, at: now)
        }
    }

    private mutating func deliverLimbo() {
        guard !limbo.isEmpty else { return }
        for (partition, entries) in limbo.removeFirst() { server.append(entries, to: partition) }
    }

    private mutating func passTime() {
        past.append((now, server))
        now += .milliseconds(Int.random(in: 0...4_000, using: &random))
        past.removeAll { now - $0.at >= rules.keep }
    }

    /// A replica takes over that lacks up to the failover window of writes. Its clients' connections break.
    private mutating func failOver() {
        guard let place = past.indices.randomElement(using: &random) else { return }
        server = past[place].server
        past.removeSubrange(place...)
        limbo = []
        reconnect()
    }

    private mutating func check() {
        if queue.bytes > limits.bytes { problems.append("\(queue.bytes) bytes are over the bound") }
        for (partition, sender) in queue.senders.enumerated() {
            if sender.cursor - 1 - sender.mark > rules.holdBack {
                problems.append("more is out than the hold-back")
            }
            if server.partitions[partition].gaps > 0 { problems.append("a gap in partition \(partition)") }
            if sender.mark < sender.backlog.first - 1 { problems.append("an unapplied item was forgotten") }
        }
    }

    private mutating func count() {
        var bytes = 0
        for sender in queue.senders {
            var number = sender.backlog.first
            while number < sender.backlog.next {
                bytes += sender.backlog[number].cost
                number += 1
            }
        }
        if bytes != queue.bytes { problems.append("\(queue.bytes) bytes are counted, \(bytes) are there") }
    }

    private mutating func heal() {
        while !limbo.isEmpty { deliverLimbo() }
        reconnect()
        for _ in 0..<100_000 {
            now += .seconds(11)
            for parcel in queue.next(at: now) {
                server.append(entries(of: parcel), to: parcel.partition)
                queue.acknowledge(parcel)
            }
            for partition in 0..<Self.partitions { server.consume(.max, of: partition) }
            look()
            if queue.isEmpty { break }
        }
        for partition in 0..<Self.partitions where server.partitions[partition].applied != added[partition] {
            problems.append(
                "partition \(partition): \(added[partition].count) items said, applied: \(server.partitions[partition].applied.count)"
            )
        }
        if queue.bytes != 0 { problems.append("\(queue.bytes) bytes are left of nothing") }
        if queue.lost != 0 { problems.append("\(queue.lost) items are called lost") }
    }
}

@Suite("SendQueue")
struct SendQueueLawTests {
    /// Seeds per test case.
    static let each: UInt64 = 10

    @Test(
        "whatever is cut, repeated, late, refused or rolled back, each item is applied once, in order",
        arguments: 0..<40)
    func exactlyOnce(batch: UInt64) {
        var duplicates = 0
        var rollbacks: Int64 = 0
        var resent: Int64 = 0
        for seed in batch * Self.each..<(batch + 1) * Self.each {
            let limits = SendQueue<Int>.Limits(bytes: .max, batchCount: 20, batchBytes: 600)
            var history = History(seed: seed, limits: limits, holdBack: 60, failsOver: true)
            history.run(steps: 400)
            #expect(history.problems.isEmpty, "seed \(seed)")
            duplicates += history.server.partitions.reduce(0) { $0 + $1.duplicates }
            rollbacks += history.queue.rollbacks
            resent += history.queue.resent
        }
        // A law that nothing tries proves nothing.
        #expect(duplicates > 100 && rollbacks > 10 && resent > 100)
    }

    @Test("memory stays under its bound, and nothing unapplied is forgotten for it", arguments: 0..<40)
    func bounded(batch: UInt64) {
        var refusals = 0
        for seed in batch * Self.each..<(batch + 1) * Self.each {
            let limits = SendQueue<Int>.Limits(bytes: 2_000, batchCount: 20, batchBytes: 600)
            var history = History(seed: seed, limits: limits, holdBack: 1_000, failsOver: false)
            history.run(steps: 400)
            #expect(history.problems.isEmpty, "seed \(seed)")
            refusals += history.refusedForRoom
        }
        #expect(refusals > 0, "the histories never reach the bound")
    }
}
