import Foundation
import Glibc
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

/// Workers that are killed, and a Redis that loses what it has acknowledged. Real processes only.
@Suite("Spool of real processes", .serialized, .timeLimit(.minutes(5)))
struct SpoolSystemTests {
    @Test(
        "workers killed with -9 while Redis loses its tail: the spool replays everything, and nothing counts twice"
    )
    func killedWithTail() async throws {
        let scene = try await SpoolScene()
        var aggregator = try await scene.fleet.aggregator()
        var workers: [SpoolPuppet] = []
        for number in 0..<3 {
            let worker = try await SpoolPuppet.start(scene.url, spool: scene.spool)
            worker.say("work w\(number) 1 100000")
            workers.append(worker)
        }
        #expect(
            try await eventually(within: .seconds(60)) {
                // The aggregator is at work, too: what is lost is also its.
                let keys = try await scene.fleet.client.send("DBSIZE").integer ?? 0
                return keys >= 300 && workers.allSatisfy { $0.told("worked").count >= 150 }
            })
        for worker in workers { worker.running.signal(SIGSTOP) }
        // Its state is as old as its events: both are in the file that loses its end.
        aggregator.kill()
        let before = try await scene.fleet.client.send("DBSIZE").integer ?? 0
        for worker in workers {
            worker.running.signal(SIGCONT)
            worker.running.signal(SIGKILL)
            _ = await worker.running.end()
        }
        try await scene.loseTail(0.6)
        let after = try await scene.fleet.client.send("DBSIZE").integer ?? .max
        #expect(after < before, "Redis has lost nothing: the test tries nothing")
        #expect(scene.spools.count == 3)

        aggregator = try await scene.fleet.aggregator()
        let drain = try await HeadwayBinary.run(
            ["publish", "--redis", scene.url, "--spool", scene.spool], within: .seconds(90))
        #expect(drain.code == 0, "\(drain.output)\(drain.error)")
        #expect(drain.output.contains("everything is applied"))
        #expect(try await scene.drained())

        for worker in workers {
            let accepted = worker.told("worked")
            #expect(accepted.count >= 150)
            for id in accepted {
                let status = try await scene.field("status", of: id)
                let result = try await scene.field("result", of: id)
                #expect(status == "completed" && result == "made-\(id)", "\(id)")
            }
        }
        // A word that was applied twice would be late; one that is missing would be counted.
        #expect(try await scene.rejected() == 0)
        #expect(try await scene.lost() == 0)
        let verify = try await HeadwayBinary.run(["verify", "--deep", "--redis", scene.url])
        #expect(verify.code == 0, "\(verify.output)")
        aggregator.kill()
        await scene.fleet.stop()
    }

    @Test("without a spool what Redis loses of a killed worker is gone: its jobs end as lost by silence")
    func lostBySilence() async throws {
        let scene = try await SpoolScene()
        let short =
            #"{"name":"task","stages":[{"id":"work","range":[0,100]}],"heartbeat":"1s","lostAfter":"3s"}"#
        _ = try await scene.fleet.client.send("HSET", scene.fleet.keyspace.pipelines, "task@1", short)
        let worker = try await SpoolPuppet.start(scene.url, spool: nil)
        try await worker.ask("start early")
        try await worker.ask("flush")
        let kept = try await scene.stored().count
        try await worker.ask("work late 1 40")
        try await worker.ask("flush")
        #expect(try await scene.stored().count > kept)
        await worker.kill()
        // Only the first start stays.
        try await scene.loseTail(0.25)
        let left = try await scene.stored().count
        #expect(left >= kept && left < kept + 100)

        let aggregator = try await scene.fleet.aggregator()
        // After a take-over nobody is judged before everybody could speak again: a heartbeat and 10 s.
        #expect(
            try await eventually(within: .seconds(60), every: .milliseconds(200)) {
                try await scene.field("code", of: "early") == "worker_lost"
            })
        #expect(try await scene.field("status", of: "early") == "failed")
        // Of what is gone without a trace nobody can count anything: its source never speaks again.
        #expect(try await scene.field("status", of: "late-40") == nil)
        #expect(try await scene.lost() == 0)
        aggregator.kill()
        await scene.fleet.stop()
    }

    @Test(
        "a disk that refuses: work goes on, what is not in the spool is counted, and it is used again later")
    func fullDisk() async throws {
        let scene = try await SpoolScene()
        let limit = 128 << 10
        let worker = try await SpoolPuppet.start(
            scene.url, spool: scene.spool,
            through: ["prlimit", "--fsize=\(limit):unlimited", "env", "--ignore-signal=XFSZ"])
        try await worker.ask("queue full 1 3000")
        var stats = try await worker.stats()
        #expect(stats["fault"] == "spool")
        #expect(Int(stats["unspooled"] ?? "") ?? 0 > 0)
        #expect(Int(stats["bytes"] ?? "") ?? .max <= limit)
        try await worker.ask("flush")
        #expect(try await scene.stored().count == 3_000)

        let lift = try await TestSupport.ChildProcess.start(
            ["prlimit", "--pid", "\(worker.running.pid)", "--fsize=unlimited"])
        #expect(await eventually(within: .seconds(10)) { lift.exitStatus == 0 })
        #expect(
            try await eventually(within: .seconds(20), every: .milliseconds(200)) {
                try await worker.ask("queue probe 1 1")
                return try await worker.stats()["fault"] == "none"
            })
        stats = try await worker.stats()
        let unspooled = stats["unspooled"]
        try await worker.ask("queue after 1 100")
        stats = try await worker.stats()
        #expect(stats["unspooled"] == unspooled)
        #expect(stats["unacknowledged"] == "0" || Int(stats["unapplied"] ?? "") ?? 0 > 0)

        // What the file lacks are numbers between others: sent by the next process, they do not stop the rest.
        await worker.kill()
        let aggregator = try await scene.fleet.aggregator()
        let drain = try await HeadwayBinary.run(
            ["publish", "--redis", scene.url, "--spool", scene.spool], within: .seconds(90))
        #expect(drain.code == 0, "\(drain.output)\(drain.error)")
        #expect(try await scene.drained())
        #expect(try await scene.field("status", of: "after-100") == "queued")
        #expect(try await scene.lost() == 0)
        aggregator.kill()
        await scene.fleet.stop()
    }

    @Test(
        "headway publish --spool keeps what an absent aggregator has not applied; headway run --spool sends it"
    )
    func commands() async throws {
        let scene = try await SpoolScene()
        let queued = try await HeadwayBinary.run([
            "publish", "--redis", scene.url, "--spool", scene.spool, "job.queued", "c-1", "pipeline=task",
        ])
        #expect(queued.code == 0, "\(queued.error)")
        #expect(queued.output.contains("stored, not applied yet; kept in"))
        #expect(scene.spools.count == 1)
        // Redis forgets it all: only the file knows.
        for partition in 0..<8 {
            _ = try await scene.fleet.client.send("DEL", scene.fleet.keyspace.events(partition))
        }

        let aggregator = try await scene.fleet.aggregator()
        let run = try await HeadwayBinary.run(
            [
                "run", "--redis", scene.url, "--pipeline", "task", "--job", "c-2", "--stage", "work", "--",
                "true",
            ],
            environment: ["HEADWAY_SPOOL": scene.spool])
        #expect(run.code == 0, "\(run.error)")
        #expect(
            try await eventually(within: .seconds(20)) {
                try await scene.field("status", of: "c-1") == "queued"
            })
        #expect(try await scene.field("status", of: "c-2") == "completed")

        let wrong = try await HeadwayBinary.run([
            "publish", "--redis", scene.url, "--spool", "/proc/none", "job.queued", "c-3", "pipeline=task",
        ])
        #expect(wrong.code == 1)
        #expect(wrong.error.contains("/proc/none") && wrong.error.contains("name another directory"))
        aggregator.kill()
        await scene.fleet.stop()
    }
}
