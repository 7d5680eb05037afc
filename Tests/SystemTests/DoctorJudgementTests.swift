import HeadwayCore
import Testing

@testable import HeadwayCLI

@Suite("What headway doctor makes of the facts")
struct DoctorJudgementTests {
    /// Nothing to say of these.
    static let well: DoctorFacts = {
        var facts = DoctorFacts()
        facts.info = [
            "redis_version": "7.0.15", "role": "master", "maxmemory_policy": "noeviction", "maxmemory": "0",
            "used_memory": "1000000", "evicted_keys": "0", "aof_enabled": "1", "aof_last_write_status": "ok",
            "aof_last_bgrewrite_status": "ok", "connected_slaves": "0",
        ]
        facts.config = [
            "appendfsync": "always", "min-replicas-to-write": "0", "hash-max-listpack-value": "1024",
        ]
        facts.clockAhead = .milliseconds(3)
        facts.roundTrips = [.microseconds(80), .microseconds(100), .milliseconds(1)]
        facts.user = "default"
        facts.missingRights = [:]
        facts.roles = ["worker", "aggregator", "api"]
        facts.partitions = (0..<4).map { DoctorFacts.Partition(number: $0, owner: "a-1", lag: .zero) }
        facts.pipelines = 1
        return facts
    }()

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let level: DoctorFinding.Level
        let check: String
        /// In what it says, and in what it says to do.
        let what: String
        let mend: String
        let change: @Sendable (inout DoctorFacts) -> Void

        init(
            _ text: String, _ level: DoctorFinding.Level, _ check: String, _ what: String, _ mend: String,
            _ change: @escaping @Sendable (inout DoctorFacts) -> Void
        ) {
            testDescription = text
            self.level = level
            self.check = check
            self.what = what
            self.mend = mend
            self.change = change
        }
    }

    static let cases: [Case] = [
        Case("an old Redis", .error, "version", "6.0.16", "Redis 7") { $0.info?["redis_version"] = "6.0.16" },
        Case("a Redis without entries-added", .note, "version", "6.2.7", "Redis 7") {
            $0.info?["redis_version"] = "6.2.7"
        },
        Case("a version that is no number", .unknown, "version", "does not say", "Redis 7") {
            $0.info?["redis_version"] = "x"
        },
        Case("a replica", .error, "role", "replica", "REPLICAOF NO ONE") { $0.info?["role"] = "slave" },
        Case("INFO refused", .unknown, "redis", "INFO", "+info") { $0.info = nil },
        Case("eviction with a limit", .error, "eviction", "allkeys-lru", "maxmemory-policy noeviction") {
            $0.info?["maxmemory_policy"] = "allkeys-lru"
            $0.info?["maxmemory"] = "100000000"
        },
        Case("eviction without a limit", .warning, "eviction", "volatile-ttl", "noeviction") {
            $0.info?["maxmemory_policy"] = "volatile-ttl"
        },
        Case("keys that were evicted", .error, "evicted", "12 keys evicted", "verify") {
            $0.info?["evicted_keys"] = "12"
        },
        Case("memory nearly full", .warning, "memory", "95 of 100 MiB", "maxmemory") {
            $0.info?["maxmemory"] = "\(100 << 20)"
            $0.info?["used_memory"] = "\(95 << 20)"
        },
        Case("memory full", .error, "memory", "100 of 100 MiB", "maxmemory") {
            $0.info?["maxmemory"] = "\(100 << 20)"
            $0.info?["used_memory"] = "\(100 << 20)"
        },
        Case("small hashes", .note, "hashes", "is 64", "1024") {
            $0.config?["hash-max-listpack-value"] = "64"
        },
        Case("no append-only file", .error, "persistence", "appendonly is off", "appendonly yes") {
            $0.info?["aof_enabled"] = "0"
        },
        Case("appendfsync no", .warning, "persistence", "appendfsync is no", "always") {
            $0.config?["appendfsync"] = "no"
        },
        Case("appendfsync everysec", .note, "persistence", "everysec", "always") {
            $0.config?["appendfsync"] = "everysec"
        },
        Case("CONFIG refused", .unknown, "persistence", "CONFIG GET", "+config|get") { $0.config = nil },
        Case("a disk that is full", .error, "disk", "aof_last_write_status", "df") {
            $0.info?["aof_last_write_status"] = "err"
        },
        Case("replicas that are not waited for", .warning, "replication", "min-replicas-to-write is 0", "1") {
            $0.info?["connected_slaves"] = "1"
        },
        Case("replicas that are missing", .error, "replication", "0 of 1", "start the replicas") {
            $0.config?["min-replicas-to-write"] = "1"
            $0.info?["min_slaves_good_slaves"] = "0"
        },
        Case("a clock ahead", .warning, "clock", "ahead of", "ntp") { $0.clockAhead = .seconds(90) },
        Case("a clock behind", .warning, "clock", "behind", "ntp") { $0.clockAhead = .seconds(-90) },
        Case("a clock that jumped", .note, "clock", "1 partition", "nothing") {
            $0.partitions[2].skew = .seconds(60)
        },
        Case("a slow network", .note, "latency", "20ms", "--latency") {
            $0.roundTrips = Array(repeating: .milliseconds(20), count: 5)
        },
        Case("a very slow network", .warning, "latency", "longest", "SLOWLOG") {
            $0.roundTrips = Array(repeating: .milliseconds(200), count: 5)
        },
        Case("rights that are missing", .error, "rights", "XADD hw:{0}:events", "users.acl") {
            $0.missingRights = ["worker": ["XADD hw:{0}:events"]]
        },
        Case("rights that cannot be probed", .unknown, "rights", "cannot", "user") { $0.missingRights = nil },
        Case("a question that was refused", .unknown, "rights", "pipelines cannot be read", "operator") {
            $0.refusals = ["pipelines cannot be read"]
        },
        Case("no owner", .error, "owners", "partitions 1 and 3", "headway aggregate") {
            for place in [1, 3] { $0.partitions[place].isStale = true }
        },
        Case("never owned", .error, "owners", "partition 0", "headway aggregate") {
            $0.partitions[0].wasEverOwned = false
        },
        Case("halted", .error, "halted", "partition 2", "HSET 'hw:{2}:control' next ''") {
            $0.partitions[2].isHalted = true
        },
        Case("far behind", .warning, "lag", "700 events", "aggregate") {
            $0.partitions[1].lagEvents = 700
            $0.partitions[1].lag = .seconds(40)
        },
        Case("lost events", .warning, "lost", "7 events lost", "--spool") {
            $0.partitions[1].lost = 3
            $0.partitions[2].lost = 4
        },
        Case("refused lately", .warning, "rejected", "2 events refused", "hw:{1}:rejected") {
            $0.partitions[1].rejected = 2
            $0.partitions[1].lastRejection = ("late", .seconds(5))
        },
        Case("refused long ago", .note, "rejected", "late", "XREVRANGE") {
            $0.partitions[1].rejected = 2
            $0.partitions[1].lastRejection = ("late", .seconds(86_400))
        },
        Case("fenced", .note, "fenced", "5 commits", "--lease") { $0.fenced = 5 },
        Case("drift", .error, "drift", "1 difference", "verify --repair") { $0.drift = ["bulk b"] },
        Case("no pipeline", .warning, "pipelines", "no pipeline", "apply") { $0.pipelines = 0 },
        Case("a pipeline that cannot be read", .error, "pipelines", "x@1", "check") {
            $0.pipelineProblems = ["x@1: no"]
        },
        Case("an open job with a TTL", .error, "ttl", "hw:{0}:job:a", "PERSIST") {
            $0.expiringJobs = ["hw:{0}:job:a"]
        },
        Case("a finished job without one", .warning, "ttl", "hw:{0}:job:a", "EXPIRE") {
            $0.lastingJobs = ["hw:{0}:job:a"]
        },
        Case(
            "an unread spool", .warning, "spool", "9 events of 1 dead process wait",
            "headway publish --spool /s"
        ) {
            $0.spoolDirectory = "/s"
            $0.spools = [DoctorFacts.Spool(name: "hw.8.a.spool", events: 9, unapplied: 9)]
        },
        Case("a damaged spool", .error, "spool", "damaged", "disk") {
            $0.spoolDirectory = "/s"
            $0.spools = [
                DoctorFacts.Spool(name: "hw.8.a.spool.damaged", events: 9, unapplied: 0, isPutAside: true)
            ]
        },
        Case("a spool of another namespace", .warning, "spool", "other.8.a.spool", "--namespace") {
            $0.spoolDirectory = "/s"
            $0.spools = [DoctorFacts.Spool(name: "other.8.a.spool", events: 9, unapplied: 0, isForeign: true)]
        },
        Case("a spool directory that cannot be read", .unknown, "spool", "no such", "user of the workers") {
            $0.spoolDirectory = "/s"
            $0.spoolProblem = "no such directory"
        },
        Case("an API that is away", .error, "api", "refused", "headway serve") {
            $0.api = DoctorFacts.API(problem: "connection refused")
        },
        Case("an API that is not ready", .error, "api", "503", "readyz") {
            $0.api = DoctorFacts.API(readiness: 503)
        },
        Case("drift that an auditor found", .error, "drift", "2 shares", "verify") {
            $0.api = DoctorFacts.API(metrics: ["headway_shares_drift_total": 2])
        },
        Case("an API of another Redis", .warning, "api", "tells 5", "--redis") {
            $0.api = DoctorFacts.API(metrics: ["headway_events_lost_total": 5])
        },
        Case("a namespace that nobody uses", .note, "namespace", "never used", "headway up") {
            $0.isUsed = false
            $0.partitions = []
            $0.pipelines = nil
        },
    ]

    @Test("is one finding, with its level and what to do", arguments: cases)
    func judges(_ one: Case) throws {
        var facts = Self.well
        one.change(&facts)
        let report = DoctorJudgement.report(facts)
        #expect(report.findings.count == 1, "\(report.findings.map(\.line))")
        let finding = try #require(report.findings.first)
        #expect(finding.level == one.level)
        #expect(finding.check == one.check)
        #expect(finding.what.contains(one.what), "\(finding.what)")
        #expect(finding.mend.contains(one.mend), "\(finding.mend)")
        #expect(!finding.why.isEmpty)
        #expect(!finding.line.contains("\n"))
        let code: Int32 =
            switch one.level {
            case .error, .warning: 1
            case .unknown: 2
            case .note: 0
            }
        #expect(report.code.number == code)
    }

    @Test(
        "all is well: nothing, and exit status 0; a living process's spool, and an owner's lag of seconds, are none"
    )
    func wellIsWell() {
        var facts = Self.well
        facts.spoolDirectory = "/s"
        facts.spools = [
            DoctorFacts.Spool(name: "hw.8.a.spool", events: 9, unapplied: 9, isHeld: true),
            DoctorFacts.Spool(name: "hw.8.b.spool", events: 9, unapplied: 0),
        ]
        facts.partitions[0].lagEvents = 5_000
        facts.partitions[0].lag = .seconds(2)
        facts.api = DoctorFacts.API(metrics: [
            "headway_events_lost_total": 0, "headway_shares_drift_total": 0,
        ])
        let report = DoctorJudgement.report(facts)
        #expect(report.findings.isEmpty)
        #expect(report.code == .done)
        #expect(report.summary == "everything is as it should be")
    }

    @Test("the gravest comes first, and a problem outweighs what cannot be told")
    func order() {
        var facts = Self.well
        facts.config = nil
        facts.fenced = 1
        facts.drift = ["bulk b"]
        facts.pipelines = 0
        let report = DoctorJudgement.report(facts)
        #expect(report.findings.map(\.level) == [.error, .warning, .note, .unknown])
        #expect(report.code == .failed)
        #expect(report.summary == "1 error, 1 warning, 1 note, 1 unknown")
    }
}
