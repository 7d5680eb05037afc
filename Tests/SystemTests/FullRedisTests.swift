import Foundation
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

/// `maxmemory` is reached while nobody reads: what is acknowledged waits, and drains by itself.
@Suite("A full Redis", .serialized, .timeLimit(.minutes(5)))
struct FullRedisTests {
    enum Relief: String, CaseIterable, Sendable {
        case moreMemory = "more memory"
        case othersKeysGone = "somebody else's keys removed"
    }

    private func used(_ scene: SpoolScene) async throws -> Int {
        let info = try await scene.fleet.client.send("INFO", "memory").string ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("used_memory:") }
        return try #require(line.flatMap { Int($0.dropFirst("used_memory:".count)) })
    }

    @Test(
        "with a backlog drains by itself after relief, and nothing that was acknowledged is lost",
        arguments: Relief.allCases)
    func drains(relief: Relief) async throws {
        let scene = try await SpoolScene()
        let client = scene.fleet.client
        _ = try await client.send("SETRANGE", "filler", "\(96 << 20)", "x")
        // A buffer that the backlog does not fit into: the worker must wait, not lose.
        let worker = try await SpoolPuppet.start(scene.url, spool: nil, buffer: 1 << 20)
        try await worker.ask("queue f 1 200")
        try await worker.ask("flush")
        let limit = try await used(scene) + 150_000
        _ = try await client.send("CONFIG", "SET", "maxmemory-policy", "noeviction")
        _ = try await client.send("CONFIG", "SET", "maxmemory", "\(limit)")
        worker.say("queue f 201 8000")
        #expect(
            await eventually(within: .seconds(60)) {
                (try? await client.send("XADD", "probe", "*", "a", String(repeating: "b", count: 64))) == nil
            })

        // It is there now, and can write nothing.
        let aggregator = try await scene.fleet.aggregator()
        let log = scene.fleet.server.directory.file("agg.log")
        #expect(
            await eventually(within: .seconds(30)) {
                ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("OOM")
            })
        let acknowledged = try await scene.stored()
        #expect(acknowledged.count > 200)
        #expect(worker.told("queued").count < 8_000)

        switch relief {
        case .moreMemory: _ = try await client.send("CONFIG", "SET", "maxmemory", "0")
        case .othersKeysGone: _ = try await client.send("DEL", "filler")
        }
        #expect(await eventually(within: .seconds(120)) { worker.told("queued").count == 8_000 })
        try await worker.ask("flush")
        #expect(try await scene.drained(within: .seconds(120)))
        #expect(try await scene.lost() == 0)
        #expect(try await scene.rejected() == 0)
        for number in stride(from: 1, through: 8_000, by: 37) {
            #expect(try await scene.field("status", of: "f-\(number)") == "queued", "f-\(number)")
        }
        let bulk = try await HeadwayBinary.run(["status", "f", "--json", "--redis", scene.url])
        #expect(bulk.output.contains("\"registered\":8000"), "\(bulk.output)")
        await worker.kill()
        aggregator.kill()
        await scene.fleet.stop()
    }

    @Test("whose backlog somebody trims goes on with the rest, and what was taken is counted")
    func trimmed() async throws {
        let scene = try await SpoolScene()
        let client = scene.fleet.client
        let worker = try await SpoolPuppet.start(scene.url, spool: nil)
        try await worker.ask("queue f 1 12000")
        try await worker.ask("flush")
        await worker.kill()
        _ = try await client.send("CONFIG", "SET", "maxmemory-policy", "noeviction")
        _ = try await client.send("CONFIG", "SET", "maxmemory", "\(try await used(scene))")
        let aggregator = try await scene.fleet.aggregator()
        let log = scene.fleet.server.directory.file("agg.log")
        #expect(
            await eventually(within: .seconds(30)) {
                ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("OOM")
            })
        let before = try await scene.stored().count
        for partition in 0..<8 {
            let length = try await client.send("XLEN", scene.fleet.keyspace.events(partition)).number ?? 0
            _ = try await client.send(
                "XTRIM", scene.fleet.keyspace.events(partition), "MAXLEN", "\(length / 100)")
        }
        let left = try await scene.stored().count
        #expect(left < before / 50)
        #expect(try await scene.drained(within: .seconds(120)))
        let bulk = try await HeadwayBinary.run(["status", "f", "--json", "--redis", scene.url])
        #expect(bulk.output.contains("\"registered\":\(left)"), "\(left) left: \(bulk.output)")
        // By the trim, or by the numbers that are left out; what shows both ways counts twice.
        #expect(try await scene.lost() >= before - left)
        aggregator.kill()
        await scene.fleet.stop()
    }
}
