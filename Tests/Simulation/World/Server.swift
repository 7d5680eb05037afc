/// One Redis server as a process: a clock of its own, a past to fall back to, and clients on the network.
final class Server {
    /// What a restart or a follower may come up with.
    struct Past {
        let at: Duration
        let database: Database
        let memory: Witness.Memory
    }

    let redis: FakeRedis
    let witness: Witness
    private unowned let world: World
    private var links: [Int: Link] = [:]
    private(set) var pasts: [Past] = []
    private(set) var isUp = true
    /// It reads and says nothing before then.
    var pausedUntil = Duration.zero
    /// Of its wall clock.
    var offset: Duration

    /// 2026-01-01.
    private static let start: Int64 = 1_767_225_600_000
    /// How far back a past is kept.
    static let memory = Duration.seconds(3)

    init(_ past: Past?, offset: Duration, in world: World) {
        self.world = world
        self.offset = offset
        let id = (0..<2).map { _ in String(world.random() | 1 << 63, radix: 16) }.joined()
        redis = FakeRedis(past?.database ?? Database(), replicationID: id) { 0 }
        witness = Witness(past?.memory ?? Witness.Memory(), in: world)
        redis.wall = { [unowned self] in
            Self.start + Int64((world.now + self.offset) / .milliseconds(1))
        }
        redis.onOutput = { [unowned self] client in
            let bytes = client.output.bytes
            client.output.bytes = []
            links[client.id]?.carry(bytes)
        }
        redis.onBlocked = { [unowned self] client, limit in
            let number = client.blocks
            wait(client, number, for: .milliseconds(limit))
        }
        redis.onResume = { [unowned self] client in
            world.plan(in: world.hits(oneIn: 3) ? world.time(.zero, .microseconds(400)) : .zero) {
                self.resume(client)
            }
        }
        redis.onExecuted = { [unowned self] client, unit, touched in
            witness.see(unit, touched, by: client, on: redis)
            remember()
        }
        redis.onRefused = { client, command, text in
            world.note("redis refuses \(client) \(command.map(\.text).joined(separator: " ")): \(text)")
        }
        redis.isLost = { [unowned self] client, message in
            guard links[client.id]?.losesMessage() ?? false else { return false }
            if world.front === self { world.onMessageLost?(message) }
            return true
        }
        redis.trimSlack = { count in world.roll(count + 1) }
    }

    func accept(_ link: Link) -> FakeRedis.Client {
        links[link.id] = link
        return redis.open(link.id)
    }

    private func wait(_ client: FakeRedis.Client, _ number: Int, for span: Duration) {
        world.plan(in: span) { [self] in
            guard isUp, client.blocked != nil, client.blocks == number else { return }
            if pausedUntil > world.now { return wait(client, number, for: pausedUntil - world.now) }
            redis.timeOut(client)
        }
    }

    private func resume(_ client: FakeRedis.Client) {
        guard isUp else { return }
        if pausedUntil > world.now { return world.plan(at: pausedUntil) { self.resume(client) } }
        redis.resume(client)
    }

    // MARK: The past

    private func remember() {
        guard world.settings.fallsBack, world.hits(oneIn: 12) else { return }
        pasts.append(Past(at: world.now, database: redis.database, memory: witness.memory))
        if let first = pasts.first, world.now - first.at > Self.memory * 2 {
            pasts.removeAll { world.now - $0.at > Self.memory }
        }
    }

    var present: Past { Past(at: world.now, database: redis.database, memory: witness.memory) }

    /// What somebody has who is at most this far behind.
    func past(behind lag: Duration) -> Past {
        pasts.filter { world.now - $0.at <= lag }.first ?? present
    }

    // MARK: Its end

    func stop(replies: Link.Replies) {
        isUp = false
        cutAll(replies: replies)
    }

    /// As `CLIENT KILL`.
    func cutAll(replies: Link.Replies) {
        for (_, link) in links.sorted(by: { $0.key < $1.key }) { link.cut(replies: replies, requests: true) }
        links = [:]
    }
}
