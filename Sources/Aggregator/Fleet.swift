import EventLoop
import HeadwayWire
import Redis

/// Says that this instance lives, sees who else does, and hands partitions over until all have about as many.
///
/// Availability does not hang on it: a partition whose owner is gone is taken by whoever sees its lease run
/// out. This only evens the shares out, one partition at a time, without a pause in counting: an owner serves
/// until its last commit names the heir, who looks every few hundred milliseconds.
actor Fleet {
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let loop: EventLoop
    private let keyspace: Keyspace
    private let client: RedisClient
    private let owners: [PartitionOwner]
    private let pause: Duration
    private var view: FleetView
    private var beat: Int64
    private var run: Task<Void, Never>?

    init(
        keyspace: Keyspace, options: AggregatorOptions, client: RedisClient, owners: [PartitionOwner],
        on loop: EventLoop
    ) {
        self.keyspace = keyspace
        self.client = client
        self.owners = owners
        self.loop = loop
        pause = min(options.lease / 5, .milliseconds(500))
        view = FleetView(instance: options.instance, lease: options.lease)
        // A restarted instance of the same name moves, whatever it said before.
        var dice = loop.dice
        beat = Int64.random(in: 1...1_000_000, using: &dice)
    }

    func start() {
        guard run == nil else { return }
        run = Task(executorPreference: loop) { await self.live() }
    }

    /// Tells the others to give nothing more.
    func leave() async {
        run?.cancel()
        await run?.value
        run = nil
        _ = try? await say(isLeaving: true)
    }

    /// The last word, when nothing is owned any more.
    func end() async { _ = try? await client.send("HDEL", keyspace.aggregators, view.instance) }

    private func live() async {
        while !Task.isCancelled {
            do {
                try await look()
            } catch {
                view.lostSight()
            }
            try? await loop.sleep(for: pause)
        }
    }

    private func look() async throws {
        let read = try await say(isLeaving: false)
        view.observe(read, at: loop.clock.now)
        for name in view.gone { _ = try? await client.send("HDEL", keyspace.aggregators, name) }
        let present = Set(read.filter { !$0.value.isLeaving }.keys)
        for owner in owners { await owner.sees(present) }
        var owned: [PartitionOwner] = []
        for owner in owners where await owner.currentStats().isOwner { owned.append(owner) }
        guard let heir = view.heir(owned: owned.count), let given = owned.last else { return }
        view.promise(to: heir)
        await given.handOver(to: heir)
    }

    /// Writes this instance's beat.
    ///
    /// - Returns: everybody's. What cannot be read is nobody's.
    private func say(isLeaving: Bool) async throws -> [String: InstanceBeat] {
        var word = InstanceBeat(beat: beat, owned: 0, isLeaving: isLeaving)
        beat += 1
        for owner in owners {
            let stats = await owner.currentStats()
            if stats.isOwner { word.owned += 1 }
            word.commits += stats.commits
            word.fenced += stats.fenced
            word.duplicates += stats.duplicates
        }
        var batch = CommandBatch()
        batch.add("HSET", keyspace.aggregators, view.instance, word.text)
        batch.add("HGETALL", keyspace.aggregators)
        let replies = try await client.send(batch)
        if let error = batch.firstError(in: replies) { throw error }
        var beats: [String: InstanceBeat] = [:]
        for (name, text) in replies[1].pairs {
            beats[String(decoding: name, as: UTF8.self)] = try? InstanceBeat(text: text)
        }
        return beats
    }
}
