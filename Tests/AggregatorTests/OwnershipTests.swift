import EventLoop
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

@Suite("Ownership", .timeLimit(.minutes(2)))
struct OwnershipTests {
    @Test("an owner that stops hands its partitions over at once")
    func handOver() async throws {
        let fixture = try await Fixture()
        let first = fixture.aggregator("first", lease: .seconds(30))
        let second = fixture.aggregator("second", lease: .seconds(30))
        await first.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.settleDown()
        await second.start()
        await first.stop()
        try await fixture.publish("job.completed", "a")
        // Far sooner than the lease.
        #expect(
            await eventually(within: .seconds(10)) { (try? await fixture.job("a"))?.status == .completed })
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.control(0))?.owner == "second" })
        await second.stop()
        await fixture.stop()
    }

    @Test("newcomers get an even share while counting goes on; whoever leaves gives its share back")
    func evenShares() async throws {
        let fixture = try await Fixture(partitions: 8)
        let names = ["first", "second", "third"]
        let gaps = Locked([Duration]())
        let released = Locked([Int: ContinuousClock.Instant]())
        let fleet = names.map { name in
            var options = AggregatorOptions(endpoint: fixture.server.endpoint, instance: name)
            options.lease = .seconds(2)
            return Aggregator(keyspace: fixture.keyspace, options: options, on: [fixture.loop]) { notice in
                switch notice {
                case .released(let partition, .some): released.withLock { $0[partition] = .now }
                case .took(let partition, _, _):
                    if let start = released.withLock({ $0.removeValue(forKey: partition) }) {
                        gaps.withLock { $0.append(start.duration(to: .now)) }
                    }
                default: break
                }
            }
        }
        let publisher = Task {
            // All the while: a start every few milliseconds, over all partitions.
            var published = 0
            while !Task.isCancelled {
                try await fixture.publish("job.started", "j\(published)", ["pipeline": "book", "bulk": "b"])
                published += 1
                try? await Task.sleep(for: .milliseconds(5))
            }
            return published
        }
        func owned() async -> [Int] {
            var counts: [Int] = []
            for aggregator in fleet { counts.append(await aggregator.stats().count { $0.isOwner }) }
            return counts
        }
        await fleet[0].start()
        #expect(await eventually(within: .seconds(10)) { await owned() == [8, 0, 0] })
        await fleet[1].start()
        #expect(await eventually(within: .seconds(20)) { await owned() == [4, 4, 0] })
        await fleet[2].start()
        #expect(await eventually(within: .seconds(20)) { await owned().sorted() == [2, 3, 3] })
        await fleet[1].stop()
        #expect(await eventually(within: .seconds(20)) { await owned().sorted() == [0, 4, 4] })
        publisher.cancel()
        let published = try await publisher.value
        try await fixture.settleDown()
        let bulk = try await fixture.bulk("b")
        #expect(bulk.counts.registered == published)
        #expect(bulk.counts.running == published)
        let fenced = await fleet[0].stats().map(\.fenced).reduce(0, +)
        #expect(fenced == 0, "a clean hand-over fences nobody")
        // The heir looks every 200 to 250 ms, whatever the lease.
        let handOvers = gaps.withLock { $0.sorted() }
        #expect(handOvers.count >= 6)
        #expect(handOvers[handOvers.count / 2] < .milliseconds(500), "\(handOvers)")
        for aggregator in [fleet[0], fleet[2]] { await aggregator.stop() }
        #expect(try await fixture.send("HLEN", fixture.keyspace.aggregators).integer == 0)
        await fixture.stop()
    }

    @Test("a Redis that refuses writes is asked ever more rarely, and all goes on once it accepts them")
    func fullRedis() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let aggregator = fixture.aggregator(notices: notices)
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.settleDown()
        try await fixture.send("CONFIG", "SET", "maxmemory", "1")
        try #require(await eventually { notices.texts.contains { $0.contains("OOM") } })
        try await fixture.loop.sleep(for: .seconds(3))
        // At full jitter under the first step alone it would be a hundred.
        #expect(notices.texts.count { $0.contains("OOM") } < 25)
        try await fixture.send("CONFIG", "SET", "maxmemory", "0")
        try await fixture.publish("job.completed", "a")
        #expect(
            await eventually(within: .seconds(10)) { (try? await fixture.job("a"))?.status == .completed })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("entries far larger than a batch are read a few at a time, and the partition goes on")
    func hugeEntries() async throws {
        let fixture = try await Fixture(partitions: 1)
        let filler = String(repeating: "x", count: 4 << 20)
        for _ in 0..<80 { try await fixture.publish("job.started", "a", ["message": filler]) }
        try await fixture.publish("job.started", "b", ["pipeline": "book"])
        let aggregator = fixture.aggregator()
        await aggregator.start()
        #expect(await eventually(within: .seconds(40)) { (try? await fixture.job("b"))?.status == .running })
        #expect(await aggregator.stats()[0].rejected["too_large"] == 80)
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a zombie cannot write: whoever took the partition in between makes its commit void")
    func zombie() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let owner = fixture.aggregator("zombie", lease: .seconds(60), notices: notices)
        await owner.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.settleDown()
        var control = try await fixture.control(0)
        // Somebody else takes it, as a take-over would write it.
        control.owner = "other"
        control.nonce = "other-nonce"
        control.fence += 1
        control.commit += 1
        var fields = FieldBuffer()
        control.encode(into: &fields)
        var batch = CommandBatch()
        batch.begin("HSET", argumentCount: 1 + 2 * fields.count)
        batch.append(fixture.keyspace.control(0))
        batch.append(fields)
        _ = try await fixture.connection.send(batch)
        let before = try await fixture.job("a")
        try await fixture.publish("job.completed", "a")

        #expect(await eventually { notices.texts.contains { $0.contains("another instance took it") } })
        #expect(await owner.stats()[0].fenced >= 1)
        #expect(try await fixture.control(0) == control)
        #expect(try await fixture.job("a") == before)
        await owner.stop()
        #expect(try await fixture.control(0) == control)
        await fixture.stop()
    }

    @Test("an error inside an accepted commit stops the partition and says so; it is never called committed")
    func halts() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        try await fixture.send("SET", fixture.keyspace.timeline(0, JobID(unchecked: "a")), "not a list")
        let owner = fixture.aggregator(notices: notices)
        await owner.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        #expect(
            await eventually { notices.texts.contains { $0.contains("HALTED") && $0.contains("WRONGTYPE") } })
        #expect(await owner.stats()[0].haltedReason != nil)
        await owner.stop()
        await fixture.stop()
    }

    @Test(
        "a job that cannot be read is set aside: its events are refused whole, all others go on, and once it is mended it goes on too",
        arguments: ["a field", "a type"])
    func quarantined(_ what: String) async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let id = JobID(unchecked: "a")
        let key = fixture.keyspace.job(0, id)
        let first = fixture.aggregator()
        await first.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book", "bulk": "b", "attempt": "1"])
        try await fixture.settleDown()
        await first.stop()
        let copy = try await fixture.send("HGETALL", key).pairs.map { pair in
            (String(decoding: pair.name, as: UTF8.self), String(decoding: pair.value, as: UTF8.self))
        }
        if what == "a field" {
            try await fixture.send("HSET", key, "status", "nonsense")
        } else {
            try await fixture.send("SET", key, "no hash")
        }
        // Its silence comes due as well.
        try await fixture.send("ZADD", fixture.keyspace.active(0), "1", "a")

        let owner = fixture.aggregator("b", notices: notices)
        await owner.start()
        try await fixture.publish("stage.started", "a", ["stage": "write", "attempt": "1"])
        for number in 0..<5 {
            try await fixture.publish("job.started", "c\(number)", ["pipeline": "book", "bulk": "b"])
            try await fixture.publish("job.completed", "c\(number)")
        }
        try await fixture.settleDown()
        #expect(try await fixture.bulk("b").counts == BulkCounts(running: 1, completed: 5))
        #expect(try await fixture.recount("b") == BulkCounts(running: 1, completed: 5))
        let refused = try await fixture.rejected()
        #expect(refused.map(\.reason) == ["unreadable_state"])
        #expect(refused.first?.detail?.contains(key) == true)
        #expect(
            refused.first.map { Array($0.event.map { String(decoding: $0.value, as: UTF8.self) }) }?.contains(
                "write") == true)
        #expect(await owner.stats()[0].quarantined == 1)
        #expect(await owner.stats()[0].haltedReason == nil)
        #expect(notices.texts.filter { $0.contains("one job is set aside") && $0.contains(key) }.count == 1)
        #expect(try await fixture.control(0).next != Control.halted)

        // Its bulk counts it as it was counted last, also when it is counted anew.
        var recount = FieldBuffer()
        ProgressEvent(BulkID(unchecked: "b"), .recount).encode(into: &recount)
        var batch = CommandBatch()
        batch.begin("XADD", argumentCount: 2 + 2 * recount.count)
        batch.append(fixture.keyspace.events(0))
        batch.append("*")
        batch.append(recount)
        _ = try await fixture.connection.send(batch)
        #expect(
            await eventually(within: .seconds(20)) { notices.texts.contains { $0.contains("it was right") } },
            "\(notices.texts)")
        #expect(await owner.stats()[0].haltedReason == nil)

        // Mended by hand: the next word is heard.
        try await fixture.send("DEL", key)
        for (name, value) in copy { try await fixture.send("HSET", key, name, value) }
        try await fixture.publish("stage.started", "a", ["stage": "print", "attempt": "1"])
        #expect(
            await eventually(within: .seconds(20)) {
                (try? await fixture.job("a"))??.position?.stage == "print"
            })
        #expect(await owner.stats()[0].quarantined == 0)
        await owner.stop()
        await fixture.stop()
    }

    @Test("a finished job that is written again after its hash has expired does not come back for ever")
    func expiresAgain() async throws {
        let fixture = try await Fixture(partitions: 1)
        let owner = fixture.aggregator()
        await owner.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.publish("job.completed", "a")
        try await fixture.settleDown()
        let key = fixture.keyspace.job(0, JobID(unchecked: "a"))
        let before = try #require(try await fixture.send("PTTL", key).integer)
        #expect(before > 0)
        // As its retention would; the owner still has it in mind.
        try await fixture.send("DEL", key)
        try await fixture.publish("job.queued", "a", ["pipeline": "book", "label": "Late label"])
        #expect(
            await eventually(within: .seconds(10)) { (try? await fixture.job("a"))??.label == "Late label" })
        let after = try #require(try await fixture.send("PTTL", key).integer)
        #expect(after > 0 && after <= before)
        await owner.stop()
        await fixture.stop()
    }

    @Test("Redis killed and restarted in mid-run: every event counts once, and readers see a new epoch")
    func redisRestart() async throws {
        let fixture = try await Fixture(partitions: 2, appendOnly: .always)
        let aggregator = fixture.aggregator()
        await aggregator.start()
        for number in 0..<50 {
            try await fixture.publish("job.started", "j\(number)", ["pipeline": "book", "bulk": "b"])
        }
        let epoch = try await fixture.control(0).epoch
        await fixture.server.kill()
        try await fixture.server.restart()
        let again = try await RedisConnection.connect(to: fixture.server.endpoint, on: fixture.loop)
        for number in 0..<50 {
            let id = JobID(unchecked: "j\(number)")
            var batch = CommandBatch()
            batch.add(
                "XADD", fixture.keyspace.events(fixture.keyspace.partition(of: id)), "*", "type",
                "job.completed",
                "subject", id.description)
            _ = try await again.send(batch)
        }
        let key = fixture.keyspace
        let isDone = await eventually(within: .seconds(20)) {
            var batch = CommandBatch()
            for partition in 0..<2 {
                batch.add("HGET", key.bulk(partition, BulkID(unchecked: "b")), "completed")
            }
            let replies = (try? await again.send(batch)) ?? []
            return replies.compactMap(\.number).reduce(0, +) == 50
        }
        #expect(isDone)
        var batch = CommandBatch()
        batch.add("HGET", key.control(0), "epoch")
        let newEpoch = try await again.send(batch)[0].string
        #expect(newEpoch != nil && newEpoch != epoch)
        await aggregator.stop()
        await again.close()
        await fixture.stop()
    }

    @Test("a frozen owner is taken over after the lease, and on waking it is fenced and steps back")
    func frozen() async throws {
        let fixture = try await Fixture(partitions: 1)
        // Its own loop, so that it can be frozen alone.
        let coldLoop = EventLoop(name: "cold")
        var options = AggregatorOptions(endpoint: fixture.server.endpoint, instance: "cold")
        options.lease = .seconds(1)
        options.block = .milliseconds(20)
        let cold = Aggregator(keyspace: fixture.keyspace, options: options, on: [coldLoop])
        await cold.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.settleDown()
        let warm = fixture.aggregator("warm", lease: .seconds(1))
        await warm.start()
        let gate = Locked(true)
        coldLoop.submit { while gate.withLock({ $0 }) { usleep(10_000) } }
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.control(0))?.owner == "warm" })
        try await fixture.publish("job.completed", "a")
        try await fixture.settleDown()
        gate.withLock { $0 = false }
        #expect(await eventually(within: .seconds(10)) { await cold.stats()[0].fenced >= 1 })
        #expect(try await fixture.control(0).owner == "warm")
        #expect(try await fixture.job("a")?.status == .completed)
        await cold.stop()
        await warm.stop()
        await coldLoop.stop()
        await fixture.stop()
    }
}

@Suite("What an owner notices", .timeLimit(.minutes(1)))
struct NoticeTests {
    @Test("unread entries that somebody else trimmed are counted as lost, and told")
    func rogueTrim() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let first = fixture.aggregator(notices: notices)
        await first.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.settleDown()
        await first.stop()
        for number in 0..<5 { try await fixture.publish("job.started", "j\(number)", ["pipeline": "book"]) }
        try await fixture.send("XTRIM", fixture.keyspace.events(0), "MAXLEN", "2")

        let second = fixture.aggregator("b", notices: notices)
        await second.start()
        #expect(
            await eventually(within: .seconds(10)) {
                notices.texts.contains { $0.contains("3 unread entries were removed") }
            })
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.control(0))?.lost == 3 })
        try await fixture.settleDown()
        await second.stop()
        await fixture.stop()
    }

    @Test(
        "a stream that was deleted and began anew with lower ids is read from its beginning, in a new epoch")
    func deletedStream() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let aggregator = fixture.aggregator(notices: notices)
        await aggregator.start()
        let events = fixture.keyspace.events(0)
        // As after Redis' clock was far ahead.
        try await fixture.send(
            "XADD", events, "99999999999999-1", "type", "job.started", "subject", "old", "attempt", "1",
            "pipeline", "book")
        try await fixture.settleDown()
        let epoch = try await fixture.control(0).epoch

        try await fixture.send("DEL", events)
        // More than a node of the stream holds, so that a trim behind the old checkpoint would take some.
        for number in 1...300 {
            try await fixture.publish("job.started", "new-\(number)", ["attempt": "1", "pipeline": "book"])
        }
        try await fixture.settleDown()
        for number in 1...300 { #expect(try await fixture.job("new-\(number)")?.status == .running) }
        let control = try await fixture.control(0)
        #expect(control.epoch != epoch)
        #expect(control.consumed == 300)
        #expect(control.lost == 0)
        #expect(notices.texts.contains { $0.contains("its stream was deleted") })
        await aggregator.stop()

        // The same while nobody owns the partition.
        try await fixture.send("DEL", events)
        try await fixture.send(
            "XADD", events, "5-0", "type", "job.completed", "subject", "new-1", "attempt", "1")
        for number in 2...300 {
            try await fixture.send(
                "XADD", events, "5-*", "type", "job.completed", "subject", "new-\(number)", "attempt", "1")
        }
        let next = fixture.aggregator("b", notices: notices)
        await next.start()
        #expect(await eventually { (try? await fixture.job("new-300"))?.status == .completed })
        for number in 1...300 { #expect(try await fixture.job("new-\(number)")?.status == .completed) }
        await next.stop()
        await fixture.stop()
    }

    @Test(
        "a stream that was deleted while nobody owned it is known by its lack of our mark, whatever came since"
    )
    func unknownStream() async throws {
        let fixture = try await Fixture(partitions: 1)
        let events = fixture.keyspace.events(0)
        let first = fixture.aggregator()
        await first.start()
        try await fixture.send(
            "XADD", events, "1000-0", "type", "job.started", "subject", "old", "attempt", "1", "pipeline",
            "book")
        try await fixture.settleDown()
        let epoch = try await fixture.control(0).epoch
        await first.stop()
        try await fixture.send("DEL", events)
        // Before and behind the checkpoint, and more than were ever read.
        for id in ["500-0", "600-0", "2000-0"] {
            try await fixture.send(
                "XADD", events, id, "type", "job.started", "subject", "at-\(id)", "attempt", "1", "pipeline",
                "book")
        }
        let second = fixture.aggregator("b")
        await second.start()
        #expect(await eventually { (try? await fixture.job("at-2000-0"))?.status == .running })
        #expect(try await fixture.job("at-500-0")?.status == .running)
        #expect(try await fixture.job("at-600-0")?.status == .running)
        let control = try await fixture.control(0)
        #expect(control.epoch != epoch)
        #expect(control.lost == 0)
        await second.stop()
        await fixture.stop()
    }

    @Test("an owner that leaves at once leaves the stream marked, so that the next one reads on")
    func markedByLeaver() async throws {
        let fixture = try await Fixture(partitions: 1)
        for name in ["a", "b", "c"] {
            try await fixture.publish("job.started", name, ["pipeline": "book"])
            let owner = fixture.aggregator(name)
            await owner.start()
            try await fixture.settleDown()
            await owner.stop()
        }
        let control = try await fixture.control(0)
        #expect(control.consumed == 3)
        #expect(control.lost == 0)
        #expect(try await fixture.send("XINFO", "GROUPS", fixture.keyspace.events(0)).elements?.count == 1)
        await fixture.stop()
    }

    @Test(
        "a stream bears our mark before it is stored that anything of it was read: a crash right after is no loss"
    )
    func markedBeforeStored() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let (events, control) = (fixture.keyspace.events(0), fixture.keyspace.control(0))
        let owner = fixture.aggregator(notices: notices)
        await owner.start()
        #expect(await eventually { (try? await fixture.control(0))?.owner == "a" })
        for round in 1...5 {
            try await fixture.send("DEL", events, control)
            #expect(await eventually { (try? await fixture.control(0))?.owner == "a" })
            // Its trims have met no stream.
            let commits = try await fixture.control(0).commit
            #expect(await eventually { ((try? await fixture.control(0))?.commit ?? 0) > commits + 1 })
            let epoch = try await fixture.control(0).epoch
            try await fixture.publish("job.started", "j\(round)", ["pipeline": "book"])
            // Both of one moment, as a crash would leave them.
            var look = CommandBatch()
            look.add("MULTI")
            look.add("HGET", control, "consumed")
            look.add("XINFO", "GROUPS", events)
            look.add("EXEC")
            let groups = Locked<Int?>(nil)
            let isRead = await eventually {
                guard let seen = try? await fixture.connection.send(look).last?.elements.map(Array.init),
                    seen[0].number == 1
                else { return false }
                groups.withLock { $0 = seen[1].elements?.count }
                return true
            }
            #expect(isRead)
            #expect(groups.withLock { $0 } == 1, "round \(round)")
            let fence = try await fixture.control(0).fence
            try await fixture.send("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "yes")
            #expect(await eventually { ((try? await fixture.control(0))?.fence ?? 0) > fence })
            try await fixture.publish("job.completed", "j\(round)")
            try await fixture.settleDown()
            #expect(try await fixture.control(0).epoch == epoch)
        }
        #expect(!notices.texts.contains { $0.contains("its stream was deleted") }, "\(notices.texts)")
        await owner.stop()
        await fixture.stop()
    }

    @Test("a user that may not mark the stream is told so")
    func mayNotMark() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        try await fixture.send("ACL", "SETUSER", "default", "-xgroup")
        let owner = fixture.aggregator(notices: notices)
        await owner.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        try await fixture.settleDown()
        #expect(await eventually { notices.texts.contains { $0.contains("grant XGROUP CREATE") } })
        await owner.stop()
        await fixture.stop()
    }

    @Test(
        "a stream that began anew is known by its lack of our mark, also when somebody else has a group there"
    )
    func foreignGroup() async throws {
        let fixture = try await Fixture(partitions: 1)
        let notices = Notices()
        let events = fixture.keyspace.events(0)
        let owner = fixture.aggregator(notices: notices)
        await owner.start()
        try await fixture.send(
            "XADD", events, "1000-0", "type", "job.started", "subject", "old", "pipeline", "book")
        try await fixture.settleDown()
        // At one moment: longer than what was read, and with higher ids.
        var batch = CommandBatch()
        batch.add("MULTI")
        batch.add("DEL", events)
        for id in ["500-0", "2000-0", "2001-0"] {
            batch.add(
                "XADD", events, id, "type", "job.started", "subject", "at-\(id)", "pipeline", "book")
        }
        batch.add("XGROUP", "CREATE", events, "somebody", "$")
        batch.add("EXEC")
        _ = try await fixture.connection.send(batch)
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await fixture.job("at-500-0"))??.status == .running
            })
        #expect(await eventually { notices.texts.contains { $0.contains("its stream was deleted") } })
        #expect(
            await eventually {
                (try? await fixture.send("XINFO", "GROUPS", events))?.elements?.count == 2
            })
        // Once, not at every trim.
        try await fixture.loop.sleep(for: .milliseconds(2500))
        #expect(notices.texts.count { $0.contains("its stream was deleted") } == 1)
        await owner.stop()
        await fixture.stop()
    }

    @Test("a standby looks often enough for its looks to count, with a short lease and slow replies too")
    func glances() {
        for milliseconds in [200, 500, 1_000, 5_000, 60_000] {
            var options = AggregatorOptions(endpoint: RedisEndpoint(.unix(path: "")), instance: "a")
            options.lease = .milliseconds(milliseconds)
            #expect(options.glance(jitter: 1) * 2 < options.lease / 4)
        }
    }

    @Test("a halted partition stands still for every instance until a person has looked")
    func haltedStands() async throws {
        let fixture = try await Fixture(partitions: 1)
        try await fixture.send("SET", fixture.keyspace.timeline(0, JobID(unchecked: "a")), "not a list")
        let owner = fixture.aggregator(lease: .milliseconds(300))
        await owner.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book"])
        #expect(
            await eventually(within: .seconds(10)) { (try? await fixture.control(0))?.next == Control.halted }
        )
        let halted = try await fixture.control(0)
        let standby = fixture.aggregator("b", lease: .milliseconds(300))
        await standby.start()
        try await fixture.publish("job.started", "c", ["pipeline": "book"])
        // Several leases long nobody takes it.
        try await fixture.loop.sleep(for: .milliseconds(1500))
        #expect(try await fixture.control(0) == halted)
        try await fixture.send("DEL", fixture.keyspace.timeline(0, JobID(unchecked: "a")))
        try await fixture.send("HSET", fixture.keyspace.control(0), "next", "")
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.job("c"))?.status == .running })
        await owner.stop()
        await standby.stop()
        await fixture.stop()
    }
}
