import HeadwayCore
import HeadwayWire

/// Looks at every unit that a server executes, and knows what must never be seen. It knows the keys and the wire,
/// not the fold.
final class Witness {
    /// What it must remember of a server's past; falls back with it.
    struct Memory {
        var controls: [Int: Control] = [:]
        /// By nonce, which connection took the partition with it.
        var takers: [String: Int] = [:]
        var jobs: [Bytes: Life] = [:]
        /// When words of the job came into the stream, the last few.
        var heard: [Bytes: [Duration]] = [:]
    }

    /// A job as last committed.
    struct Life {
        var status: Bytes
        var attempt = 1
        var version = 0
        var fraction = 0
        var health: Bytes
    }

    var memory: Memory
    private unowned let world: World

    /// How much sooner than its due time a verdict may come: what the partition's clock may be off by.
    private static let tolerance = Duration.milliseconds(2_500)

    init(_ memory: Memory, in world: World) {
        self.memory = memory
        self.world = world
    }

    func see(_ unit: [[Bytes]], _ touched: [Bytes], by client: Int, on redis: FakeRedis) {
        world.note("redis \(redis.replicationID.prefix(4)) executes for \(client): \(Self.text(of: unit))")
        for command in unit where command[0] == Self.xadd {
            let place = Place(command[1])
            if place?.kind == "events" {
                hear(command)
            } else if place?.kind == "rejected" {
                refused(command)
            }
        }
        var bulks: Set<Bytes> = []
        var writes = 0
        for key in Set(touched).sorted(by: { $0.isBefore($1) }) {
            guard let place = Place(key) else { continue }
            switch place.kind {
            case "control":
                writes += 1
                checkControl(place.partition, key, by: client, on: redis)
            case "job": checkJob(key, place, on: redis)
            case "bulk", "members": bulks.insert(Bytes("\(place.partition):") + place.id)
            case "events": checkStream(place.partition, key, on: redis)
            default: break
            }
        }
        for bulk in bulks { checkBulk(bulk, on: redis) }
        if writes == 0, touched.contains(where: { Place($0).map { Self.owned.contains($0.kind) } ?? false }) {
            world.fail("I4: \(Self.text(of: unit)) was written without its partition's control")
        }
    }

    private static let xadd = Bytes("XADD")
    /// Written by an owner only, together with its control.
    private static let owned: Set<String> = ["job", "bulk", "members", "active", "timeline", "tomb"]

    private static func text(of unit: [[Bytes]]) -> String {
        unit.prefix(12).map { $0.prefix(24).map(\.text).joined(separator: " ") }.joined(separator: "; ")
    }

    /// `hw:{3}:job:article-42`.
    struct Place {
        var partition: Int
        var kind: String
        var id: Bytes

        init?(_ key: Bytes) {
            guard key.count > 6, key[3] == UInt8(ascii: "{"), let end = key.firstIndex(of: UInt8(ascii: "}")),
                let partition = Int(String(decoding: key[4..<end], as: UTF8.self)), end + 2 < key.count
            else { return nil }
            self.partition = partition
            let rest = key[(end + 2)...]
            let colon = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            kind = String(decoding: rest[..<colon], as: UTF8.self)
            id = colon < rest.endIndex ? Bytes(rest[(colon + 1)...]) : []
        }
    }

    // MARK: I4: one owner, one history

    private func checkControl(_ partition: Int, _ key: Bytes, by client: Int, on redis: FakeRedis) {
        guard case .hash(let hash)? = redis.value(key) else {
            return world.fail("I4: partition \(partition) lost its control")
        }
        let pairs = hash.fields.map { (name: $0.name[...], value: $0.value[...]) }
        guard let control = try? Control(fields: pairs) else {
            return world.fail("I4: the control of partition \(partition) cannot be read")
        }
        defer { memory.controls[partition] = control }
        if control.next == Control.halted { world.fail("partition \(partition) is halted") }
        let before = memory.controls[partition] ?? Control()
        if control.nonce != before.nonce {
            if memory.takers[control.nonce] != nil {
                world.fail("I4: partition \(partition): an old nonce is back")
            }
            if control.fence != before.fence + 1 {
                world.fail("I4: partition \(partition): fence \(before.fence), then \(control.fence)")
            }
            memory.takers[control.nonce] = client
        } else if memory.takers[control.nonce] != client {
            world.fail("I4: partition \(partition): connection \(client) commits with the nonce of another")
        }
        if control.commit != before.commit + 1 {
            world.fail("I4: partition \(partition): commit \(before.commit), then \(control.commit)")
        }
        if control.epoch == before.epoch {
            if control.checkpoint < before.checkpoint {
                world.fail(
                    "I4: partition \(partition): checkpoint \(before.checkpoint), then \(control.checkpoint)")
            }
            if control.watermark < before.watermark {
                world.fail("I4: partition \(partition): the watermark fell")
            }
        }
        if control.lost > 0, !world.settings.isLossy {
            world.fail("I1: partition \(partition) counts \(control.lost) lost, and nothing was")
        }
        world.count("commits")
    }

    // MARK: I2: a share is its members

    private func checkBulk(_ bulk: Bytes, on redis: FakeRedis) {
        guard let colon = bulk.firstIndex(of: UInt8(ascii: ":")) else { return }
        let (partition, id) = (bulk[..<colon], bulk[(colon + 1)...])
        let prefix = Bytes("hw:{") + partition
        var counted = [Int](repeating: 0, count: 5)
        if case .scores(let scores)? = redis.value(prefix + Bytes("}:members:") + id) {
            for item in scores.items { counted[Int(item.score / 1e13)] += 1 }
        }
        guard case .hash(let share)? = redis.value(prefix + Bytes("}:bulk:") + id) else {
            if counted.contains(where: { $0 > 0 }) {
                world.fail("I2: bulk \(bulk.text) has members and no share")
            }
            return
        }
        let told = Self.statuses.map { share[$0].flatMap { Int($0.text) } ?? 0 }
        if told != counted { world.fail("I2: bulk \(bulk.text) counts \(told), its members are \(counted)") }
        if told.contains(where: { $0 < 0 }) { world.fail("I2: bulk \(bulk.text) counts \(told)") }
    }

    static let statuses = ["queued", "running", "completed", "failed", "cancelled"].map { Bytes($0) }

    // MARK: I5: nothing unread is trimmed

    private func checkStream(_ partition: Int, _ key: Bytes, on redis: FakeRedis) {
        guard case .stream(let stream)? = redis.value(key), let control = memory.controls[partition] else {
            return
        }
        let gone = stream.added - stream.entries.count
        if Int64(gone) > control.consumed, !world.settings.isLossy {
            world.fail(
                "I5: partition \(partition): \(gone) entries are gone, \(control.consumed) were consumed")
        }
    }

    // MARK: I3, I6, S1, S2: a job's life

    private static let terminal: Set<Bytes> = [Bytes("completed"), Bytes("failed"), Bytes("cancelled")]
    private static let pipeline = Bytes("pipeline")
    private static let status = Bytes("status")
    private static let silent: [Bytes: Duration] = [
        Bytes("suspect"): Play.heartbeat + Play.heartbeat, Bytes("lost"): Play.lostAfter,
    ]

    private func checkJob(_ key: Bytes, _ place: Place, on redis: FakeRedis) {
        guard case .hash(let hash)? = redis.value(key) else { return }
        guard hash[Self.pipeline] != nil, let status = hash[Self.status] else {
            if hash[Bytes("held")] == nil { world.fail("S1: \(key.text) is neither a job nor a placeholder") }
            return
        }
        func number(_ name: String, _ other: Int) -> Int {
            hash[Bytes(name)].flatMap { Int($0.text) } ?? other
        }
        let life = Life(
            status: status, attempt: number("attempt", 1), version: number("version", 0),
            fraction: number("fraction", 0), health: hash[Bytes("health")] ?? Bytes("ok"))
        defer { memory.jobs[key] = life }
        if world.hits(oneIn: 16) { checkImage(hash, key, place) }
        let before = memory.jobs[key]
        if let due = Self.silent[life.health], before?.health != life.health {
            world.count("verdicts of silence")
            // The owner judges up to its watermark; what came later is not read yet.
            let control = memory.controls[place.partition] ?? Control()
            let behind =
                redis.wall() - control.watermark.milliseconds - Int64(control.skew / .milliseconds(1))
            func silenceOf(_ behind: Duration) -> Duration {
                let judged = world.now - behind
                return judged - (memory.heard[place.id]?.last { $0 <= judged } ?? .zero)
            }
            // The commit may have been made before its owner saw the clock that was set a moment ago.
            var silence = silenceOf(.milliseconds(behind))
            if world.now - world.clockSet.at < .seconds(1) {
                silence = max(silence, silenceOf(.milliseconds(behind) - world.clockSet.by))
            }
            if silence < due - Self.tolerance {
                world.fail("S2: \(key.text) is \(life.health.text) after a silence of \(silence)")
            }
        }
        let epoch = memory.controls[place.partition]?.epoch ?? ""
        if !world.truth.committed(hash, of: place.id, epoch, Int64(life.version)) {
            world.fail("I6: \(key.text): version \(life.version) is committed with another content")
        }
        guard let before else { return }
        if life.attempt < before.attempt {
            world.fail("I3: \(key.text): attempt \(before.attempt), then \(life.attempt)")
        }
        if life.version < before.version {
            world.fail("I3: \(key.text): version \(before.version), then \(life.version)")
        }
        guard life.attempt == before.attempt else { return }
        let wasLost = before.health == Bytes("lost")
        if Self.terminal.contains(before.status), life.status != before.status, !wasLost {
            world.fail("I3: \(key.text) was \(before.status.text), and is \(life.status.text) again")
        }
        if life.fraction < before.fraction {
            world.fail("I3: \(key.text): \(before.fraction) parts of a million, then \(life.fraction)")
        }
    }

    /// What lies there reads as a job, and is what a job would be written as.
    private func checkImage(_ hash: FieldList, _ key: Bytes, _ place: Place) {
        guard let id = JobID(place.id.text),
            let record = try? JobRecord(
                id: id, job: hash.fields.map { (name: $0.name[...], value: $0.value[...]) }, tombstone: nil)
        else { return world.fail("S1: \(key.text) cannot be read") }
        var fields = FieldBuffer()
        record.encode(into: &fields)
        let names = Set(fields.map { Bytes($0.name) })
        let stored = Set(hash.fields.map(\.name))
        if names != stored {
            let odd = names.symmetricDifference(stored).map(\.text).sorted()
            world.fail("S1: \(key.text) is no whole image: \(odd)")
        }
    }

    // MARK: What came in, and what was refused

    private static let subject = Bytes("subject")

    private func hear(_ command: [Bytes]) {
        world.count("events")
        for place in stride(from: 3, to: command.count - 1, by: 2) where command[place] == Self.subject {
            memory.heard[command[place + 1], default: []].append(world.now)
            if memory.heard[command[place + 1]]?.count ?? 0 > 40 {
                memory.heard[command[place + 1]]?.removeFirst(20)
            }
        }
    }

    private func refused(_ command: [Bytes]) {
        world.count("refused")
        var subject = Bytes()
        var reason = Bytes()
        for place in stride(from: 3, to: command.count - 1, by: 1) {
            if command[place] == Bytes("event.subject") { subject = command[place + 1] }
            if command[place] == Bytes("reason") { reason = command[place + 1] }
        }
        if !world.ledger.mayBeRefused(subject.text) {
            world.fail(
                "I1: a word of \(subject.text) was refused as \(reason.text): \(Self.text(of: [command]))")
        }
    }
}
