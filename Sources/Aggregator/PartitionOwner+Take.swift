import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

extension PartitionOwner {
    /// Looks at the partition's control hash and takes it when it may be taken.
    ///
    /// - Returns: the memory to serve with, read after the take; nil when somebody else owns it.
    func take(on connection: RedisConnection) async throws(Loss) -> PartitionMemory? {
        // A standby looks several times a second: one cheap question while there is nothing to take.
        var glance = CommandBatch()
        glance.add("HGETALL", keyspace.control(partition))
        let glanced = try await exchange(glance, on: connection)
        try refuseErrors(in: glanced, of: glance)
        let shown = try control(glanced[0])
        if shown.map({ $0.format <= Control.format }) ?? true,
            watch.observe(shown, at: loop.clock.now) == .wait
        {
            return nil
        }
        var look = CommandBatch()
        look.add("WATCH", keyspace.control(partition))
        look.add("HGETALL", keyspace.control(partition))
        look.add("TIME")
        look.add("INFO", "replication")
        look.add("XINFO", "STREAM", keyspace.events(partition))
        let sentAt = loop.clock.now
        let seen = try await exchange(look, on: connection)
        let receivedAt = loop.clock.now
        var checked = seen
        // A stream that nobody has written to yet has nothing to tell.
        if checked[4].error != nil { checked[4] = seen[3] }
        try refuseErrors(in: checked, of: look)
        let stored = try control(seen[1])
        if let format = stored?.format, format > Control.format {
            throw .halted("the namespace was written by a newer Headway (format \(format)); upgrade this one")
        }
        guard watch.observe(stored, at: loop.clock.now) == .take, let redisTime = time(seen[2]) else {
            var unwatch = CommandBatch()
            unwatch.add("UNWATCH")
            _ = try await exchange(unwatch, on: connection)
            return nil
        }

        let replication = replicationID(seen[3])
        let isNewEpoch =
            stored == nil || stored?.replicationID != replication || stored?.epoch.isEmpty == true
        var control = stored ?? Control()
        control.owner = options.instance
        control.nonce = randomWord()
        control.next = nil
        control.fence += 1
        control.beat += 1
        control.commit += 1
        control.format = Control.format
        control.replicationID = replication
        if isNewEpoch { control.epoch = newEpoch() }

        // A stream that was read bears our mark; one without it was deleted meanwhile, and is another.
        let wasRead = stored.map { $0.consumed > 0 } ?? false
        // A full Redis refuses the take itself: what the stored checkpoint is past is let go first.
        if let stored {
            var trim = CommandBatch()
            addTrim(by: stored, isMarked: wasRead, to: &trim)
            try refuseErrors(in: try await exchange(trim, on: connection), of: trim)
        }

        let isOutage = PartitionMemory.isOutage(since: stored, redis: redisTime, isNewEpoch: isNewEpoch)
        let clock = PartitionClock(
            skew: control.skew, watermark: control.watermark, redis: redisTime, read: (sentAt, receivedAt))
        control.skew = clock.skew
        control.watermark = clock.now
        // With the take: whoever comes next finds a partition that was owned a moment ago.
        if isOutage || stored == nil { control.silenceFloor = clock.now }

        var fields = FieldBuffer()
        control.encode(into: &fields)
        var taking = CommandBatch()
        let begin = taking.count
        taking.add("MULTI")
        taking.begin("HSET", argumentCount: 1 + 2 * fields.count)
        taking.append(keyspace.control(partition))
        taking.append(fields)
        taking.begin("PUBLISH", argumentCount: 2)
        taking.append(keyspace.changes(partition))
        taking.append(
            ChangeNotice(epoch: control.epoch, commit: control.commit, changes: [ChangeNotice.Change]()).bytes
        )
        taking.add("EXEC")
        taking.add("HGETALL", keyspace.sources(partition))
        taking.add("SMEMBERS", keyspace.errands(partition))
        taking.add("HGETALL", keyspace.durations(partition))
        taking.add("HGETALL", keyspace.census(partition))
        taking.add("ZCARD", keyspace.active(partition))
        let taken = try await exchange(taking, on: connection)
        // Somebody was faster: EXEC is nil.
        guard !taken[begin + 3].isNull else { return nil }
        try refuseErrors(in: taken, of: taking)
        watch.ownNonce = control.nonce
        stats.fence = control.fence
        stats.takeovers += 1
        stats.haltedReason = nil
        notify(.took(partition: partition, fence: control.fence, newEpoch: isNewEpoch))

        try await refreshCatalog(on: connection)
        var memory = PartitionMemory(
            control: control, clock: clock, sources: sources(taken[begin + 4]),
            jobs: JobCache(capacity: options.cachedJobs), judgeFrom: clock.now)
        memory.isStreamMarked = wasRead
        memory.beginListening(isFirst: stored == nil, isOutage: isOutage, longestSilence: longestSilence)
        memory.durations = DurationBook(fields: taken[begin + 6].pairs)
        memory.census = Census(fields: taken[begin + 7].pairs)
        if memory.census.total != taken[begin + 8].integer ?? 0 {
            try await countOpenJobs(&memory, on: connection)
        }
        try await load(
            shares: strings(taken[begin + 5]).compactMap(BulkID.init), into: &memory, on: connection)
        return memory
    }

    func refreshCatalog(on connection: RedisConnection) async throws(Loss) {
        do {
            try await catalogs.refresh { try await connection.send($0) }
        } catch let error as RedisError {
            throw .connection(error)
        } catch {
            throw .connection(RedisError(.unexpectedReply, command: "HGETALL", detail: "\(error)"))
        }
    }

    /// Writes into the control hash that nobody may go on, unless somebody else owns it by now. What was half
    /// written stays as it is for a person to look at.
    func leaveHalted(on connection: RedisConnection) async {
        var look = CommandBatch()
        look.add("WATCH", keyspace.control(partition))
        look.add("HGET", keyspace.control(partition), "nonce")
        guard let seen = try? await connection.send(look), seen[1].string == watch.ownNonce else { return }
        var mark = CommandBatch()
        mark.add("MULTI")
        mark.add("HSET", keyspace.control(partition), "next", Control.halted)
        mark.add("EXEC")
        _ = try? await connection.send(mark)
    }

    // MARK: Reading replies

    func refuseErrors(in replies: [RESPValue], of batch: CommandBatch) throws(Loss) {
        if let error = batch.firstError(in: replies) { try refuse(error) }
    }

    func refuse(_ error: RedisError) throws(Loss) {
        switch error.outcome {
        case .refused, .unknown: throw .refused(error)
        case .fatal: throw .halted("\(error)")
        }
    }

    private func control(_ reply: RESPValue) throws(Loss) -> Control? {
        guard let elements = reply.elements, elements.count > 0 else { return nil }
        do {
            return try Control(fields: elements.pairs)
        } catch {
            throw .halted("\(keyspace.control(partition)) is not readable: \(error)")
        }
    }

    func time(_ reply: RESPValue) -> Timestamp? {
        guard let parts = reply.elements, parts.count == 2,
            let seconds = parts[0].string.flatMap({ Int64($0) }),
            let micros = parts[1].string.flatMap({ Int64($0) })
        else { return nil }
        return Timestamp(milliseconds: seconds &* 1000 &+ micros / 1000)
    }

    private func replicationID(_ info: RESPValue) -> String {
        let line = (info.string ?? "").split(whereSeparator: \.isNewline).first {
            $0.hasPrefix("master_replid:")
        }
        return line.map { String($0.dropFirst("master_replid:".count)) } ?? "unknown"
    }

    func newEpoch() -> String { String(randomWord().prefix(8)) }

    /// 128 random bits in hex.
    private func randomWord() -> String {
        var dice = loop.dice
        let digits = (0..<2).map { _ in String(dice.next() | 1 << 63, radix: 16) }
        return digits.joined()
    }

    private func sources(_ reply: RESPValue) -> [String: SourceMark] {
        var marks: [String: SourceMark] = [:]
        for (name, value) in reply.pairs {
            marks[String(decoding: name, as: UTF8.self)] = try? SourceMark(text: value)
        }
        return marks
    }

    private func strings(_ reply: RESPValue) -> [String] {
        reply.elements?.compactMap(\.string) ?? []
    }
}
