import HeadwayCore

/// What the facts mean. Pure: docs/operations.md has the same rules in words.
enum DoctorJudgement {
    static func report(_ facts: DoctorFacts) -> DoctorReport {
        DoctorReport(
            redis(facts) + memory(facts) + durability(facts) + time(facts) + rights(facts) + partitions(facts)
                + counters(facts) + contents(facts) + spools(facts) + api(facts))
    }

    // MARK: The server

    private static func redis(_ facts: DoctorFacts) -> [DoctorFinding] {
        guard let info = facts.info else {
            return [
                DoctorFinding(
                    .unknown, "redis", "INFO is refused",
                    why: "version, memory and persistence cannot be seen",
                    mend: "run it as a user with +info (deploy/users.acl)")
            ]
        }
        var findings: [DoctorFinding] = []
        let version = (info["redis_version"] ?? "").split(separator: ".").compactMap { Int($0) }
        if version.count < 2 {
            findings.append(
                DoctorFinding(
                    .unknown, "version", "the server does not say its version",
                    why: "commands that Headway needs came with 6.2", mend: "use Redis 7"))
        } else if version[0] < 6 || version[0] == 6 && version[1] < 2 {
            findings.append(
                DoctorFinding(
                    .error, "version", "Redis is \(info["redis_version"] ?? "")",
                    why: "XTRIM MINID and ZRANGE BYSCORE came with 6.2", mend: "install Redis 7"))
        } else if version[0] < 7 {
            findings.append(
                DoctorFinding(
                    .note, "version", "Redis is \(info["redis_version"] ?? "")",
                    why: "without entries-added of XINFO what somebody trims is found later",
                    mend: "install Redis 7"))
        }
        if info["role"] == "slave" {
            findings.append(
                DoctorFinding(
                    .error, "role", "this Redis is a replica", why: "it refuses every write",
                    mend: "point --redis at the primary, or promote this one: redis-cli REPLICAOF NO ONE"))
        }
        return findings
    }

    private static func memory(_ facts: DoctorFacts) -> [DoctorFinding] {
        guard let info = facts.info else { return [] }
        var findings: [DoctorFinding] = []
        let policy = info["maxmemory_policy"] ?? facts.config?["maxmemory-policy"]
        let limit = info["maxmemory"].flatMap { Int($0) } ?? 0
        if let policy, policy != "noeviction" {
            findings.append(
                DoctorFinding(
                    limit > 0 ? .error : .warning, "eviction", "maxmemory-policy is \(policy)",
                    why:
                        "an evicted job, share or control hash is a wrong number, where a full Redis that refuses "
                        + "is none", mend: "redis-cli CONFIG SET maxmemory-policy noeviction"))
        }
        if let evicted = info["evicted_keys"].flatMap({ Int($0) }), evicted > 0 {
            findings.append(
                DoctorFinding(
                    .error, "evicted", "\(count(evicted, "key")) evicted since Redis started",
                    why: "if any of them was ours, a state or a count is wrong",
                    mend: "headway verify --deep, then --repair"))
        }
        if limit > 0, let used = info["used_memory"].flatMap({ Int($0) }), used > limit / 10 * 9 {
            findings.append(
                DoctorFinding(
                    used >= limit ? .error : .warning, "memory",
                    "\(used >> 20) of \(limit >> 20) MiB are used",
                    why: "a full Redis takes no event and commits none, until there is room",
                    mend:
                        "redis-cli CONFIG SET maxmemory \(limit / 2 * 3), or a shorter retention in the pipelines"
                ))
        }
        let listpack = facts.config?["hash-max-listpack-value"].flatMap { Int($0) }
        if let listpack, listpack < 1024 {
            findings.append(
                DoctorFinding(
                    .note, "hashes", "hash-max-listpack-value is \(listpack)",
                    why: "a job with a longer message takes more than twice the memory",
                    mend: "redis-cli CONFIG SET hash-max-listpack-value 1024"))
        }
        return findings
    }

    private static func durability(_ facts: DoctorFacts) -> [DoctorFinding] {
        guard let info = facts.info else { return [] }
        var findings: [DoctorFinding] = []
        if info["aof_enabled"] == "0" {
            findings.append(
                DoctorFinding(
                    .error, "persistence", "appendonly is off",
                    why: "a restart loses every event and every state: there is no other copy",
                    mend: "redis-cli CONFIG SET appendonly yes, and the same in redis.conf"))
        } else if let sync = facts.config?["appendfsync"] {
            if sync == "no" {
                findings.append(
                    DoctorFinding(
                        .warning, "persistence", "appendfsync is no",
                        why: "a crash of the machine loses up to half a minute that was acknowledged",
                        mend: "redis-cli CONFIG SET appendfsync always (or everysec)"))
            } else if sync == "everysec" {
                findings.append(
                    DoctorFinding(
                        .note, "persistence", "appendfsync is everysec",
                        why:
                            "a crash may lose the last second; living publishers and spools send it again, HTTP and "
                            + "plain XADD do not",
                        mend: "redis-cli CONFIG SET appendfsync always, if those matter"))
            }
        } else {
            findings.append(
                DoctorFinding(
                    .unknown, "persistence", "CONFIG GET is refused", why: "appendfsync cannot be seen",
                    mend: "run it as a user with +config|get (headway-operator of deploy/users.acl)"))
        }
        for (field, what) in [
            ("aof_last_write_status", "the append-only file"), ("aof_last_bgrewrite_status", "its rewrite"),
        ] where info[field] ?? "ok" != "ok" && info["aof_enabled"] != "0" {
            findings.append(
                DoctorFinding(
                    .error, "disk", "\(what) could not be written (\(field))",
                    why: "Redis refuses writes, or loses them at its next restart",
                    mend: "df -h on its directory; make room"))
        }
        let replicas = info["connected_slaves"].flatMap { Int($0) } ?? 0
        let wanted = facts.config?["min-replicas-to-write"].flatMap { Int($0) }
        if info["role"] == "master", replicas > 0, wanted == 0 {
            findings.append(
                DoctorFinding(
                    .warning, "replication", "\(count(replicas, "replica")), and min-replicas-to-write is 0",
                    why: "a primary that is cut off goes on accepting events that the failover then loses",
                    mend: "redis-cli CONFIG SET min-replicas-to-write 1, and min-replicas-max-lag 10"))
        }
        if let wanted, wanted > 0, let good = info["min_slaves_good_slaves"].flatMap({ Int($0) }),
            good < wanted
        {
            findings.append(
                DoctorFinding(
                    .error, "replication",
                    "\(good) of \(wanted) replicas that min-replicas-to-write wants are there",
                    why: "Redis refuses every write (NOREPLICAS)", mend: "start the replicas, or lower it"))
        }
        return findings
    }

    private static func time(_ facts: DoctorFacts) -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        if let ahead = facts.clockAhead, ahead.magnitude > .seconds(2) {
            let words = "\(ahead.magnitude.inWords) \(ahead > .zero ? "ahead of" : "behind")"
            findings.append(
                DoctorFinding(
                    .warning, "clock", "Redis' clock is \(words) this machine's",
                    why: "states carry Redis' time: what people see is off by that much",
                    mend: "timedatectl set-ntp true on both machines"))
        }
        let skewed = facts.partitions.filter { $0.skew.magnitude > .seconds(2) }
        if let worst = skewed.max(by: { $0.skew.magnitude < $1.skew.magnitude }) {
            findings.append(
                DoctorFinding(
                    .note, "clock",
                    "\(worst.skew.magnitude.inWords) are taken off Redis' clock in \(count(skewed.count, "partition"))",
                    why: "it was set while aggregators ran; they compensate for it",
                    mend: "nothing; it goes back when the clock does"))
        }
        if !facts.roundTrips.isEmpty {
            let median = facts.roundTrips[facts.roundTrips.count / 2]
            if median > .milliseconds(10), let longest = facts.roundTrips.last {
                findings.append(
                    DoctorFinding(
                        median > .milliseconds(100) ? .warning : .note, "latency",
                        "a round trip to Redis takes \(median.inWords), the longest \(longest.inWords)",
                        why: "a commit is one round trip, and so is each read",
                        mend: "redis-cli --latency; look for slow commands (SLOWLOG GET) and the network"))
            }
        }
        return findings
    }

    private static func rights(_ facts: DoctorFacts) -> [DoctorFinding] {
        guard !facts.roles.isEmpty else { return [] }
        guard let missing = facts.missingRights else {
            return [
                DoctorFinding(
                    .unknown, "rights", "rights cannot be probed",
                    why: "that needs +multi and +discard",
                    mend: "run it as the user in question with these rights")
            ]
        }
        let user = facts.user.map { "user \($0)" } ?? "this user"
        return facts.roles.compactMap { role in
            guard let lacks = missing[role], !lacks.isEmpty else { return nil }
            let some = lacks.prefix(4).joined(separator: ", ") + (lacks.count > 4 ? ", …" : "")
            return DoctorFinding(
                .error, "rights", "\(user) lacks \(count(lacks.count, "right")) of the role \(role): \(some)",
                why: "what needs them is refused: events are kept, partitions halt, pages fail",
                mend: "take the user headway-\(role) of deploy/users.acl: redis-cli ACL LOAD")
        }
    }
}

extension Duration {
    fileprivate var magnitude: Duration { max(self, .zero - self) }
}
