import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

/// Tells webhooks how often jobs were looked at: one summary per pipeline and period, never one per poll.
///
/// The summary goes into the outbox of the pipeline's partition, and whoever owns that posts it, as it posts the
/// ends of jobs: signed, retried, kept through a crash. This process posts nothing itself.
extension ReadAPI {
    /// Begins a period, again and again; nothing where nobody asked for it.
    func countPollPeriods() {
        guard let period = options.pollSummaries, !isStopped else { return }
        Task { [weak self] in
            await self?.tellPolls()
            await self?.waitForPolls(period)
        }
    }

    private func waitForPolls(_ period: Duration) {
        loop.schedule(after: period) { [weak self] in self?.assumeIsolated { $0.countPollPeriods() } }
    }

    /// Cuts what was counted and adds it to the outboxes. What cannot be added now is added the next time, the very
    /// same: an outbox may then have it twice, under one `summary`.
    func tellPolls() async {
        guard options.pollSummaries != nil, !isTellingPolls else { return }
        isTellingPolls = true
        defer { isTellingPolls = false }
        do throws(ReadError) {
            let now = try await appender.redisTime()
            // While some wait nothing new is cut, so no more than one period's are ever held.
            if waitingPolls.isEmpty { waitingPolls = polls.cut([stats.jobPolls, stats.viewPolls], at: now) }
            guard !waitingPolls.isEmpty else { return }
            let added = try await appender.addToOutbox(
                waitingPolls.map { (place: $0.pipeline, entry: $0.entry) })
            waitingPolls = zip(waitingPolls, added).filter { !$0.1 }.map(\.0)
            refusedPolls = nil
        } catch {
            // That Redis is away everything else of this process says; counted is what was polled all the same. What
            // it refuses for good, such as a right that this user lacks, is nobody else's to say.
            guard case .redis(let refusal) = error, refusal.outcome == .fatal, refusal != refusedPolls else {
                return
            }
            refusedPolls = refusal
            options.onRefusedPolls?(refusal)
        }
    }
}

extension EventAppender {
    func redisTime() async throws(ReadError) -> Timestamp {
        var batch = CommandBatch()
        batch.add("TIME")
        let parts = try await replies(batch)[0].elements.map(Array.init) ?? []
        guard parts.count == 2, let seconds = parts[0].string.flatMap({ Int64($0) }),
            let micros = parts[1].string.flatMap({ Int64($0) })
        else { throw .redis(RedisError(.unexpectedReply, command: "TIME", detail: "not a time")) }
        return Timestamp(milliseconds: seconds &* 1000 &+ micros / 1000)
    }

    /// Adds webhooks to the outboxes of the partitions that their places name, as an id names its own.
    ///
    /// - Returns: for each whether it was added: not to an outbox that is full, since the oldest would have to go,
    ///   and an owner alone may say that.
    func addToOutbox(_ news: [(place: String, entry: OutboxEntry)]) async throws(ReadError) -> [Bool] {
        let keys = news.map { keyspace.outbox(keyspace.partition(of: JobID(unchecked: $0.place))) }
        var asking = CommandBatch()
        for key in keys { asking.add("XLEN", key) }
        let lengths = try await replies(asking).map { $0.integer ?? 0 }
        let hasRoom = lengths.map { $0 < OutboxEntry.limit }
        var batch = CommandBatch()
        var fields = FieldBuffer()
        for (place, key) in keys.enumerated() where hasRoom[place] {
            fields.removeAll(keepingCapacity: true)
            news[place].entry.encode(into: &fields)
            batch.begin("XADD", argumentCount: 2 + 2 * fields.count)
            batch.append(key)
            batch.append("*")
            for (name, value) in fields {
                batch.append(name)
                batch.append(value)
            }
        }
        if !batch.isEmpty { _ = try await replies(batch) }
        return hasRoom
    }

    private func replies(_ batch: CommandBatch) async throws(ReadError) -> [RESPValue] {
        do throws(RedisError) {
            let replies = try await client.send(batch)
            if let error = batch.firstError(in: replies) { throw error }
            return replies
        } catch {
            throw .redis(error)
        }
    }
}
