import HeadwayCore
import HeadwayWire
import Testing

@testable import ReadAPI

@Suite("Snapshots as JSON")
struct SnapshotTests {
    static func article() throws -> JobSnapshot {
        var job = Sample.job("article-42", version: 17, bulk: "spring")
        job.createdAt = Sample.start
        job.startedAt = Sample.start + .seconds(1)
        job.updatedAt = Sample.start + .seconds(75)
        job.worker = "w-7"
        job.fraction = Fraction(partsPerMillion: 495_000)
        job.message = "Writing section 3"
        job.position = JobState.Position(
            stage: "writing", progress: .count(done: 5, total: 10), startedAt: Sample.start + .seconds(30))
        job.stages = [
            JobState.StageRecord(stage: "research", attempt: 1, phase: .completed),
            JobState.StageRecord(stage: "writing", attempt: 1, phase: .running),
        ]
        job.substeps = [JobState.Substep(id: "sections", progress: .count(done: 3, total: 6))]
        job.attributes = ["mode": "topic"]
        job.checkpoint = "secret"
        job.token = String(repeating: "a", count: 64)
        job.traceparent = "00-trace"
        job.label = "An article"
        return JobSnapshot(
            state: job, pipeline: try Sample.document().pipeline, epoch: "e7f3",
            freshness: Freshness(asOf: Sample.start + .seconds(75), lagMilliseconds: 3, isStale: false),
            readAt: Sample.start + .milliseconds(75_250))
    }

    static func text(_ snapshot: JobSnapshot) -> String {
        var json = JSONWriter()
        snapshot.write(to: &json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test("a running job is the document of the design, key for key")
    func job() throws {
        let expected = """
            {"id":"article-42","pipeline":"article","bulk":"spring","label":"An article",\
            "status":"running","health":"ok","reason":null,\
            "percent":49,"message":"Writing section 3","attempt":1,"worker":"w-7","cancelRequested":false,\
            "stage":{"id":"writing","label":"Writing","percent":50,"done":5,"total":10,"attempt":1,\
            "startedAt":"2026-01-01T00:00:30.000Z"},\
            "completedStages":["research"],"skippedStages":[],"substeps":[{"id":"sections","done":3,"total":6}],\
            "result":null,"error":null,"attributes":{"mode":"topic"},\
            "createdAt":"2026-01-01T00:00:00.000Z","startedAt":"2026-01-01T00:00:01.000Z",\
            "updatedAt":"2026-01-01T00:01:15.000Z","finishedAt":null,"elapsedSeconds":74.2,\
            "eta":null,"etaReason":"no_history","epoch":"e7f3","version":17,"asOf":"2026-01-01T00:01:15.000Z","lagMs":3}
            """
        #expect(Self.text(try Self.article()) == expected)
    }

    @Test("checkpoint, token and trace never leave")
    func gate() throws {
        let text = Self.text(try Self.article())
        for secret in ["secret", "aaaa", "trace"] { #expect(!text.contains(secret)) }
    }

    @Test("a queued job says null for all that it has not got")
    func queued() throws {
        let snapshot = JobSnapshot(
            state: Sample.job("a", .queued), pipeline: nil, epoch: "e1",
            freshness: Freshness(asOf: Sample.start, lagMilliseconds: 0, isStale: true), readAt: Sample.start)
        let json = try JSON(Array(Self.text(snapshot).utf8))
        for key in [
            "bulk", "reason", "message", "worker", "stage", "result", "error", "startedAt", "finishedAt",
        ] {
            #expect(json[key] == .null, "\(key)")
        }
        #expect(json["elapsedSeconds"] == .null)
        #expect(json["percent"] == .number("0"))
        #expect(json["stale"] == .bool(true))
    }

    @Test("a repeated stage says which of how many, and the pipeline speaks for a silent worker")
    func indexed() throws {
        var job = Sample.job("a")
        job.position = JobState.Position(
            stage: "pages", index: 2, of: 8, progress: .fraction(Fraction(partsPerMillion: 500_000)),
            startedAt: Sample.start)
        let snapshot = JobSnapshot(
            state: job, pipeline: try Sample.document().pipeline, epoch: "e1", freshness: .none,
            readAt: Sample.start)
        let json = try JSON(Array(Self.text(snapshot).utf8))
        #expect(json["stage"]?["index"] == .number("2"))
        #expect(json["stage"]?["of"] == .number("8"))
        #expect(json["stage"]?["percent"] == .number("18"))
        #expect(json["message"] == .string("Drawing page 2 of 8"))
    }

    @Test("a stalled job says why, in a sentence")
    func stalled() throws {
        var job = try Self.article().state
        job.health = .stalled
        job.movedAt = Sample.start
        job.aliveAt = Sample.start + .seconds(244)
        let snapshot = JobSnapshot(
            state: job, pipeline: try Sample.document().pipeline, epoch: "e1", freshness: .none,
            readAt: Sample.start + .seconds(252))
        #expect(
            snapshot.reason == "No progress for 4m12s in Writing (limit 4m); worker w-7 last seen 8s ago.")
    }

    @Test("and what is usual there, once it is known")
    func stalledBesideTheUsual() throws {
        var job = try Self.article().state
        job.health = .stalled
        job.movedAt = Sample.start
        job.aliveAt = Sample.start + .seconds(244)
        job.position?.usual = UsualDuration(median: .seconds(35), p95: .seconds(110))
        let snapshot = JobSnapshot(
            state: job, pipeline: try Sample.document().pipeline, epoch: "e1", freshness: .none,
            readAt: Sample.start + .seconds(252))
        #expect(
            snapshot.reason
                == "No progress for 4m12s in Writing (usually 35s, limit 4m); worker w-7 last seen 8s ago.")
    }

    @Test("a slow job says how long its stage takes, and how long it usually does")
    func slow() throws {
        var job = try Self.article().state
        job.health = .slow
        job.position?.startedAt = Sample.start
        job.position?.usual = UsualDuration(median: .seconds(35), p95: .seconds(110))
        func reason() throws -> String? {
            JobSnapshot(
                state: job, pipeline: try Sample.document().pipeline, epoch: "e1", freshness: .none,
                readAt: Sample.start + .seconds(130)
            ).reason
        }
        #expect(try reason() == "Writing takes 2m10s so far (usually 35s, 95 % within 1m50s).")
        job.position = JobState.Position(
            stage: "pages", index: 2, of: 8, startedAt: Sample.start,
            indexStartedAt: Sample.start + .seconds(100),
            usual: UsualDuration(median: .milliseconds(900), p95: .seconds(2)))
        #expect(try reason() == "Drawing 2 of 8 takes 30s so far (usually 900ms, 95 % within 2s).")
    }

    @Test("a bulk is the document of the design, key for key")
    func bulk() throws {
        var home = Sample.share(
            "spring", BulkCounts(queued: 20, running: 3, completed: 12, failed: 1), version: 60, total: 40,
            isSealed: true, isHome: true)
        home.health = [.ok: 3]
        home.stages = ["writing": 2, "research": 1]
        home.failures = [BulkShare.FailureKind(code: "rate_limited", stage: "writing"): 1]
        var other = Sample.share("spring", BulkCounts(running: 4), version: 31)
        other.health = [.ok: 3, .stalled: 1]
        other.stages = ["writing": 2, "research": 2]
        let snapshot = BulkSnapshot(
            summary: BulkSummary(id: BulkID(unchecked: "spring"), shares: [home, other]), current: [],
            epoch: "e7f3", freshness: Freshness(asOf: Sample.start, lagMilliseconds: 3, isStale: false),
            readAt: Sample.start)
        var json = JSONWriter()
        snapshot.write(to: &json, for: .nobody)
        let expected = """
            {"id":"spring","label":null,"phase":"sealed","outcome":null,"cancelling":false,"text":"12 of 40","completed":12,"total":40,"done":13,"percent":32,\
            "counts":{"registered":40,"queued":20,"running":7,"completed":12,"failed":1,"cancelled":0},\
            "health":{"ok":6,"slow":0,"suspect":0,"stalled":1,"lost":0},"stages":{"research":3,"writing":4},\
            "current":[],"failures":[{"code":"rate_limited","stage":"writing","count":1}],\
            "rate":null,"eta":null,"etaReason":"no_history","generation":1,\
            "createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z",\
            "epoch":"e7f3","version":91,"asOf":"2026-01-01T00:00:00.000Z","lagMs":3}
            """
        #expect(String(decoding: json.bytes, as: UTF8.self) == expected)
    }
}
