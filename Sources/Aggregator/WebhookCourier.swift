import EventLoop
import Glibc
import HTTPClient
import HeadwayCore
import HeadwayWire
import Redis

/// Delivers what lies in the outboxes of the partitions that this process owns.
///
///     commit ──XADD──▶ outbox ──read──▶ lane ──POST──▶ receiver
///                        ▲               │ 2xx: XDEL   given up: undelivered, XDEL
///                        └── a crash, a take-over: read again, with the same webhook-id
///
/// One lane per partition and receiver, each with a window and a cap on what is under way, so that a receiver that
/// answers late or never holds up nobody but itself. At least once, in no promised order.
actor WebhookCourier {
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private let loop: EventLoop
    let keyspace: Keyspace
    let options: WebhookOptions
    let client: RedisClient
    private let http: HTTPClient
    let notify: @Sendable (AggregatorNotice) -> Void

    private var lanes: [Int: [WebhookLane]] = [:]
    /// Tries under way by receiver.
    private var underWay: [Int]
    private var journals: [ReceiverJournal]
    private var rounds: LoopTimer?

    /// How often the outboxes are looked at without a ring: read APIs add to them as well.
    static let roundPause = Duration.seconds(2)

    init(
        keyspace: Keyspace, options: WebhookOptions, client: RedisClient, on loop: EventLoop,
        notify: @escaping @Sendable (AggregatorNotice) -> Void
    ) {
        self.keyspace = keyspace
        self.options = options
        self.client = client
        self.loop = loop
        self.notify = notify
        http = HTTPClient(on: loop)
        underWay = options.receivers.map { _ in 0 }
        journals = options.receivers.map { ReceiverJournal(name: $0.name) }
    }

    // MARK: What the owners say. From any thread, in order, never waiting: a commit is not held up.

    /// The partition is ours: whatever its outbox holds is ours to deliver.
    nonisolated func begin(_ partition: Int) { tell { $0.open(partition) } }
    /// It is not ours any more.
    nonisolated func end(_ partition: Int) { tell { $0.close(partition) } }
    /// A commit added to its outbox.
    nonisolated func ring(_ partition: Int) { tell { $0.look(partition) } }
    /// A commit had to drop the oldest entries.
    nonisolated func dropped(_ count: Int, of partition: Int) {
        Task(executorPreference: loop) {
            let note = Undelivered(
                reason: "the outbox was full", at: .wallClock, count: count)
            var batch = CommandBatch()
            self.record(note, partition, into: &batch)
            _ = try? await self.client.send(batch)
        }
    }

    private nonisolated func tell(_ body: @escaping @Sendable (isolated WebhookCourier) -> Void) {
        loop.submit { self.assumeIsolated(body) }
    }

    func stop() async {
        rounds?.cancel()
        for partition in Array(lanes.keys) { close(partition) }
        await http.close()
    }

    private func open(_ partition: Int) {
        close(partition)
        let opened = options.receivers.indices.map { WebhookLane(partition: partition, receiver: $0) }
        lanes[partition] = opened
        for lane in opened { pump(lane) }
        if rounds == nil { goRound() }
    }

    private func goRound() {
        rounds = loop.schedule(after: Self.roundPause) { [weak self] in
            self?.assumeIsolated { courier in
                for partition in Array(courier.lanes.keys) { courier.look(partition) }
                courier.goRound()
            }
        }
    }

    private func close(_ partition: Int) {
        for lane in lanes.removeValue(forKey: partition) ?? [] {
            lane.isOpen = false
            lane.alarm?.cancel()
        }
    }

    private func look(_ partition: Int) {
        for lane in lanes[partition] ?? [] {
            lane.mayHaveMore = true
            pump(lane)
        }
    }

    // MARK: A lane

    /// Starts whatever may start now, and sets the alarm for what may later.
    private func pump(_ lane: WebhookLane) {
        guard lane.isOpen else { return }
        let now = loop.clock.now
        for letter in lane.due(at: now) {
            guard underWay[lane.receiver] < options.concurrency else { break }
            post(letter, of: lane)
        }
        if lane.mayHaveMore, !lane.isReading, lane.hasRoom, lane.readAgainAt <= now { read(lane) }
        lane.alarm?.cancel()
        lane.alarm = lane.nextDue(after: now).map { due in
            let partition = lane.partition
            let receiver = lane.receiver
            return loop.schedule(after: due - now) { [weak self] in
                self?.assumeIsolated { courier in
                    if let lane = courier.lanes[partition]?[receiver] { courier.pump(lane) }
                }
            }
        }
    }

    private func read(_ lane: WebhookLane) {
        lane.isReading = true
        lane.mayHaveMore = false
        let place = (lane.partition, lane.receiver)
        Task(executorPreference: loop) { await self.fill(place.0, place.1) }
    }

    /// Reads on behind the cursor, past what this receiver already has.
    private func fill(_ partition: Int, _ receiver: Int) async {
        guard let lane = lanes[partition]?[receiver], lane.isReading else { return }
        do {
            let (letters, isMore) = try await nextLetters(of: lane)
            guard lane.isOpen else { return }
            for letter in letters { lane.add(letter) }
            if isMore { lane.mayHaveMore = true }
        } catch {
            guard lane.isOpen else { return }
            lane.mayHaveMore = true
            lane.readAgainAt = loop.clock.now + .seconds(1)
        }
        lane.isReading = false
        pump(lane)
    }

    private func nextLetters(
        of lane: WebhookLane
    ) async throws -> (letters: [WebhookLane.Letter], isMore: Bool) {
        var batch = CommandBatch()
        batch.add("TIME")
        batch.add(
            "XRANGE", keyspace.outbox(lane.partition), "(\(lane.cursor)", "+", "COUNT",
            "\(WebhookLane.readCount)")
        let replies = try await client.send(batch)
        if let error = batch.firstError(in: replies) { throw error }
        let now = loop.clock.now
        let clock = replies[0].elements.map(Array.init) ?? []
        let redis = (clock.first?.string.flatMap { Int64($0) } ?? 0) * 1000
        let entries = replies[1].elements.map(Array.init) ?? []
        var letters: [WebhookLane.Letter] = []
        var broken: [Broken] = []
        // Moved on only when all answers are there: what was not taken is read again.
        var cursor = lane.cursor
        for entry in entries {
            guard let parts = entry.elements, parts.count == 2, let id = parts[0].bytes.flatMap(StreamID.init)
            else { continue }
            cursor = max(cursor, id)
            do {
                let read = try OutboxEntry(fields: parts[1].pairs)
                let age = max(.zero, Duration.milliseconds(redis - id.timestamp.milliseconds))
                letters.append(WebhookLane.Letter(id, read, bornAt: now - age, now: now))
            } catch {
                broken.append(Broken(id, "it cannot be read: \(error)", parts[1].pairs))
            }
        }
        let wanted = try await known(letters, of: lane)
        // One of the lanes is enough.
        if lane.receiver == 0 { try await putAside(broken, lane.partition) }
        lane.cursor = cursor
        return (wanted, entries.count == WebhookLane.readCount)
    }

    // MARK: A letter

    private func post(_ letter: WebhookLane.Letter, of lane: WebhookLane) {
        letter.state = .posting
        letter.tries += 1
        underWay[lane.receiver] += 1
        let request = request(for: letter, lane)
        let (partition, receiver, id) = (lane.partition, lane.receiver, letter.id)
        Task(executorPreference: loop) {
            let outcome = await Self.outcome(of: request, by: self.http)
            await self.posted(outcome, id, partition, receiver)
        }
    }

    private func request(for letter: WebhookLane.Letter, _ lane: WebhookLane) -> HTTPClient.Request {
        let id = OutboxEntry.id(keyspace, lane.partition, letter.id)
        let seconds = Timestamp.wallClock.milliseconds / 1000
        let body = letter.entry.body
        var request = HTTPClient.Request(url: options.receivers[lane.receiver].url, body: body)
        request.timeout = options.timeout
        request.connectTimeout = min(request.connectTimeout, options.timeout)
        request.headers = [
            ("content-type", "application/json"), ("user-agent", "headway"), ("webhook-id", id),
            ("webhook-timestamp", "\(seconds)"),
            ("webhook-signature", options.secret.signature(id: id, timestamp: seconds, body: body)),
            // Or libcurl asks first whether a large body is welcome, and waits a second for the answer.
            ("expect", ""),
        ]
        return request
    }

    private static func outcome(
        of request: HTTPClient.Request, by http: HTTPClient
    ) async -> DeliveryOutcome {
        do {
            let reply = try await http.send(request)
            return .answered(status: reply.status, retryAfter: reply.retryAfter)
        } catch {
            return .failed("\(error)")
        }
    }

    /// Not within an async function, where a generator without a size has no address that ThreadSanitizer could be
    /// told.
    private func verdict(
        on letter: WebhookLane.Letter, _ outcome: DeliveryOutcome, at now: Duration
    ) -> DeliveryPolicy.Verdict {
        var random = SystemRandomNumberGenerator()
        return options.policy.verdict(
            outcome, tries: letter.tries, age: now - letter.bornAt, using: &random)
    }

    private func posted(
        _ outcome: DeliveryOutcome, _ id: StreamID, _ partition: Int, _ receiver: Int
    ) async {
        underWay[receiver] -= 1
        defer { for lanes in lanes.values.shuffled() { pump(lanes[receiver]) } }
        let verdict: DeliveryPolicy.Verdict
        let lane = lanes[partition]?[receiver]
        let letter = lane?.letters[id]
        let now = loop.clock.now
        if let letter {
            verdict = self.verdict(on: letter, outcome, at: now)
        } else {
            // The partition went to somebody else meanwhile: a success is worth saying, the rest is theirs.
            guard case .answered(200..<300, _) = outcome else { return }
            verdict = .done
        }
        var note: Undelivered?
        switch verdict {
        case .retry(let wait):
            letter?.state = .waiting(until: now + wait)
            if let notice = journals[receiver].failed(outcome.reason, at: now) { notify(notice) }
            return
        case .giveUp(let reason):
            note = Undelivered(
                id: OutboxEntry.id(keyspace, partition, id), receiver: options.receivers[receiver].name,
                reason: reason, at: .wallClock, tries: letter?.tries ?? 1, entry: letter?.entry)
            if let notice = journals[receiver].gaveUp(reason, at: now) { notify(notice) }
        case .done:
            if let notice = journals[receiver].delivered(at: now) { notify(notice) }
        }
        letter?.state = .settling
        let settled = note
        Task(executorPreference: loop) { await self.settle(id, partition, receiver, settled) }
    }

    /// Takes an entry out that this receiver has or will not get; repeated until Redis has it.
    private func settle(
        _ id: StreamID, _ partition: Int, _ receiver: Int, _ note: Undelivered?
    ) async {
        var isRecorded = note == nil
        while true {
            do {
                if !isRecorded, let note {
                    var batch = CommandBatch()
                    record(note, partition, into: &batch)
                    let replies = try await client.send(batch)
                    if let error = batch.firstError(in: replies) { throw error }
                    isRecorded = true
                }
                try await forget(id, partition, receiver)
                break
            } catch {
                try? await loop.sleep(for: .seconds(1))
                guard lanes[partition]?[receiver].letters[id] != nil else { return }
            }
        }
        guard let lane = lanes[partition]?[receiver], let letter = lane.letters[id] else { return }
        lane.remove(letter)
        pump(lane)
    }
}

extension Timestamp {
    /// The machine's clock: what a signature is dated with.
    static var wallClock: Timestamp {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Timestamp(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
    }
}
