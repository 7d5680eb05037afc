import EventLoop

/// One connection: bytes under way in both directions, in order, each piece with a delay of its own.
final class Link: LoopStream {
    enum Replies {
        /// What is under way still arrives.
        case arrive
        /// The first half of the next piece.
        case half
        case lost
    }

    let id: Int
    let process: Process
    private unowned let world: World
    private var handle: ((LoopStreamEvent) -> Void)?
    private(set) var server: Server?
    private var client: FakeRedis.Client?
    /// What is under way; nil is the end. Each is taken when its time has come, whatever that was put off by, so
    /// nothing overtakes what was sent before it.
    private var there: [ArraySlice<UInt8>?] = []
    private var here: [ArraySlice<UInt8>?] = []
    /// When the last piece sent arrives, there and here.
    private var arrivesThere = Duration.zero
    private var arrivesHere = Duration.zero
    /// Added to every piece until then.
    private var lag: (Duration, until: Duration) = (.zero, .zero)
    private var areRequestsLost = false
    private var replies = Replies.arrive
    private(set) var isCut = false
    /// The next message published to it gets lost, and all before then.
    private var mute: (isNext: Bool, until: Duration) = (false, .zero)
    /// Closed on our side.
    private var isClosed = false

    init(id: Int, of process: Process, in world: World, _ handle: @escaping (LoopStreamEvent) -> Void) {
        self.id = id
        self.process = process
        self.world = world
        self.handle = handle
    }

    var isOpen: Bool { server != nil && !isCut && !isClosed }

    /// Somebody listens to channels with it.
    var isListening: Bool { isOpen && !(client?.channels.isEmpty ?? true) }

    /// One way, once.
    private var delay: Duration {
        let base =
            world.hits(oneIn: 50)
            ? world.time(.zero, .milliseconds(8)) : world.time(.microseconds(20), .microseconds(300))
        return lag.until > world.now ? base + lag.0 : base
    }

    // MARK: Our side

    func begin() {
        world.plan(in: delay) { self.connect() }
    }

    private func connect() {
        guard !isClosed else { return end() }
        if process.wakes > world.now { return world.plan(at: process.wakes) { self.connect() } }
        guard !process.isDead, !isCut, let server = world.front else {
            tell(.ended("Connection refused"))
            return end()
        }
        self.server = server
        client = server.accept(self)
        tell(.connected)
    }

    func write(_ bytes: [UInt8]) {
        guard isOpen, !process.isDead else { return }
        if bytes.count > 1, world.hits(oneIn: 12) {
            let place = 1 + world.roll(bytes.count - 1)
            send(bytes[..<place])
            send(bytes[place...])
        } else {
            send(bytes[...])
        }
    }

    private func send(_ piece: ArraySlice<UInt8>) {
        sendAway(piece)
    }

    private func sendAway(_ piece: ArraySlice<UInt8>?) {
        there.append(piece)
        arrivesThere = max(arrivesThere, world.now + delay)
        world.plan(at: arrivesThere) { self.arriveThere() }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        handle = nil
        // Reset, or what is under way is still read.
        if world.hits(oneIn: 3) { areRequestsLost = true }
        leave()
    }

    private func end() {
        process.links.removeAll { $0 === self }
    }

    /// The server hears of the end behind what was sent before.
    private func leave() {
        sendAway(nil)
        end()
    }

    private func tell(_ event: LoopStreamEvent) {
        guard let handle else { return }
        if case .ended = event { self.handle = nil }
        process.loop.asIfOnLoop { handle(event) }
    }

    // MARK: The other side

    private func arriveThere() {
        guard let server, let client else { return }
        if server.pausedUntil > world.now { return world.plan(at: server.pausedUntil) { self.arriveThere() } }
        guard let piece = there.removeFirst() else { return server.redis.close(client.id) }
        guard !areRequestsLost, server.isUp else { return }
        server.redis.receive(piece, from: client)
    }

    /// What the server has to say is on its way.
    func carry(_ bytes: Bytes) {
        guard !isClosed, !isCut else { return }
        if bytes.count > 1, world.hits(oneIn: 20) {
            let place = 1 + world.roll(bytes.count - 1)
            bring(bytes[..<place])
            bring(bytes[place...])
        } else {
            bring(bytes[...])
        }
    }

    private func bring(_ piece: ArraySlice<UInt8>?) {
        here.append(piece)
        arrivesHere = max(arrivesHere, world.now + delay)
        world.plan(at: arrivesHere) { self.arriveHere() }
    }

    private func arriveHere() {
        if process.wakes > world.now { return world.plan(at: process.wakes) { self.arriveHere() } }
        guard let piece = here.removeFirst() else { return tell(.ended("Connection reset by peer")) }
        guard !isClosed, !process.isDead else { return }
        switch replies {
        case .arrive:
            world.witness(piece)
            tell(.arrived(piece))
        case .half:
            replies = .lost
            if piece.count > 1 { tell(.arrived(piece.prefix(piece.count / 2))) }
        case .lost: return
        }
    }

    // MARK: What befalls it

    func slow(by lag: Duration, for span: Duration) { self.lag = (lag, world.now + span) }

    /// The next message published to it gets lost, and all within `span`.
    func mute(for span: Duration) { mute = (true, world.now + span) }

    /// A message is published to it.
    func losesMessage() -> Bool {
        defer { mute.isNext = false }
        return mute.isNext || mute.until > world.now
    }

    /// The line breaks.
    func cut(replies: Replies, requests areLost: Bool? = nil) {
        guard !isCut else { return }
        isCut = true
        self.replies = replies
        areRequestsLost = areRequestsLost || areLost ?? world.hits(oneIn: 2)
        bring(nil)
        leave()
    }
}
