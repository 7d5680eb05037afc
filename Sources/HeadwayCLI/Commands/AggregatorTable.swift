import EventLoop
import HeadwayCore
import HeadwayWire
import ReadAPI

/// `headway status --aggregators`: who lives, who owns what, and how far behind it is.
enum AggregatorTable {
    /// Long enough for every living owner to have beaten: an idle one does so at least each second.
    private static let look = Duration.milliseconds(1_500)

    static func run(_ invocation: Invocation) async throws -> ExitCode {
        try await Desk.with(invocation) { desk in
            _ = try await desk.reader.aggregators()
            // Whether somebody lives shows only in what moves.
            try? await desk.loop.sleep(for: look)
            let (instances, partitions) = try await desk.reader.aggregators()
            if invocation.arguments.isOn("json") {
                Terminal.say(json(instances, partitions))
            } else {
                show(instances, partitions, on: invocation.terminal)
            }
            return partitions.contains { $0.isHalted || $0.freshness.isStale } ? .failed : .done
        }
    }

    private static func show(
        _ instances: [AggregatorInstance], _ partitions: [PartitionStanding], on terminal: Terminal
    ) {
        var table = Table(
            head: ["INSTANCE", "OWNS", "COMMITS", "FENCED", "DUPLICATES", "NOTE"],
            numbers: ["OWNS", "COMMITS", "FENCED", "DUPLICATES"])
        table.rows = instances.map { instance in
            let owned = partitions.count { $0.control?.owner == instance.name }
            return [
                instance.name, "\(owned)", "\(instance.beat.commits)", "\(instance.beat.fenced)",
                "\(instance.beat.duplicates)",
                instance.beat.isLeaving ? "leaving" : "",
            ]
        }
        table.print(to: terminal)
        Terminal.say("")
        var lines = Table(
            head: ["PARTITION", "OWNER", "FENCE", "COMMIT", "BEHIND", "LAG", "LOST", "NOTE"],
            numbers: ["PARTITION", "FENCE", "COMMIT", "BEHIND", "LAG", "LOST"])
        lines.rows = partitions.map { partition in
            let control = partition.control
            return [
                "\(partition.partition)", control?.owner ?? "nobody", "\(control?.fence ?? 0)",
                "\(control?.commit ?? 0)", "\(partition.lagEvents)",
                partition.freshness.lagMilliseconds.map { Duration.milliseconds($0).inWords } ?? "",
                "\(control?.lost ?? 0)", note(partition),
            ]
        }
        lines.print(to: terminal)
    }

    private static func note(_ partition: PartitionStanding) -> String {
        if partition.isHalted { return "HALTED: see its owner's log" }
        if partition.freshness.isStale { return "stale: no living owner" }
        return partition.control?.next.map { "handed to \($0)" } ?? ""
    }

    private static func json(_ instances: [AggregatorInstance], _ partitions: [PartitionStanding]) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.key("instances")
        json.beginArray()
        for instance in instances {
            json.beginObject()
            json.field("name", instance.name)
            json.field("owned", partitions.count { $0.control?.owner == instance.name })
            json.field("leaving", instance.beat.isLeaving)
            json.field("commits", Int(instance.beat.commits))
            json.field("fenced", Int(instance.beat.fenced))
            json.field("duplicates", Int(instance.beat.duplicates))
            json.endObject()
        }
        json.endArray()
        json.key("partitions")
        json.beginArray()
        for partition in partitions {
            json.beginObject()
            json.field("partition", partition.partition)
            json.field("owner", partition.control?.owner)
            json.field("fence", partition.control.map { Int($0.fence) })
            json.field("epoch", partition.control?.epoch)
            json.field("commit", partition.control.map { Int($0.commit) })
            json.field("lagEvents", Int(partition.lagEvents))
            json.field("lost", partition.control.map { Int($0.lost) })
            json.field("halted", partition.isHalted)
            json.fields(partition.freshness)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
