import HTTPServer
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import ReadAPI

@Suite("Estimates over HTTP", .serialized, .timeLimit(.minutes(1)))
struct EstimateTests {
    /// 25 finished articles: writing took about a minute, pages ten seconds each, three a job.
    private static var book: DurationBook {
        var book = DurationBook()
        for sample in 0..<25 {
            book.add(.seconds(55 + sample % 10), pipeline: "article", stage: "writing")
            for _ in 0..<3 { book.add(.seconds(10), pipeline: "article", stage: "pages") }
            book.add(.seconds(85 + sample % 10), pipeline: "article", stage: nil)
        }
        return book
    }

    private static func store(_ book: DurationBook, in partition: Int, _ house: APIHouse) async throws {
        var fields = FieldBuffer()
        book.encode(book.sketches.keys.sorted(), into: &fields)
        for (name, value) in fields {
            _ = try await house.writer.send(
                "HSET", house.keyspace.durations(partition), String(decoding: name, as: UTF8.self),
                String(decoding: value, as: UTF8.self))
        }
    }

    private static func running(_ id: String, since started: Timestamp, bulk: String? = nil) -> JobState {
        var job = Sample.job(id, bulk: bulk, at: started)
        job.position = JobState.Position(stage: "writing", startedAt: started)
        job.stages = [JobState.StageRecord(stage: "writing", attempt: 1, phase: .running)]
        job.aliveAt = started
        job.movedAt = started
        return job
    }

    private static func now(_ house: APIHouse) async throws -> Timestamp {
        let parts = try await house.writer.send("TIME").elements?.compactMap(\.number) ?? [0, 0]
        return Timestamp(milliseconds: Int64(parts[0] * 1000 + parts[1] / 1000))
    }

    private static func number(_ json: JSON?, _ path: String...) -> Int? {
        var json = json
        for name in path { json = json?[name] }
        if case .number(let text) = json { return Int(text) }
        return nil
    }

    private static func first(_ json: JSON?) -> JSON? {
        if case .array(let elements) = json { return elements.first }
        return nil
    }

    @Test("a job's is what the durations of all partitions say, with a moment and what it rests on")
    func job() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(try Sample.document())
            // Half of the history in each of two partitions.
            for partition in [0, 3] { try await Self.store(Self.book, in: partition, house) }
            let now = try await Self.now(house)
            try await house.writer.put(Self.running("a", since: now))
            let answer = try await house.client.get("/v1/jobs/a")
            let eta = try #require(answer.json["eta"])
            let seconds = try #require(Self.number(eta, "seconds"))
            #expect(80...100 ~= seconds, "\(answer.text)")
            #expect(try #require(Self.number(eta, "high")) >= seconds)
            #expect(eta["basis"] == .string("history"))
            #expect(eta["at"]?.string?.hasSuffix("Z") == true)
            #expect(answer.json["etaReason"] == .null)
        }
    }

    @Test(
        "there is none without history, and none of a job that has ended, is to be cancelled, waits or stands still"
    )
    func reasons() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(try Sample.document())
            let now = try await Self.now(house)
            try await house.writer.put(Self.running("new", since: now))
            try await expect("new", says: "no_history", house)
            try await Self.store(Self.book, in: 1, house)
            var cancelling = Self.running("cancelling", since: now)
            cancelling.cancelRequestedAt = now
            var stalled = Self.running("stalled", since: now)
            stalled.health = .stalled
            try await house.writer.put(
                cancelling, stalled, Sample.job("waits", .queued), Sample.job("over", .completed))
            try await expect("cancelling", says: "cancelling", house)
            try await expect("stalled", says: "stalled", house)
            try await expect("waits", says: "queued", house)
            try await expect("over", says: "ended", house)
        }
    }

    private func expect(_ id: String, says reason: String, _ house: APIHouse) async throws {
        let answer = try await house.client.get("/v1/jobs/\(id)")
        #expect(answer.json["eta"] == .null && answer.json["etaReason"] == .string(reason), "\(answer.text)")
    }

    @Test("time alone makes no new version: the token stays, and a poll that knows it gets 304")
    func version() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(try Sample.document())
            try await Self.store(Self.book, in: 0, house)
            let now = try await Self.now(house)
            try await house.writer.put(Self.running("a", since: now + .seconds(-30)))
            let first = try await house.client.get("/v1/jobs/a")
            let tag = try #require(first["etag"])
            try await Task.sleep(for: .milliseconds(1200))
            let second = try await house.client.get("/v1/jobs/a")
            #expect(second["etag"] == tag)
            #expect(try await house.client.get("/v1/jobs/a", ["If-None-Match": tag]).status == 304)
            // The moment stands still while the seconds count down.
            #expect(first.json["eta"]?["at"] == second.json["eta"]?["at"])
            let (a, b) = (
                Self.number(first.json, "eta", "seconds"), Self.number(second.json, "eta", "seconds")
            )
            #expect(try #require(a) - (try #require(b)) >= 1)
        }
    }

    @Test("a bulk's is the rounds that are left, beside the rate at which members end")
    func bulk() async throws {
        try await APIHouse.with { house in
            try await house.writer.store(try Sample.document())
            try await Self.store(Self.book, in: 0, house)
            let now = try await Self.now(house)
            let jobs = (0..<2).map { Self.running("job-\($0)", since: now, bulk: "spring") }
            for job in jobs { try await house.writer.put(job) }
            let id = BulkID(unchecked: "spring")
            let home = house.keyspace.partition(of: id)
            let counts = BulkCounts(queued: 6, running: 2, completed: 8)
            var share = Sample.share("spring", counts, total: 16, isSealed: true, isHome: true, at: now)
            share.finishes = FinishRing(since: now + .seconds(-400))
            for number in 1...8 { share.finishes?.add(at: now + .seconds(-400 + Int64(number) * 50)) }
            try await house.writer.put([home: share])
            let answer = try await house.client.get("/v1/bulks/spring")
            let seconds = try #require(Self.number(answer.json, "eta", "seconds"), "\(answer.text)")
            #expect(300...450 ~= seconds, "\(answer.text)")
            let rate = try #require(answer.text.firstMatch(of: #/"perMinute":(\d+\.\d)/#))
            #expect(abs((Double(rate.1) ?? 0) - 1.2) < 0.3)
            // A listing does not look at what runs; it repeats what was said.
            let list = try await house.client.get("/v1/bulks")
            #expect(
                Self.first(list.json["bulks"])?["eta"]?["at"] == answer.json["eta"]?["at"], "\(list.text)")
        }
    }
}
