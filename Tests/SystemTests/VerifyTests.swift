import EventLoop
import Foundation
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

@Suite("headway verify", .timeLimit(.minutes(2)))
struct VerifyTests {
    @Test("says that every count equals its members; finds one that does not; repairs it through its owner")
    func repairs() async throws {
        let up = try await HeadwayUp.start()
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let pipeline = root.appending(path: "deploy/pipelines/task.json").path
        func headway(_ words: String...) async throws -> HeadwayBinary.Outcome {
            try await HeadwayBinary.run(words + ["--state", up.state])
        }
        #expect(
            try await headway("pipelines", "apply", pipeline).code
                == 0)
        for number in 0..<12 {
            _ = try await headway(
                "publish", "job.started", "v-\(number)", "pipeline=task", "bulk=v", "attempt=1")
        }
        let isCounted = await eventually(within: .seconds(10)) {
            (try? await headway("status", "v", "--json").output.contains(#""running":12"#)) ?? false
        }
        #expect(isCounted)
        let clean = try await headway("verify", "--deep")
        #expect(clean.code == 0)
        #expect(clean.output == "1 bulk and 12 members verified: every count equals its members\n")

        // Another hand takes a member out of the index: the share then tells one too many.
        let url = try String(decoding: FileAccess.read("\(up.state)/redis.url"), as: UTF8.self)
        let loop = EventLoop(name: "verify-test")
        let connection = try await RedisConnection.connect(
            to: RedisEndpoint(url: url.filter { !$0.isNewline }), on: loop)
        for partition in 0..<8 {
            var batch = CommandBatch()
            batch.add("ZPOPMIN", "hw:{\(partition)}:members:v")
            if try await connection.send(batch)[0].elements?.isEmpty == false { break }
        }
        let broken = try await headway("verify", "--bulk", "v")
        #expect(broken.code == 1)
        #expect(broken.output.contains("running, its members are"))
        let repaired = try await headway("verify", "--bulk", "v", "--repair")
        #expect(repaired.code == 0, "\(repaired.output)\(repaired.error)")
        #expect(repaired.output.contains("counted anew"))
        #expect(try await headway("status", "v", "--json").output.contains(#""running":11"#))
        await connection.close()
        await loop.stop()
    }
}
