import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import Aggregator

@Suite("Bulks over partitions", .timeLimit(.minutes(2)))
struct BulkTests {
    @Test("a bulk spread over all partitions is announced, sealed, settled, and kept by its home's sums")
    func settles() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator()
        await aggregator.start()
        for number in 0..<20 {
            try await fixture.publish("job.started", "j\(number)", ["pipeline": "book", "bulk": "spring"])
        }
        try await fixture.settleDown()
        // Nobody opened it: home hears of it from the shares that have members.
        #expect(await eventually { (try? await fixture.home("spring")) != nil })
        #expect(try await fixture.bulk("spring").phase == .open)
        for number in 0..<20 {
            let type = number % 5 == 0 ? "job.failed" : "job.completed"
            try await fixture.publish(type, "j\(number)", ["message": "done"])
        }
        try await fixture.publish("bulk.sealed", "spring", ["total": "20"])
        #expect(
            await eventually(within: .seconds(10)) { (try? await fixture.bulk("spring").phase) == .settled })
        let bulk = try await fixture.bulk("spring")
        #expect(bulk.counts == BulkCounts(completed: 16, failed: 4))
        #expect(bulk.text == "16 of 20")
        #expect(bulk.percent == 100)
        #expect(try await fixture.recount("spring") == bulk.counts)
        #expect(try await fixture.home("spring")?.settlement?.counts == bulk.counts)
        // Only now may it expire, home a day before the others.
        let id = BulkID(unchecked: "spring")
        let home = fixture.keyspace.partition(of: id)
        for partition in 0..<4 {
            let ttl = try await fixture.send("PTTL", fixture.keyspace.bulk(partition, id)).integer ?? 0
            #expect(ttl > (partition == home ? 6 : 7) * 24 * 3_600_000)
            #expect(ttl <= (partition == home ? 7 : 8) * 24 * 3_600_000)
        }
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a member that is tried again reopens a settled bulk as its next generation")
    func reopens() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book", "bulk": "b"])
        try await fixture.publish("job.failed", "a", ["message": "no"])
        try await fixture.publish("bulk.sealed", "b", ["total": "1"])
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.bulk("b").phase) == .settled })
        try await fixture.publish("job.started", "a", ["attempt": "2"])
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.bulk("b").phase) == .sealed })
        #expect(try await fixture.bulk("b").generation == 2)
        #expect(
            await eventually(within: .seconds(10)) {
                for partition in 0..<4 {
                    let key = fixture.keyspace.bulk(partition, BulkID(unchecked: "b"))
                    guard let ttl = try? await fixture.send("PTTL", key).integer, ttl < 0 else {
                        return false
                    }
                }
                return true
            })
        try await fixture.publish("job.completed", "a", ["attempt": "2"])
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.bulk("b").phase) == .settled })
        #expect(try await fixture.bulk("b").counts == BulkCounts(completed: 1))
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a member that is tried again after its bulk expired registers anew; no count falls below zero")
    func reopensExpired() async throws {
        let fixture = try await Fixture(partitions: 1)
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book", "bulk": "b"])
        try await fixture.publish("job.failed", "a", ["message": "no"])
        try await fixture.publish("bulk.sealed", "b", ["total": "1"])
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.bulk("b").phase) == .settled })
        await aggregator.stop()
        // As if the bulk's time had passed, and the job's, which may be longer, had not.
        let id = BulkID(unchecked: "b")
        try await fixture.send("DEL", fixture.keyspace.bulk(0, id), fixture.keyspace.members(0, id))

        let next = fixture.aggregator("next")
        await next.start()
        try await fixture.publish("job.started", "a", ["attempt": "2"])
        try await fixture.settleDown()
        #expect(try await fixture.job("a")?.status == .running)
        #expect(try await fixture.bulk("b").counts == BulkCounts(running: 1))
        #expect(try await fixture.recount("b") == BulkCounts(running: 1))
        await next.stop()
        await fixture.stop()
    }

    @Test("an empty sealed bulk settles at once")
    func empty() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("bulk.sealed", "nothing", ["total": "0"])
        #expect(
            await eventually(within: .seconds(10)) { (try? await fixture.bulk("nothing").phase) == .settled })
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a cancelled bulk cancels what is queued in every partition and flags what runs")
    func cancels() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator(batch: 7)
        await aggregator.start()
        try await fixture.publish("bulk.opened", "b", ["total": "60"])
        for number in 0..<60 {
            let type = number < 5 ? "job.started" : "job.queued"
            try await fixture.publish(type, "j\(number)", ["pipeline": "book", "bulk": "b"])
        }
        try await fixture.publish("bulk.cancelRequested", "b")
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await fixture.bulk("b").counts) == BulkCounts(running: 5, cancelled: 55)
            })
        #expect(try await fixture.recount("b") == BulkCounts(running: 5, cancelled: 55))
        // Each running one is asked by itself, so that one that does not answer meets its deadline.
        #expect(
            await eventually(within: .seconds(10)) {
                for number in 0..<5 where (try? await fixture.job("j\(number)"))?.isCancelRequested != true {
                    return false
                }
                return true
            })
        for partition in 0..<4 {
            let key = fixture.keyspace.bulk(partition, BulkID(unchecked: "b"))
            let share = try BulkShare(
                id: BulkID(unchecked: "b"), fields: try await fixture.send("HGETALL", key).pairs)
            #expect(share.isCancelling)
        }
        await aggregator.stop()
        await fixture.stop()
    }

    @Test("a sweep that an owner left half done is finished by the next one")
    func sweepSurvives() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator(batch: 500)
        await aggregator.start()
        // None at home, so that home has told everybody long before the sweep is done.
        let home = fixture.keyspace.partition(of: BulkID(unchecked: "b"))
        let ids = (0..<4000).map { "j\($0)" }.filter {
            fixture.keyspace.partition(of: JobID(unchecked: $0)) == (home + 1) % 4
        }
        try await fixture.publish("bulk.opened", "b", ["total": "\(ids.count)"])
        for id in ids { try await fixture.publish("job.queued", id, ["pipeline": "book", "bulk": "b"]) }
        try await fixture.settleDown()
        await aggregator.stop()

        let slow = fixture.aggregator("slow", batch: 1)
        await slow.start()
        try await fixture.publish("bulk.cancelRequested", "b")
        try #require(
            await eventually {
                guard let shares = try? await fixture.shares("b") else { return false }
                return shares.allSatisfy(\.errands.isEmpty) && shares.contains { $0.counts.cancelled > 0 }
            })
        await slow.stop()
        // What was to be told has been told; only the sweep itself is left.
        try #require(try await fixture.bulk("b").counts.queued > 0)

        let next = fixture.aggregator("next")
        await next.start()
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await fixture.bulk("b").counts) == BulkCounts(cancelled: ids.count)
            })
        for partition in 0..<4 {
            let key = fixture.keyspace.errands(partition)
            #expect(await eventually { (try? await fixture.send("SCARD", key).integer) == 0 })
        }
        await next.stop()
        await fixture.stop()
    }

    @Test(
        "a share that emptied anew while others were asked asks again; an open one will ask when it empties")
    func settleIsAskedAgain() {
        var share = BulkShare(id: BulkID(unchecked: "b"), at: Timestamp(milliseconds: 1))
        share.counts.completed = 1
        let told = PartitionOwner.FinishedErrands(
            bulk: share.id, told: [.announce, .settle], version: share.version, reopened: share.reopened)
        #expect(told.settled(in: share) == [.announce, .settle])
        share.counts.running = 1
        share.version += 1
        #expect(told.settled(in: share) == [.announce, .settle])
        share.counts = BulkCounts(completed: 2)
        share.version += 1
        #expect(told.settled(in: share) == .announce)
        share.settledGeneration = 1
        #expect(told.settled(in: share) == [.announce, .settle])
    }

    @Test("an errand that a dead owner left behind is run by the next one")
    func errandsSurvive() async throws {
        let fixture = try await Fixture()
        let aggregator = fixture.aggregator()
        await aggregator.start()
        try await fixture.publish("job.started", "a", ["pipeline": "book", "bulk": "b"])
        try await fixture.publish("job.completed", "a")
        try await fixture.publish("bulk.opened", "b", ["total": "1"])
        try await fixture.settleDown()
        await aggregator.stop()
        // As if the owner had died between its commit and the telling: the flag is there, nobody was told.
        let id = BulkID(unchecked: "b")
        let home = fixture.keyspace.partition(of: id)
        var share = try #require(try await fixture.shares("b").first { $0.home != nil })
        share.home?.isSealed = true
        share.errands = .settle
        share.version += 1
        var fields = FieldBuffer()
        share.encode(into: &fields)
        var batch = CommandBatch()
        batch.begin("HSET", argumentCount: 1 + 2 * fields.count)
        batch.append(fixture.keyspace.bulk(home, id))
        batch.append(fields)
        batch.add("SADD", fixture.keyspace.errands(home), "b")
        _ = try await fixture.connection.send(batch)

        let next = fixture.aggregator("b")
        await next.start()
        #expect(await eventually(within: .seconds(10)) { (try? await fixture.bulk("b").phase) == .settled })
        #expect(
            await eventually(within: .seconds(10)) {
                (try? await fixture.send("SCARD", fixture.keyspace.errands(home)).integer) == 0
            })
        await next.stop()
        await fixture.stop()
    }
}

extension Fixture {
    func home(_ bulk: String) async throws -> BulkShare.Home? {
        try await shares(bulk).compactMap(\.home).first
    }

    @Test("cancelled bulks are swept in turns: a great one keeps no small one waiting")
    func turns() throws {
        let noon = Timestamp(milliseconds: 1_785_585_600_000)
        var memory = PartitionMemory(
            control: Control(), clock: PartitionClock(skew: .zero, watermark: noon, redis: noon),
            sources: [:],
            jobs: JobCache(capacity: 10), judgeFrom: noon)
        func slot(_ id: String, queued: Int, running: Int = 0, isCancelling: Bool = true) -> ShareSlot {
            var share = BulkShare(id: BulkID(unchecked: id), at: noon)
            share.counts = BulkCounts(queued: queued, running: running)
            if isCancelling { _ = share.apply(.cancelling, isHome: false, at: noon) }
            return ShareSlot(share: share, isStored: true)
        }
        let slots = [
            slot("great", queued: 100_000), slot("middle", queued: 500), slot("small", queued: 1),
            slot("asked", queued: 0, running: 3), slot("open", queued: 9, isCancelling: false),
        ]
        for slot in slots { memory.shares[slot.share.id] = slot }
        memory.noteSweeps(of: slots)
        var last: BulkID?
        var order: [String] = []
        for _ in 0..<6 {
            last = memory.nextToSweep(after: last)
            order.append(last?.description ?? "-")
        }
        #expect(order == ["great", "middle", "small", "great", "middle", "small"])
        #expect(memory.asking.map(\.description) == ["asked"])

        slots[1].share.counts = BulkCounts(cancelled: 500)
        memory.noteSweeps(of: [slots[1]])
        #expect(memory.nextToSweep(after: BulkID(unchecked: "great"))?.description == "small")
        memory.noteSweeps(of: [])
        #expect(memory.nextToSweep(after: BulkID(unchecked: "small"))?.description == "great")
    }
}
