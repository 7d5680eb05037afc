import HeadwayCore
import HeadwayWire

/// Compares what Redis holds with what was said.
struct Oracle {
    let ledger: Ledger
    let redis: FakeRedis
    let keyspace: Keyspace
    /// Whether what has ended may be gone.
    let expires: Bool

    /// - Returns: nothing when all is as it was said.
    func differences() -> [String] {
        var wrong: [String] = []
        for (_, told) in ledger.jobs.sorted(by: { $0.key < $1.key }) {
            wrong += differences(of: told)
            if wrong.count > 20 { return wrong }
        }
        for (_, told) in ledger.bulks.sorted(by: { $0.key < $1.key }) { wrong += differences(of: told) }
        for partition in 0..<keyspace.partitions { wrong += differences(of: partition) }
        return wrong
    }

    private func hash(_ key: String) -> FieldList? {
        guard case .hash(let fields)? = redis.value(Bytes(key)) else { return nil }
        return fields
    }

    private func scores(_ key: String) -> ScoreList {
        guard case .scores(let scores)? = redis.value(Bytes(key)) else { return ScoreList() }
        return scores
    }

    // MARK: Jobs

    func differences(of told: Told) -> [String] {
        if told.isTainted { return [] }
        let id = JobID(unchecked: told.id)
        let partition = keyspace.partition(of: id)
        guard let found = hash(keyspace.job(partition, id)) else {
            if expires, told.hasEnded,
                case .string(let text)? = redis.value(Bytes(keyspace.tombstone(partition, id))),
                let tombstone = try? JobRecord.Tombstone(text: text.text)
            {
                return tombstone.status.rawValue == told.status && tombstone.attempt == told.attempt
                    ? [] : ["job \(told.id): its tombstone is \(text.text), said was \(told.status)"]
            }
            return ["job \(told.id) is not there; said was \(told.status)"]
        }
        var wrong: [String] = []
        func compare(_ field: String, _ said: String?, absent: String? = nil) {
            let seen = found[Bytes(field)]?.text ?? absent
            if seen != said {
                wrong.append("job \(told.id): \(field) is \(seen ?? "none"), said was \(said ?? "none")")
            }
        }
        compare("status", told.status)
        compare("attempt", "\(told.attempt)", absent: "1")
        compare("bulk", told.bulk)
        compare("result", told.result)
        compare("error", told.error)
        compare("code", told.code)
        compare("message", told.message)
        compare("fraction", "\(told.fraction)", absent: "0")
        if told.hasEnded { compare("health", nil) }
        let stages = (found[Bytes("stages")]?.text ?? "").split(separator: " ").map {
            $0.split(separator: "=")
        }
        for letter in "cs" as String {
            let seen = stages.filter { $0.count == 2 && $0[1].first == letter }.map { String($0[0]) }.sorted()
            if seen != told.stages(letter).sorted() {
                wrong.append("job \(told.id): stages are \(stages), said was \(told.states)")
            }
        }
        if !told.isTorn { wrong += differencesOfTimeline(of: told, found, keyspace.timeline(partition, id)) }
        let active = scores(keyspace.active(partition)).score(of: Bytes(told.id))
        if (active != nil) == told.hasEnded {
            wrong.append("job \(told.id): \(told.status), active \(active ?? 0)")
        }
        let members = told.bulk.map { keyspace.members(partition, BulkID(unchecked: $0)) }
        if let bulk = told.bulk, !expires || redis.value(Bytes(members ?? "")) != nil {
            let member = scores(keyspace.members(partition, BulkID(unchecked: bulk))).score(
                of: Bytes(told.id))
            let status = member.map { Witness.statuses[Int($0 / 1e13)].text }
            if status != told.status {
                wrong.append("job \(told.id): \(told.status), member of \(bulk) as \(status ?? "none")")
            }
        }
        return wrong
    }

    /// Every step once; judgements on silence come and go beside what was said.
    private func differencesOfTimeline(of told: Told, _ found: FieldList, _ key: String) -> [String] {
        var steps: [String] = []
        var isJudged = false
        if case .list(let items)? = redis.value(Bytes(key)) {
            for item in items {
                let parts = item.text.split(separator: ";", omittingEmptySubsequences: false)
                let detail = parts.count > 5 ? parts[5] : ""
                if ["health", "recovered"].contains(parts[1]) || detail == "worker_lost" {
                    isJudged = true
                } else if parts[1] != "requeued" {
                    steps.append(parts[1...4].joined(separator: ";"))
                }
            }
        }
        var wrong: [String] = []
        if steps.sorted() != told.timeline.sorted() {
            wrong.append("job \(told.id): its timeline is \(steps), said was \(told.timeline)")
        }
        let version = found[Bytes("version")].flatMap { Int($0.text) } ?? 0
        if !isJudged, version > told.words {
            wrong.append("I1: job \(told.id): version \(version) after \(told.words) words")
        }
        return wrong
    }

    // MARK: Bulks

    private func differences(of told: ToldBulk) -> [String] {
        let id = BulkID(unchecked: told.id)
        var counted = [Int](repeating: 0, count: 5)
        var members: [String] = []
        var shares: [FieldList?] = []
        for partition in 0..<keyspace.partitions {
            let share = hash(keyspace.bulk(partition, id))
            shares.append(share)
            for (place, status) in Witness.statuses.enumerated() {
                counted[place] += share?[status].flatMap { Int($0.text) } ?? 0
            }
            members += scores(keyspace.members(partition, id)).items.map(\.member.text)
        }
        let said = Witness.statuses.map { status in told.members.count { Bytes($0.status) == status } }
        var wrong: [String] = []
        // What is begun anew after it had settled and gone is counted from there.
        if told.isTainted || expires && (told.isTorn || shares[keyspace.partition(of: id)] == nil) {
            return wrong
        }
        if counted != said { wrong.append("bulk \(told.id) counts \(counted), said was \(said)") }
        if members.sorted() != told.members.map(\.id).sorted() {
            wrong.append("bulk \(told.id): its members are \(members.sorted())")
        }
        guard told.isSealed else { return wrong }
        let home = shares[keyspace.partition(of: id)]
        if home?[Bytes("total")]?.text != told.total.map(String.init) || home?[Bytes("sealed")]?.text != "1" {
            wrong.append("bulk \(told.id): total and seal are \(home?[Bytes("total")]?.text ?? "none")")
        }
        guard said[0] + said[1] == 0, told.members.count == told.total else { return wrong }
        for (partition, share) in shares.enumerated() where share != nil && share?[Bytes("settled")] == nil {
            wrong.append("bulk \(told.id): all is done, partition \(partition) does not know it as settled")
        }
        return wrong
    }

    // MARK: Partitions

    private func differences(of partition: Int) -> [String] {
        guard let control = hash(keyspace.control(partition)),
            case .stream(let stream)? = redis.value(Bytes(keyspace.events(partition)))
        else { return [] }
        let consumed = control[Bytes("consumed")].flatMap { Int($0.text) } ?? 0
        return consumed == stream.added
            ? [] : ["partition \(partition): \(consumed) entries consumed of \(stream.added)"]
    }
}
