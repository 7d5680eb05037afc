import Seeded
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

@Suite("Bulks over HTTP", .timeLimit(.minutes(2)))
struct BulkTests {
    private func home(_ house: APIHouse, _ id: String) -> Int {
        house.keyspace.partition(of: BulkID(unchecked: id))
    }

    @Test("a bulk is the sum of its shares, and its version the sum of theirs")
    func sums() async throws {
        try await APIHouse.with { house in
            let home = home(house, "spring")
            try await house.writer.put([
                home: Sample.share(
                    "spring", BulkCounts(queued: 3, completed: 1), version: 4, total: 10, isSealed: true,
                    isHome: true),
                (home + 1) % 4: Sample.share("spring", BulkCounts(running: 2, failed: 1), version: 7),
            ])
            let answer = try await house.client.get("/v1/bulks/spring")
            #expect(answer.status == 200)
            #expect(answer.json["text"] == .string("1 of 10"))
            #expect(answer.json["phase"] == .string("sealed"))
            #expect(answer.json["counts"]?["registered"] == .number("7"))
            #expect(answer.json["version"] == .number("11"))
            let token = answer["ETag"] ?? ""
            #expect(try await house.client.get("/v1/bulks/spring", ["If-None-Match": token]).status == 304)

            let blockers = try await house.client.get("/v1/bulks/spring/blockers")
            guard case .array(let texts) = blockers.json["blockers"] else {
                Issue.record("no blockers")
                return
            }
            #expect(
                texts.compactMap { $0["text"]?.string } == [
                    "3 of 10 not yet registered", "2 running", "3 queued",
                ])
            #expect(try await house.client.get("/v1/bulks/none").status == 404)
            #expect(try await house.client.get("/v1/bulks/none/blockers").status == 404)
        }
    }

    @Test(
        "what a bulk waits for names the member that was queued first, whichever partition has it, and since when"
    )
    func oldestQueued() async throws {
        try await APIHouse.with { house in
            try await house.writer.put([
                home(house, "b"): Sample.share(
                    "b", BulkCounts(queued: 40), version: 1, total: 40, isSealed: true, isHome: true)
            ])
            for number in 0..<40 {
                // The one in the middle came first; its neighbours in time came one second later.
                let at = Sample.start + .seconds(number == 17 ? 0 : number + 1)
                try await house.writer.put(Sample.job("j\(number)", .queued, bulk: "b", at: at))
            }
            let answer = try await house.client.get("/v1/bulks/b/blockers")
            guard case .array(let blockers)? = answer.json["blockers"] else {
                Issue.record("no blockers: \(answer.text)")
                return
            }
            let queued = try #require(blockers.first { $0["kind"]?.string == "queued" })
            #expect(queued["job"]?.string == "j17")
            #expect(queued["since"]?.string == "2026-01-01T00:00:00.000Z")
            #expect(queued["text"]?.string?.hasPrefix("40 queued; waiting longest: j17, for ") == true)
        }
    }

    @Test(
        "a member that cannot be read hides neither its bulk nor the others; by itself it is an error that names the key",
        arguments: [true, false])
    func unreadableMember(_ isField: Bool) async throws {
        try await APIHouse.with { house in
            try await house.writer.put([
                home(house, "b"): Sample.share(
                    "b", BulkCounts(running: 2), version: 1, total: 2, isHome: true)
            ])
            try await house.writer.put(Sample.job("good", bulk: "b"))
            try await house.writer.put(Sample.job("bad", bulk: "b"))
            let id = JobID(unchecked: "bad")
            let key = house.keyspace.job(house.keyspace.partition(of: id), id)
            if isField {
                _ = try await house.writer.send("HSET", key, "status", "nonsense")
            } else {
                _ = try await house.writer.send("DEL", key)
                _ = try await house.writer.send("SET", key, "no hash")
            }
            let answer = try await house.client.get("/v1/bulks/b")
            #expect(answer.status == 200, "\(answer.text)")
            guard case .array(let current)? = answer.json["current"] else {
                Issue.record("no current: \(answer.text)")
                return
            }
            #expect(current.compactMap { $0["id"]?.string } == ["good"])
            #expect(answer.json["counts"]?["running"] == .number("2"))
            let alone = try await house.client.get("/v1/jobs/bad")
            #expect(alone.status >= 500)
            if isField { #expect(alone.text.contains(key)) }
            let (_, findings) = try await house.api.reader.verifyMembers(of: BulkID(unchecked: "b"))
            #expect(findings.contains { $0.subject == .member(id, of: BulkID(unchecked: "b")) })
        }
    }

    @Test("failures are grouped by code and stage, the most frequent first")
    func failures() async throws {
        try await APIHouse.with { house in
            var share = Sample.share("x", BulkCounts(failed: 12), version: 1, isHome: true)
            share.failures = [
                .init(code: "filtered", stage: "draft"): 3, .init(code: "rate_limited", stage: "writing"): 9,
                .init(code: "", stage: ""): 3,
            ]
            try await house.writer.put([home(house, "x"): share])
            let answer = try await house.client.get("/v1/bulks/x/failures")
            guard case .array(let groups) = answer.json["failures"] else {
                Issue.record("no failures")
                return
            }
            #expect(groups.map { $0["count"] } == [.number("9"), .number("3"), .number("3")])
            #expect(groups.map { $0["code"] } == [.string("rate_limited"), .null, .string("filtered")])
            #expect(answer.json["failed"] == .number("12"))
        }
    }

    @Test("what runs now is shown, the longest first, at most ten")
    func current() async throws {
        try await APIHouse.with { house in
            for number in 0..<15 {
                let job = Sample.job("j\(number)", bulk: "x", at: Sample.start + .seconds(100 - number))
                try await house.writer.put(job)
            }
            try await house.writer.put(Sample.job("done", .completed, bulk: "x"))
            try await house.writer.put([
                home(house, "x"): Sample.share("x", BulkCounts(running: 15, completed: 1), isHome: true)
            ])
            let answer = try await house.client.get("/v1/bulks/x")
            guard case .array(let current) = answer.json["current"] else {
                Issue.record("nothing current")
                return
            }
            #expect(current.compactMap { $0["id"]?.string } == (5..<15).reversed().map { "j\($0)" })
        }
    }

    @Test("a bulk whose home has expired is gone, not half counted")
    func expired() async throws {
        try await APIHouse.with { house in
            var share = Sample.share("x", BulkCounts(completed: 5), version: 8)
            share.settledGeneration = 1
            try await house.writer.put([(home(house, "x") + 1) % 4: share])
            let answer = try await house.client.get("/v1/bulks/x")
            #expect(answer.status == 410)
            #expect(answer.json["bulk"]?["phase"] == .string("settled"))
            let list = try await house.client.get("/v1/bulks?ids=x,y")
            #expect(list.json["unknown"] == .array([.string("y")]))
        }
    }

    @Test("2,500 members come page by page, each exactly once, whatever the page's size")
    func members() async throws {
        try await APIHouse.with { house in
            let statuses = JobState.Status.allCases
            var byPartition: [Int: [JobState]] = [:]
            var random = SplitMix64(seed: 3)
            for number in 0..<2500 {
                // Few moments, so that many members have the same score.
                let at = Sample.start + .milliseconds(Int.random(in: 0..<7, using: &random))
                let status = statuses[number % 5]
                let job = Sample.job("m\(number)", status, bulk: "big", at: at)
                byPartition[house.keyspace.partition(of: job.id), default: []].append(job)
            }
            for (partition, jobs) in byPartition {
                try await house.writer.commit(partition, TestWriter.Change(jobs: jobs), publish: false)
            }
            try await house.writer.put([
                home(house, "big"): Sample.share("big", BulkCounts(queued: 2500), isHome: true)
            ])

            for (query, limit, expected) in [
                ("", 500, 2500), ("", 173, 2500), ("&status=failed", 90, 500), ("&status=queued", 500, 500),
            ] {
                var seen: [String] = []
                var cursor: String?
                var pages = 0
                repeat {
                    let next = cursor.map { "&cursor=\($0)" } ?? ""
                    let page = try await house.client.get("/v1/bulks/big/jobs?limit=\(limit)\(query)\(next)")
                    try #require(page.status == 200, "\(page.text)")
                    guard case .array(let jobs) = page.json["jobs"] else { break }
                    seen += jobs.compactMap { $0["id"]?.string }
                    cursor = page.json["next"]?.string
                    pages += 1
                } while cursor != nil && pages < 100
                #expect(seen.count == expected)
                #expect(Set(seen).count == expected)
                #expect(pages == (expected + limit - 1) / limit)
            }
            let none = try await house.client.get("/v1/bulks/nobody/jobs")
            #expect(none.status == 404)
        }
    }

    @Test("a member whose snapshot has expired is still listed as the bulk counts it")
    func expiredMember() async throws {
        try await APIHouse.with { house in
            let job = Sample.job("old", .completed, bulk: "x")
            try await house.writer.put(job)
            try await house.writer.put([
                home(house, "x"): Sample.share("x", BulkCounts(completed: 1), isHome: true)
            ])
            _ = try await house.writer.send(
                "DEL", house.keyspace.job(house.keyspace.partition(of: job.id), job.id))
            let page = try await house.client.get("/v1/bulks/x/jobs")
            guard case .array(let jobs) = page.json["jobs"] else {
                Issue.record("no page")
                return
            }
            #expect(jobs.count == 1)
            #expect(jobs.first?["status"] == .string("completed"))
            #expect(jobs.first?["expired"] == .bool(true))
        }
    }

    @Test("recent bulks come newest first, page by page, each once, also many of the same millisecond")
    func recent() async throws {
        try await APIHouse.with { house in
            for number in 0..<60 {
                let id = "b\(number)"
                let at = Sample.start + .milliseconds(number / 25)
                try await house.writer.put([
                    home(house, id): Sample.share(id, BulkCounts(queued: 1), isHome: true, at: at)
                ])
            }
            var seen: [String] = []
            var cursor: String?
            repeat {
                let next = cursor.map { "&cursor=\($0)" } ?? ""
                let page = try await house.client.get("/v1/bulks?limit=7\(next)")
                guard case .array(let bulks) = page.json["bulks"] else { break }
                seen += bulks.compactMap { $0["id"]?.string }
                cursor = page.json["next"]?.string
            } while cursor != nil && seen.count < 1000
            #expect(seen.count == 60)
            #expect(Set(seen).count == 60)
            let moments = seen.map { (Int($0.dropFirst()) ?? 0) / 25 }
            #expect(moments == moments.sorted(by: >))
        }
    }
}
