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
            let report = try await desk.reader.aggregators()
            if invocation.arguments.isOn("json") {
                var json = JSONWriter()
                report.write(to: &json)
                Terminal.say(String(decoding: json.bytes, as: UTF8.self))
            } else {
                show(report, on: invocation.terminal)
            }
            return report.partitions.contains { $0.isHalted || $0.freshness.isStale } ? .failed : .done
        }
    }

    private static func show(_ report: AggregatorReport, on terminal: Terminal) {
        var table = Table(
            head: ["INSTANCE", "OWNS", "COMMITS", "FENCED", "DUPLICATES", "NOTE"],
            numbers: ["OWNS", "COMMITS", "FENCED", "DUPLICATES"])
        table.rows = report.instances.map { instance in
            [
                instance.name, "\(report.owned(by: instance))", "\(instance.beat.commits)",
                "\(instance.beat.fenced)",
                "\(instance.beat.duplicates)",
                instance.beat.isLeaving ? "leaving" : "",
            ]
        }
        table.print(to: terminal)
        Terminal.say("")
        var lines = Table(
            head: ["PARTITION", "OWNER", "FENCE", "COMMIT", "BEHIND", "LAG", "LOST", "NOTE"],
            numbers: ["PARTITION", "FENCE", "COMMIT", "BEHIND", "LAG", "LOST"])
        lines.rows = report.partitions.map { partition in
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
}
