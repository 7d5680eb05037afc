import EventLoop
import HeadwayCore
import HeadwayWire
import Redis

/// Plays the aggregator: owns partitions, commits images, publishes notices, or forgets to.
actor TestWriter {
    let keyspace: Keyspace
    let client: RedisClient
    private var controls: [Control]
    private var beating: Task<Void, Never>?

    init(_ keyspace: Keyspace, _ endpoint: RedisEndpoint, on loop: EventLoop) {
        self.keyspace = keyspace
        client = RedisClient(endpoint, on: loop, name: "writer")
        controls = (0..<keyspace.partitions).map { partition in
            var control = Control()
            control.owner = "writer"
            control.nonce = "n\(partition)"
            control.fence = 1
            control.epoch = "e1"
            return control
        }
    }

    // MARK: Owning

    /// Takes every partition.
    func own() async throws { for partition in 0..<keyspace.partitions { try await commit(partition) } }

    /// A commit in every partition every so often, as an idle owner makes it.
    func startBeating(every pause: Duration = .milliseconds(150)) {
        beating = Task {
            while !Task.isCancelled {
                try? await own()
                try? await Task.sleep(for: pause)
            }
        }
    }

    func stopBeating() async {
        beating?.cancel()
        await beating?.value
        beating = nil
    }

    /// As after a failover: another history.
    func newEpoch(_ epoch: String) {
        for partition in controls.indices { controls[partition].epoch = epoch }
    }

    // MARK: Committing

    struct Change {
        var jobs: [JobState] = []
        var tombstones: [(JobID, JobRecord.Tombstone)] = []
        var shares: [BulkShare] = []
        var timelines: [(JobID, [TimelineEntry])] = []
    }

    func put(_ jobs: JobState..., publish: Bool = true) async throws {
        for (partition, group) in Dictionary(grouping: jobs, by: { keyspace.partition(of: $0.id) }) {
            try await commit(partition, Change(jobs: group), publish: publish)
        }
    }

    func put(_ shares: [Int: BulkShare], publish: Bool = true) async throws {
        for (partition, share) in shares {
            try await commit(partition, Change(shares: [share]), publish: publish)
        }
    }

    /// One transaction, as `CommitWriter` makes it.
    func commit(_ partition: Int, _ change: Change = Change(), publish: Bool = true) async throws {
        let time = try await client.send("TIME")
        let parts = time.elements?.compactMap(\.number) ?? [0, 0]
        controls[partition].commit += 1
        controls[partition].beat += 1
        controls[partition].watermark = Timestamp(milliseconds: Int64(parts[0] * 1000 + parts[1] / 1000))
        let control = controls[partition]

        var batch = CommandBatch()
        batch.add("MULTI")
        var changes: [ChangeNotice.Change] = []
        for job in change.jobs {
            batch.add("DEL", keyspace.job(partition, job.id))
            hash(keyspace.job(partition, job.id), &batch) { job.encode(into: &$0) }
            if let bulk = job.bulk {
                let score = MemberScore(job.status, at: job.updatedAt)
                batch.add("ZADD", keyspace.members(partition, bulk), score.text, job.id.description)
            }
            changes.append(ChangeNotice.Change(.job(job.id), version: job.version))
        }
        for (id, tombstone) in change.tombstones {
            batch.add("DEL", keyspace.job(partition, id))
            batch.add("SET", keyspace.tombstone(partition, id), tombstone.text)
        }
        for (id, entries) in change.timelines {
            for entry in entries { batch.add("RPUSH", keyspace.timeline(partition, id), entry.text) }
        }
        for share in change.shares {
            batch.add("DEL", keyspace.bulk(partition, share.id))
            hash(keyspace.bulk(partition, share.id), &batch) { share.encode(into: &$0) }
            if let home = share.home {
                batch.add(
                    "ZADD", keyspace.bulks(partition), "\(home.createdAt.milliseconds)", share.id.description)
            }
            changes.append(ChangeNotice.Change(.bulk(share.id), version: share.version))
        }
        hash(keyspace.control(partition), &batch) { control.encode(into: &$0) }
        if publish {
            let notice = ChangeNotice(epoch: control.epoch, commit: control.commit, changes: changes)
            batch.add("PUBLISH", keyspace.changes(partition), notice.text)
        }
        batch.add("EXEC")
        let replies = try await client.send(batch)
        if let error = batch.firstError(in: replies) { throw error }
    }

    private func hash(_ key: String, _ batch: inout CommandBatch, _ encode: (inout FieldBuffer) -> Void) {
        var fields = FieldBuffer()
        encode(&fields)
        batch.begin("HSET", argumentCount: 1 + 2 * fields.count)
        batch.append(key)
        for (name, value) in fields {
            batch.append(name)
            batch.append(value)
        }
    }

    func store(_ document: PipelineDocument) async throws {
        var fields = FieldBuffer()
        PipelineShelf.encode(document, into: &fields)
        var batch = CommandBatch()
        batch.begin("HSET", argumentCount: 1 + 2 * fields.count)
        batch.append(keyspace.pipelines)
        for (name, value) in fields {
            batch.append(name)
            batch.append(value)
        }
        _ = try await client.send(batch)
    }

    func send(_ arguments: String...) async throws -> RESPValue {
        var batch = CommandBatch()
        batch.add(arguments[0], arguments.dropFirst())
        return try await client.send(batch)[0]
    }

    func close() async {
        await stopBeating()
        await client.close()
    }
}
