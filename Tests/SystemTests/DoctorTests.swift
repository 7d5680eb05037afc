import EventLoop
import Foundation
import HeadwayCore
import HeadwayWire
import Redis
import TestSupport
import Testing

@testable import HeadwayCLI

/// Every finding that a real Redis can be made to give.
@Suite("headway doctor", .serialized, .timeLimit(.minutes(5)))
struct DoctorTests {
    private struct Answer {
        let code: CInt
        /// `error memory`, …
        var findings: Set<String> = []
        let text: String
    }

    private func doctor(_ scene: SpoolScene, _ more: [String] = [], url: String? = nil) async throws -> Answer
    {
        let outcome = try await HeadwayBinary.run(
            ["doctor", "--json", "--redis", url ?? scene.url] + more, within: .seconds(60))
        var answer = Answer(code: outcome.code, text: outcome.output + outcome.error)
        let json = try JSON(Array(outcome.output.utf8))
        #expect(json["exit"] == .number("\(outcome.code)"))
        guard case .array(let findings)? = json["findings"] else { return answer }
        for finding in findings {
            answer.findings.insert("\(finding["level"]?.string ?? "?") \(finding["check"]?.string ?? "?")")
        }
        return answer
    }

    @Test("a fit Redis with an aggregator: exit status 0, and only what is worth knowing")
    func fit() async throws {
        let scene = try await SpoolScene()
        _ = try await scene.fleet.client.send("CONFIG", "SET", "hash-max-listpack-value", "1024")
        let up = try await HeadwayBinary.start([
            "up", "--redis", scene.url, "--listen", "127.0.0.1:0", "--lease", "1s",
        ])
        #expect(await eventually(within: .seconds(30)) { up.output.contains("Stop it with") })
        let line = try #require(up.output.split(separator: "\n").first?.split(separator: " ").last)
        let answer = try await doctor(scene, ["--api", String(line)])
        #expect(answer.code == 0, "\(answer.text)")
        // A machine that is busy with tests may be slow to answer, and is told so.
        #expect(answer.findings.subtracting(["note latency"]).isEmpty, "\(answer.text)")
        let words = try await HeadwayBinary.run(["doctor", "--redis", scene.url])
        #expect(words.code == 0)
        #expect(
            words.output == "everything is as it should be\n" || words.output.hasPrefix("note     latency"))
        up.signal(SIGTERM)
        _ = await up.end()

        let away = try await doctor(scene, ["--api", String(line)])
        #expect(away.code == 1)
        #expect(away.findings.isSuperset(of: ["error owners", "error api"]), "\(away.text)")
        await scene.fleet.stop()
    }

    @Test("a Redis that is not there: exit status 2, and a sentence; wrong words: 2 as well")
    func away() async throws {
        let outcome = try await HeadwayBinary.run(["doctor", "--redis", "redis://127.0.0.1:1"])
        #expect(outcome.code == 2)
        #expect(outcome.output.contains("cannot reach Redis"))
        #expect(try await HeadwayBinary.run(["doctor", "word"]).code == 2)
        #expect(try await HeadwayBinary.run(["doctor", "--api", "ftp://x/y"]).code == 2)
    }

    @Test("settings that endanger the numbers, each told with what to do")
    func settings() async throws {
        let server = try await RedisServer.start(extra: ["--maxmemory-policy", "allkeys-lru"])
        let url = server.endpointURL
        let untouched = try await HeadwayBinary.run(["doctor", "--redis", url])
        #expect(untouched.code == 1)
        for words in ["eviction", "appendonly is off", "never used"] {
            #expect(untouched.output.contains(words))
        }
        let loop = EventLoop(name: "doctor-test")
        let connection = try await RedisConnection.connect(to: server.endpoint, on: loop)
        // It has looked, and made nothing.
        #expect(try await connection.send("DBSIZE").integer == 0)

        for (name, value, words) in [
            ("maxmemory", "100mb", "error    eviction"), ("appendonly", "yes", "appendfsync is everysec"),
            ("appendfsync", "no", "appendfsync is no"),
            ("min-replicas-to-write", "1", "error    replication"),
            ("maxmemory", "1mb", "error    memory"),
        ] {
            _ = try await connection.send("CONFIG", "SET", name, value)
            let outcome = try await HeadwayBinary.run(["doctor", "--redis", url])
            #expect(outcome.output.contains(words), "\(name): \(outcome.output)")
        }
        _ = try await connection.send("CONFIG", "SET", "min-replicas-to-write", "0")
        _ = try await connection.send("REPLICAOF", "127.0.0.1", "1")
        #expect(try await HeadwayBinary.run(["doctor", "--redis", url]).output.contains("error    role"))
        await connection.close()
        await loop.stop()
        await server.stop()
    }

    @Test("a replica that is not waited for")
    func replication() async throws {
        let primary = try await RedisServer.start(appendOnly: .always, tcp: true)
        let replica = try await RedisServer.start(
            extra: ["--replicaof", "127.0.0.1", "\(primary.port ?? 0)", "--repl-diskless-sync-delay", "0"])
        let isTold = await eventually(within: .seconds(30), every: .milliseconds(200)) {
            let outcome = try? await HeadwayBinary.run(["doctor", "--redis", primary.endpointURL])
            return outcome?.output.contains("1 replica, and min-replicas-to-write is 0") ?? false
        }
        #expect(isTold)
        await replica.stop()
        await primary.stop()
    }

    @Test("rights that a role lacks are named, and nothing is carried out to find out")
    func rights() async throws {
        let server = try await RedisServer.start(appendOnly: .always, tcp: true)
        let loop = EventLoop(name: "doctor-test")
        let connection = try await RedisConnection.connect(to: server.endpoint, on: loop)
        _ = try await connection.send("HSET", "hw:config", "partitions", "8", "wire", "1")
        _ = try await connection.send(
            "ACL", "SETUSER", "poor", "on", ">pw", "~hw:*", "&hw:*", "+@all", "-xtrim", "-publish",
            "-subscribe",
            "-config")
        let outcome = try await HeadwayBinary.run([
            "doctor", "--redis", "redis://poor:pw@127.0.0.1:\(server.port ?? 0)",
        ])
        #expect(
            outcome.output.contains("user poor lacks 2 rights of the role aggregator: XTRIM hw:{0}:events"))
        #expect(outcome.output.contains("of the role api: SUBSCRIBE hw:{0}:changes"), "\(outcome.output)")
        #expect(!outcome.output.contains("role worker"))
        #expect(outcome.output.contains("unknown  persistence"))
        #expect(try await connection.send("DBSIZE").integer == 1)
        let worker = try await HeadwayBinary.run([
            "doctor", "--role", "worker", "--redis", "redis://poor:pw@127.0.0.1:\(server.port ?? 0)",
        ])
        #expect(!worker.output.contains("lacks"))
        await connection.close()
        await loop.stop()
        await server.stop()
    }

    /// The file's tokens for one role: `+get`, `~hw:*`, `(%R~hw:config +hget)`, …
    private static func grants(of role: DoctorRights.Role) throws -> [[String]] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = try String(contentsOf: root.appending(path: "deploy/users.acl"), encoding: .utf8)
        let line = try #require(
            file.split(separator: "\n").first { $0.hasPrefix("user headway-\(role.rawValue) ") })
        // The first list is the user's own, each other one a selector.
        var lists: [[String]] = [[]]
        for word in line.split(separator: " ").dropFirst(2) {
            if word.hasPrefix("(") { lists.append([]) }
            let grant = word.trimmingCharacters(in: ["(", ")"])
            guard !["on", "resetkeys", "resetchannels", "-@all"].contains(grant) else { continue }
            lists[lists.count - 1].append(grant)
        }
        return lists
    }

    @Test(
        "each role's user of users.acl lacks nothing; without any one of its grants doctor names what is missing",
        arguments: DoctorRights.Role.allCases)
    func everyGrant(_ role: DoctorRights.Role) async throws {
        // Nothing fails without: database 0 is chosen already, a name is for people, a worker asks nobody.
        let spare = ["+select", "+client|setname"] + (role == .worker ? ["+ping"] : [])
        let server = try await RedisServer.start(appendOnly: .off, tcp: true)
        let loop = EventLoop(name: "doctor-test")
        let admin = try await RedisConnection.connect(to: server.endpoint, on: loop)
        func grant(_ lists: [[String]]) async throws {
            let selectors = lists.dropFirst().filter { !$0.isEmpty }.map { "(\($0.joined(separator: " ")))" }
            var batch = CommandBatch()
            batch.add("ACL", ["SETUSER", "probed", "reset", "on", ">pw"] + lists[0] + selectors)
            let replies = try await admin.send(batch)
            #expect(replies[0].error == nil, "\(replies[0].error ?? "") \(lists)")
        }
        let all = try Self.grants(of: role)
        try await grant(all)
        let probed = try await RedisConnection.connect(
            to: RedisEndpoint(url: "redis://probed:pw@127.0.0.1:\(server.port ?? 0)"), on: loop)
        #expect(try await DoctorRights.missing([role], "hw", over: probed) == [:])
        for (list, words) in all.enumerated() {
            for (place, word) in words.enumerated() where !spare.contains(word) {
                var less = all
                less[list].remove(at: place)
                try await grant(less)
                let missing = try await DoctorRights.missing([role], "hw", over: probed)
                #expect(missing?.isEmpty != true, "without \(word) nothing is missed")
            }
        }
        await probed.close()
        await admin.close()
        await loop.stop()
        await server.stop()
    }

    @Test("lost, refused, drifting, halted, expiring: what a namespace shows")
    func namespace() async throws {
        let scene = try await SpoolScene()
        let client = scene.fleet.client
        let keyspace = scene.fleet.keyspace
        let aggregator = try await scene.fleet.aggregator()
        for number in 1...6 {
            _ = try await HeadwayBinary.run([
                "publish", "--redis", scene.url, "job.started", "d-\(number)", "pipeline=task", "bulk=d",
                "attempt=1",
            ])
        }
        let id = JobID(unchecked: "d-1")
        let home = keyspace.partition(of: id)
        _ = try await client.send(
            "XADD", keyspace.events(home), "*", "type", "job.heartbeat", "subject", "d-1", "source", "s",
            "id", "4")
        _ = try await HeadwayBinary.run(["publish", "--redis", scene.url, "job.completed", "d-2"])
        _ = try await HeadwayBinary.run(["publish", "--redis", scene.url, "job.cancelled", "d-2"])
        #expect(try await scene.drained())
        #expect(
            try await eventually(within: .seconds(20)) {
                try await scene.field("status", of: "d-2") == "completed"
            })

        // Other hands.
        _ = try await client.send("PEXPIRE", keyspace.job(home, id), "100000")
        let ended = JobID(unchecked: "d-2")
        _ = try await client.send("PERSIST", keyspace.job(keyspace.partition(of: ended), ended))
        _ = try await client.send("ZREM", keyspace.members(home, BulkID(unchecked: "d")), "d-1")
        _ = try await client.send("HSET", keyspace.pipelines, "broken@1", "{")
        let answer = try await doctor(scene)
        #expect(answer.code == 1)
        for finding in [
            "warning lost", "warning rejected", "error drift", "error pipelines", "error ttl", "warning ttl",
        ] { #expect(answer.findings.contains(finding), "\(finding) in \(answer.text)") }
        #expect(answer.text.contains("3 events lost"))

        aggregator.kill()
        _ = try await client.send("HSET", keyspace.control(home), "next", "halted")
        let halted = try await doctor(scene)
        #expect(halted.findings.isSuperset(of: ["error halted"]), "\(halted.text)")
        await scene.fleet.stop()
    }

    @Test(
        "a spool that waits, one that is damaged, one of another namespace; and the command that it names mends it"
    )
    func spools() async throws {
        let scene = try await SpoolScene()
        let worker = try await SpoolPuppet.start(scene.url, spool: scene.spool)
        try await worker.ask("queue s 1 20")
        let held = try await doctor(scene, ["--spool", scene.spool])
        #expect(!held.findings.contains("warning spool"), "\(held.text)")
        await worker.kill()
        let name = try #require(scene.spools.first)
        let foreign = name.replacing("hw.8.", with: "other.8.")
        for copy in [foreign, name.replacing("hw.8.", with: "hw.8.x") + ".damaged"] {
            try FileManager.default.copyItem(
                atPath: "\(scene.spool)/\(name)", toPath: "\(scene.spool)/\(copy)")
        }
        let waiting = try await doctor(scene, ["--spool", scene.spool])
        #expect(waiting.text.contains("20 events of 1 dead process wait in"), "\(waiting.text)")
        #expect(waiting.text.contains("1 spool of another namespace"))
        #expect(waiting.findings.isSuperset(of: ["warning spool", "error spool"]))

        let aggregator = try await scene.fleet.aggregator()
        let drain = try await HeadwayBinary.run(["publish", "--redis", scene.url, "--spool", scene.spool])
        #expect(drain.code == 0, "\(drain.output)")
        let after = try await doctor(scene, ["--spool", scene.spool])
        #expect(!after.text.contains("wait in"), "\(after.text)")
        let none = try await doctor(scene, ["--spool", "/proc/none"])
        #expect(none.findings.contains("unknown spool"))
        aggregator.kill()
        await scene.fleet.stop()
    }
}
