import EventLoop
import Glibc
import HeadwayCore
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

@Suite("Several aggregators", .timeLimit(.minutes(3)))
struct AggregatorFleetTests {
    private static let lease = Duration.seconds(2)

    private static func start(_ url: String) async throws -> HeadwayBinary.Running {
        try await HeadwayBinary.start(["aggregate", "--redis", url, "--lease", "2s"])
    }

    /// How many partitions each instance owns, most first, as `headway status --aggregators` tells.
    private static func owned(_ url: String) async throws -> (counts: [Int], code: CInt) {
        let outcome = try await HeadwayBinary.run(["status", "--aggregators", "--json", "--redis", url])
        let parts = outcome.output.split(separator: "\"owned\":").dropFirst()
        return (parts.compactMap { Int($0.prefix { $0.isNumber }) }.sorted(by: >), outcome.code)
    }

    @Test("three share the partitions, and one that is killed is replaced within its lease and a second")
    func killed() async throws {
        let server = try await RedisServer.start()
        let url = server.endpointURL
        let first = try await Self.start(url)
        let second = try await Self.start(url)
        let third = try await Self.start(url)
        #expect(
            await eventually(within: .seconds(30), every: .milliseconds(100)) {
                (try? await Self.owned(url))?.counts == [3, 3, 2]
            })
        let loop = EventLoop(name: "fleet-test")
        let connection = try await RedisConnection.connect(to: server.endpoint, on: loop)
        func owners() async throws -> [String] {
            var batch = CommandBatch()
            for partition in 0..<8 { batch.add("HMGET", "hw:{\(partition)}:control", "owner", "nonce") }
            return try await connection.send(batch).map {
                $0.elements.map(Array.init)?.compactMap(\.string).joined(separator: " ") ?? ""
            }
        }
        let before = try await owners()
        let killedName = "-\(first.pid)"
        let lost = before.indices.filter { before[$0].split(separator: " ")[0].hasSuffix(killedName) }
        #expect(!lost.isEmpty)
        let start = ContinuousClock.now
        first.signal(SIGKILL)
        let isTaken = await eventually(within: .seconds(20)) {
            let now = (try? await owners()) ?? before
            return lost.allSatisfy { !now[$0].isEmpty && now[$0] != before[$0] }
        }
        let time = start.duration(to: .now)
        #expect(isTaken)
        #expect(time < Self.lease + .seconds(1) * Patience.factor, "taken over after \(time)")
        #expect(
            await eventually(within: .seconds(30), every: .milliseconds(100)) {
                (try? await Self.owned(url))?.counts.prefix(2) == [4, 4]
            })
        _ = second
        _ = third
        await connection.close()
        await loop.stop()
        await server.stop()
    }
}
