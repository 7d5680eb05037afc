import Glibc
import Headway

/// A worker that does what it is told, line by line, and can be killed between any two.
///
///     SpoolWorker REDIS SPOOL|- [BUFFER-BYTES]
///
///     queue PREFIX FIRST LAST   announces jobs PREFIX-n of pipeline task, in bulk PREFIX
///     work PREFIX FIRST LAST    plays them from start to completion
///     start ID                  starts one and lets it be
///     flush, stats, close
///
/// Each line is answered by one, which begins with its word: what is answered was accepted.
@main
struct SpoolWorker {
    static func main() async throws {
        let words = CommandLine.arguments
        guard words.count >= 3 else { fatalError("usage: SpoolWorker REDIS SPOOL|- [BUFFER-BYTES]") }
        var options = Headway.Options(worker: "spool-worker")
        options.spool = words[2] == "-" ? nil : words[2]
        if words.count > 3, let bytes = Int(words[3]) { options.bufferLimit = bytes }
        let headway = try await Headway.connect(words[1], options: options)
        say("ready")
        var open: [Job<AnyPipeline>] = []
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            let first = words.count > 2 ? Int(words[2]) ?? 0 : 0
            let last = words.count > 3 ? Int(words[3]) ?? 0 : 0
            do {
                switch words.first {
                case "queue":
                    for n in first...last {
                        try await headway.queue(pipeline: "task", id: "\(words[1])-\(n)", in: words[1])
                        say("queued \(words[1])-\(n)")
                    }
                case "work":
                    for n in first...last { try await work("\(words[1])-\(n)", in: words[1], headway) }
                case "start": open.append(try await headway.start(pipeline: "task", id: words[1]))
                case "flush": try await headway.flush(within: .seconds(20))
                case "stats":
                    say(report(headway.statistics))
                    continue
                case "close":
                    try await headway.close(within: .seconds(20))
                    say("close")
                    return
                default: fatalError("no such word: \(line)")
                }
                say(line)
            } catch {
                say("error \(line): \(error)")
            }
        }
    }

    private static func work(_ id: String, in bulk: String, _ headway: Headway) async throws {
        let job = try await headway.start(pipeline: "task", id: id, in: bulk)
        try await job.run("work") { stage in
            for n in 1...3 { stage.report(n, of: 3, "Step \(n)") }
        }
        try await job.complete(result: "made-\(id)")
        say("worked \(id)")
    }

    private static func report(_ statistics: Headway.Statistics) -> String {
        let spool = statistics.spool ?? Headway.SpoolStatistics()
        return "stats events=\(statistics.events) unacknowledged=\(statistics.unacknowledged)"
            + " unapplied=\(statistics.unapplied) resent=\(statistics.resent) waits=\(statistics.waits)"
            + " refused=\(statistics.refused) written=\(spool.written) unspooled=\(spool.unspooled)"
            + " bytes=\(spool.bytes) adopted=\(spool.adopted) replayed=\(spool.replayed)"
            + " left=\(spool.unapplied) fault=\(spool.fault?.code.rawValue ?? "none")"
    }

    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
