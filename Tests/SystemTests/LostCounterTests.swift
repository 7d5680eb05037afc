import Foundation
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

/// What is lost is counted, to the unit, and said wherever somebody looks.
@Suite("Lost counters", .serialized, .timeLimit(.minutes(5)))
struct LostCounterTests {
    /// Three living workers, a Redis that loses the end of its file, then everybody speaks once more.
    ///
    /// - Returns: how many numbered events the streams lost for good, counted from the streams themselves.
    private func loseUnderTheLiving(_ scene: SpoolScene, sabotage: String?) async throws -> (
        gone: Int, workers: [SpoolPuppet]
    ) {
        var workers: [SpoolPuppet] = []
        for number in 0..<3 {
            let worker = try await SpoolPuppet.start(scene.url, spool: nil, sabotage: sabotage)
            try await worker.ask("queue w\(number) 1 400")
            try await worker.ask("flush")
            workers.append(worker)
        }
        let before = try await scene.stored()
        #expect(before.count == 1_200)
        // Nothing is under way: what is gone is what was acknowledged.
        for worker in workers { worker.running.signal(SIGSTOP) }
        try await scene.loseTail(0.7)
        let after = try await scene.stored()
        #expect(after.isSubset(of: before) && after.count < before.count)
        for worker in workers { worker.running.signal(SIGCONT) }
        // Each source speaks again in every partition, so that what it left out shows.
        for (number, worker) in workers.enumerated() {
            try await worker.ask("queue v\(number) 1 200")
            try await worker.ask("flush")
        }
        return (before.subtracting(after).count, workers)
    }

    @Test("with replay switched off the counter equals what the streams lost, on every page that tells it")
    func exact() async throws {
        let scene = try await SpoolScene()
        let (gone, workers) = try await loseUnderTheLiving(scene, sabotage: "replay")
        #expect(gone > 50)
        let up = try await HeadwayBinary.start([
            "up", "--redis", scene.url, "--listen", "127.0.0.1:0", "--lease", "1s",
        ])
        #expect(await eventually(within: .seconds(30)) { up.output.contains("Stop it with") })
        #expect(try await scene.drained())
        #expect(try await scene.lost() == gone)

        let line = up.output.split(separator: "\n").first
        let text = String(
            try #require(line?.split(separator: " ").last).dropFirst("http://".count).dropLast())
        let probe = HTTPProbe(address: try #require(ListenAddress(text)))
        let probed = try await probe.get("/metrics").body
        let lines = String(decoding: probed, as: UTF8.self).split(separator: "\n")
        let counts = lines.filter { $0.hasPrefix("headway_events_lost_total{") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(counts.count == 8 && counts.reduce(0, +) == gone, "\(lines.filter { $0.contains("lost") })")
        let page = String(decoding: try await probe.get("/v1/aggregators").body, as: UTF8.self)
        let told = page.split(separator: "\"lost\":").dropFirst().compactMap {
            Int($0.prefix { $0.isNumber })
        }
        #expect(told.count == 8 && told.reduce(0, +) == gone, "\(page)")

        let doctor = try await HeadwayBinary.run(["doctor", "--redis", scene.url, "--json"])
        #expect(doctor.code == 1)
        #expect(doctor.output.contains("\"what\":\"\(gone) events lost"), "\(doctor.output)")
        let status = try await HeadwayBinary.run(["status", "--aggregators", "--json", "--redis", scene.url])
        let parts = status.output.split(separator: "\"lost\":").dropFirst().compactMap {
            Int($0.prefix { $0.isNumber })
        }
        #expect(parts.reduce(0, +) == gone)
        for worker in workers { await worker.kill() }
        up.signal(SIGTERM)
        _ = await up.end()
        await scene.fleet.stop()
    }

    @Test("with replay, the same loss heals: nothing is missing, and the counter stays 0")
    func healed() async throws {
        let scene = try await SpoolScene()
        let (gone, workers) = try await loseUnderTheLiving(scene, sabotage: nil)
        #expect(gone > 50)
        let aggregator = try await scene.fleet.aggregator()
        #expect(try await scene.drained())
        #expect(try await scene.lost() == 0)
        for worker in workers {
            for id in worker.told("queued") {
                #expect(try await scene.field("status", of: id) == "queued", "\(id)")
            }
            await worker.kill()
        }
        aggregator.kill()
        await scene.fleet.stop()
    }
}
