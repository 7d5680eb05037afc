import HeadwayCore
import HeadwayWire
import Redis

/// What one round trip saw of the partitions that it touched, and when.
///
/// The questions about partitions go first in a batch, so that what is read behind them is at least as new as
/// the `asOf` that it is served with.
struct PartitionSight {
    /// Of one partition.
    struct Entry {
        let control: Control?
        let freshness: Freshness

        /// Empty when the partition was never owned.
        var epoch: String { control?.epoch ?? "" }
    }

    private var entries: [Int: Entry] = [:]
    private(set) var redisTime = Timestamp(milliseconds: 0)

    /// Replies that ``ask(_:of:into:)`` adds besides two per partition.
    private static let head = 1

    static func replies(for partitions: [Int]) -> Int { head + 2 * partitions.count }

    /// Adds the questions: `TIME`, and per partition its control hash and its stream's end.
    static func ask(of partitions: [Int], _ keyspace: Keyspace, into batch: inout CommandBatch) {
        batch.begin("TIME", argumentCount: 0)
        for partition in partitions {
            batch.begin("HGETALL", argumentCount: 1)
            batch.append(keyspace.control(partition))
            batch.begin("XREVRANGE", argumentCount: 5)
            batch.append(keyspace.events(partition))
            batch.append("+")
            batch.append("-")
            batch.append("COUNT")
            batch.append("1")
        }
    }

    /// - Parameters:
    ///   - replies: beginning with those to ``ask(of:_:into:)``.
    ///   - pulses: one per partition of the keyspace; each that is seen is told.
    ///   - now: monotonic, when the replies arrived.
    init(
        _ replies: [RESPValue], of partitions: [Int], _ keyspace: Keyspace, pulses: inout [PartitionPulse],
        at now: Duration
    ) throws(ReadError) {
        redisTime = Self.time(replies[0])
        for (place, partition) in partitions.enumerated() {
            let control = try Self.control(replies[Self.head + 2 * place], keyspace.control(partition))
            let reading = pulses[partition].observe(control, at: now)
            let end = replies[Self.head + 2 * place + 1].elements?.first?.elements?.first?.bytes
                .flatMap { StreamID($0) }
            let freshness =
                control.map { PartitionPulse.freshness(of: $0, reading, streamEnd: end, redisTime: redisTime) }
                ?? Freshness(asOf: nil, lagMilliseconds: nil, isStale: true)
            entries[partition] = Entry(control: control, freshness: freshness)
        }
    }

    subscript(partition: Int) -> Entry {
        entries[partition] ?? Entry(control: nil, freshness: Freshness(asOf: nil, lagMilliseconds: nil, isStale: true))
    }

    /// The partition's time: Redis' own, without what the owner takes off it.
    func time(of partition: Int) -> Timestamp {
        let skew = entries[partition]?.control?.skew.wholeMilliseconds ?? 0
        return Timestamp(milliseconds: redisTime.milliseconds &- skew)
    }

    /// Of an answer that was read from all of them.
    func freshness(of partitions: some Sequence<Int>) -> Freshness {
        var all: Freshness?
        for partition in partitions {
            let one = self[partition].freshness
            all = all?.joined(one) ?? one
        }
        return all ?? .none
    }

    static func control(_ reply: RESPValue, _ key: String) throws(ReadError) -> Control? {
        guard let elements = reply.elements, elements.count > 0 else { return nil }
        do {
            return try Control(fields: elements.pairs)
        } catch {
            throw .unreadable(key: key, detail: error.description)
        }
    }

    private static func time(_ reply: RESPValue) -> Timestamp {
        guard var parts = reply.elements?.makeIterator(), let seconds = parts.next()?.number,
            let micros = parts.next()?.number
        else { return Timestamp(milliseconds: 0) }
        return Timestamp(milliseconds: Int64(seconds) &* 1000 &+ Int64(micros / 1000))
    }
}
