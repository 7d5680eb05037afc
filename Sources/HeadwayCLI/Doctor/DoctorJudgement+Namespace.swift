import HeadwayCore

extension DoctorJudgement {
    // MARK: Owners

    static func partitions(_ facts: DoctorFacts) -> [DoctorFinding] {
        guard facts.isUsed else {
            return [
                DoctorFinding(
                    .note, "namespace", "namespace \(facts.namespace) was never used",
                    why: "there is nothing to look at yet", mend: "headway up, or headway aggregate")
            ]
        }
        var findings: [DoctorFinding] = []
        let halted = facts.partitions.filter(\.isHalted)
        if !halted.isEmpty {
            findings.append(
                DoctorFinding(
                    .error, "halted", "\(list(halted)) halted",
                    why: "their jobs stand still until a person has looked",
                    mend: "read the owner's log (HALTED), mend the cause, then for each "
                        + "redis-cli HSET '\(facts.namespace):{\(halted[0].number)}:control' next ''"))
        }
        let ownerless = facts.partitions.filter { !$0.isHalted && ($0.isStale || !$0.wasEverOwned) }
        if !ownerless.isEmpty {
            findings.append(
                DoctorFinding(
                    .error, "owners", "\(list(ownerless)) without a living owner",
                    why: "events wait, and nothing is counted or judged",
                    mend: "headway aggregate; headway status --aggregators shows who lives"))
        }
        let late = facts.partitions.filter { partition in
            partition.lagEvents > 0 && !partition.isStale && partition.lag.map { $0 > .seconds(10) } ?? false
        }
        if let worst = late.max(by: { $0.lagEvents < $1.lagEvents }) {
            findings.append(
                DoctorFinding(
                    .warning, "lag",
                    "\(list(late)) behind; partition \(worst.number) by \(worst.lagEvents) events and "
                        + "\((worst.lag ?? .zero).inWords)",
                    why: "what people see is that old",
                    mend: "headway aggregate on another core or machine; look at the owner's log"))
        }
        return findings
    }

    // MARK: Counters

    static func counters(_ facts: DoctorFacts) -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        let losing = facts.partitions.filter { $0.lost > 0 }
        let lost = losing.reduce(0) { $0 + $1.lost }
        if lost > 0 {
            findings.append(
                DoctorFinding(
                    .warning, "lost",
                    "\(count(lost, "event")) lost before being applied, in \(list(losing))",
                    why:
                        "their jobs may lack a step or never end; the count is since the namespace was first used",
                    mend:
                        "look for a restarted, flushed or failed-over Redis and for whoever trims the streams; "
                        + "appendfsync always, --spool"))
        }
        let rejected = facts.partitions.reduce(0) { $0 + $1.rejected }
        let newest = facts.partitions.compactMap(\.lastRejection).min { $0.age < $1.age }
        if rejected > 0, let newest {
            let place = facts.partitions.first { $0.rejected > 0 }?.number ?? 0
            findings.append(
                DoctorFinding(
                    newest.age < .seconds(3600) ? .warning : .note, "rejected",
                    "\(count(rejected, "event")) refused, the last one \(newest.age.inWords) ago as \(newest.reason)",
                    why: "somebody says what the pipeline does not allow, and it does not count",
                    mend: "redis-cli XREVRANGE '\(facts.namespace):{\(place)}:rejected' + - COUNT 10"))
        }
        if facts.fenced > 0 {
            findings.append(
                DoctorFinding(
                    .note, "fenced", "\(count(facts.fenced, "commit")) of living aggregators fenced",
                    why: "each is an owner that was taken for dead; often means pauses, or a lease too short",
                    mend: "nothing, unless it rises: then look at --lease and the machine's load"))
        }
        if !facts.drift.isEmpty {
            findings.append(
                DoctorFinding(
                    .error, "drift",
                    "\(count(facts.drift.count, "difference")) between counts and members: \(facts.drift[0])",
                    why: "an X of Y is wrong", mend: "headway verify --repair"))
        }
        return findings
    }

    // MARK: Contents

    static func contents(_ facts: DoctorFacts) -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        if facts.isUsed, facts.pipelines == 0 {
            findings.append(
                DoctorFinding(
                    .warning, "pipelines", "no pipeline is applied",
                    why: "every job is refused as unknown_pipeline", mend: "headway pipelines apply FILE"))
        }
        if let first = facts.pipelineProblems.first {
            findings.append(
                DoctorFinding(
                    .error, "pipelines",
                    "\(count(facts.pipelineProblems.count, "problem")) of stored pipelines: \(first)",
                    why: "jobs that name them are refused", mend: "headway pipelines check FILE, then apply"))
        }
        if let first = facts.expiringJobs.first {
            findings.append(
                DoctorFinding(
                    .error, "ttl",
                    "\(count(facts.expiringJobs.count, "open job")) would expire, such as \(first)",
                    why: "an open job must be ended by a deadline, never by a TTL: somebody else sets them",
                    mend: "redis-cli PERSIST on its key; find who calls EXPIRE on \(facts.namespace):*"))
        }
        if let first = facts.lastingJobs.first {
            findings.append(
                DoctorFinding(
                    .warning, "ttl",
                    "\(count(facts.lastingJobs.count, "finished job")) without an expiry, such as \(first)",
                    why: "they stay in memory for ever",
                    mend: "redis-cli EXPIRE on its key; find who calls PERSIST on \(facts.namespace):*"))
        }
        for refusal in facts.refusals {
            findings.append(
                DoctorFinding(
                    .unknown, "rights", refusal, why: "this could not be looked at",
                    mend: "run it as headway-operator of deploy/users.acl"))
        }
        return findings
    }

    // MARK: Spools

    static func spools(_ facts: DoctorFacts) -> [DoctorFinding] {
        guard let directory = facts.spoolDirectory else { return [] }
        if let problem = facts.spoolProblem {
            return [
                DoctorFinding(
                    .unknown, "spool", problem, why: "what is in it cannot be told",
                    mend: "run it as the user of the workers")
            ]
        }
        var findings: [DoctorFinding] = []
        let waiting = facts.spools.filter {
            !$0.isHeld && !$0.isForeign && !$0.isPutAside && $0.unapplied > 0
        }
        let unapplied = waiting.reduce(0) { $0 + $1.unapplied }
        if unapplied > 0 {
            findings.append(
                DoctorFinding(
                    .warning, "spool",
                    "\(count(unapplied, "event")) of \(count(waiting.count, "dead process", "dead processes")) wait in \(directory)",
                    why: "they are in no state until somebody sends them",
                    mend: "headway publish --spool \(directory)"))
        }
        for spool in facts.spools where spool.isPutAside || spool.damages > 0 {
            findings.append(
                DoctorFinding(
                    .error, "spool", "\(spool.name) has damaged places",
                    why: "events in them could not be read; what else it held is sent",
                    mend: "look at that disk, then remove the file"))
        }
        let foreign = facts.spools.filter { $0.isForeign && !$0.isHeld && $0.events > 0 }
        if let first = foreign.first {
            findings.append(
                DoctorFinding(
                    .warning, "spool",
                    "\(count(foreign.count, "spool")) of another namespace or number of partitions, such as \(first.name)",
                    why: "nobody of this namespace sends them",
                    mend:
                        "run headway publish --spool \(directory) --namespace NAME for theirs, or remove them"
                ))
        }
        for spool in facts.spools {
            guard let problem = spool.problem else { continue }
            findings.append(
                DoctorFinding(
                    .unknown, "spool", "\(spool.name) cannot be read (\(problem))",
                    why: "what is in it cannot be told", mend: "run it as the user of the workers"))
        }
        return findings
    }

    // MARK: The read API

    static func api(_ facts: DoctorFacts) -> [DoctorFinding] {
        guard let api = facts.api else { return [] }
        if let problem = api.problem {
            return [
                DoctorFinding(
                    .error, "api", "the API cannot be asked: \(problem)", why: "nobody sees anything",
                    mend: "start headway serve, or correct --api")
            ]
        }
        var findings: [DoctorFinding] = []
        if api.readiness != 200 {
            findings.append(
                DoctorFinding(
                    .error, "api", "/readyz says \(api.readiness)",
                    why: "it has not seen Redis for a while, or it is draining",
                    mend: "read its log; curl its /readyz"))
        }
        if let drift = api.metrics["headway_shares_drift_total"], drift > 0 {
            findings.append(
                DoctorFinding(
                    .error, "drift",
                    "its aggregators found \(count(Int(drift), "share")) different from the members",
                    why: "an X of Y was wrong", mend: "headway verify --repair"))
        }
        let lost = Double(facts.partitions.reduce(0) { $0 + $1.lost })
        if let told = api.metrics["headway_events_lost_total"], told != lost {
            findings.append(
                DoctorFinding(
                    .warning, "api", "the API tells \(Int(told)) lost events, Redis \(Int(lost))",
                    why: "it may serve another namespace or another Redis",
                    mend: "compare its --redis and --namespace"))
        }
        return findings
    }

    /// `partitions 0, 3 and 5`
    private static func list(_ partitions: [DoctorFacts.Partition]) -> String {
        let numbers = partitions.map { "\($0.number)" }
        guard numbers.count > 1 else { return "partition \(numbers.first ?? "")" }
        guard numbers.count <= 8 else { return "\(numbers.count) partitions" }
        return "partitions \(numbers.dropLast().joined(separator: ", ")) and \(numbers[numbers.count - 1])"
    }

    /// `1 event`, `2 events`
    static func count(_ number: some BinaryInteger, _ one: String, _ many: String? = nil) -> String {
        "\(number) \(number == 1 ? one : many ?? one + "s")"
    }
}
