import HeadwayCore
import HeadwayWire
import Redis

/// What a spool file holds, as the queues that its process had. Pure.
struct SpooledEvents: Sendable {
    /// The events of one partition under their source, contiguous: what cannot be read has a nil.
    struct Lane: Sendable, Equatable {
        var partition: Int
        var source: String
        var first: Int64
        var events: [FieldBuffer?]
        var last: Int64 { first + Int64(events.count) - 1 }
    }

    /// A damage that swallows more numbers than this ends the lane: nobody loses so many and has the rest.
    private static let longestGap: Int64 = 1_000_000

    private(set) var lanes: [Lane] = []
    /// Records that are no numbered events of this version.
    private(set) var unreadable = 0
    /// When the last of them was said.
    private(set) var latest: Timestamp?

    init(_ records: [SpoolRecord], _ keyspace: Keyspace) {
        var found: [Int: (source: String, events: [Int64: FieldBuffer])] = [:]
        for record in records {
            guard let event = try? ProgressEvent(fields: record.fields), let sequence = event.sequence else {
                unreadable += 1
                continue
            }
            latest = max(latest ?? record.time, record.time)
            let partition = keyspace.partition(of: event.subject)
            // A source is changed only when nothing of the one before is needed.
            if found[partition]?.source != sequence.source { found[partition] = (sequence.source, [:]) }
            found[partition]?.events[sequence.id] = record.fields
        }
        for (partition, lane) in found.sorted(by: { $0.key < $1.key }) {
            guard let first = lane.events.keys.min(), let last = lane.events.keys.max() else { continue }
            guard last - first < Self.longestGap + Int64(lane.events.count) else {
                unreadable += lane.events.count
                continue
            }
            lanes.append(
                Lane(
                    partition: partition, source: lane.source, first: first,
                    events: (first...last).map { lane.events[$0] }))
        }
    }

    var isEmpty: Bool { lanes.isEmpty }

    /// Numbers between its events that it lacks.
    var missing: Int { lanes.reduce(0) { $0 + $1.events.count { $0 == nil } } }

    /// The queue that sends it again: each event under its own source and number, so that what is applied already
    /// is known as a duplicate.
    ///
    /// - Parameters:
    ///   - marks: the applied mark of each lane; nil when Redis knows nothing of its source.
    ///   - isForgotten: so much time has passed that the aggregator may have forgotten sources. What it knows
    ///     nothing of then comes under `newSource`, from 1: at least once, and harmless because every event is
    ///     idempotent, where under the old number all before it would be counted as lost.
    func queue(
        _ keyspace: Keyspace, marks: [Int64?], isForgotten: Bool, newSource: () -> String,
        limits: SendQueue<CommandBatch>.Limits, rules: PartitionSender<CommandBatch>.Rules, at now: Duration
    ) -> SendQueue<CommandBatch> {
        var queue = SendQueue<CommandBatch>(
            partitions: keyspace.partitions, source: "", limits: limits, rules: rules, at: now)
        for (lane, mark) in zip(lanes, marks) {
            let isRenewed = mark == nil && isForgotten
            let source = isRenewed ? newSource() : lane.source
            let events = isRenewed ? lane.events.filter { $0 != nil } : lane.events
            var commands: [(CommandBatch, cost: Int)] = []
            for (place, fields) in events.enumerated() {
                let sequence = isRenewed ? ProgressEvent.Sequence(source: source, id: Int64(place) + 1) : nil
                let command = Self.command(fields, to: keyspace.events(lane.partition), as: sequence)
                commands.append((command, command.bytes.capacity + MemoryLayout<CommandBatch>.stride + 48))
            }
            queue.restore(
                commands, from: isRenewed ? 1 : lane.first, as: source, to: lane.partition, at: now)
        }
        return queue
    }

    /// A number whose event is gone is a command that says nothing: the numbers stay without a gap here, and the
    /// aggregator counts what it never gets.
    private static func command(
        _ fields: FieldBuffer?, to stream: String, as sequence: ProgressEvent.Sequence?
    ) -> CommandBatch {
        var command = CommandBatch()
        guard var fields else {
            command.add("PING")
            return command
        }
        if let sequence { fields = sequence.replacing(in: fields) }
        command.begin("XADD", argumentCount: 2 + 2 * fields.count)
        command.append(stream)
        command.append("*")
        for (name, value) in fields {
            command.append(name)
            command.append(value)
        }
        return command
    }
}
