import Foundation
import HeadwayCore
import HeadwayWire
import TestSupport
import Testing

@testable import ReadAPI

/// Not tests but measurements: `HEADWAY_FIGURES=1 swift test -c release --filter Figures`, with wrk installed.
@Suite(
    "Figures", .serialized, .enabled(if: ProcessInfo.processInfo.environment["HEADWAY_FIGURES"] != nil),
    .timeLimit(.minutes(5)))
struct Figures {
    private func measure(_ name: String, _ house: APIHouse, _ target: String, lua: String? = nil) async throws
    {
        let scratch = ScratchDirectory()
        var arguments = ["wrk", "-t1", "-c32", "-d4s", "--latency"]
        if let lua {
            try lua.write(toFile: scratch.file("wrk.lua"), atomically: true, encoding: .utf8)
            arguments += ["-s", scratch.file("wrk.lua")]
        }
        let wrk = try await ChildProcess.start(
            arguments + ["http://127.0.0.1:\(house.port)\(target)"], output: scratch.file("out"))
        _ = await eventually(within: .seconds(20), every: .milliseconds(200)) { !wrk.isRunning }
        let text = (try? String(contentsOfFile: scratch.file("out"), encoding: .utf8)) ?? ""
        let wanted = ["Requests/sec", "50%", "99%", "Non-2xx"]
        let lines = text.split(separator: "\n").filter { line in wanted.contains { line.contains($0) } }
        print(
            "FIGURE \(name): " + lines.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "  ")
        )
    }

    @Test("polls per second on one loop")
    func polls() async throws {
        try await APIHouse.with(partitions: 8) { house in
            try await house.writer.store(Sample.document())
            try await house.writer.put(SnapshotTests.article().state)
            let home = house.keyspace.partition(of: BulkID(unchecked: "spring"))
            for partition in 0..<8 {
                try await house.writer.put([
                    partition: Sample.share(
                        "spring", BulkCounts(running: 5, completed: 20), total: 200, isSealed: true,
                        isHome: partition == home)
                ])
            }
            try await measure("no Redis: /healthz", house, "/healthz")
            try await measure("a job, 200", house, "/v1/jobs/article-42")
            try await measure("a job, 304", house, "/v1/jobs/article-42?version=e1-17")
            try await measure("a bulk of 8 shares", house, "/v1/bulks/spring")
            let lua = """
                wrk.method = "POST"
                wrk.headers["Content-Type"] = "application/json"
                wrk.body = '{"ids":["article-42"\((0..<99).map { ",\"j\($0)\"" }.joined())]}'
                """
            try await measure("100 ids by POST", house, "/v1/jobs/query", lua: lua)
        }
    }

    @Test("from the commit to the frame")
    func latency() async throws {
        try await APIHouse.with(partitions: 8) { house in
            try await house.writer.put(Sample.job("a", version: 1))
            let streams = try (0..<100).map { _ in try TestStream(port: house.port, "/v1/jobs/a/events") }
            for stream in streams { _ = await stream.next("job") }
            var times: [Duration] = []
            for version in 2...200 {
                try await Task.sleep(for: .milliseconds(60))
                let start = ContinuousClock.now
                try await house.writer.put(Sample.job("a", version: Int64(version)))
                while streams[version % 100].events.last?.version != version { await Task.yield() }
                times.append(start.duration(to: .now))
            }
            times.sort()
            print(
                "FIGURE commit to frame, 100 clients: p50 \(times[times.count / 2]) p99 \(times[times.count * 99 / 100])"
            )
        }
    }
}
