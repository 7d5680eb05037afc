package import EventLoop
package import HeadwayCore
package import HeadwayWire
package import Redis

/// Reads jobs, bulks, members, timelines and pipelines from Redis, and says with each answer how recent it
/// is.
///
/// Knows no HTTP: the read API, `headway status`, `jobs` and `watch` all ask it. Each question is one round
/// trip, whatever the number of ids, unless its comment says otherwise. Everything that is read anew is true
/// at the moment of reading: nothing is cached here but the pipelines, whose revisions never change.
package actor StatusReader {
    package nonisolated let keyspace: Keyspace
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    let client: RedisClient
    /// One per partition, told with every answer.
    var pulses: [PartitionPulse]
    private(set) var shelf = PipelineShelf()
    private(set) var catalog = PipelineCatalog()
    private var catalogReadAt: Duration?
    /// When a pipeline was last looked for because somebody named it.
    private var catalogSoughtAt: Duration?
    /// When ``learn(_:)`` last read them, and the read of its that is under way.
    private var learntAt: Duration?
    private var learning: Task<Void, Never>?
    /// The look for a pipeline that has not begun yet.
    private var nextSeek: Task<Result<Void, ReadError>, Never>?
    /// Rises whenever the shelf is another one; 0 while none was read.
    private(set) var shelfGeneration = 0
    /// The fields that the shelf was read from.
    private var shelfFields: Set<String> = []
    var estimators = Estimators()
    /// When the history of durations was read last.
    private var durationsReadAt: Duration?
    private var isReadingDurations = false

    /// A pipeline that is not known is looked for at most this often; see ``pipeline(_:)``.
    private static let catalogPause = Duration.milliseconds(100)
    /// How old the history of durations may become before it is read again, in the background.
    private static let durationsPause = Duration.seconds(5)
    /// How old it may be to be used at all: a reader that was idle reads it first.
    private static let durationsAge = Duration.seconds(120)
    /// What is known is read anew after this, changed or not.
    private static let shelfAge = Duration.seconds(30)

    package init(keyspace: Keyspace, endpoint: RedisEndpoint, on loop: EventLoop) {
        self.init(
            keyspace: keyspace, client: RedisClient(endpoint, on: loop, name: "headway-reader"), on: loop)
    }

    init(keyspace: Keyspace, client: RedisClient, on loop: EventLoop) {
        self.keyspace = keyspace
        self.client = client
        self.loop = loop
        pulses = [PartitionPulse](repeating: PartitionPulse(), count: keyspace.partitions)
    }

    /// Closes the connection for good.
    package func close() async { await client.close() }

    // MARK: Asking

    /// - Returns: one reply per command, none of them an error.
    func ask(_ batch: CommandBatch) async throws(ReadError) -> [RESPValue] {
        do throws(RedisError) {
            let replies = try await client.send(batch)
            if replies.contains(where: { $0.kind == .error }), let error = batch.firstError(in: replies) {
                throw error
            }
            return replies
        } catch {
            throw .redis(error)
        }
    }

    func sight(_ replies: [RESPValue], of partitions: [Int]) throws(ReadError) -> PartitionSight {
        try PartitionSight(replies, of: partitions, keyspace, pulses: &pulses, at: loop.clock.now)
    }

    // MARK: Pipelines

    /// All readable revisions, read anew.
    package func pipelines() async throws(ReadError) -> PipelineShelf {
        var batch = CommandBatch()
        batch.add("HGETALL", keyspace.pipelines)
        catalogReadAt = loop.clock.now
        let replies = try await ask(batch)
        let pairs = replies[0].elements?.pairs
        let read = pairs.map { PipelineShelf(fields: $0) } ?? PipelineShelf()
        shelfFields = Set(pairs?.map { String(decoding: $0.name, as: UTF8.self) } ?? [])
        if shelfGeneration == 0 || read.documents != shelf.documents || read.problems != shelf.problems {
            shelfGeneration += 1
        }
        shelf = read
        catalog = shelf.catalog
        return shelf
    }

    /// Looks whether there are other pipelines than those that are known, and reads them if so: one small
    /// command when there are not, since a revision never changes. Once in a while it reads them anyway,
    /// should somebody have flushed Redis and written the same names again.
    func refreshPipelines() async throws(ReadError) {
        guard let at = catalogReadAt, loop.clock.now - at < Self.shelfAge, shelfGeneration > 0 else {
            _ = try await pipelines()
            return
        }
        var batch = CommandBatch()
        batch.add("HKEYS", keyspace.pipelines)
        let replies = try await ask(batch)
        let fields = replies[0].elements.map { Set($0.compactMap(\.string)) } ?? []
        if fields != shelfFields { _ = try await pipelines() }
    }

    /// The pipeline by that name, from what is known; read anew when it is not. All who ask before that read
    /// begins share it, and reads begin at least ``catalogPause`` apart: what was applied just now is found, and
    /// asking for what nobody has applied costs Redis little.
    package func pipeline(_ name: PipelineName) async throws(ReadError) -> Pipeline? {
        if let known = catalog[name] { return known }
        let seek = nextSeek ?? Task(executorPreference: loop) { await self.seek() }
        nextSeek = seek
        try await seek.value.get()
        return catalog[name]
    }

    private func seek() async -> Result<Void, ReadError> {
        if let at = catalogSoughtAt {
            try? await loop.sleep(for: max(.zero, Self.catalogPause - (loop.clock.now - at)))
        }
        // Whoever asks from here on wants a read that begins later.
        nextSeek = nil
        catalogSoughtAt = loop.clock.now
        do throws(ReadError) {
            _ = try await pipelines()
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    // MARK: Durations

    /// Makes sure that there is a history of durations, if there can be one. Costs a round trip only when it was
    /// not read for long; else a read goes on in the background, at most one each ``durationsPause``.
    func learnDurations() async {
        let age = durationsReadAt.map { loop.clock.now - $0 }
        if let age, age < Self.durationsPause { return }
        guard !isReadingDurations else { return }
        isReadingDurations = true
        if let age, age < Self.durationsAge {
            Task(executorPreference: loop) { await self.readDurations() }
        } else {
            await readDurations()
        }
    }

    private func readDurations() async {
        defer { isReadingDurations = false }
        var batch = CommandBatch()
        for partition in 0..<keyspace.partitions { batch.add("HGETALL", keyspace.durations(partition)) }
        // An estimate is worth no failure: then there is none, or an old one.
        let replies = try? await ask(batch)
        var book = DurationBook()
        for reply in replies ?? [] {
            if let elements = reply.elements { book = book + DurationBook(fields: elements.pairs) }
        }
        // One that could not be read is asked for again after a while; meanwhile there is the one before.
        durationsReadAt = loop.clock.now
        if replies != nil { estimators.take(book) }
    }

    /// Makes sure that the pipelines of `references` are known, if they can be. Costs a round trip only when
    /// one is not; labels are worth no failure.
    ///
    /// Whoever asks while they are read waits for that read: answered without its pipeline, a job would have another
    /// face in the same version. What a read did not bring is looked for again after a second.
    func learn(_ references: some Sequence<Pipeline.Reference>) async {
        guard references.contains(where: { catalog[$0] == nil }) else { return }
        if let learning { return await learning.value }
        if let at = learntAt, loop.clock.now - at < .seconds(1) { return }
        let task = Task(executorPreference: loop) { await self.learnAll() }
        learning = task
        await task.value
    }

    private func learnAll() async {
        defer { learning = nil }
        if (try? await pipelines()) != nil { learntAt = loop.clock.now }
    }
}
