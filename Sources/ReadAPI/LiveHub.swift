package import EventLoop
package import HeadwayCore
package import HeadwayWire
package import Redis

/// Follows jobs and bulks for everybody who watches: streams, long polls, and `headway watch`.
///
/// Listens to every partition's `changes`, keeps an image of what is watched and of nothing else, and reads
/// again what was announced: all dirty subjects in one batch, one batch at a time. Twice a second it looks at
/// where the partitions stand, so a lost message heals within about a second. The decisions are
/// ``HubState``'s.
package actor LiveHub {
    package typealias Subject = ProgressEvent.Subject

    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    let reader: StatusReader
    let options: LiveOptions
    private let keyspace: Keyspace
    private let endpoint: RedisEndpoint
    private var subscriber: RedisSubscriber?

    var state: HubState<LiveImage>
    var watchers: [Int: any HubWatcher] = [:]
    private var lastWatcher = 0
    var sessions: [Int: StreamSession] = [:]
    var renderings: [ViewLens.Key: ViewRendering] = [:]
    var isDraining = false
    /// The newest bulks as last read, while some stream follows them.
    var recentBulks: [BulkID]?
    var isFollowingRecent = false
    var isPulsing = false
    var lastPulse: [UInt8]?

    private var listening: Set<Int> = []
    private var lookedAt: Duration?
    private var isStalePartition: [Bool]
    private var isReading = false
    private var isReadScheduled = false
    private var armedFor: Duration?
    private(set) var isStopped = false
    var stats = LiveStats()

    /// How often the partitions' positions are looked at: a difference must stand for one period.
    private static let lookPeriod = Duration.milliseconds(500)
    /// The most subjects in one batch of reads.
    private static let readWidth = 500

    package init(
        keyspace: Keyspace, endpoint: RedisEndpoint, reader: StatusReader, on loop: EventLoop,
        options: LiveOptions = LiveOptions()
    ) {
        self.keyspace = keyspace
        self.endpoint = endpoint
        self.reader = reader
        self.loop = loop
        self.options = options
        state = HubState(partitions: keyspace.partitions, pace: options.pace)
        isStalePartition = [Bool](repeating: false, count: keyspace.partitions)
    }

    // MARK: Life

    /// Begins to listen. Idempotent.
    package func start() {
        guard subscriber == nil, !isStopped else { return }
        var partitions: [String: Int] = [:]
        for partition in 0..<keyspace.partitions { partitions[keyspace.changes(partition)] = partition }
        let subscriber = RedisSubscriber(
            endpoint, on: loop, channels: (0..<keyspace.partitions).map { keyspace.changes($0) },
            name: "headway-live"
        ) { [weak self, partitions] event in
            self?.assumeIsolated { $0.hear(event, partitions) }
        }
        self.subscriber = subscriber
        subscriber.assumeIsolated { $0.start() }
        look()
        beat()
    }

    /// Ends it for good: streams are closed, long polls answered with what there is.
    package func stop() {
        isStopped = true
        subscriber?.assumeIsolated { $0.close() }
        subscriber = nil
        for session in sessions.values { session.hubEnded() }
        sessions = [:]
        for watcher in watchers.values { watcher.hubEnded() }
        watchers = [:]
    }

    /// What readiness asks: whether every partition's channel is listened to, and how long ago their
    /// positions were last seen.
    package var health: (isListening: Bool, sinceLook: Duration?, stalePartitions: Int) {
        (
            listening.count == keyspace.partitions, lookedAt.map { loop.clock.now - $0 },
            isStalePartition.count { $0 }
        )
    }

    package var currentStats: LiveStats {
        var stats = stats
        stats.watched = state.watched
        stats.conflated += sessions.values.reduce(0) { $0 + $1.skipped }
        stats.streams = sessions.count
        stats.watchers = watchers.count
        return stats
    }

    // MARK: What Redis says

    private func hear(_ event: RedisSubscriber.Event, _ partitions: [String: Int]) {
        switch event {
        case .subscribed(let channel):
            guard let partition = partitions[channel] else { return }
            listening.insert(partition)
            state.lose(partition)
        case .lost:
            stats.subscriptionsLost += 1
            listening = []
            for partition in 0..<keyspace.partitions { state.lose(partition) }
        case .message(let channel, let payload):
            guard let partition = partitions[channel] else { return }
            stats.notices += 1
            guard let notice = try? ChangeNotice(payload) else { return state.lose(partition) }
            state.hear(notice, of: partition)
        }
        scheduleRead()
    }

    /// Compares where the partitions stand with what their messages told, again and again.
    private func look() {
        guard !isStopped else { return }
        Task(executorPreference: loop) { [weak self, reader] in
            let positions = try? await reader.positions()
            let stale = await reader.stalePartitions()
            await self?.looked(positions, stale)
        }
    }

    private func looked(_ positions: [PartitionPosition]?, _ stale: [Bool]) {
        guard !isStopped else { return }
        stats.looks += 1
        if let positions {
            lookedAt = loop.clock.now
            for (partition, position) in positions.enumerated() {
                state.look(at: partition, epoch: position.epoch, commit: position.commit)
            }
        }
        for (partition, isStale) in stale.enumerated() where isStale != isStalePartition[partition] {
            isStalePartition[partition] = isStale
            guard isStale else {
                state.lose(partition)
                continue
            }
            let changed = state.markStale(partition) { image in
                guard !image.answer.freshness.isStale else { return false }
                image = LiveImage(image.answer.staled())
                return true
            }
            for subject in changed { tell(subject) }
        }
        scheduleRead()
        loop.schedule(after: Self.lookPeriod) { [weak self] in self?.assumeIsolated { $0.look() } }
    }

    // MARK: Reading

    /// One batch per turn of the loop, however much was announced in it.
    func scheduleRead() {
        guard !isReading, !isReadScheduled, !isStopped else { return }
        isReadScheduled = true
        loop.submit { [weak self] in
            self?.assumeIsolated {
                $0.isReadScheduled = false
                $0.startRead()
            }
        }
    }

    private func startRead() {
        guard !isReading, !isStopped else { return }
        let subjects = state.startReads(at: loop.clock.now, limit: Self.readWidth)
        guard !subjects.isEmpty else { return armForNextRead() }
        isReading = true
        stats.batches += 1
        stats.reads += subjects.count
        Task(executorPreference: loop) { await self.read(subjects) }
    }

    private func armForNextRead() {
        guard let next = state.nextRead else { return }
        if let armedFor, armedFor <= next, armedFor > loop.clock.now { return }
        armedFor = next
        loop.schedule(after: max(.zero, next - loop.clock.now)) { [weak self] in
            self?.assumeIsolated {
                $0.armedFor = nil
                $0.scheduleRead()
            }
        }
    }

    private func read(_ subjects: [Subject]) async {
        do {
            finish(try await answers(to: subjects))
        } catch {
            if case .unreadable = error, subjects.count > 1 {
                // One that cannot be read must not hide the others.
                for subject in subjects {
                    if let one = try? await answers(to: [subject]) { finish(one) }
                }
            }
            for subject in subjects { state.fail(subject, at: loop.clock.now) }
        }
        isReading = false
        scheduleRead()
    }

    private func finish(_ images: [(Subject, HubState<LiveImage>.Image)]) {
        let now = loop.clock.now
        for (subject, image) in images where state.finish(subject, image, at: now) { tell(subject) }
    }

    private func answers(
        to subjects: [Subject]
    ) async throws(ReadError) -> [(Subject, HubState<LiveImage>.Image)] {
        var jobs: [JobID] = []
        var bulks: [BulkID] = []
        for subject in subjects {
            switch subject {
            case .job(let id): jobs.append(id)
            case .bulk(let id): bulks.append(id)
            }
        }
        let answers = try await reader.read(jobs: jobs, bulks: bulks, current: options.current)
        var images: [(Subject, HubState<LiveImage>.Image)] = []
        for answer in answers.jobs {
            let partition = keyspace.partition(of: answer.id)
            let token = answer.token
            let mark = HubState<LiveImage>.Mark(
                partition: partition, epoch: token.epoch, commit: answers.commits[partition],
                version: token.version)
            images.append((.job(answer.id), image(.job(answer), [mark])))
        }
        for (answer, versions) in zip(answers.bulks, answers.shareVersions) {
            let marks = versions.enumerated().map { partition, version in
                HubState<LiveImage>.Mark(
                    partition: partition, epoch: answers.epochs[partition],
                    commit: answers.commits[partition], version: version)
            }
            images.append((.bulk(answer.id), image(.bulk(answer), marks)))
        }
        return images
    }

    private func image(
        _ answer: LiveAnswer, _ marks: [HubState<LiveImage>.Mark]
    ) -> HubState<LiveImage>.Image {
        HubState.Image(
            marks: marks, content: LiveImage(answer), isFinal: answer.outcome != nil,
            isAbsent: answer.isAbsent)
    }

    // MARK: Watching

    /// Whether so much is watched that nobody new is taken.
    var isFull: Bool { state.watched >= options.watchedLimit }

    func newWatcherID() -> Int {
        lastWatcher += 1
        return lastWatcher
    }

    /// Shows it at once what may be shown, and from then on every change.
    func add(_ watcher: any HubWatcher, as id: Int, to subjects: [Subject]) {
        watchers[id] = watcher
        for subject in subjects where state.watch(subject, by: id) != nil {
            if let image = state.image(of: subject) { watcher.hubShows(subject, image.content) }
        }
        scheduleRead()
    }

    func remove(_ id: Int, from subjects: [Subject]) {
        watchers[id] = nil
        for subject in subjects { state.unwatch(subject, by: id) }
    }

    /// Shows a subject's image to everybody who watches it.
    private func tell(_ subject: Subject) {
        guard let image = state.image(of: subject) else { return }
        for id in state.watchers(of: subject) { watchers[id]?.hubShows(subject, image.content) }
    }
}

/// Somebody who watches. Called on the hub's loop, from within the hub; must not block.
protocol HubWatcher: AnyObject {
    func hubShows(_ subject: LiveHub.Subject, _ image: LiveImage)
    func hubEnded()
}
